"""Nothing a caller sends is an error of the server: what is bad is 4xx in the contract's shape, and stores nothing.

Two servers, one on each database, are asked the same, and have to answer with the same status. The bodies are derived
from the endpoint rows (``hostile.py``).
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import msgspec.inspect as types
import pytest
from sqlalchemy import func, literal, select, union_all

from podium.db.connections import open_engine
from podium.db.options import Options
from podium.db.tables import metadata
from podium.wire.catalogue import ROWS
from podium.wire.endpoint import Endpoint
from tests import backing
from tests.contract import hostile
from tests.contract.seeds import Seeds
from tests.server.conftest import LiveServer, settings_for

COUNTS = union_all(*(select(literal(name), func.count()).select_from(table) for name, table in metadata.tables.items()))
WITH_BODY = sorted(name for name, row in ROWS.items() if row.body is not None)


class Side:
    """One server with one of each thing, and what its tables hold."""

    def __init__(self, url: str, stack: ExitStack) -> None:
        server = stack.enter_context(LiveServer(settings_for(url), with_services=False))
        self.api = stack.enter_context(httpx.Client(base_url=server.url, timeout=30))
        self.engine = open_engine(url, Options())
        stack.callback(self.engine.dispose)
        self.seeds = Seeds(self.api)

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        with self.engine.connect() as connection:
            return dict(connection.execute(COUNTS).all())  # type: ignore[arg-type]

    def send(self, row: Endpoint, content: bytes | None, **headers: str) -> httpx.Response:
        """Sends a body to an operation on something that exists."""
        url = row.url(**self.seeds.path(row.path, row.names))
        return self.api.request(row.method, url, content=content, headers=headers)


@pytest.fixture(scope="module")
def sides(
    migrated_sqlite: Path, migrated_postgres: str, postgres: backing.Postgres, tmp_path_factory: Any
) -> Iterator[tuple[Side, Side]]:
    """A server on SQLite and one on PostgreSQL."""
    path = tmp_path_factory.mktemp("hostile") / "podium.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    with ExitStack() as stack:
        url = stack.enter_context(postgres.database(template=migrated_postgres.rpartition("/")[2]))
        yield Side(f"sqlite+aiosqlite:///{path}", stack), Side(url, stack)


WALKED: set[Any] = set()
PLACES = {
    name: [place.path for place in hostile.places(types.type_info(ROWS[name].body), {}, WALKED)] for name in WITH_BODY
}
"""The places of each operation; an object that several take is looked into once."""


def chosen(name: str, side: Side) -> list[hostile.Place]:
    wanted = set(PLACES[name])
    found = hostile.places(types.type_info(ROWS[name].body), side.seeds.known, set())
    return [place for place in found if place.path in wanted]


def refusal(answer: httpx.Response) -> str:
    """What is wrong with an answer that should be a refusal in the contract's shape; empty when nothing is."""
    if not 400 <= answer.status_code < 500:
        return f"answers {answer.status_code}"
    body = answer.json()
    shapes = ({"detail"}, {"exception_message"}, {"exception_message", "exception_detail", "request_body"})
    return "" if body.keys() in shapes else f"answers {answer.text[:200]}"


@pytest.mark.parametrize("name", WITH_BODY)
def test_a_value_of_another_type_is_refused_by_its_field(sides: tuple[Side, Side], name: str) -> None:
    """Each place of each body; and none of it is stored."""
    row, faults = ROWS[name], []
    before = [side.counts() for side in sides]
    for side in sides:
        for place in chosen(name, side):
            for value in hostile.wrong(place.kind):
                answer = side.send(row, hostile.written(place.build(value)))
                fault = refusal(answer) or misplaced(answer.json(), place.path)
                if fault:
                    faults.append(f"{place.path} = {hostile.name(value)}: {fault}")
    assert not faults, "\n".join(dict.fromkeys(faults))
    assert [side.counts() for side in sides] == before


