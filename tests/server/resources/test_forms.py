"""Checking what was filled into a form, over HTTP."""

from typing import Any

import httpx
import pytest

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "size": {"type": "integer", "minimum": 3, "multipleOf": 2},
        "days": {"type": "array", "items": {"type": "integer"}},
        "place": {"allOf": [{"$ref": "#/definitions/Place"}]},
        "other": {"anyOf": [{"$ref": "#/definitions/Place"}, {"type": "null"}]},
    },
    "required": ["size"],
    "definitions": {
        "Place": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def _check(api: httpx.Client, values: Any, schema: Any = None) -> Any:
    answer = api.post("/ui/schemas/validate", json={"schema": schema or SCHEMA, "values": values})
    assert answer.status_code == 200, answer.text
    verdict = answer.json()
    assert verdict["valid"] == (verdict["errors"] == [])
    return verdict["errors"]


def _stands(kind: str, **values: Any) -> dict[str, Any]:
    return {"__prefect_kind": kind, **values}


def _places(errors: Any) -> Any:
    """The tree without its texts: what is told at which property or index."""
    return {
        each.get("property", each.get("index")): _places(each["errors"]) for each in errors if not isinstance(each, str)
    } or len(errors)


@pytest.mark.parametrize(
    "values",
    [{"size": 4}, {"size": 4, "days": None, "other": None, "more": 1}, {"size": 4.0, "place": {"city": "Oslo"}}],
)
def test_values_that_fit(api: httpx.Client, values: Any) -> None:
    """What need not be given may be null, and what the schema does not speak of may be anything."""
    assert _check(api, values) == []


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ({}, {"size": 1}),
        ({"size": None}, {"size": 1}),
        ({"size": 1}, {"size": 2}),
        ({"size": 4, "days": [1, "b", 2, "c"]}, {"days": {1: 1, 3: 1}}),
        ({"size": 4, "place": {}}, {"place": {"city": 1}}),
        ({"size": 4, "other": {"city": 1}}, {"other": {"city": 1}}),
        ({"size": "x", "place": 3}, {"size": 1, "place": 1}),
    ],
)
def test_each_error_is_told_at_its_place(api: httpx.Client, values: Any, places: Any) -> None:
    """All of them, in a tree that follows the values; what is missing at the place where it is missing."""
    assert _places(_check(api, values)) == places


def test_an_error_of_the_whole_is_a_text(api: httpx.Client) -> None:
    """Such as a field that is not allowed."""
    [text] = _check(api, {"size": 4, "more": 1}, {**SCHEMA, "additionalProperties": False})
    assert "more" in text


def test_values_may_stand_for_others(api: httpx.Client) -> None:
    """JSON and variables are looked at as what they are; of a template the syntax."""
    api.post("/variables/", json={"name": "form_size", "value": 4})
    for size in (
        _stands("json", value="4"),
        _stands("json", value=4),
        _stands("none", value=4),
        _stands("workspace_variable", variable_name="form_size"),
        _stands("jinja", template="{{ event.payload.size }}"),
        _stands("json", value=_stands("jinja", template="{{ event.payload.size }}")),
    ):
        assert _check(api, {"size": size}) == [], size


@pytest.mark.parametrize(
    "size",
    [
        _stands("json", value="5"),
        _stands("json", value="{"),
        _stands("jinja", template="{{ "),
        _stands("jinja"),
        _stands("none"),
        _stands("workspace_variable", variable_name="unknown"),
    ],
)
def test_what_stands_for_nothing_is_told_at_its_place(api: httpx.Client, size: Any) -> None:
    """Once, without what the schema would say about it, in properties and in lists."""
    assert _places(_check(api, {"size": size})) == {"size": 1}
    days = [1, size] if size != _stands("json", value="5") else [1, _stands("json", value="true")]
    assert _places(_check(api, {"size": 4, "days": days})) == {"days": {1: 1}}


def test_what_is_still_to_be_filled_in_counts_as_left_out(api: httpx.Client) -> None:
    """An optional field may stay so; the others are missing."""
    for empty in (_stands("json"), _stands("workspace_variable")):
        assert _check(api, {"size": 4, "other": empty, "days": [1, empty]}) == []
        assert _places(_check(api, {"size": empty})) == {"size": 1}


@pytest.mark.parametrize(
    "schema",
    [{"type": "nonsense"}, {"properties": 3}, {"$ref": "http://127.0.0.1:9/x"}, {"$ref": "#/missing"}],
)
def test_a_schema_that_is_none_is_refused(api: httpx.Client, schema: Any) -> None:
    """In words, and without asking other servers."""
    answer = api.post("/ui/schemas/validate", json={"schema": schema, "values": {}})
    assert (answer.status_code, list(answer.json())) == (422, ["detail"])


@pytest.mark.parametrize("part", ["schema", "values"])
def test_values_nested_without_end_are_refused(api: httpx.Client, part: str) -> None:
    """With a 422, at any depth that a body can have."""
    for depth in (100, 480, 900):
        nested: dict[str, Any] = {}
        for _ in range(depth):
            nested = {"properties": nested}
        answer = api.post("/ui/schemas/validate", json={"schema": {}, "values": {}, part: nested})
        assert answer.status_code in (200, 422)
        assert depth < 900 or answer.status_code == 422
