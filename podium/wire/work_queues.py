"""Work queues: those of a work pool by name, and any by id."""

from typing import Literal
from uuid import UUID

from msgspec import UNSET, UnsetType

from podium.wire.endpoint import Answer, Body, Endpoint, Patch
from podium.wire.filters import WorkQueueFilter
from podium.wire.flow_runs import FlowRun
from podium.wire.parameters import Listing, Page, Paging, Parameters, Row
from podium.wire.scalars import Amount, Id, Name, PositiveAmount, Time
from podium.wire.states import StateType

WorkQueueStatus = Literal["READY", "NOT_READY", "PAUSED"]


class QueueFilter(Body):
    """What a queue of older clients picks up."""

    tags: list[str] | None = None
    deployment_ids: list[UUID] | None = None


class WorkQueueCreate(Body):
    """A work queue to create; no ``priority`` is the last of its pool."""

    name: Name
    description: str | None = ""
    is_paused: bool = False
    concurrency_limit: Amount | None = None
    priority: PositiveAmount | None = None
    filter: QueueFilter | None = None


class WorkQueueUpdate(Patch):
    """What may change of a work queue."""

    name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    is_paused: bool | UnsetType = UNSET
    concurrency_limit: Amount | UnsetType | None = UNSET
    priority: PositiveAmount | UnsetType | None = UNSET
    last_polled: Time | UnsetType | None = UNSET
    filter: QueueFilter | UnsetType | None = UNSET


class BareWorkQueue(Row):
    """A work queue as it is stored; ``priority`` 1 goes first."""

    name: str
    description: str | None = ""
    is_paused: bool = False
    concurrency_limit: int | None = None
    priority: int = 1
    work_pool_id: Id | None = None
    last_polled: Time | None = None
    filter: QueueFilter | None = None


class WorkQueue(BareWorkQueue):
    """A work queue with its pool and how it fares."""

    work_pool_name: str | None = None
    status: WorkQueueStatus | None = None
    active_slots: int | None = None


class WorkQueueQuery(Listing):
    """Which work queues to list."""

    work_queues: WorkQueueFilter | None = None


class RunsQuery(Parameters):
    """Up to when runs are handed out."""

    scheduled_before: Time | None = None
    limit: int | None = None


class WorkQueueHealthPolicy(Answer):
    """What a healthy queue stays below."""

    maximum_late_runs: int | None = 0
    maximum_seconds_since_last_polled: int | None = 60


class WorkQueueHealth(Answer):
    """How a queue fares against its policy."""

    healthy: bool
    health_check_policy: WorkQueueHealthPolicy
    late_runs_count: int = 0
    last_polled: Time | None = None


class SlotHolder(Answer):
    """A flow run that holds a slot."""

    id: Id
    name: str
    state_type: StateType | None = None
    state_name: str | None = None
    state_timestamp: Time | None = None
    start_time: Time | None = None
    time_in_current_state: float | None = None


class WorkQueueSlots(Page):
    """The slots of a queue and a page of the runs that hold them."""

    active_slots: int
    concurrency_limit: int | None = None
    flow_runs: list[SlotHolder] = []


CREATE = Endpoint(
    method="POST",
    path="/work_queues/",
    summary="Create a work queue in the default pool",
    body=WorkQueueCreate,
    answer=WorkQueue,
    status=201,
    statuses=(422,),
    further=(409,),
    permission="edit",
)
READ = Endpoint(
    method="GET", path="/work_queues/{id}", summary="Read a work queue", answer=WorkQueue, statuses=(404, 422)
)
READ_BY_NAME = Endpoint(
    method="GET",
    path="/work_queues/name/{name}",
    summary="Read a work queue of the default pool by its name",
    answer=WorkQueue,
    statuses=(404, 422),
)
FILTER = Endpoint(
    method="POST",
    path="/work_queues/filter",
    summary="List work queues of every pool",
    body=WorkQueueQuery,
    body_required=False,
    answer=list[WorkQueue],
    statuses=(422,),
)
UPDATE = Endpoint(
    method="PATCH",
    path="/work_queues/{id}",
    summary="Change a work queue",
    body=WorkQueueUpdate,
    status=204,
    statuses=(404, 422),
    further=(409,),
    permission="edit",
)
DELETE = Endpoint(
    method="DELETE",
    path="/work_queues/{id}",
    summary="Delete a work queue",
    status=204,
    statuses=(404, 422),
    further=(409,),
    permission="edit",
)
GET_RUNS = Endpoint(
    method="POST",
    path="/work_queues/{id}/get_runs",
    summary="Hand out the scheduled runs of a queue; marks it as polled unless the header x-prefect-ui is true",
    body=RunsQuery,
    body_required=False,
    answer=list[FlowRun],
    statuses=(404, 422),
    headers=("x-prefect-ui",),
    permission="operate",
)
READ_STATUS = Endpoint(
    method="GET",
    path="/work_queues/{id}/status",
    summary="Read how a work queue fares",
    answer=WorkQueueHealth,
    statuses=(404, 422),
)
READ_SLOTS = Endpoint(
    method="POST",
    path="/work_queues/{id}/concurrency_status",
    summary="Read the slots of a queue and who holds them",
    body=Paging,
    body_required=False,
    answer=WorkQueueSlots,
    statuses=(404, 422),
)
CREATE_IN_POOL = Endpoint(
    method="POST",
    path="/work_pools/{work_pool_name}/queues",
    summary="Create a work queue in a pool",
    body=WorkQueueCreate,
    answer=WorkQueue,
    status=201,
    statuses=(404, 409, 422),
    permission="edit",
)
READ_IN_POOL = Endpoint(
    method="GET",
    path="/work_pools/{work_pool_name}/queues/{name}",
    summary="Read a work queue of a pool",
    answer=WorkQueue,
    statuses=(404, 422),
)
FILTER_IN_POOL = Endpoint(
    method="POST",
    path="/work_pools/{work_pool_name}/queues/filter",
    summary="List the work queues of a pool",
    body=WorkQueueQuery,
    body_required=False,
    answer=list[WorkQueue],
    statuses=(404, 422),
)
UPDATE_IN_POOL = Endpoint(
    method="PATCH",
    path="/work_pools/{work_pool_name}/queues/{name}",
    summary="Change a work queue of a pool",
    body=WorkQueueUpdate,
    status=204,
    statuses=(404, 422),
    further=(409,),
    permission="edit",
)
DELETE_IN_POOL = Endpoint(
    method="DELETE",
    path="/work_pools/{work_pool_name}/queues/{name}",
    summary="Delete a work queue of a pool",
    status=204,
    statuses=(404, 422),
    further=(409,),
    permission="edit",
)
