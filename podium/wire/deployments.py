"""Deployments, and the runs made of them."""

from types import NoneType
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from podium.wire.concurrency_v2 import GlobalConcurrencyLimit
from podium.wire.endpoint import Body, Endpoint, Patch
from podium.wire.filters import DeploymentFilter, QueueScope
from podium.wire.flow_runs import BulkLimit, FlowRun, FlowRunPolicy, FlowRunsCreated
from podium.wire.parameters import Creator, Deleted, Page, Parameters, Row
from podium.wire.scalars import Id, Json, Labels, Natural, OrDefault, PageNumber, PositiveAmount, Seconds, Time, seconds
from podium.wire.schedules import DeploymentSchedule, DeploymentScheduleCreate, DeploymentScheduleUpdate
from podium.wire.sorting import DeploymentSort
from podium.wire.states import StateCreate
from podium.wire.work_queues import BareWorkQueue

DeploymentStatus = Literal["READY", "NOT_READY"]


class ConcurrencyOptions(Body):
    """What to do with a run that finds no slot; seconds a run may hold its slot before it starts."""

    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"]
    grace_period_seconds: Annotated[int, msgspec.Meta(ge=60, le=86400)] | None = None


class VersionInfo(Body):
    """Where a version of a deployment comes from."""

    type: str
    version: str


class DeploymentCreate(Patch, kw_only=True):
    """A deployment to create or to overwrite by (flow_id, name).

    Of one that exists only the fields that were sent change, hence ``UNSET``; ``filled`` has the values of a new one.
    """

    name: str
    flow_id: UUID
    paused: bool | UnsetType = UNSET
    schedules: list[DeploymentScheduleCreate] | UnsetType = UNSET
    concurrency_limit: PositiveAmount | UnsetType | None = UNSET
    concurrency_options: ConcurrencyOptions | UnsetType | None = UNSET
    global_concurrency_limit_id: UUID | UnsetType | None = UNSET
    enforce_parameter_schema: bool | UnsetType = UNSET
    parameter_openapi_schema: Json | UnsetType | None = UNSET
    parameters: Json | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    labels: Labels | UnsetType | None = UNSET
    pull_steps: list[Json] | UnsetType | None = UNSET
    work_pool_name: str | UnsetType | None = UNSET
    work_queue_name: str | UnsetType | None = UNSET
    storage_document_id: UUID | UnsetType | None = UNSET
    infrastructure_document_id: UUID | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    path: str | UnsetType | None = UNSET
    version: str | UnsetType | None = UNSET
    version_info: VersionInfo | UnsetType | None = UNSET
    entrypoint: str | UnsetType | None = UNSET
    job_variables: Json | UnsetType = UNSET

    defaults: ClassVar[dict[str, Any]] = {
        "paused": False,
        "schedules": [],
        "enforce_parameter_schema": True,
        "parameters": {},
        "tags": [],
        "job_variables": {},
    }

    def filled(self) -> dict[str, Any]:
        """Every field: what was sent, else its default."""
        return {name: self.defaults.get(name) for name in self.__struct_fields__} | self.sent()


class DeploymentUpdate(Patch):
    """What may change of a deployment. ``work_pool_name`` null takes it off its queue."""

    version: str | UnsetType | None = UNSET
    version_info: VersionInfo | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    paused: bool | UnsetType = UNSET
    schedules: list[DeploymentScheduleUpdate] | UnsetType = UNSET
    concurrency_limit: PositiveAmount | UnsetType | None = UNSET
    concurrency_options: ConcurrencyOptions | UnsetType | None = UNSET
    global_concurrency_limit_id: UUID | UnsetType | None = UNSET
    parameters: Json | UnsetType | None = UNSET
    parameter_openapi_schema: Json | UnsetType | None = UNSET
    enforce_parameter_schema: bool | UnsetType | None = UNSET
    tags: list[str] | UnsetType = UNSET
    pull_steps: list[Json] | UnsetType | None = UNSET
    work_pool_name: str | UnsetType | None = UNSET
    work_queue_name: str | UnsetType | None = UNSET
    path: str | UnsetType | None = UNSET
    entrypoint: str | UnsetType | None = UNSET
    job_variables: Json | UnsetType | None = UNSET
    storage_document_id: UUID | UnsetType | None = UNSET
    infrastructure_document_id: UUID | UnsetType | None = UNSET


class Deployment(Row):
    """A deployment. Its limit is ``global_concurrency_limit``; ``concurrency_limit`` is always null."""

    name: str
    flow_id: Id
    status: DeploymentStatus | None = "NOT_READY"
    last_polled: Time | None = None
    paused: bool = False
    schedules: list[DeploymentSchedule] = []
    concurrency_limit: int | None = None
    global_concurrency_limit: GlobalConcurrencyLimit | None = None
    concurrency_options: ConcurrencyOptions | None = None
    version: str | None = None
    description: str | None = None
    tags: list[str] = []
    labels: Labels = {}
    parameters: Json = {}
    parameter_openapi_schema: Json | None = None
    enforce_parameter_schema: bool = True
    pull_steps: list[Json] | None = None
    path: str | None = None
    entrypoint: str | None = None
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    work_queue_id: Id | None = None
    job_variables: Json = {}
    storage_document_id: Id | None = None
    infrastructure_document_id: Id | None = None
    created_by: Creator | None = None
    updated_by: Creator | None = None


class DeploymentFlowRunCreate(Body):
    """A flow run to make of a deployment; what is absent comes from the deployment. No ``state`` is SCHEDULED."""

    name: str | None = None
    state: StateCreate | None = None
    parameters: Json = {}
    enforce_parameter_schema: bool | None = None
    context: Json = {}
    infrastructure_document_id: UUID | None = None
    empirical_policy: FlowRunPolicy = msgspec.field(default_factory=FlowRunPolicy)
    tags: list[str] = []
    idempotency_key: str | None = None
    labels: Labels | None = None
    parent_task_run_id: UUID | None = None
    work_queue_name: str | None = None
    job_variables: Json | None = None


