"""Checking values against the JSON Schema that a deployment or a work pool declares for them."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from podium.db.types import plain

NULL = {"type": "null"}
Path = tuple[str | int, ...]

_sorted_encoder = msgspec.json.Encoder(order="sorted")


class BadSchema(ValueError):
    """A JSON Schema that cannot be used: not one, or it refers to another document."""


def failure(values: Any, schema: Mapping[str, Any], *, partial: bool = False) -> str | None:
    """Why the values do not conform to the schema, in one sentence; None when they do.

    A property that is not required may be null. ``partial``: nothing is required, as more values are to come. Raises
    ``BadSchema``.
    """
    for cause in _causes(values, schema, partial):
        place = ".".join(str(step) for step in cause.instance_path)
        where = f"Validation failed for field {place!r}" if place else "Validation failed"
        return f"{where}: {cause.message}"
    return None


def failures(values: Any, schema: Mapping[str, Any]) -> list[tuple[Path, str]]:
    """Everything about the values that does not conform to the schema: where, and why. Raises ``BadSchema``.

    What is missing is told at the place where it is missing.
    """
    found = []
    for cause in _causes(values, schema, partial=False):
        missing = (cause.kind.property,) if cause.kind.name == "required" else ()
        found.append(((*cause.instance_path, *missing), cause.message))
    return found


def _causes(values: Any, schema: Mapping[str, Any], partial: bool) -> Iterator[Any]:
    validator = _validator(_sorted_encoder.encode(schema), partial)
    for error in validator.iter_errors(plain(values)):
        yield from _inside(error)


def _inside(error: Any) -> Iterator[Any]:
    """The errors inside of "this or null", which say more; else the error."""
    branches = getattr(error.kind, "context", None)
    if branches and len(branches) == 2 and list(error.schema_path)[-1] == "anyOf":
        for inner in branches[0]:
            yield from _inside(inner)
    else:
        yield error


@lru_cache(maxsize=512)
def _validator(schema: bytes, partial: bool) -> Any:
    # Loaded on use: a server that checks no parameters starts sooner and smaller without it.
    import jsonschema_rs

    prepared = _prepared(msgspec.json.decode(schema), partial)
    if isinstance(prepared, dict):
        prepared.pop("$schema", None)
    try:
        return jsonschema_rs.Draft202012Validator(prepared, retriever=_refuse_to_fetch)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        reason = str(getattr(error, "message", error)).partition("\n")[0]
        raise BadSchema(f"The schema is not a usable JSON Schema: {reason}") from None


def _refuse_to_fetch(uri: str) -> Any:
    raise ValueError(f"{uri} is another document, and references stay inside the schema")


def _prepared(schema: Any, partial: bool) -> Any:
    """The schema with what clients leave unsaid: null where nothing is required, tuples as lists of positions."""
    if isinstance(schema, list):
        return [_prepared(item, partial) for item in schema]
    if not isinstance(schema, dict):
        return schema
    prepared = {key: _prepared(value, partial) for key, value in schema.items()}
    if isinstance(prepared.get("items"), list):
        prepared["prefixItems"] = prepared.pop("items")
    properties = prepared.get("properties")
    if isinstance(properties, dict):
        required = schema.get("required")
        names = required if isinstance(required, list) and not partial else ()
        prepared["properties"] = {
            name: value if name in names else _or_null(value) for name, value in properties.items()
        }
        if partial:
            prepared.pop("required", None)
    return prepared


def _or_null(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    if isinstance(kind, str) and not {"enum", "const"} & schema.keys():
        return {**schema, "type": [kind] if kind == "null" else [kind, "null"]}
    return {"anyOf": [schema, NULL]}
