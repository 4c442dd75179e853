"""Block schemas over HTTP, and the capabilities they have."""

import msgspec

from podium.db.unit import Row
from podium.server.http.call import Call, Reply
from podium.server.operations.block_removal import delete_block_schema
from podium.server.operations.block_schemas import (
    create_block_schema,
    list_block_schemas,
    list_capabilities,
    read_block_schema,
    read_block_schema_by_checksum,
)
from podium.server.queries import filter_targets
from podium.server.queries.filtering import own_conditions
from podium.wire import block_schemas as wire


async def create_schema(call: Call, body: wire.BlockSchemaCreate) -> Reply:
    values = {**msgspec.structs.asdict(body), "block_type_id": str(body.block_type_id)}
    schema, made = await call.write(create_block_schema, values)
    return Reply(schema, status=201 if made else 200)


async def read_schema(call: Call) -> Row:
    row: Row = await call.read(read_block_schema, call.path["id"])
    return row


async def read_schema_by_checksum(call: Call) -> Row:
    row: Row = await call.read(read_block_schema_by_checksum, call.path["checksum"], call.query.version)
    return row


async def filter_schemas(call: Call, body: wire.BlockSchemaQuery) -> list[Row]:
    limit = call.limit(body.limit)
    where = own_conditions(filter_targets.BLOCK_SCHEMAS, body.block_schemas)
    rows: list[Row] = await call.read(list_block_schemas, where, limit, body.offset)
    return rows


async def remove_schema(call: Call) -> None:
    await call.write(delete_block_schema, call.path["id"])


async def read_capabilities(call: Call) -> list[str]:
    names: list[str] = await call.read(list_capabilities)
    return names


ROUTES = (
    (wire.CREATE, create_schema),
    (wire.READ, read_schema),
    (wire.READ_BY_CHECKSUM, read_schema_by_checksum),
    (wire.FILTER, filter_schemas),
    (wire.DELETE, remove_schema),
    (wire.LIST_CAPABILITIES, read_capabilities),
)
