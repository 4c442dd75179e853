"""Task runs."""

from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from podium.wire.endpoint import Body, Endpoint, Patch
from podium.wire.filters import RunScope
from podium.wire.graph import TaskInputs
from podium.wire.parameters import Page, Row
from podium.wire.scalars import Id, Labels, Natural, OrDefault, PageNumber, Seconds, Time, seconds
from podium.wire.sorting import TaskRunSort
from podium.wire.states import HistoryInterval, OrchestrationResult, SetState, State, StateCreate, StateType


class TaskRunPolicy(Body):
    """How a task run retries; delays are in seconds, one or one for each retry."""

    max_retries: int = 0
    retry_delay_seconds: float = 0
    retries: int | None = None
    retry_delay: int | float | list[int | float] | None = None
    retry_jitter_factor: float | None = None


class TaskRunCreate(Body):
    """A task run to create, or to read by (flow_run_id, task_key, dynamic_key); no ``state`` is PENDING."""

    task_key: str
    dynamic_key: str
    id: UUID | None = None
    name: str | None = None
    flow_run_id: UUID | None = None
    state: StateCreate | None = None
    cache_key: str | None = None
    cache_expiration: Time | None = None
    task_version: str | None = None
    empirical_policy: TaskRunPolicy = msgspec.field(default_factory=TaskRunPolicy)
    tags: list[str] = []
    labels: Labels | None = None
    task_inputs: TaskInputs = {}


class TaskRunUpdate(Patch):
    """What may change of a task run besides its state."""

    name: str | UnsetType = UNSET


class TaskRunSummary(Row):
    """A task run as a page shows it; times it ran are in seconds."""

    task_key: str
    name: str = ""
    flow_run_id: Id | None = None
    state_id: Id | None = None
    state: State | None = None
    task_version: str | None = None
    empirical_policy: TaskRunPolicy = msgspec.field(default_factory=TaskRunPolicy)
    tags: list[str] = []
    task_inputs: TaskInputs = {}
    start_time: Time | None = None
    end_time: Time | None = None
    total_run_time: float = 0.0
    estimated_run_time: float = 0.0
    estimated_start_time_delta: float = 0.0


class TaskRun(TaskRunSummary, kw_only=True):
    """A task run."""

    dynamic_key: str
    labels: Labels | None = None
    cache_key: str | None = None
    cache_expiration: Time | None = None
    state_type: StateType | None = None
    state_name: str | None = None
    run_count: int = 0
    flow_run_run_count: int = 0
    expected_start_time: Time | None = None
    next_scheduled_start_time: Time | None = None


class TaskRunQuery(RunScope):
    """Which task runs to list."""

    limit: int | None = None
    offset: OrDefault[Natural] = 0
    sort: OrDefault[TaskRunSort] = "ID_DESC"


class TaskRunPageQuery(RunScope):
    """Which page of task runs to list."""

    limit: int | None = None
    page: OrDefault[PageNumber] = 1
    sort: OrDefault[TaskRunSort] = "ID_DESC"


class TaskRunPage(Page):
    """A page of task runs."""

    results: list[TaskRunSummary]


class TaskRunHistoryQuery(RunScope, kw_only=True):
    """The time to cut into intervals, and which runs to count in them."""

    history_start: Time
    history_end: Time
    history_interval_seconds: Seconds

    def __post_init__(self) -> None:
        """Read the interval as seconds."""
        super().__post_init__()
        self.history_interval_seconds = seconds("history_interval_seconds", self.history_interval_seconds)


CREATE = Endpoint(
    method="POST",
    path="/task_runs/",
    summary="Create a task run, or read the one with its natural key",
    body=TaskRunCreate,
    answer=TaskRun,
    status=201,
    statuses=(200, 422),
    further=(409,),
    permission="operate",
)
READ = Endpoint(method="GET", path="/task_runs/{id}", summary="Read a task run", answer=TaskRun, statuses=(404, 422))
FILTER = Endpoint(
    method="POST",
    path="/task_runs/filter",
    summary="List task runs",
    body=TaskRunQuery,
    body_required=False,
    answer=list[TaskRun],
    statuses=(422,),
)
PAGINATE = Endpoint(
    method="POST",
    path="/task_runs/paginate",
    summary="List a page of task runs",
    body=TaskRunPageQuery,
    body_required=False,
    answer=TaskRunPage,
    statuses=(422,),
)
COUNT = Endpoint(
    method="POST",
    path="/task_runs/count",
    summary="Count task runs",
    body=RunScope,
    body_required=False,
    answer=int,
    statuses=(422,),
)
HISTORY = Endpoint(
    method="POST",
    path="/task_runs/history",
    summary="Count task runs by state and interval",
    body=TaskRunHistoryQuery,
    answer=list[HistoryInterval],
    statuses=(422,),
)
UPDATE = Endpoint(
    method="PATCH",
    path="/task_runs/{id}",
    summary="Change a task run",
    body=TaskRunUpdate,
    status=204,
    statuses=(404, 422),
    permission="operate",
)
DELETE = Endpoint(
    method="DELETE",
    path="/task_runs/{id}",
    summary="Delete a task run",
    status=204,
    statuses=(404, 422),
    permission="operate",
)
SET_STATE = Endpoint(
    method="POST",
    path="/task_runs/{id}/set_state",
    summary="Propose a state for a task run",
    body=SetState,
    answer=OrchestrationResult,
    status=201,
    statuses=(200, 404, 422),
    permission="operate",
)
