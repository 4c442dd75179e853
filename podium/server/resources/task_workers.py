"""Task workers over HTTP."""

import msgspec

from podium.db.unit import Row
from podium.server.http.call import Call
from podium.server.queries.task_queue import list_task_workers
from podium.wire import task_workers as wire


async def filter_task_workers(call: Call, body: wire.TaskWorkerQuery) -> list[Row]:
    workers: list[Row] = await call.read(list_task_workers)
    if body.task_worker_filter is None:
        return workers
    wanted = set(body.task_worker_filter.task_keys)
    return [worker for worker in workers if wanted & set(msgspec.json.decode(worker["task_keys"], type=list[str]))]


ROUTES = ((wire.FILTER, filter_task_workers),)
