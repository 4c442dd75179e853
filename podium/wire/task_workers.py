"""Workers that run background tasks."""

from podium.wire.endpoint import Answer, Body, Endpoint
from podium.wire.parameters import Parameters
from podium.wire.scalars import Time


class TaskWorkerFilter(Body):
    """Selects the workers that run any of these tasks."""

    task_keys: list[str]


class TaskWorkerQuery(Parameters):
    """Which task workers to list."""

    task_worker_filter: TaskWorkerFilter | None = None


class TaskWorker(Answer):
    """A task worker, and when it was last seen."""

    identifier: str
    task_keys: list[str]
    timestamp: Time


FILTER = Endpoint(
    method="POST",
    path="/task_workers/filter",
    summary="List task workers",
    body=TaskWorkerQuery,
    body_required=False,
    answer=list[TaskWorker],
    statuses=(422,),
)