class DeploymentQuery(QueueScope):
    """Which deployments to list."""

    limit: int | None = None
    offset: OrDefault[Natural] = 0
    sort: OrDefault[DeploymentSort] = "NAME_ASC"


class DeploymentPageQuery(QueueScope):
    """Which page of deployments to list."""

    limit: int | None = None
    page: OrDefault[PageNumber] = 1
    sort: OrDefault[DeploymentSort] = "NAME_ASC"


class DeploymentPage(Page):
    """A page of deployments."""

    results: list[Deployment]


class DeploymentBulkDelete(Parameters):
    """Which deployments to delete. No filter, or an empty one, selects every deployment."""

    deployments: DeploymentFilter | None = None
    limit: OrDefault[BulkLimit] = 50


class ScheduledRunsQuery(Parameters):
    """Whose scheduled runs to hand out, and up to when."""

    deployment_ids: list[UUID]
    scheduled_before: Time | None = None
    limit: int | None = None


class ScheduleRuns(Parameters):
    """Which span to schedule: at least ``min_runs`` and ``min_time`` seconds ahead, at most ``max_runs``."""

    start_time: Time | None = None
    end_time: Time | None = None
    min_time: Seconds | None = None
    min_runs: int | None = None
    max_runs: int | None = None

    def __post_init__(self) -> None:
        """Read the span as seconds."""
        if self.min_time is not None:
            self.min_time = seconds("min_time", self.min_time)


CREATE = Endpoint(
    method="POST",
    path="/deployments/",
    summary="Create a deployment, or overwrite the one of its flow and name",
    body=DeploymentCreate,
    answer=Deployment,
    status=201,
    statuses=(200, 409, 422),
    further=(404,),
    permission="edit",
)
READ = Endpoint(
    method="GET", path="/deployments/{id}", summary="Read a deployment", answer=Deployment, statuses=(404, 422)
)
READ_BY_NAME = Endpoint(
    method="GET",
    path="/deployments/name/{flow_name}/{deployment_name}",
    summary="Read a deployment by the names of its flow and itself",
    answer=Deployment,
    statuses=(404, 422),
)
FILTER = Endpoint(
    method="POST",
    path="/deployments/filter",
    summary="List deployments",
    body=DeploymentQuery,
    body_required=False,
    answer=list[Deployment],
    statuses=(422,),
)
PAGINATE = Endpoint(
    method="POST",
    path="/deployments/paginate",
    summary="List a page of deployments",
    body=DeploymentPageQuery,
    body_required=False,
    answer=DeploymentPage,
    statuses=(422,),
)
COUNT = Endpoint(
    method="POST",
    path="/deployments/count",
    summary="Count deployments",
    body=QueueScope,
    body_required=False,
    answer=int,
    statuses=(422,),
)
UPDATE = Endpoint(
    method="PATCH",
    path="/deployments/{id}",
    summary="Change a deployment",
    body=DeploymentUpdate,
    status=204,
    statuses=(404, 409, 422),
    permission="edit",
)
DELETE = Endpoint(
    method="DELETE",
    path="/deployments/{id}",
    summary="Delete a deployment",
    status=204,
    statuses=(404, 422),
    permission="edit",
)
BULK_DELETE = Endpoint(
    method="POST",
    path="/deployments/bulk_delete",
    summary="Delete the deployments a filter selects",
    body=DeploymentBulkDelete,
    body_required=False,
    answer=Deleted,
    statuses=(422,),
    permission="edit",
)
CREATE_FLOW_RUN = Endpoint(
    method="POST",
    path="/deployments/{id}/create_flow_run",
    summary="Make a flow run of a deployment",
    body=DeploymentFlowRunCreate,
    answer=FlowRun,
    status=201,
    statuses=(200, 404, 409, 422),
    permission="operate",
)
CREATE_FLOW_RUNS = Endpoint(
    method="POST",
    path="/deployments/{id}/create_flow_run/bulk",
    summary="Make flow runs of a deployment",
    body=list[DeploymentFlowRunCreate],
    answer=FlowRunsCreated,
    statuses=(404, 422),
    further=(409,),
    permission="operate",
)
GET_SCHEDULED_FLOW_RUNS = Endpoint(
    method="POST",
    path="/deployments/get_scheduled_flow_runs",
    summary="Hand out the scheduled runs of deployments, and mark these as polled",
    body=ScheduledRunsQuery,
    answer=list[FlowRun],
    statuses=(422,),
    permission="operate",
)
SCHEDULE = Endpoint(
    method="POST",
    path="/deployments/{id}/schedule",
    summary="Schedule the runs of a deployment",
    body=ScheduleRuns,
    body_required=False,
    answer=NoneType,
    statuses=(404, 422),
    permission="operate",
)
PAUSE = Endpoint(
    method="POST",
    path="/deployments/{id}/pause_deployment",
    summary="Pause a deployment and delete its scheduled runs",
    answer=NoneType,
    statuses=(404, 422),
    permission="operate",
)
RESUME = Endpoint(
    method="POST",
    path="/deployments/{id}/resume_deployment",
    summary="Resume a paused deployment",
    answer=NoneType,
    statuses=(404, 422),
    permission="operate",
)
CHECK_WORK_QUEUES = Endpoint(
    method="GET",
    path="/deployments/{id}/work_queue_check",
    summary="List the work queues that pick up the runs of a deployment",
    answer=list[BareWorkQueue],
    statuses=(404, 422),
    deprecated=True,
)
