"""Block schemas: stored apart from those of the blocks inside of them, and shown with them."""

from collections.abc import Iterable, Sequence
from typing import Any

from podium.db.types import decoded
from podium.db.unit import Row, Tx
from podium.server.errors import Conflict, NotFound
from podium.server.operations import block_fields
from podium.server.operations.block_fields import Fields
from podium.server.queries import blocks as queries
from podium.server.queries.blocks import BLOCK_SCHEMAS, BLOCK_TYPES
from podium.server.queries.generic import add_if_absent, find, find_by, get


def create_block_schema(tx: Tx, values: Row) -> tuple[Row, bool]:
    """Stores a block schema; its answer, and whether it is new: its checksum and version are one schema.

    Raises ``NotFound`` for an unknown type, ``Conflict`` for an unknown one of a block inside.
    """
    if find(tx, BLOCK_TYPES, values["block_type_id"]) is None:
        raise NotFound(f"Block type {values['block_type_id']} not found.")
    fields: Fields = values["fields"]
    checksum = block_fields.checksum(fields)
    found = queries.find_schema(tx, checksum, values["version"])
    if found is None:
        added = _add(tx, {**values, "checksum": checksum}, fields)
        if added is not None:
            return answer(tx, added), True
        found = queries.find_schema(tx, checksum, values["version"])
        assert found is not None
    return answer(tx, found), False


def _add(tx: Tx, values: Row, fields: Fields) -> Row | None:
    schema = add_if_absent(tx, BLOCK_SCHEMAS, {**values, "fields": block_fields.without_inner_blocks(fields)})
    if schema is None:
        return None
    for name, checksum, slug in block_fields.references(fields):
        inner = queries.find_schema(tx, checksum) or _add_inner(tx, fields, checksum, slug)
        queries.add_schema_reference(tx, schema["id"], name, inner["id"])
    return schema


def _add_inner(tx: Tx, fields: Fields, checksum: str, slug: str) -> Row:
    block_type = find_by(tx, BLOCK_TYPES, slug=slug)
    if block_type is None:
        raise Conflict(f"There is no block type with the slug {slug!r}, which the schema refers to.")
    inner = block_fields.inner_block(fields, checksum)
    if inner is None:
        raise Conflict(f"The schema {checksum} of {slug!r} is neither known nor among the definitions.")
    values = {"block_type_id": block_type["id"], "checksum": checksum, "version": "non-versioned", "capabilities": []}
    added = _add(tx, values, inner)
    assert added is not None
    return added


def read_block_schema(tx: Tx, schema_id: str) -> Row:
    """The answer of a schema; ``NotFound`` without it."""
    return answer(tx, get(tx, BLOCK_SCHEMAS, schema_id))


def read_block_schema_by_checksum(tx: Tx, checksum: str, version: str | None) -> Row:
    """The answer of the schema with this checksum, the newest without a version; ``NotFound`` without one."""
    schema = queries.find_schema(tx, checksum, version)
    if schema is None:
        raise NotFound("Block schema not found")
    return answer(tx, schema)


def list_block_schemas(tx: Tx, where: Sequence[Any], limit: int, offset: int) -> list[Row]:
    """The answers of the schemas that match, the newest first."""
    return list(answers(tx, queries.list_schemas(tx, where, limit, offset)).values())


def answer(tx: Tx, schema: Row) -> Row:
    """A schema as clients read it."""
    return answers(tx, [schema])[schema["id"]]


def answers(tx: Tx, schemas: Iterable[Row]) -> dict[str, Row]:
    """Schemas as clients read them, by id: with their types, and the blocks they refer to among their definitions."""
    wanted = {schema["id"]: schema for schema in schemas}
    known, references = queries.reached(tx, wanted, queries.schema_references, queries.schemas_by_id)
    children = {parent: [each["child"] for each in found] for parent, found in references.items()}
    types = queries.types_by_id(tx, {schema["block_type_id"] for schema in wanted.values()})
    complete: dict[str, Fields] = {}
    return {
        key: {
            **schema,
            "fields": _complete(key, known, children, complete),
            "block_type": types[schema["block_type_id"]],
        }
        for key, schema in wanted.items()
    }


def _complete(schema_id: str, known: dict[str, Row], children: dict[str, list[str]], done: dict[str, Fields]) -> Fields:
    if schema_id not in done:
        fields: Fields = decoded(known[schema_id]["fields"], Fields, {})
        done[schema_id] = fields  # ends the search where blocks refer to each other
        inner = [_complete(child, known, children, done) for child in children.get(schema_id, ())]
        done[schema_id] = block_fields.with_inner_blocks(fields, inner)
    return done[schema_id]


def list_capabilities(tx: Tx) -> list[str]:
    """Every capability that a schema has, by name."""
    found: set[str] = set()
    for capabilities in queries.all_capabilities(tx):
        found.update(decoded(capabilities, list[str], ()))
    return sorted(found)
