"""Every endpoint says what the contract says; what differs on purpose is listed with its reason."""

from collections.abc import Iterable
from types import NoneType
from typing import Any

import msgspec
import pytest

from podium.wire.block_documents import BlockDocumentFilter
from podium.wire.catalogue import ENDPOINTS, ROWS
from podium.wire.deployments import DeploymentCreate
from podium.wire.endpoint import Body, Endpoint
from podium.wire.filters import Equals
from tests.wire.contract import Comparison, document, json_schema, operations

OWN = {
    ("GET", "/podium/version"),
    ("GET", "/podium/status"),
    ("POST", "/podium/slots"),
    ("GET", "/automations/{id}/firings"),
    ("GET", "/automations/{id}/refusals"),
    ("POST", "/automations/test"),
    ("GET", "/flow_runs/{id}/explain"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("POST", "/notifications/"),
    ("GET", "/notifications/{id}"),
    ("GET", "/notifications/name/{name}"),
    ("POST", "/notifications/filter"),
    ("POST", "/notifications/count"),
    ("PATCH", "/notifications/{id}"),
    ("DELETE", "/notifications/{id}"),
    ("POST", "/notifications/{id}/test"),
    ("POST", "/webhooks/"),
    ("GET", "/webhooks/{id}"),
    ("GET", "/webhooks/name/{name}"),
    ("POST", "/webhooks/filter"),
    ("POST", "/webhooks/count"),
    ("PATCH", "/webhooks/{id}"),
    ("DELETE", "/webhooks/{id}"),
    ("POST", "/webhooks/{id}/rotate"),
    ("POST", "/webhooks/{id}/test"),
    ("POST", "/hooks/{secret}"),
    ("PUT", "/hooks/{secret}"),
    ("GET", "/hooks/{secret}"),
    ("POST", "/notification_deliveries/filter"),
    ("POST", "/notification_deliveries/count"),
    ("GET", "/notification_deliveries/{id}"),
    ("POST", "/notification_deliveries/{id}/replay"),
    ("DELETE", "/notification_deliveries/{id}"),
}
"""Rows of Podium's own, which the contract does not know."""

FORMATS = "the contract's prose restricts it more than its schema does"
NAME = "clients send null for a name to be made up"
ANCHOR = "null is the same as no anchor at all"
TRIGGER_ID = "a trigger has no id before the server gives it one"

STATUS_DEVIATIONS = {
    ("POST", "/templates/validate"): {204},  # what is answered in fact, where the document says 200 without a body
}
WIDTH = (": maximum [2147483647], in the contract none", ": minimum [-2147483648], in the contract none")
"""A column of 32 bits takes no more, so that one database answers as the other."""


def but_width(differences: Iterable[str]) -> list[str]:
    """The differences other than the ends of stored integers, in order."""
    return sorted(each for each in differences if not each.endswith(WIDTH))


BODY_DEVIATIONS = {
    "ArtifactCreate.key: pattern ['^[a-z0-9-]+$'], in the contract none": FORMATS,
    "BlockDocumentCreate.name: pattern ['^[a-z0-9-]+$'], in the contract ['^[^/%&><]+$']": FORMATS,
    "BlockTypeCreate.slug: pattern ['^[a-z0-9-]+$'], in the contract none": FORMATS,
    "Event.event: maxLength [1024], in the contract none": FORMATS,
    "VariableCreate.name: pattern ['^[a-z0-9_-]+$'], in the contract none": FORMATS,
    "VariableUpdate.name: pattern ['^[a-z0-9_-]+$'], in the contract none": FORMATS,
    "BlockDocumentFilter.is_anonymous: default None, in the contract {'eq_': False}": "made anew each time; see below",
    "CallWebhook.payload: array is taken": "JSON becomes its text",
    "CallWebhook.payload: null is taken": "nothing becomes an empty text",
    "CallWebhook.payload: object is taken": "JSON becomes its text",
    "CompoundTrigger-Input.id: null is taken": TRIGGER_ID,
    "EventTrigger-Input.id: null is taken": TRIGGER_ID,
    "IntervalSchedule-Input.anchor_date: null is taken": ANCHOR,
    "SequenceTrigger-Input.id: null is taken": TRIGGER_ID,
    "DeploymentFlowRunCreate.name: null is taken": NAME,
    "FlowRunCreate.name: null is taken": NAME,
    "TaskRunCreate.name: null is taken": NAME,
    "EventOccurredFilter.since: null is taken": "null is the default, which depends on the moment of asking",
    "EventOccurredFilter.until: null is taken": "null is the default, which depends on the moment of asking",
}
ANSWER_DEVIATIONS = {
    "CallWebhook.payload: may be array": "one type for both ways; it is text once it is read",
    "CallWebhook.payload: may be null": "one type for both ways; it is text once it is read",
    "CallWebhook.payload: may be object": "one type for both ways; it is text once it is read",
    "CompoundTrigger-Output.id: may be null": TRIGGER_ID,
    "EventTrigger-Output.id: may be null": TRIGGER_ID,
    "IntervalSchedule-Output.anchor_date: may be null": ANCHOR,
    "SequenceTrigger-Output.id: may be null": TRIGGER_ID,
    "SchemaValueIndexError.index: not required": "one type for both errors, which have no tag",
    "SchemaValueIndexError.property: not in the contract": "one type for both errors, which have no tag",
    "SchemaValuePropertyError.index: not in the contract": "one type for both errors, which have no tag",
    "SchemaValuePropertyError.property: not required": "one type for both errors, which have no tag",
}

BY_ROUTE: dict[tuple[str, str], Endpoint] = {(row.method, row.path): row for row in ENDPOINTS}
CONTRACT = {(method, path): operation for method, path, operation in operations()}
each_operation = pytest.mark.parametrize(
    ("row", "operation"),
    [pytest.param(BY_ROUTE[route], CONTRACT[route], id=" ".join(route)) for route in CONTRACT if route in BY_ROUTE],
)


def test_every_operation_has_one_row_and_every_row_an_operation() -> None:
    """All 187 operations of the contract are said, none twice, and nothing else but Podium's own."""
    routes = [(row.method, row.path) for row in ENDPOINTS]
    assert len(CONTRACT) == 187
    assert sorted(routes) == sorted(CONTRACT.keys() | OWN)


@each_operation
def test_statuses(row: Endpoint, operation: dict[str, Any]) -> None:
    """A row lists every status the contract documents, and its own among the good ones."""
    documented = {int(status) for status in operation["responses"]}
    extra = STATUS_DEVIATIONS.get((row.method, row.path), set())
    assert sorted([row.status, *row.statuses]) == sorted(documented | extra)
    assert 200 <= row.status < 300


@each_operation
def test_whether_there_is_a_body_and_whether_it_may_be_left_out(row: Endpoint, operation: dict[str, Any]) -> None:
    """A row takes a body exactly where the contract has one, and requires it exactly where the contract does."""
    request = operation.get("requestBody")
    assert (row.body is not None) == (request is not None)
    if request:
        assert row.body_required == request.get("required", False)


@each_operation
def test_whether_there_is_an_answer(row: Endpoint, operation: dict[str, Any]) -> None:
    """A row answers with JSON exactly where the contract does."""
    assert (row.answer is not None) == bool(operation["responses"].get(str(row.status), {}).get("content"))


@each_operation
def test_parameters(row: Endpoint, operation: dict[str, Any]) -> None:
    """Placeholders and query parameters are those of the contract, as are their types and which are required."""
    parameters = {(each["in"], each["name"]): each for each in operation.get("parameters", [])}
    assert set(row.names) == {name for place, name in parameters if place == "path"}
    uuids = {name for (place, name), each in parameters.items() if place == "path" and each["schema"].get("format")}
    assert set(row.ids) == uuids
    queries = {name: each for (place, name), each in parameters.items() if place == "query"}
    if row.query is None:
        assert queries == {}
        return
    required = [name for name, each in queries.items() if each.get("required")]
    schema = {"properties": {name: each["schema"] for name, each in queries.items()}, "required": required}
    comparison = Comparison("body")
    comparison.compare(row.query, {"type": "object", **schema}, row.path)
    assert {each for each in comparison.differences if "default" not in each} == set()


def test_bodies() -> None:
    """Every body takes the contract's fields with its types, limits and defaults, and requires what it requires."""
    comparison = Comparison("body")
    for route, operation in CONTRACT.items():
        schema = json_schema(operation.get("requestBody", {}).get("content"))
        if schema is not None:
            comparison.compare(BY_ROUTE[route].body, schema, " ".join(route))
    assert but_width(comparison.differences) == sorted(BODY_DEVIATIONS)


def test_answers() -> None:
    """Every answer has the contract's fields with its types, null where the contract says null, and nothing else."""
    comparison = Comparison("answer")
    for route, operation in CONTRACT.items():
        row = BY_ROUTE[route]
        schema = json_schema(operation["responses"].get(str(row.status), {}).get("content"))
        if schema is not None and row.answer is not NoneType:
            comparison.compare(row.answer, schema, " ".join(route))
    assert sorted(comparison.differences) == sorted(ANSWER_DEVIATIONS)


def test_defaults_of_a_deployment() -> None:
    """A new deployment gets the contract's defaults for what was not sent, though its body tells the two apart."""
    body = msgspec.convert({"name": "daily", "flow_id": "019a0000-0000-7000-8000-000000000000"}, DeploymentCreate)
    assert body.sent().keys() == {"name", "flow_id"}
    contract = document()["components"]["schemas"]["DeploymentCreate"]["properties"]
    filled = body.filled()
    assert filled.keys() == contract.keys()
    for name, schema in contract.items():
        if name not in ("name", "flow_id"):
            nullable = {"type": "null"} in schema.get("anyOf", [])
            empty: Any = None if nullable else {"array": [], "object": {}}.get(schema.get("type"))
            assert filled[name] == schema.get("default", empty), name


def test_anonymous_block_documents_are_left_out_unless_asked_for() -> None:
    """A filter that does not speak of anonymous documents excludes them; null includes them."""
    assert msgspec.convert({}, BlockDocumentFilter).is_anonymous == Equals(eq_=False)
    assert msgspec.convert({"is_anonymous": None}, BlockDocumentFilter).is_anonymous is None


def test_the_comparison_tells_what_differs() -> None:
    """Guard of the tests above: a body that is wrong in every way is told for each."""

    class Wrong(Body):
        tags: list[int] = msgspec.field(default_factory=list)
        labels: dict[str, str] = msgspec.field(default_factory=dict)
        colour: str = "blue"

    comparison = Comparison("body")
    comparison.compare(Wrong, {"$ref": "#/components/schemas/FlowCreate"}, "wrong")
    assert comparison.differences == {
        "FlowCreate.name: no such field",
        "FlowCreate.colour: not in the contract",
        "FlowCreate.tags[]: no string",
        "FlowCreate.tags[]: integer is taken",
        "FlowCreate.labels: no null",
        "FlowCreate.labels{}: no boolean",
        "FlowCreate.labels{}: no number",
    }


def test_each_permission_is_deliberate() -> None:
    """What asks is open to readers, what runs to operators; only definitions need an editor, the server an admin."""
    names: dict[str, set[str]] = {}
    for name, row in ROWS.items():
        names.setdefault(row.permission, set()).add(name)
    asked_by_those_without = {"root.HEALTH", "root.READY", "root.VERSION"}
    with_a_secret = {"webhooks.CALL", "webhooks.CALL_BY_PUT", "webhooks.CALL_BY_GET"}
    assert names["open"] == asked_by_those_without | with_a_secret
    assert names["admin"] == {"admin.READ_SETTINGS", "admin.SET_STORAGE", "admin.CLEAR_STORAGE"}
    changing = {name for name in names["read"] if ROWS[name].method in ("PUT", "PATCH", "DELETE")}
    assert changing == set()
    assert {"flows.CREATE", "flow_runs.SET_STATE", "logs.CREATE", "events.CREATE"} <= names["operate"]
    assert {"deployments.CREATE", "variables.UPDATE", "automations.REPLACE"} <= names["edit"]


def test_a_url_is_the_path_with_its_values_encoded() -> None:
    """Names with slashes or blanks stay one part of the path."""
    row = ROWS["deployments.READ_BY_NAME"]
    assert row.url(flow_name="a/b", deployment_name="c d") == "/deployments/name/a%2Fb/c%20d"