def misplaced(body: Any, path: hostile.Path) -> str:
    """Whether the refusal names another field; of the keys of a free object (``key``) none is told."""
    if "exception_detail" not in body:
        return f"names no field: {body}"
    loc = body["exception_detail"][0]["loc"]
    near = list(path[: path.index("key")]) if "key" in path else list(path)
    return "" if loc[0] == "body" and loc[1 : len(near) + 1] == near else f"names {loc}"


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_BODY)
def test_an_odd_value_is_taken_or_refused_alike(sides: tuple[Side, Side], name: str) -> None:
    """Texts, numbers, moments and trees at the ends of what can be said; what is refused stores nothing."""
    row, faults = ROWS[name], []
    refused: list[list[bytes]] = [[], []]
    weighed: set[str] = set()
    for places in zip(*(chosen(name, side) for side in sides), strict=True):
        values = list(hostile.odd(places[0].kind))
        if (kinds := hostile.kinds_of(places[0].kind)) and not kinds <= weighed:
            weighed |= kinds
            values += hostile.heavy(places[0].kind)
        for value in values:
            bodies = [hostile.written(place.build(value)) for place in places]
            answers = [side.send(row, body) for side, body in zip(sides, bodies, strict=True)]
            told = [answer.status_code for answer in answers]
            wrong = "" if told[0] == told[1] else f"differ {[answer.text[:150] for answer in answers]}"
            for answer, body, kept in zip(answers, bodies, refused, strict=True):
                if not answer.is_success:
                    wrong = wrong or refusal(answer)
                if answer.status_code in (400, 422):
                    kept.append(body)
            if wrong:
                faults.append(f"{places[0].path} = {hostile.name(value)}: {told} {wrong}")
    before = [side.counts() for side in sides]
    for side, bodies in zip(sides, refused, strict=True):
        assert {side.send(row, body).status_code for body in bodies} <= {400, 404, 409, 422, 423}
    assert [side.counts() for side in sides] == before, "what is refused stores something"
    assert not faults, "\n".join(dict.fromkeys(faults))


NAMES = (
    "..",
    ".",
    "\0",
    "a\0b",
    "\x1b",
    " ",
    "x" * 5000,
    "\U0001f600" * 100,
    "%2e%2e",
    "a/b",
    "1' OR '1'='1",
    "{{ x }}",
)
QUERY = (
    "",
    "\0",
    "x" * 5000,
    "true",
    "-1",
    "99999999999999999999",
    "0000-00-00",
    "10000-01-01T00:00:00Z",
    "\U0001f600",
)


@pytest.mark.parametrize("name", sorted(name for name, row in ROWS.items() if row.names or row.query is not None))
def test_odd_paths_and_parameters_are_taken_or_refused_alike(sides: tuple[Side, Side], name: str) -> None:
    """Each placeholder and each parameter; nothing is made or deleted by what is refused."""
    row = ROWS[name]
    before, taken = [side.counts() for side in sides], False
    for asked in _asked(row):
        answers = []
        for side in sides:
            path, query = asked(side.seeds.path(row.path, row.names))
            content = None if row.body is None else b"{" if row.body_required else b'{"limit": "x"}'
            answers.append(side.api.request(row.method, row.url(**path), params=query, content=content))
        assert answers[0].status_code == answers[1].status_code, asked(dict.fromkeys(row.names))
        assert all(answer.is_success or not refusal(answer) for answer in answers), answers[0].text
        taken = taken or answers[0].is_success
    # A thing may have an odd name by now, under which it is found.
    assert taken or [side.counts() for side in sides] == before


def _asked(row: Endpoint) -> Iterator[Callable[[dict[str, Any]], tuple[dict[str, Any], dict[str, str]]]]:
    """Ways to make, of a good path, an odd path and query."""
    for each in row.names:
        for value in NAMES:
            yield lambda path, each=each, value=value: ({**path, each: value}, {})  # type: ignore[misc]
    if row.query is not None:
        for field in types.type_info(row.query).fields:  # type: ignore[attr-defined]
            for value in QUERY:
                yield lambda path, field=field, value=value: (path, {field.encode_name: value})  # type: ignore[misc]


@pytest.mark.parametrize("media", ["text/plain", "application/xml", "multipart/form-data", "?", "application/jsonp"])
@pytest.mark.parametrize("name", ["flows.CREATE", "flow_runs.BULK_DELETE", "flow_runs.SET_STATE"])
def test_a_body_that_does_not_say_json_is_refused(sides: tuple[Side, Side], name: str, media: str) -> None:
    """By the header that says so; a filter that is not read would match everything."""
    before = [side.counts() for side in sides]
    for side in sides:
        answer = side.send(ROWS[name], b"{}", **{"content-type": media})
        assert answer.status_code == 422
        assert answer.json()["exception_detail"][0]["loc"] == ["header", "content-type"]
    assert [side.counts() for side in sides] == before
