"""Work queues over HTTP: those of a pool by name, and any by id."""

from typing import Any

import msgspec

from podium.db.tables.work_pools import work_queues
from podium.db.unit import Row, Tx
from podium.server.http.call import Call
from podium.server.operations.polling import mark_queues_polled, unmarked_queues
from podium.server.operations.work_pools import AGENT_POOL, ensure_agent_pool
from podium.server.operations.work_queues import (
    add_queue,
    change_queue,
    change_queue_in_pool,
    create_queue_in_pool,
    delete_queue,
    delete_queue_in_pool,
)
from podium.server.queries import filter_targets
from podium.server.queries.filtering import own_conditions
from podium.server.queries.scheduled_runs import read_queue_runs
from podium.server.queries.work_pools import get_work_pool
from podium.server.queries.work_queues import (
    as_answer,
    list_work_queues,
    read_health,
    read_queue_in_pool,
    read_queue_slots,
    read_work_queue,
)
from podium.wire import work_queues as wire
from podium.wire.parameters import Paging

UI = "x-prefect-ui"


async def create_queue(call: Call, body: wire.WorkQueueCreate) -> Row:
    row: Row = await call.write(_create, msgspec.structs.asdict(body))
    return row


def _create(tx: Tx, values: dict[str, Any]) -> Row:
    return as_answer(tx, add_queue(tx, ensure_agent_pool(tx), values))


async def read_queue(call: Call) -> Row:
    row: Row = await call.read(read_work_queue, call.path["id"])
    return row


async def read_queue_by_name(call: Call) -> Row:
    row: Row = await call.read(read_queue_in_pool, AGENT_POOL, call.path["name"])
    return row


async def list_queues(call: Call, body: wire.WorkQueueQuery) -> list[Row]:
    limit = call.limit(body.limit)
    where = own_conditions(filter_targets.WORK_QUEUES, body.work_queues)
    order = [work_queues.c.name, work_queues.c.id]
    rows: list[Row] = await call.read(list_work_queues, where, order, limit, body.offset)
    return rows


async def update_queue(call: Call, body: wire.WorkQueueUpdate) -> None:
    await call.write(change_queue, call.path["id"], body.sent())


async def remove_queue(call: Call) -> None:
    await call.write(delete_queue, call.path["id"])


async def get_runs(call: Call, body: wire.RunsQuery) -> list[Row]:
    limit = call.limit(body.limit)
    runs, queue = await call.read(read_queue_runs, call.path["id"], body.scheduled_before, limit)
    looked_at = call.request.get_header(UI, default="").lower() == "true"
    if not looked_at and unmarked_queues([queue], call.now):
        await call.write(mark_queues_polled, [queue["id"]])
    return runs  # type: ignore[no-any-return]


async def read_status(call: Call) -> Row:
    row: Row = await call.read(read_health, call.path["id"])
    return row


async def read_slots(call: Call, body: Paging) -> dict[str, Any]:
    limit = call.limit(body.limit)
    slots: dict[str, Any] = await call.read(read_queue_slots, call.path["id"], limit, body.page)
    return slots


async def create_pool_queue(call: Call, body: wire.WorkQueueCreate) -> Row:
    row: Row = await call.write(create_queue_in_pool, call.path["work_pool_name"], msgspec.structs.asdict(body))
    return row


async def read_pool_queue(call: Call) -> Row:
    row: Row = await call.read(read_queue_in_pool, call.path["work_pool_name"], call.path["name"])
    return row


async def list_pool_queues(call: Call, body: wire.WorkQueueQuery) -> list[Row]:
    limit = call.limit(body.limit)
    where = own_conditions(filter_targets.WORK_QUEUES, body.work_queues)
    rows: list[Row] = await call.read(_list_in_pool, call.path["work_pool_name"], where, limit, body.offset)
    return rows


def _list_in_pool(tx: Tx, pool_name: str, where: list[Any], limit: int, offset: int) -> list[Row]:
    pool = get_work_pool(tx, pool_name)
    mine = work_queues.c.work_pool_id == pool["id"]
    return list_work_queues(tx, [mine, *where], [work_queues.c.priority, work_queues.c.name], limit, offset)


async def update_pool_queue(call: Call, body: wire.WorkQueueUpdate) -> None:
    await call.write(change_queue_in_pool, call.path["work_pool_name"], call.path["name"], body.sent())


async def remove_pool_queue(call: Call) -> None:
    await call.write(delete_queue_in_pool, call.path["work_pool_name"], call.path["name"])


ROUTES = (
    (wire.CREATE, create_queue),
    (wire.READ, read_queue),
    (wire.READ_BY_NAME, read_queue_by_name),
    (wire.FILTER, list_queues),
    (wire.UPDATE, update_queue),
    (wire.DELETE, remove_queue),
    (wire.GET_RUNS, get_runs),
    (wire.READ_STATUS, read_status),
    (wire.READ_SLOTS, read_slots),
    (wire.CREATE_IN_POOL, create_pool_queue),
    (wire.READ_IN_POOL, read_pool_queue),
    (wire.FILTER_IN_POOL, list_pool_queues),
    (wire.UPDATE_IN_POOL, update_pool_queue),
    (wire.DELETE_IN_POOL, remove_pool_queue),
)
