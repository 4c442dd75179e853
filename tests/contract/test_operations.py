"""Every operation of the contract, on a live server with each kind of database.

A journey calls all of them on data made through the API, with bodies that have every field the contract knows, and
each answer is held against the contract's schema, closed to fields it does not name. What differs on purpose is read
from the table under "Operations" in docs/compatibility.md, where each line has its reason.
"""

import re
from uuid import uuid4

import httpx
import pytest

from tests.architecture.sources import ROOT
from tests.contract.exchanges import OPERATIONS, PLACEHOLDER, UUIDS, Conversation, body_schema, faults
from tests.contract.journey import walk
from tests.contract.samples import sample
from tests.server.conftest import LiveServer, settings_for

TABLE = re.compile(r"^## Operations$(.*?)(?:^## |\Z)", re.MULTILINE | re.DOTALL)
LINE = re.compile(r"^\| `([A-Z]+ /\S*)` \| (.+?) \| (.+?) \|$", re.MULTILINE)
NOTHING_THERE = {
    "POST /flow_runs/{id}/input/filter": 200,  # an empty list
    "POST /v2/concurrency_limits/leases/{lease_id}/renew": 410,  # what the client takes for a lease that ended
}
"""The operations that do not answer 404 for an id nothing has."""

each_operation = pytest.mark.parametrize("operation", sorted(OPERATIONS))


def deviations() -> dict[str, set[str]]:
    """What differs on purpose, by operation."""
    found: dict[str, set[str]] = {}
    section = TABLE.search((ROOT / "docs" / "compatibility.md").read_text("utf-8"))
    for operation, difference, _ in LINE.findall(section[1] if section else ""):
        found.setdefault(operation, set()).add(difference)
    return found


@pytest.fixture(scope="module")
def journey(api: httpx.Client) -> Conversation:
    talk = Conversation(api)
    walk(talk)
    return talk


@each_operation
def test_it_answers_with_the_shape_of_the_contract(journey: Conversation, operation: str) -> None:
    """Taking every input of the contract; what differs is told in the documentation, and nothing else is."""
    assert operation in journey.statuses, "the journey does not call it"
    assert set(journey.faults[operation]) == deviations().get(operation, set())


def test_every_deviation_is_of_an_operation_and_has_its_reason() -> None:
    """The table names no operation that the contract does not have, and no line of it is unreadable."""
    section = TABLE.search((ROOT / "docs" / "compatibility.md").read_text("utf-8"))
    assert section is not None
    rows = [line for line in section[1].splitlines() if line.startswith("| `")]
    assert len(rows) == len(LINE.findall(section[1]))
    assert deviations().keys() <= OPERATIONS.keys()


@pytest.mark.parametrize("operation", sorted(each for each, names in UUIDS.items() if names))
def test_what_is_not_there_is_not_found(api: httpx.Client, operation: str) -> None:
    """An id nothing has is 404 or what the contract says of it; one that is none is 404."""
    schema = body_schema(operation)
    body = None if schema is None else sample(schema)
    names = PLACEHOLDER.findall(operation)
    for unknown in (str(uuid4()), "no-id"):
        path = {name: unknown if name in UUIDS[operation] else "day" for name in names}
        answer = Conversation(api).send(operation, body, **path)
        expected = 404 if unknown == "no-id" else NOTHING_THERE.get(operation, 404)
        assert answer.status_code == expected, f"{unknown}: {answer.text}"
        assert faults(operation, answer) == []


@pytest.mark.parametrize(
    "operation", sorted(each for each, described in OPERATIONS.items() if described.get("requestBody"))
)
def test_what_is_no_body_is_refused(api: httpx.Client, operation: str) -> None:
    """Broken JSON, JSON of another kind, and none where one is required are 422 in the contract's words."""
    method, _, template = operation.partition(" ")
    url = PLACEHOLDER.sub(lambda match: str(uuid4()) if match[1] in UUIDS[operation] else "day", template)
    wrong = [b"{", b'"\xff"', b"3"]
    if OPERATIONS[operation]["requestBody"].get("required"):
        wrong.append(b"")
    for content in wrong:
        answer = api.request(method, url, content=content, headers={"content-type": "application/json"})
        assert answer.status_code == 422, f"{content!r}: {answer.text}"
        assert faults(operation, answer) == []


def test_a_csrf_token_has_its_shape_too(module_database_url: str) -> None:
    """It is handed out only where the protection is on."""
    settings = settings_for(module_database_url, PODIUM_SERVER_API_CSRF_PROTECTION_ENABLED=True)
    with LiveServer(settings, with_services=False) as server, httpx.Client(base_url=server.url) as api:
        talk = Conversation(api)
        talk.ask("GET /csrf-token", query={"client": "me"})
        assert talk.faults == {"GET /csrf-token": []}


def test_what_differs_is_seen() -> None:
    """Guard of the tests above: a field too many, one too few, one of another type, another status, a body for none."""
    flow = {"id": str(uuid4()), "name": "etl", "created": None, "updated": None, "tags": [], "labels": {}}
    operation = "GET /flows/{id}"
    assert faults(operation, httpx.Response(200, json=flow)) == []
    wrong = [{**flow, "colour": "blue"}, {"id": flow["id"]}, {**flow, "tags": [1]}, {**flow, "id": "none"}]
    for body in wrong:
        assert faults(operation, httpx.Response(200, json=body)) != [], body
    assert faults(operation, httpx.Response(418)) == ["answers 418"]
    assert faults("DELETE /flows/{id}", httpx.Response(204, text="x")) == ["answers 204 with a body"]
