"""Flows over HTTP."""

from typing import Any

from podium.db.unit import Row
from podium.server.errors import NotFound
from podium.server.http.call import Call, Reply
from podium.server.operations.flows import change_flow, delete_flow, delete_flows, register_flow
from podium.server.queries import filter_targets, generic, sorting
from podium.server.queries.filtering import conditions
from podium.server.queries.flows import FLOWS, find_flow
from podium.server.queries.paging import read_page
from podium.wire import flows as wire
from podium.wire.filters import PoolScope


async def create_flow(call: Call, body: wire.FlowCreate) -> Reply:
    """Every run registers its flow: one that exists costs a read and no write."""
    found = await call.read(find_flow, body.name)
    if found is not None:
        return Reply(found, status=200)
    values = {"name": body.name, "tags": body.tags, "labels": body.labels or {}}
    flow, made = await call.write(register_flow, values)
    return Reply(flow, status=201 if made else 200)


async def read_flow(call: Call) -> Row:
    row: Row = await call.read(generic.get, FLOWS, call.path["id"])
    return row


async def read_flow_by_name(call: Call) -> Row:
    row: Row | None = await call.read(find_flow, call.path["name"])
    if row is None:
        raise NotFound("Flow not found")
    return row


async def list_flows(call: Call, body: wire.FlowQuery) -> list[Row]:
    limit = call.limit(body.limit)
    where = conditions(filter_targets.FLOWS, body)
    rows: list[Row] = await call.read(generic.page, FLOWS, where, sorting.FLOWS[body.sort], limit, body.offset)
    return rows


async def paginate_flows(call: Call, body: wire.FlowPageQuery) -> dict[str, Any]:
    limit = call.limit(body.limit)
    where = conditions(filter_targets.FLOWS, body)
    found: dict[str, Any] = await call.read(
        read_page,
        lambda tx, limit, offset: generic.page(tx, FLOWS, where, sorting.FLOWS[body.sort], limit, offset),
        lambda tx: generic.count(tx, FLOWS, where),
        limit,
        body.page,
    )
    return found


async def count_flows(call: Call, body: PoolScope) -> int:
    total: int = await call.read(generic.count, FLOWS, conditions(filter_targets.FLOWS, body))
    return total


async def update_flow(call: Call, body: wire.FlowUpdate) -> None:
    if not await call.write(change_flow, call.path["id"], body.sent()):
        raise NotFound("Flow not found")


async def remove_flow(call: Call) -> None:
    if not await call.write(delete_flow, call.path["id"]):
        raise NotFound("Flow not found")


async def bulk_delete_flows(call: Call, body: wire.FlowBulkDelete) -> dict[str, Any]:
    return {"deleted": await call.write(delete_flows, conditions(filter_targets.FLOWS, body), body.limit)}


ROUTES = (
    (wire.CREATE, create_flow),
    (wire.READ, read_flow),
    (wire.READ_BY_NAME, read_flow_by_name),
    (wire.FILTER, list_flows),
    (wire.PAGINATE, paginate_flows),
    (wire.COUNT, count_flows),
    (wire.UPDATE, update_flow),
    (wire.DELETE, remove_flow),
    (wire.BULK_DELETE, bulk_delete_flows),
)
