"""Rows of block types, schemas and documents, and of the references between them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, bindparam, delete, func, insert, select

from podium.db.tables.blocks import (
    block_document_references,
    block_documents,
    block_schema_references,
    block_schemas,
    block_types,
)
from podium.db.unit import Row, Tx
from podium.server.queries.generic import Entity, new_row
from podium.wire.block_documents import BlockDocument
from podium.wire.block_schemas import BlockSchema, BlockType

BLOCK_TYPES = Entity(block_types, BlockType, "Block type")
BLOCK_SCHEMAS = Entity(block_schemas, BlockSchema, "Block schema")
BLOCK_DOCUMENTS = Entity(block_documents, BlockDocument, "Block document")

DEEPEST = 50

Conditions = Sequence[ColumnElement[bool]]

_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_TYPES = select(*BLOCK_TYPES.columns).where(BLOCK_TYPES.mine, block_types.c.id.in_(_IDS))
_SCHEMAS = select(*BLOCK_SCHEMAS.columns).where(BLOCK_SCHEMAS.mine, block_schemas.c.id.in_(_IDS))
_NEWEST = (block_schemas.c.created.desc(), block_schemas.c.id.desc())
_BY_CHECKSUM = (
    select(*BLOCK_SCHEMAS.columns)
    .where(BLOCK_SCHEMAS.mine, block_schemas.c.checksum == bindparam("checksum"))
    .order_by(*_NEWEST)
)
_SCHEMA_REFERENCES = select(
    block_schema_references.c.parent_block_schema_id.label("parent"),
    block_schema_references.c.reference_block_schema_id.label("child"),
).where(block_schema_references.c.parent_block_schema_id.in_(_IDS))
_DOCUMENT_REFERENCES = select(
    block_document_references.c.parent_block_document_id.label("parent"),
    block_document_references.c.reference_block_document_id.label("child"),
    block_document_references.c.name,
).where(block_document_references.c.parent_block_document_id.in_(_IDS))
_DOCUMENTS = select(*BLOCK_DOCUMENTS.columns).where(BLOCK_DOCUMENTS.mine, block_documents.c.id.in_(_IDS))
_FORGET = delete(block_document_references).where(
    block_document_references.c.parent_block_document_id == bindparam("document_id")
)
_ALL_CAPABILITIES = select(block_schemas.c.capabilities).where(BLOCK_SCHEMAS.mine).distinct()


def types_by_id(tx: Tx, ids: Iterable[str]) -> dict[str, Row]:
    """Block types by their ids."""
    return _by_id(tx, _TYPES, ids)


def schemas_by_id(tx: Tx, ids: Iterable[str]) -> dict[str, Row]:
    """Block schemas by their ids, the fields as they are stored."""
    return _by_id(tx, _SCHEMAS, ids)


def documents_by_id(tx: Tx, ids: Iterable[str]) -> dict[str, Row]:
    """Block documents by their ids, their data encrypted."""
    return _by_id(tx, _DOCUMENTS, ids)


def _by_id(tx: Tx, statement: Any, ids: Iterable[str]) -> dict[str, Row]:
    wanted = list(ids)
    return {row["id"]: row for row in tx.all(statement, ids=wanted)} if wanted else {}


def find_schema(tx: Tx, checksum: str, version: str | None = None) -> Row | None:
    """The schema with this checksum and version, the newest one without a version; None when there is none."""
    statement = _BY_CHECKSUM if version is None else _BY_CHECKSUM.where(block_schemas.c.version == version)
    return tx.one(statement, checksum=checksum)


def list_types(tx: Tx, where: Conditions, of_schemas: Conditions, limit: int, offset: int) -> list[Row]:
    """The block types that match, by name; with conditions on schemas those that have such a schema."""
    statement = select(*BLOCK_TYPES.columns).where(BLOCK_TYPES.mine, *where)
    if of_schemas:
        statement = statement.where(block_types.c.id.in_(select(block_schemas.c.block_type_id).where(*of_schemas)))
    return tx.all(statement.order_by(block_types.c.name).limit(limit).offset(offset))


def list_schemas(tx: Tx, where: Conditions, limit: int, offset: int) -> list[Row]:
    """The block schemas that match, the newest first."""
    statement = select(*BLOCK_SCHEMAS.columns).where(BLOCK_SCHEMAS.mine, *where)
    return tx.all(statement.order_by(*_NEWEST).limit(limit).offset(offset))


def list_documents(
    tx: Tx, where: Conditions, order: Sequence[ColumnElement[Any]], limit: int | None, offset: int = 0
) -> list[Row]:
    """The block documents that match, in order; conditions may be on their types and schemas too."""
    statement = _joined(*BLOCK_DOCUMENTS.columns).where(*where).order_by(*order)
    return tx.all(statement.limit(limit).offset(offset or None))


def count_documents(tx: Tx, where: Conditions) -> int:
    """How many block documents match."""
    total: int = tx.value(_joined(func.count()).where(*where))
    return total


def _joined(*columns: Any) -> Any:
    return (
        select(*columns)
        .select_from(block_documents)
        .join(block_types, block_types.c.id == block_documents.c.block_type_id)
        .join(block_schemas, block_schemas.c.id == block_documents.c.block_schema_id)
        .where(BLOCK_DOCUMENTS.mine)
    )


def schema_references(tx: Tx, ids: Iterable[str]) -> list[Row]:
    """``parent`` and ``child`` of each reference of these schemas."""
    return tx.all(_SCHEMA_REFERENCES, ids=list(ids))


def document_references(tx: Tx, ids: Iterable[str]) -> list[Row]:
    """``parent``, ``child`` and ``name`` of each reference of these documents."""
    return tx.all(_DOCUMENT_REFERENCES, ids=list(ids))


def reached(
    tx: Tx,
    rows: Mapping[str, Row],
    references: Callable[[Tx, Iterable[str]], list[Row]],
    by_id: Callable[[Tx, Iterable[str]], dict[str, Row]],
) -> tuple[dict[str, Row], dict[str, list[Row]]]:
    """These rows and all they refer to, also through others, by id; and the references by the id of the parent.

    However many there are, each level is one read; nothing deeper than ``DEEPEST`` levels is followed.
    """
    known = dict(rows)
    found: dict[str, list[Row]] = {}
    level: Iterable[str] = list(known)
    for _ in range(DEEPEST):
        if not level:
            break
        for reference in references(tx, level):
            found.setdefault(reference["parent"], []).append(reference)
        missing = {each["child"] for parent in level for each in found.get(parent, ())} - known.keys()
        known.update(by_id(tx, missing))
        level = missing
    return known, found


def add_schema_reference(tx: Tx, parent: str, name: str, child: str) -> None:
    """Notes that a property of a schema is a block of another."""
    values = {"parent_block_schema_id": parent, "name": name, "reference_block_schema_id": child}
    tx.run(insert(block_schema_references), new_row(tx, block_schema_references, values))


def set_document_references(tx: Tx, document_id: str, references: dict[str, str]) -> None:
    """Makes these (by name the id of another document) the references of a document."""
    tx.run(_FORGET, document_id=document_id)
    for name, child in references.items():
        values = {"parent_block_document_id": document_id, "name": name, "reference_block_document_id": child}
        tx.run(insert(block_document_references), new_row(tx, block_document_references, values))


def all_capabilities(tx: Tx) -> list[Any]:
    """The lists of capabilities that schemas have."""
    return tx.column(_ALL_CAPABILITIES)
