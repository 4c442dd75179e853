"""What fits a schema and what does not."""

import pytest

from podium.server.operations.parameters import BadSchema, failure

SCHEMA = {
    "type": "object",
    "properties": {
        "n": {"type": "integer", "position": 0, "title": "n"},
        "pair": {"type": "array", "items": [{"type": "integer"}, {"type": "string"}]},
        "nested": {"$ref": "#/definitions/Nested"},
        "choice": {"enum": ["a", "b"]},
    },
    "required": ["n"],
    "definitions": {"Nested": {"type": "object", "properties": {"x": {"type": "number"}}}},
}


def test_what_fits() -> None:
    assert failure({"n": 1}, SCHEMA) is None
    assert failure({"n": 1, "pair": [1, "a"], "nested": {"x": 1.5}, "choice": "a"}, SCHEMA) is None
    assert failure({"n": 1, "pair": None, "nested": {"x": None}, "choice": None}, SCHEMA) is None
    assert failure({"n": 1, "extra": 1}, SCHEMA) is None


def test_what_does_not_fit_is_named() -> None:
    assert "'n'" in (failure({"n": "x"}, SCHEMA) or "")
    assert "nested.x" in (failure({"n": 1, "nested": {"x": "y"}}, SCHEMA) or "")
    assert failure({"n": None}, SCHEMA)
    assert failure({}, SCHEMA)
    assert failure({"n": 1, "pair": ["a", 1]}, SCHEMA)
    assert failure({"n": 1, "choice": "c"}, SCHEMA)


def test_with_more_to_come_nothing_is_required() -> None:
    assert failure({}, SCHEMA, partial=True) is None
    assert failure({"n": "x"}, SCHEMA, partial=True)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "http://127.0.0.1:1/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "#/definitions/Missing"},
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_and_nothing_is_fetched(schema: dict[str, str]) -> None:
    with pytest.raises(BadSchema):
        failure({}, schema)
