"""Work pools over HTTP, and the work they hand out."""

from typing import Any

import msgspec

from podium.db.types import plain
from podium.db.unit import Row, Tx
from podium.server.http.call import Call
from podium.server.operations.polling import mark_queues_polled, unmarked_queues
from podium.server.operations.work_pools import change_work_pool, create_work_pool, delete_work_pool
from podium.server.queries import filter_targets, generic
from podium.server.queries.filtering import own_conditions
from podium.server.queries.scheduled_runs import read_pool_runs
from podium.server.queries.work_pools import WORK_POOLS, get_work_pool, list_work_pools, read_work_pool
from podium.server.queries.work_queues import read_pool_slots
from podium.wire import work_pools as wire


def _for_client(call: Call, row: Row) -> Row:
    """Clients before 3.4 refuse a storage with fields that they do not know; those that are null are left out."""
    if not call.client_before(3, 4):
        return row
    storage: dict[str, Any] = msgspec.to_builtins(plain(row["storage_configuration"])) or {}
    return {**row, "storage_configuration": {name: value for name, value in storage.items() if value is not None}}


async def create_pool(call: Call, body: wire.WorkPoolCreate) -> Row:
    return _for_client(call, await call.write(create_work_pool, msgspec.structs.asdict(body)))


async def read_pool(call: Call) -> Row:
    return _for_client(call, await call.read(read_work_pool, call.path["name"]))


async def list_pools(call: Call, body: wire.WorkPoolQuery) -> list[Row]:
    limit = call.limit(body.limit)
    where = own_conditions(filter_targets.WORK_POOLS, body.work_pools)
    rows: list[Row] = await call.read(list_work_pools, where, limit, body.offset)
    return [_for_client(call, row) for row in rows]


async def count_pools(call: Call, body: wire.WorkPoolCountQuery) -> int:
    where = own_conditions(filter_targets.WORK_POOLS, body.work_pools)
    total: int = await call.read(generic.count, WORK_POOLS, where)
    return total


async def update_pool(call: Call, body: wire.WorkPoolUpdate) -> None:
    await call.write(change_work_pool, call.path["name"], body.sent())


async def remove_pool(call: Call) -> None:
    await call.write(delete_work_pool, call.path["name"])


async def get_scheduled_flow_runs(call: Call, body: wire.PoolRunsQuery) -> list[Row]:
    """Workers ask for this all the time: it is a read, and a write only when the last note of a poll is old."""
    limit = call.limit(body.limit)
    runs, queues = await call.read(
        read_pool_runs, call.path["name"], body.work_queue_names, body.scheduled_before, body.scheduled_after, limit
    )
    unmarked = unmarked_queues(queues, call.now)
    if unmarked:
        await call.write(mark_queues_polled, unmarked)
    return runs  # type: ignore[no-any-return]


async def read_slots(call: Call, body: wire.PoolSlotsQuery) -> dict[str, Any]:
    limit = call.limit(body.limit)
    slots: dict[str, Any] = await call.read(_slots, call.path["name"], limit, body.page, body.flow_run_limit)
    return slots


def _slots(tx: Tx, name: str, limit: int, page: int, run_limit: int) -> dict[str, Any]:
    return read_pool_slots(tx, get_work_pool(tx, name), limit, page, run_limit)


ROUTES = (
    (wire.CREATE, create_pool),
    (wire.READ, read_pool),
    (wire.FILTER, list_pools),
    (wire.COUNT, count_pools),
    (wire.UPDATE, update_pool),
    (wire.DELETE, remove_pool),
    (wire.GET_SCHEDULED_FLOW_RUNS, get_scheduled_flow_runs),
    (wire.READ_SLOTS, read_slots),
)
