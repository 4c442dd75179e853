"""Workers of a pool over HTTP."""

from podium.db.unit import Row
from podium.server.http.call import Call
from podium.server.operations.workers import delete_worker, record_heartbeat
from podium.server.queries import filter_targets
from podium.server.queries.filtering import own_conditions
from podium.server.queries.workers import list_workers
from podium.wire import workers as wire


async def heartbeat(call: Call, body: wire.Heartbeat) -> None:
    await call.write(record_heartbeat, call.path["work_pool_name"], body.name, body.heartbeat_interval_seconds)


async def filter_workers(call: Call, body: wire.WorkerQuery) -> list[Row]:
    limit = call.limit(body.limit)
    where = own_conditions(filter_targets.WORKERS, body.workers)
    rows: list[Row] = await call.read(list_workers, call.path["work_pool_name"], where, limit, body.offset)
    return rows


async def remove_worker(call: Call) -> None:
    await call.write(delete_worker, call.path["work_pool_name"], call.path["name"])


ROUTES = (
    (wire.HEARTBEAT, heartbeat),
    (wire.FILTER, filter_workers),
    (wire.DELETE, remove_worker),
)
