"""Work pools."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from podium.wire.endpoint import Answer, Body, Endpoint, Patch
from podium.wire.filters import WorkPoolFilter
from podium.wire.flow_runs import BareFlowRun
from podium.wire.parameters import Listing, Page, Paging, Parameters, Row
from podium.wire.scalars import Amount, Id, Json, Name, OrDefault, Time
from podium.wire.work_queues import SlotHolder

WorkPoolStatus = Literal["READY", "NOT_READY", "PAUSED"]


class StorageConfiguration(Body):
    """How runs of a pool are bundled, and where their results go."""

    bundle_upload_step: Json | None = None
    bundle_execution_step: Json | None = None
    default_result_storage_block_id: UUID | None = None


class WorkPoolCreate(Body):
    """A work pool to create."""

    name: Name
    type: str = "prefect-agent"
    description: str | None = None
    base_job_template: Json = {}
    is_paused: bool = False
    concurrency_limit: Amount | None = None
    storage_configuration: StorageConfiguration = msgspec.field(default_factory=StorageConfiguration)


class WorkPoolUpdate(Patch):
    """What may change of a work pool."""

    description: str | UnsetType | None = UNSET
    is_paused: bool | UnsetType | None = UNSET
    base_job_template: Json | UnsetType | None = UNSET
    concurrency_limit: Amount | UnsetType | None = UNSET
    storage_configuration: StorageConfiguration | UnsetType | None = UNSET


class WorkPool(Row):
    """A work pool."""

    name: str
    type: str
    description: str | None = None
    base_job_template: Json = {}
    is_paused: bool = False
    concurrency_limit: int | None = None
    storage_configuration: StorageConfiguration = msgspec.field(default_factory=StorageConfiguration)
    default_queue_id: Id | None = None
    status: WorkPoolStatus | None = None
    active_slots: int | None = None


class WorkPoolQuery(Listing):
    """Which work pools to list."""

    work_pools: WorkPoolFilter | None = None


class WorkPoolCountQuery(Parameters):
    """Which work pools to count."""

    work_pools: WorkPoolFilter | None = None


class PoolRunsQuery(Parameters):
    """Which scheduled runs to hand out; no queue named is every queue."""

    work_queue_names: list[str] | None = None
    scheduled_before: Time | None = None
    scheduled_after: Time | None = None
    limit: int | None = None


class WorkerFlowRun(Answer):
    """A flow run handed to a worker."""

    work_pool_id: Id
    work_queue_id: Id
    flow_run: BareFlowRun


class PoolSlotsQuery(Paging):
    """Which page of queues, and how many runs of each, to show."""

    flow_run_limit: OrDefault[Annotated[int, msgspec.Meta(ge=0, le=200)]] = 10


class QueueSlots(Answer):
    """The slots of one queue of a pool."""

    queue_id: Id
    queue_name: str
    active_slots: int
    concurrency_limit: int | None = None
    flow_run_count: int | None = None
    flow_runs: list[SlotHolder] = []


class WorkPoolSlots(Page):
    """The slots of a pool and a page of its queues."""

    active_slots: int
    concurrency_limit: int | None = None
    queues: list[QueueSlots] = []


CREATE = Endpoint(
    method="POST",
    path="/work_pools/",
    summary="Create a work pool",
    body=WorkPoolCreate,
    answer=WorkPool,
    status=201,
    statuses=(403, 409, 422),
    permission="edit",
)
READ = Endpoint(
    method="GET", path="/work_pools/{name}", summary="Read a work pool", answer=WorkPool, statuses=(404, 422)
)
FILTER = Endpoint(
    method="POST",
    path="/work_pools/filter",
    summary="List work pools",
    body=WorkPoolQuery,
    body_required=False,
    answer=list[WorkPool],
    statuses=(422,),
)
COUNT = Endpoint(
    method="POST",
    path="/work_pools/count",
    summary="Count work pools",
    body=WorkPoolCountQuery,
    body_required=False,
    answer=int,
    statuses=(422,),
)
UPDATE = Endpoint(
    method="PATCH",
    path="/work_pools/{name}",
    summary="Change a work pool",
    body=WorkPoolUpdate,
    status=204,
    statuses=(403, 404, 409, 422),
    permission="edit",
)
DELETE = Endpoint(
    method="DELETE",
    path="/work_pools/{name}",
    summary="Delete a work pool with its queues",
    status=204,
    statuses=(403, 404, 422),
    permission="edit",
)
GET_SCHEDULED_FLOW_RUNS = Endpoint(
    method="POST",
    path="/work_pools/{name}/get_scheduled_flow_runs",
    summary="Hand out the scheduled runs of a pool, and mark its queues as polled",
    body=PoolRunsQuery,
    body_required=False,
    answer=list[WorkerFlowRun],
    statuses=(404, 422),
    permission="operate",
)
READ_SLOTS = Endpoint(
    method="POST",
    path="/work_pools/{name}/concurrency_status",
    summary="Read the slots of a pool's queues and who holds them",
    body=PoolSlotsQuery,
    body_required=False,
    answer=WorkPoolSlots,
    statuses=(404, 422),
)
