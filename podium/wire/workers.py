"""Workers of work pools."""

from typing import Literal

from podium.wire.endpoint import Endpoint, Filter
from podium.wire.filters import Operator, TimeBounds
from podium.wire.parameters import Listing, Parameters, Row
from podium.wire.scalars import Id, Integer, Time

WorkerStatus = Literal["ONLINE", "OFFLINE"]


class Heartbeat(Parameters):
    """A sign of life; the next is due after ``heartbeat_interval_seconds``."""

    name: str
    heartbeat_interval_seconds: Integer | None = None


class Worker(Row):
    """A worker of a pool."""

    name: str
    work_pool_id: Id
    last_heartbeat_time: Time | None = None
    heartbeat_interval_seconds: int | None = None
    status: WorkerStatus = "OFFLINE"


class AnyStatus(Filter):
    """The status is one of these, or none of those."""

    any_: list[WorkerStatus] | None = None
    not_any_: list[WorkerStatus] | None = None


class WorkerFilter(Filter):
    """Selects workers."""

    last_heartbeat_time: TimeBounds | None = None
    status: AnyStatus | None = None
    operator: Operator = "and_"


class WorkerQuery(Listing):
    """Which workers to list."""

    workers: WorkerFilter | None = None


HEARTBEAT = Endpoint(
    method="POST",
    path="/work_pools/{work_pool_name}/workers/heartbeat",
    summary="Tell that a worker lives",
    body=Heartbeat,
    status=204,
    statuses=(404, 422),
    permission="operate",
)
FILTER = Endpoint(
    method="POST",
    path="/work_pools/{work_pool_name}/workers/filter",
    summary="List the workers of a pool, the latest to call first",
    body=WorkerQuery,
    body_required=False,
    answer=list[Worker],
    statuses=(404, 422),
)
DELETE = Endpoint(
    method="DELETE",
    path="/work_pools/{work_pool_name}/workers/{name}",
    summary="Forget a worker of a pool",
    status=204,
    statuses=(404, 422),
    permission="edit",
)
