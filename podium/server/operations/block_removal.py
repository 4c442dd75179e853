"""Deleting block types and schemas, and the documents that go with them."""

from sqlalchemy import Column, select

from podium.db.tables.blocks import block_documents
from podium.db.unit import WORKSPACE, Tx
from podium.server.errors import Forbidden
from podium.server.events.lifecycle import block_type_event
from podium.server.operations.block_documents import delete_block_document
from podium.server.queries.blocks import BLOCK_SCHEMAS, BLOCK_TYPES
from podium.server.queries.generic import get, remove, take_out


def delete_block_type(tx: Tx, block_type_id: str) -> None:
    """Deletes a block type with its schemas and documents; ``Forbidden`` for a protected one."""
    if get(tx, BLOCK_TYPES, block_type_id)["is_protected"]:
        raise Forbidden("protected block types cannot be deleted.")  # clients compare the text
    _delete_documents(tx, block_documents.c.block_type_id, block_type_id)
    block_type = take_out(tx, BLOCK_TYPES, block_type_id)
    if block_type is not None:
        tx.emit(block_type_event("deleted", block_type, tx.now))


def delete_block_schema(tx: Tx, schema_id: str) -> None:
    """Deletes a schema with its documents; ``NotFound`` without it, ``Forbidden`` for one of a protected type."""
    schema = get(tx, BLOCK_SCHEMAS, schema_id)
    if get(tx, BLOCK_TYPES, schema["block_type_id"])["is_protected"]:
        raise Forbidden("Schemas of protected block types cannot be deleted.")
    _delete_documents(tx, block_documents.c.block_schema_id, schema_id)
    remove(tx, BLOCK_SCHEMAS, schema_id)


def _delete_documents(tx: Tx, column: Column[str], owner_id: str) -> None:
    """Deletes them one by one: each is told."""
    owned = select(block_documents.c.id).where(column == owner_id, block_documents.c.workspace_id == WORKSPACE)
    for document_id in tx.column(owned):
        delete_block_document(tx, document_id)
