"""A value for any schema of the contract that gives every field of it, at every depth."""

import re
from datetime import UTC, datetime
from typing import Any

from tests.wire.contract import document

LEFT_OUT: Any = object()
"""In place of a field of a sample: the field is not sent."""

SAMPLE_ID = "5c0ffee0-0000-4000-8000-000000000001"
DEEPEST = 12


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema a reference leads to, or the schema itself."""
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def sample(schema: dict[str, Any], depth: int = 0) -> Any:
    """A value that conforms to the schema: the default where there is one that says something, else made up."""
    default = schema.get("default")
    schema = resolved(schema)
    default = schema.get("default", default)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return sample(_first(schema[key]), depth)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return default or schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, depth)
    if kind == "array":
        items = schema.get("prefixItems") or [schema["items"]]
        return [] if depth > DEEPEST else [sample(item, depth + 1) for item in items]
    if default is not None:
        return 0.0 if default == "PT0S" else default
    return _text(schema) if kind == "string" else _plain(schema, kind)


def _first(alternatives: list[dict[str, Any]]) -> dict[str, Any]:
    """The one that is not null and says the most."""
    return next((each for each in alternatives if each and each.get("type") != "null"), {})


def _object(schema: dict[str, Any], depth: int) -> dict[str, Any]:
    if "properties" in schema:
        return {name: sample(each, depth + 1) for name, each in schema["properties"].items()}
    free = schema.get("additionalProperties")
    return {"key": sample(free, depth + 1)} if isinstance(free, dict) else {}


def _text(schema: dict[str, Any]) -> Any:
    form = schema.get("format")
    if form == "uuid":
        return SAMPLE_ID
    if form == "date-time":
        return datetime.now(UTC).isoformat()
    if form == "duration":
        return 15.0
    if form == "iana-timezone":
        return "Europe/Oslo"
    assert re.search(schema.get("pattern", ""), "sample")
    return "sample"


def _plain(schema: dict[str, Any], kind: str | None) -> Any:
    if kind in ("integer", "number"):
        return max(1, int(schema.get("minimum", 0)), int(schema.get("exclusiveMinimum", 0)) + 1)
    return {"boolean": True, None: "anything", "null": None}[kind]


def filled(schema: dict[str, Any], given: Any) -> Any:
    """The sample of a schema with the given fields in place of its own; ``LEFT_OUT`` takes one away.

    For a list that is the case with each of its items.
    """
    if isinstance(given, list) and resolved(schema).get("type") == "array":
        return [filled(schema["items"], each) for each in given]
    if not isinstance(given, dict):
        return given
    made = sample(schema)
    whole = {**made, **given} if isinstance(made, dict) else given
    return {name: value for name, value in whole.items() if value is not LEFT_OUT}
