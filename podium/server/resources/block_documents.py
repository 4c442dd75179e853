"""Block documents over HTTP."""

from typing import Any

import msgspec

from podium.db.unit import Row
from podium.server.http.call import Call
from podium.server.operations.block_documents import (
    change_block_document,
    create_block_document,
    delete_block_document,
    list_block_documents,
    read_block_document,
)
from podium.server.queries import filter_targets, sorting
from podium.server.queries.blocks import count_documents
from podium.server.queries.filtering import own_conditions
from podium.wire import block_documents as wire


async def create_document(call: Call, body: wire.BlockDocumentCreate) -> Row:
    ids = {"block_type_id": str(body.block_type_id), "block_schema_id": str(body.block_schema_id)}
    values = {**msgspec.structs.asdict(body), **ids}
    row: Row = await call.write(create_block_document, values)
    return row


async def read_document(call: Call) -> Row:
    row: Row = await call.read(read_block_document, call.path["id"], call.query.include_secrets)
    return row


async def filter_documents(call: Call, body: wire.BlockDocumentQuery) -> list[Row]:
    limit = call.limit(body.limit)
    order = sorting.BLOCK_DOCUMENTS[body.sort]
    rows: list[Row] = await call.read(
        list_block_documents, _conditions(body), order, limit, body.offset, body.include_secrets
    )
    return rows


async def count_all(call: Call, body: wire.BlockDocumentScope) -> int:
    total: int = await call.read(count_documents, _conditions(body))
    return total


def _conditions(body: wire.BlockDocumentScope) -> list[Any]:
    return [
        *own_conditions(filter_targets.BLOCK_DOCUMENTS, body.block_documents or wire.BlockDocumentFilter()),
        *own_conditions(filter_targets.BLOCK_TYPES, body.block_types),
        *own_conditions(filter_targets.BLOCK_SCHEMAS, body.block_schemas),
    ]


async def update_document(call: Call, body: wire.BlockDocumentUpdate) -> None:
    data = None if body.data is msgspec.UNSET else body.data
    schema_id = str(body.block_schema_id) if body.block_schema_id else None
    await call.write(change_block_document, call.path["id"], data, schema_id, body.merge_existing_data)


async def remove_document(call: Call) -> None:
    await call.write(delete_block_document, call.path["id"])


ROUTES = (
    (wire.CREATE, create_document),
    (wire.READ, read_document),
    (wire.FILTER, filter_documents),
    (wire.COUNT, count_all),
    (wire.UPDATE, update_document),
    (wire.DELETE, remove_document),
)
