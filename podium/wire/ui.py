"""What the pages ask for besides: counts, histories and checks of forms."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from podium.wire.endpoint import Answer, Endpoint
from podium.wire.filters import PoolScope, RunScope, TaskRunFilter, WorkQueueFilter
from podium.wire.parameters import Parameters
from podium.wire.scalars import Id, Json, Natural, OrDefault, Time
from podium.wire.sorting import FlowRunSort
from podium.wire.states import StateType
from podium.wire.task_runs import TaskRun


class OfFlowRuns(Parameters):
    """The flow runs asked about."""

    flow_run_ids: list[UUID]


class OfFlows(Parameters):
    """The flows asked about."""

    flow_ids: list[UUID]


class HistoryQuery(PoolScope):
    """Which flow runs to draw."""

    sort: OrDefault[FlowRunSort] = "EXPECTED_START_TIME_DESC"
    limit: OrDefault[Annotated[int, msgspec.Meta(le=1000)]] = 1000
    offset: OrDefault[Natural] = 0


class DrawnFlowRun(Answer):
    """A flow run as it is drawn; duration and lateness are in seconds."""

    id: Id
    state_type: StateType
    timestamp: Time
    duration: float
    lateness: float


class NextFlowRun(Answer):
    """The next run of a flow."""

    id: Id
    flow_id: Id
    name: str
    state_name: str
    state_type: StateType
    next_scheduled_start_time: Time


class DashboardQuery(PoolScope, kw_only=True):
    """Which task runs to count over time; their filter bounds the time."""

    task_runs: TaskRunFilter
    work_queues: WorkQueueFilter | None = None


class CountByState(Answer):
    """How many runs are in each state."""

    COMPLETED: int = 0
    PENDING: int = 0
    RUNNING: int = 0
    FAILED: int = 0
    CANCELLED: int = 0
    CRASHED: int = 0
    PAUSED: int = 0
    CANCELLING: int = 0
    SCHEDULED: int = 0


class NamedTaskRun(TaskRun):
    """A task run with the name of its flow run."""

    flow_run_name: str | None = None


class SchemaCheck(Parameters):
    """A JSON Schema, and the values to hold against it."""

    schema: Json
    values: Json


class SchemaError(Answer):
    """What is wrong below a property or an item of an array: texts, and errors further down."""

    errors: list["str | SchemaError"]
    property: str | UnsetType = UNSET
    index: int | UnsetType = UNSET


class SchemaVerdict(Answer):
    """Whether values fit a schema."""

    valid: bool
    errors: list[str | SchemaError]


COUNT_TASK_RUNS_BY_FLOW_RUN = Endpoint(
    method="POST",
    path="/ui/flow_runs/count-task-runs",
    summary="Count the task runs of flow runs",
    body=OfFlowRuns,
    answer=dict[Id, int],
    statuses=(422,),
)
READ_FLOW_RUN_HISTORY = Endpoint(
    method="POST",
    path="/ui/flow_runs/history",
    summary="List flow runs as they are drawn",
    body=HistoryQuery,
    body_required=False,
    answer=list[DrawnFlowRun],
    statuses=(422,),
)
COUNT_DEPLOYMENTS_BY_FLOW = Endpoint(
    method="POST",
    path="/ui/flows/count-deployments",
    summary="Count the deployments of flows",
    body=OfFlows,
    answer=dict[Id, int],
    statuses=(422,),
)
NEXT_RUNS_BY_FLOW = Endpoint(
    method="POST",
    path="/ui/flows/next-runs",
    summary="Read the next run of each flow",
    body=OfFlows,
    answer=dict[Id, NextFlowRun | None],
    statuses=(422,),
)
VALIDATE_VALUES = Endpoint(
    method="POST",
    path="/ui/schemas/validate",
    summary="Check values against a schema",
    body=SchemaCheck,
    answer=SchemaVerdict,
    statuses=(422,),
)
COUNT_TASK_RUNS_BY_STATE = Endpoint(
    method="POST",
    path="/ui/task_runs/count",
    summary="Count task runs by state",
    body=RunScope,
    body_required=False,
    answer=CountByState,
    statuses=(422,),
)
COUNT_TASK_RUNS_OVER_TIME = Endpoint(
    method="POST",
    path="/ui/task_runs/dashboard/counts",
    summary="Count completed and failed task runs over time",
    body=DashboardQuery,
    answer=list[dict[str, int]],
    statuses=(422,),
)
READ_TASK_RUN = Endpoint(
    method="GET",
    path="/ui/task_runs/{id}",
    summary="Read a task run with the name of its flow run",
    answer=NamedTaskRun,
    statuses=(404, 422),
)
