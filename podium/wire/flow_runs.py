"""Flow runs, their inputs, labels, graph and log file."""

from types import NoneType
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from podium.wire.endpoint import Answer, Body, Endpoint, Patch
from podium.wire.filters import FlowRunFilter, PoolScope, QueueScope, WorkQueueFilter
from podium.wire.graph import Dependency, Graph, GraphSince
from podium.wire.parameters import Creator, Deleted, Page, Parameters, Row
from podium.wire.scalars import Id, Json, Labels, Natural, OrDefault, PageNumber, Seconds, Time, seconds
from podium.wire.sorting import FlowRunSort
from podium.wire.states import (
    HistoryInterval,
    OrchestrationResult,
    OutcomeDetails,
    SetState,
    SetStateStatus,
    State,
    StateCreate,
    StateType,
)

BulkLimit = Annotated[int, msgspec.Meta(ge=1, le=50)]


class FlowRunPolicy(Body):
    """How a flow run retries and pauses; delays are in seconds."""

    max_retries: int = 0
    retry_delay_seconds: float = 0
    retries: int | None = None
    retry_delay: int | None = None
    pause_keys: list[str] | None = []
    resuming: bool | None = False
    retry_type: Literal["in_process", "reschedule"] | None = None


class FlowRunCreate(Body):
    """A flow run to create; no ``name`` makes one up, no ``state`` is PENDING."""

    flow_id: UUID
    name: str | None = None
    state: StateCreate | None = None
    deployment_id: UUID | None = None
    flow_version: str | None = None
    parameters: Json = {}
    context: Json = {}
    parent_task_run_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    empirical_policy: FlowRunPolicy = msgspec.field(default_factory=FlowRunPolicy)
    tags: list[str] = []
    labels: Labels | None = None
    idempotency_key: str | None = None
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    job_variables: Json | None = None


class FlowRunUpdate(Patch):
    """What may change of a flow run besides its state."""

    name: str | UnsetType | None = UNSET
    flow_version: str | UnsetType | None = UNSET
    parameters: Json | UnsetType = UNSET
    empirical_policy: FlowRunPolicy | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    infrastructure_pid: str | UnsetType | None = UNSET
    job_variables: Json | UnsetType | None = UNSET


class BareFlowRun(Row):
    """A flow run as workers are handed it; times it ran are in seconds."""

    flow_id: Id
    name: str = ""
    state_id: Id | None = None
    state_type: StateType | None = None
    state_name: str | None = None
    state: State | None = None
    deployment_id: Id | None = None
    deployment_version: str | None = None
    work_queue_id: Id | None = None
    work_queue_name: str | None = None
    flow_version: str | None = None
    parameters: Json = {}
    context: Json = {}
    idempotency_key: str | None = None
    empirical_policy: FlowRunPolicy = msgspec.field(default_factory=FlowRunPolicy)
    tags: list[str] = []
    labels: Labels | None = None
    parent_task_run_id: Id | None = None
    run_count: int = 0
    expected_start_time: Time | None = None
    next_scheduled_start_time: Time | None = None
    start_time: Time | None = None
    end_time: Time | None = None
    total_run_time: float = 0.0
    estimated_run_time: float = 0.0
    estimated_start_time_delta: float = 0.0
    auto_scheduled: bool = False
    infrastructure_document_id: Id | None = None
    infrastructure_pid: str | None = None
    job_variables: Json | None = None
    created_by: Creator | None = None


class FlowRun(BareFlowRun):
    """A flow run with its work pool."""

    labels: Labels = {}
    work_pool_id: Id | None = None
    work_pool_name: str | None = None


class FlowRunQuery(QueueScope):
    """Which flow runs to list."""

    limit: int | None = None
    offset: OrDefault[Natural] = 0
    sort: OrDefault[FlowRunSort] = "ID_DESC"


class FlowRunPageQuery(QueueScope):
    """Which page of flow runs to list."""

    limit: int | None = None
    page: OrDefault[PageNumber] = 1
    sort: OrDefault[FlowRunSort] = "ID_DESC"


class FlowRunPage(Page):
    """A page of flow runs."""

    results: list[FlowRun]


class FlowRunHistoryQuery(PoolScope, kw_only=True):
    """The time to cut into intervals, and which runs to count in them."""

    history_start: Time
    history_end: Time
    history_interval_seconds: Seconds
    work_queues: WorkQueueFilter | None = None

    def __post_init__(self) -> None:
        """Read the interval as seconds."""
        super().__post_init__()
        self.history_interval_seconds = seconds("history_interval_seconds", self.history_interval_seconds)


class FlowRunBulkDelete(Parameters):
    """Which flow runs to delete. No filter, or an empty one, selects every run."""

    flow_runs: FlowRunFilter | None = None
    limit: OrDefault[BulkLimit] = 50


class FlowRunBulkSetState(Parameters):
    """Which flow runs to set into which state."""

    state: StateCreate
    flow_runs: FlowRunFilter | None = None
    force: OrDefault[bool] = False
    limit: OrDefault[BulkLimit] = 50


class FlowRunOutcome(Answer):
    """The outcome of a proposed state for one of several runs."""

    flow_run_id: Id
    status: SetStateStatus
    details: OutcomeDetails
    state: State | None = None


class FlowRunOutcomes(Answer):
    """The outcomes of a state proposed for several runs."""

    results: list[FlowRunOutcome] = []


class FlowRunCreated(Answer):
    """What became of one flow run of several to create."""

    status: Literal["CREATED", "FAILED"]
    flow_run_id: Id | None = None
    error: str | None = None


class FlowRunsCreated(Answer):
    """What became of the flow runs to create, in the order asked for."""

    results: list[FlowRunCreated] = []


