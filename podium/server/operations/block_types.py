"""Creating and changing block types."""

from collections.abc import Mapping
from html import escape
from typing import Any

from podium.db.unit import Row, Tx
from podium.server.errors import Conflict, Forbidden, NotFound
from podium.server.events.lifecycle import block_type_event
from podium.server.queries.blocks import BLOCK_TYPES
from podium.server.queries.generic import add_if_absent, change

ESCAPED = ("description", "code_example")


def create_block_type(tx: Tx, values: Mapping[str, Any]) -> Row:
    """Stores a block type; ``Conflict`` when its name or slug is taken, ``Forbidden`` for a reserved name."""
    if values["name"].lower().startswith("prefect"):
        raise Forbidden("Names of block types that start with 'prefect' are reserved.")
    escaped = {name: escape(values[name], quote=False) for name in ESCAPED if values.get(name) is not None}
    block_type = add_if_absent(tx, BLOCK_TYPES, {**values, **escaped})
    if block_type is None:
        raise Conflict(f"A block type with the name {values['name']!r} or the slug {values['slug']!r} already exists.")
    tx.emit(block_type_event("created", block_type, tx.now))
    return block_type


def change_block_type(tx: Tx, block_type_id: str, values: Mapping[str, Any]) -> None:
    """Sets columns of a block type; ``NotFound`` without it."""
    block_type = change(tx, BLOCK_TYPES, block_type_id, values)
    if block_type is None:
        raise NotFound("Block type not found")
    tx.emit(block_type_event("updated", block_type, tx.now))
