"""Block types over HTTP, and the documents of one by name."""

import msgspec

from podium.db.tables.blocks import block_documents
from podium.db.unit import Row, Tx
from podium.server.http.call import Call
from podium.server.operations.block_catalogue import install_system_block_types
from podium.server.operations.block_documents import list_block_documents, read_block_document_by_name
from podium.server.operations.block_removal import delete_block_type
from podium.server.operations.block_types import (
    change_block_type,
    create_block_type,
)
from podium.server.queries import filter_targets, generic
from podium.server.queries.blocks import BLOCK_TYPES, list_types
from podium.server.queries.filtering import own_conditions
from podium.wire import block_types as wire


async def create_type(call: Call, body: wire.BlockTypeCreate) -> Row:
    row: Row = await call.write(create_block_type, msgspec.structs.asdict(body))
    return row


async def read_type(call: Call) -> Row:
    row: Row = await call.read(generic.get, BLOCK_TYPES, call.path["id"])
    return row


async def read_type_by_slug(call: Call) -> Row:
    row: Row = await call.read(_by_slug, call.path["slug"])
    return row


def _by_slug(tx: Tx, slug: str) -> Row:
    return generic.get_by(tx, BLOCK_TYPES, slug=slug)


async def filter_types(call: Call, body: wire.BlockTypeQuery) -> list[Row]:
    limit = call.limit(body.limit)
    where = own_conditions(filter_targets.BLOCK_TYPES, body.block_types)
    of_schemas = own_conditions(filter_targets.BLOCK_SCHEMAS, body.block_schemas)
    rows: list[Row] = await call.read(list_types, where, of_schemas, limit, body.offset)
    return rows


async def update_type(call: Call, body: wire.BlockTypeUpdate) -> None:
    await call.write(change_block_type, call.path["id"], body.sent())


async def remove_type(call: Call) -> None:
    await call.write(delete_block_type, call.path["id"])


async def install_types(call: Call) -> None:
    await call.write(install_system_block_types)


async def list_documents(call: Call) -> list[Row]:
    """The named documents of the type, by name."""
    block_type = await read_type_by_slug(call)
    where = [block_documents.c.block_type_id == block_type["id"], ~block_documents.c.is_anonymous]
    order = [block_documents.c.name]
    rows: list[Row] = await call.read(list_block_documents, where, order, None, 0, call.query.include_secrets)
    return rows


async def read_document(call: Call) -> Row:
    slug, name = call.path["slug"], call.path["block_document_name"]
    row: Row = await call.read(read_block_document_by_name, slug, name, call.query.include_secrets)
    return row


ROUTES = (
    (wire.CREATE, create_type),
    (wire.READ, read_type),
    (wire.READ_BY_SLUG, read_type_by_slug),
    (wire.FILTER, filter_types),
    (wire.UPDATE, update_type),
    (wire.DELETE, remove_type),
    (wire.INSTALL, install_types),
    (wire.LIST_DOCUMENTS, list_documents),
    (wire.READ_DOCUMENT, read_document),
)