class Resume(Parameters):
    """What a paused run is resumed with."""

    run_input: Json | None = None


class FlowRunInputCreate(Parameters):
    """An input to keep for a run; the key is unique for the run."""

    key: str
    value: str
    sender: str | None = None


class FlowRunInputQuery(Parameters):
    """Which inputs to list: keys that start with ``prefix`` and are none of ``exclude_keys``."""

    prefix: str
    limit: OrDefault[int] = 1
    exclude_keys: OrDefault[list[str]] = []


class FlowRunInput(Row):
    """An input of a run."""

    flow_run_id: Id
    key: str
    value: str
    sender: str | None = None


CREATE = Endpoint(
    method="POST",
    path="/flow_runs/",
    summary="Create a flow run, or read the one with its idempotency key",
    body=FlowRunCreate,
    answer=FlowRun,
    status=201,
    statuses=(200, 409, 422),
    further=(404,),
    permission="operate",
)
READ = Endpoint(method="GET", path="/flow_runs/{id}", summary="Read a flow run", answer=FlowRun, statuses=(404, 422))
FILTER = Endpoint(
    method="POST",
    path="/flow_runs/filter",
    summary="List flow runs",
    body=FlowRunQuery,
    body_required=False,
    answer=list[FlowRun],
    statuses=(422,),
)
PAGINATE = Endpoint(
    method="POST",
    path="/flow_runs/paginate",
    summary="List a page of flow runs",
    body=FlowRunPageQuery,
    body_required=False,
    answer=FlowRunPage,
    statuses=(422,),
)
COUNT = Endpoint(
    method="POST",
    path="/flow_runs/count",
    summary="Count flow runs",
    body=QueueScope,
    body_required=False,
    answer=int,
    statuses=(422,),
)
LATENESS = Endpoint(
    method="POST",
    path="/flow_runs/lateness",
    summary="Average lateness of flow runs in seconds",
    body=QueueScope,
    body_required=False,
    answer=float | None,
    statuses=(422,),
)
HISTORY = Endpoint(
    method="POST",
    path="/flow_runs/history",
    summary="Count flow runs by state and interval",
    body=FlowRunHistoryQuery,
    answer=list[HistoryInterval],
    statuses=(422,),
)
UPDATE = Endpoint(
    method="PATCH",
    path="/flow_runs/{id}",
    summary="Change a flow run",
    body=FlowRunUpdate,
    status=204,
    statuses=(404, 422),
    permission="operate",
)
UPDATE_LABELS = Endpoint(
    method="PATCH",
    path="/flow_runs/{id}/labels",
    summary="Merge labels into those of a flow run",
    body=Labels,
    status=204,
    statuses=(404, 422),
    permission="operate",
)
DELETE = Endpoint(
    method="DELETE",
    path="/flow_runs/{id}",
    summary="Delete a flow run",
    status=204,
    statuses=(404, 422),
    permission="operate",
)
BULK_DELETE = Endpoint(
    method="POST",
    path="/flow_runs/bulk_delete",
    summary="Delete the flow runs a filter selects",
    body=FlowRunBulkDelete,
    body_required=False,
    answer=Deleted,
    statuses=(422,),
    permission="operate",
)
SET_STATE = Endpoint(
    method="POST",
    path="/flow_runs/{id}/set_state",
    summary="Propose a state for a flow run",
    body=SetState,
    answer=OrchestrationResult,
    status=201,
    statuses=(200, 404, 422),
    permission="operate",
)
BULK_SET_STATE = Endpoint(
    method="POST",
    path="/flow_runs/bulk_set_state",
    summary="Propose a state for the flow runs a filter selects",
    body=FlowRunBulkSetState,
    answer=FlowRunOutcomes,
    statuses=(422,),
    permission="operate",
)
RESUME = Endpoint(
    method="POST",
    path="/flow_runs/{id}/resume",
    summary="Resume a paused flow run",
    body=Resume,
    body_required=False,
    answer=OrchestrationResult,
    status=201,
    statuses=(200, 404, 422),
    permission="operate",
)
READ_DEPENDENCIES = Endpoint(
    method="GET",
    path="/flow_runs/{id}/graph",
    summary="List the task runs of a flow run with what they depend on",
    answer=list[Dependency],
    statuses=(404, 422),
)
READ_GRAPH = Endpoint(
    method="GET",
    path="/flow_runs/{id}/graph-v2",
    summary="Read the graph of a flow run",
    query=GraphSince,
    answer=Graph,
    statuses=(400, 404, 422),
)
DOWNLOAD_LOGS = Endpoint(
    method="GET",
    path="/flow_runs/{id}/logs/download",
    summary="Download the logs of a flow run as CSV",
    answer=Any,
    statuses=(404, 422),
    media="text/csv",
)
CREATE_INPUT = Endpoint(
    method="POST",
    path="/flow_runs/{id}/input",
    summary="Keep an input for a flow run",
    body=FlowRunInputCreate,
    answer=NoneType,
    status=201,
    statuses=(404, 409, 422),
    permission="operate",
)
FILTER_INPUT = Endpoint(
    method="POST",
    path="/flow_runs/{id}/input/filter",
    summary="List inputs of a flow run, oldest first",
    body=FlowRunInputQuery,
    answer=list[FlowRunInput],
    statuses=(404, 422),
)
READ_INPUT = Endpoint(
    method="GET",
    path="/flow_runs/{id}/input/{key}",
    summary="Read an input of a flow run as it was sent",
    answer=Any,
    statuses=(404, 422),
    media="text/plain",
)
DELETE_INPUT = Endpoint(
    method="DELETE",
    path="/flow_runs/{id}/input/{key}",
    summary="Delete an input of a flow run",
    status=204,
    statuses=(404, 422),
    permission="operate",
)
