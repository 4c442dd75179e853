"""Parameters from the schema that clients store with a deployment, and what somebody types for them."""

from typing import Any

import pytest

from podium.client.parameters import ABSENT, Parameter, chosen, parameters_of, read, shown

SCHEMA: dict[str, Any] = {
    "title": "Parameters",
    "type": "object",
    "required": ["day"],
    "properties": {
        "label": {"default": "x", "position": 9, "title": "label", "type": "string"},
        "day": {"description": "The day to load.", "format": "date", "position": 0, "title": "day", "type": "string"},
        "retries": {"default": 3, "position": 1, "title": "retries", "type": "integer"},
        "full": {"default": False, "position": 2, "title": "full", "type": "boolean"},
        "region": {"$ref": "#/definitions/Region", "default": "eu", "position": 3, "title": "region"},
        "older": {"allOf": [{"$ref": "#/definitions/Region"}], "default": "us", "position": 4, "title": "older"},
        "target": {
            "anyOf": [{"$ref": "#/definitions/Target"}, {"type": "null"}],
            "default": None,
            "position": 5,
            "title": "target",
        },
        "at": {"anyOf": [{"format": "date-time", "type": "string"}, {"type": "null"}], "position": 6, "title": "at"},
        "tables": {"default": ["a"], "items": {"type": "string"}, "position": 7, "title": "tables", "type": "array"},
        "several": {"anyOf": [{"type": "integer"}, {"type": "string"}], "position": 8, "title": "several"},
        "password": {"format": "password", "position": 10, "title": "password", "type": "string", "writeOnly": True},
    },
    "definitions": {
        "Region": {"enum": ["eu", "us"], "title": "Region", "type": "string"},
        "Target": {"properties": {"host": {"type": "string"}}, "title": "Target", "type": "object"},
    },
}


def found() -> dict[str, Parameter]:
    return {each.name: each for each in parameters_of(SCHEMA, {"label": "prod", "unknown": [1]})}


def test_they_come_in_the_order_of_the_function_with_what_they_take() -> None:
    kinds = {name: (each.kind, each.required, each.nullable) for name, each in found().items()}
    assert kinds == {
        "day": ("date", True, False),
        "retries": ("integer", False, False),
        "full": ("flag", False, False),
        "region": ("choice", False, False),
        "older": ("choice", False, False),
        "target": ("object", False, True),
        "at": ("moment", False, True),
        "tables": ("list", False, False),
        "several": ("any", False, False),
        "label": ("text", False, False),
        "password": ("text", False, False),
        "unknown": ("any", False, False),
    }
    assert found()["region"].choices == ("eu", "us")
    assert found()["day"].help == "The day to load."
    assert found()["target"].help == "Keys: host."
    assert found()["password"].secret


def test_a_value_of_the_deployment_stands_for_the_default_and_makes_nothing_required() -> None:
    assert shown(found()["label"]) == "prod"
    given = {each.name: each for each in parameters_of(SCHEMA, {"day": "2026-05-06"})}
    assert (shown(given["day"]), given["day"].required) == ("2026-05-06", False)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("day", "2026-05-06", "2026-05-06"),
        ("retries", " -7 ", -7),
        ("full", "yes", True),
        ("region", "us", "us"),
        ("target", '{"host": "a"}', {"host": "a"}),
        ("target", "null", None),
        ("at", "2026-05-06T07:08:09Z", "2026-05-06T07:08:09Z"),
        ("tables", '["a", "b"]', ["a", "b"]),
        ("several", "5", 5),
        ("several", "five", "five"),
        ("label", "5", "5"),
        ("label", "null", "null"),
        ("label", '""', ""),
        ("label", '"two\\nlines"', "two\nlines"),
        ("label", '"it" said', '"it" said'),
        ("retries", "", ABSENT),
    ],
)
def test_what_is_typed_becomes_the_value_of_its_kind(name: str, text: str, value: Any) -> None:
    assert read(found()[name], text) == value


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("day", "", "It is required."),
        ("day", "May 6", "Expected a date such as 2026-05-06, or yesterday."),
        ("retries", "3.5", "Expected a whole number."),
        ("retries", "null", "Expected a whole number."),
        ("full", "maybe", "Expected true or false."),
        ("region", "asia", "Expected one of eu, us."),
        ("target", "[1]", 'Expected a JSON object such as {"key": 1}.'),
        ("tables", "a, b", 'Expected a JSON list such as ["a", "b"]: JSON is malformed'),
        ("at", "soon", "'soon' is no moment"),
    ],
)
def test_what_cannot_be_read_says_what_is_expected(name: str, text: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        read(found()[name], text)
    assert str(caught.value).startswith(reason)


def test_only_what_differs_from_the_defaults_is_chosen() -> None:
    parameters = list(found().values())
    texts = {each.name: shown(each) for each in parameters}
    assert chosen(parameters, texts) == ({}, {"day": "It is required."})
    values, wrong = chosen(parameters, {**texts, "day": "2026-05-06", "retries": "5", "label": "", "full": "x"})
    assert values == {"day": "2026-05-06", "retries": 5}
    assert wrong == {"full": "Expected true or false."}


@pytest.mark.parametrize("value", ["", "null", '"quoted"', "two\nlines", "5", "plain text"])
def test_a_default_is_shown_as_it_would_be_typed(value: str) -> None:
    for kind in ("text", "any"):
        parameter = Parameter("p", kind, nullable=True, default=value)
        assert read(parameter, shown(parameter)) == value


@pytest.mark.parametrize(
    "schema",
    [None, {}, {"properties": None}, {"properties": {"a": None, "b": {"$ref": "#/definitions/B"}}, "definitions": {}}],
)
def test_a_schema_that_says_little_is_no_failure(schema: Any) -> None:
    assert all(each.kind == "any" for each in parameters_of(schema, {"a": 1}))


def test_a_schema_that_goes_in_circles_ends() -> None:
    schema = {"properties": {"a": {"$ref": "#/definitions/A"}}, "definitions": {"A": {"$ref": "#/definitions/A"}}}
    assert [each.kind for each in parameters_of(schema, {})] == ["any"]
