"""The OpenAPI document of the API: valid, complete, and the same that the contract says."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from podium.wire import openapi
from podium.wire.catalogue import ENDPOINTS, ROWS
from podium.wire.endpoint import Endpoint
from tests.wire import test_contract
from tests.wire.contract import Comparison, json_schema, operations

METHODS = ("get", "post", "put", "patch", "delete")
EVERYWHERE = {400, 401, 503}
"""What any operation that asks for credentials may answer: wrong version or credentials, database away."""


@cache
def document() -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(openapi.encoded("/api"))
    return decoded


def described() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each (method, path, operation) of our document."""
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


OURS = {(method, path): operation for method, path, operation in described()}
THEIRS = {(method, path): operation for method, path, operation in operations()}
each_operation = pytest.mark.parametrize("route", [pytest.param(route, id=" ".join(route)) for route in THEIRS])


def within(thing: Any) -> Iterator[dict[str, Any]]:
    """Every object of the document, at any depth."""
    if isinstance(thing, dict):
        yield thing
    for each in thing.values() if isinstance(thing, dict) else thing if isinstance(thing, list) else ():
        yield from within(each)


def target(reference: str) -> Any:
    """What a reference leads to; KeyError if nowhere."""
    found: Any = document()
    for key in reference.removeprefix("#/").split("/"):
        found = found[key]
    return found


def resolved(response: dict[str, Any]) -> dict[str, Any]:
    return target(response["$ref"]) if "$ref" in response else response


def test_it_is_a_valid_document() -> None:
    """It conforms to the schema of OpenAPI 3.1, and every schema in it to JSON Schema 2020-12."""
    validator = jsonschema_rs.validator_for(OPENAPI_31)
    assert [error.message for error in validator.iter_errors(document())] == []
    for schema in document()["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)


def test_it_describes_every_operation_once() -> None:
    """All 187 operations of the contract and our own, each with a name of its own, a sentence and a known tag."""
    assert len(THEIRS) == 187
    assert OURS.keys() == {(row.method, row.path) for row in ENDPOINTS} > THEIRS.keys()
    names = [operation["operationId"] for operation in OURS.values()]
    assert len(set(names)) == len(ROWS) == len(names)
    assert all(re.fullmatch("[a-z0-9_]+", name) for name in names)
    tags = [tag["name"] for tag in document()["tags"]]
    assert len(set(tags)) == len(tags)
    assert all(tag["description"] for tag in document()["tags"])
    for operation in OURS.values():
        assert operation["summary"]
        assert set(operation["tags"]) <= set(tags)


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    """References, also those that tell the members of a union apart."""
    used = {each["$ref"] for each in within(document()) if isinstance(each.get("$ref"), str)}
    for each in within(document()):
        used |= set(each.get("discriminator", {}).get("mapping", {}).values())
    for reference in used:
        assert target(reference)
    for kind in ("schemas", "responses"):
        assert {f"#/components/{kind}/{name}" for name in document()["components"][kind]} <= used


def test_patterns_and_names_are_plain() -> None:
    """Nothing that only Python or msgspec would understand."""
    assert all(re.fullmatch(r"[A-Za-z0-9_]+", name) for name in document()["components"]["schemas"])
    patterns = {each["pattern"] for each in within(document()) if isinstance(each.get("pattern"), str)}
    assert patterns
    assert not any("(?" in pattern for pattern in patterns)


@each_operation
def test_parameters(route: tuple[str, str]) -> None:
    """Those of the contract, in the same places, required where it requires them."""
    ours, theirs = (
        {(each["in"], each["name"], each.get("required", False)) for each in operation.get("parameters", [])}
        for operation in (OURS[route], THEIRS[route])
    )
    if route == ("GET", "/ready"):  # open to those who speak no version of the API
        theirs -= {("header", "x-prefect-api-version", False)}
    assert ours == theirs


@each_operation
def test_statuses(route: tuple[str, str]) -> None:
    """Those of the contract, and what every operation may answer besides."""
    documented = {int(status) for status in THEIRS[route]["responses"]}
    further = next(set(row.further) for row in ENDPOINTS if (row.method, row.path) == route)
    extra = test_contract.STATUS_DEVIATIONS.get(route, set()) | EVERYWHERE | ({403} if route[0] != "GET" else set())
    found = {int(status) for status in OURS[route]["responses"]}
    assert documented | further <= found <= documented | further | extra
    assert not documented & further


def test_bodies() -> None:
    """What the document says of bodies is what the contract says, but for the known differences."""
    comparison = Comparison("body")
    for route, operation in THEIRS.items():
        request = OURS[route].get("requestBody", {})
        theirs = json_schema(operation.get("requestBody", {}).get("content"))
        assert bool(request) == (theirs is not None)
        if theirs is not None:
            assert request["required"] == operation["requestBody"].get("required", False)
            ours = request["content"]["application/json"]["schema"]
            comparison.compare_schema(ours, document()["components"]["schemas"], theirs, " ".join(route))
    assert test_contract.but_width(comparison.differences) == sorted(test_contract.BODY_DEVIATIONS)


def test_answers() -> None:
    """What the document says of answers is what the contract says, but for the known differences."""
    comparison = Comparison("answer")
    for route, operation in THEIRS.items():
        for status, answer in operation["responses"].items():
            theirs = json_schema(answer.get("content"))
            ours = json_schema(resolved(OURS[route]["responses"][status]).get("content"))
            if int(status) < 400:
                assert (ours is None) == (theirs is None)
                if ours is not None and theirs is not None and ours != {"type": "null"}:
                    comparison.compare_schema(ours, document()["components"]["schemas"], theirs, " ".join(route))
    assert sorted(comparison.differences) == sorted(test_contract.ANSWER_DEVIATIONS)


def test_refusals_have_a_shape() -> None:
    """Every refusal of every operation says what stands in it; those that ask for patience say how long."""
    for operation in OURS.values():
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                refusal = resolved(response)
                assert json_schema(refusal["content"])
                assert ("Retry-After" in refusal.get("headers", {})) == (status in ("423", "503"))


def test_an_answer_has_its_fields_also_where_they_have_defaults() -> None:
    """A reader may rely on them; a body's may be left out."""
    components = document()["components"]["schemas"]
    assert set(components["FlowRun"]["required"]) == components["FlowRun"]["properties"].keys()
    assert components["FlowRunCreate"]["required"] == ["flow_id"]


def test_it_names_where_the_api_is() -> None:
    """Also where that is the root of the server."""
    assert openapi.document("/own/api")["servers"] == [{"url": "/own/api"}]
    assert openapi.document("")["servers"] == [{"url": "/"}]


def test_a_refusal_of_its_own_shape_is_described() -> None:
    """What is wrong with a template is told by line."""
    route = Endpoint(method="POST", path="/templates/validate", summary="")
    schema = json_schema(OURS[route.method, route.path]["responses"]["422"]["content"])
    assert schema is not None
    assert {"$ref": "#/components/schemas/InvalidTemplate"} in schema["anyOf"]
