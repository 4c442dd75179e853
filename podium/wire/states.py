"""States of runs, the request to set one and its outcome; the history of a run's states."""

from typing import Any, Literal
from uuid import UUID

import msgspec

from podium.wire.endpoint import Answer, Body, Endpoint
from podium.wire.parameters import Parameters
from podium.wire.scalars import Id, OrDefault, Time, Uuid

StateType = Literal[
    "SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "CRASHED", "PAUSED", "CANCELLING"
]
SetStateStatus = Literal["ACCEPT", "REJECT", "ABORT", "WAIT"]

TERMINAL: frozenset[str] = frozenset({"COMPLETED", "FAILED", "CANCELLED", "CRASHED"})
UNFINISHED: tuple[StateType, ...] = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING")


class StateDetails(Body):
    """What a state carries for orchestration. Ids stay text, as the details are stored and compared as JSON."""

    flow_run_id: Uuid | None = None
    task_run_id: Uuid | None = None
    child_flow_run_id: Uuid | None = None
    scheduled_time: Time | None = None
    cache_key: str | None = None
    cache_expiration: Time | None = None
    deferred: bool | None = False
    untrackable_result: bool = False
    pause_timeout: Time | None = None
    pause_reschedule: bool = False
    pause_key: str | None = None
    run_input_keyset: dict[str, str] | None = None
    refresh_cache: bool | None = None
    retriable: bool | None = None
    transition_id: Uuid | None = None
    task_parameters_id: Uuid | None = None
    traceparent: str | None = None
    deployment_concurrency_lease_id: Uuid | None = None


class StateCreate(Body):
    """A state somebody proposes; ``name`` null is the default name of its type."""

    type: StateType
    name: str | None = None
    message: str | None = None
    data: Any = None
    state_details: StateDetails = msgspec.field(default_factory=StateDetails)


class State(Answer):
    """A state a run is or was in."""

    id: Id
    type: StateType
    timestamp: Time
    name: str | None = None
    message: str | None = None
    data: Any = None
    state_details: StateDetails = msgspec.field(default_factory=StateDetails)


class SetState(Parameters):
    """A proposal; ``force`` skips the rules that may be skipped."""

    state: StateCreate
    force: OrDefault[bool] = False


class StateAcceptDetails(Answer, tag_field="type", tag="accept_details"):
    """The state was stored as proposed."""


class StateRejectDetails(Answer, tag_field="type", tag="reject_details"):
    """Another state was stored, or none."""

    reason: str | None = None


class StateAbortDetails(Answer, tag_field="type", tag="abort_details"):
    """Nothing was stored, and the client must stop."""

    reason: str | None = None


class StateWaitDetails(Answer, tag_field="type", tag="wait_details"):
    """Nothing was stored; the client proposes again after ``delay_seconds``."""

    delay_seconds: int
    reason: str | None = None


OutcomeDetails = StateAcceptDetails | StateRejectDetails | StateAbortDetails | StateWaitDetails


class OrchestrationResult(Answer):
    """The outcome of a proposal and the state the run is in after it."""

    status: SetStateStatus
    details: OutcomeDetails
    state: State | None


class OfFlowRun(Body):
    """Whose states to list."""

    flow_run_id: UUID


class OfTaskRun(Body):
    """Whose states to list."""

    task_run_id: UUID


class HistoryState(Answer):
    """The runs of one state within an interval; sums are in seconds."""

    state_type: StateType
    state_name: str
    count_runs: int
    sum_estimated_run_time: float
    sum_estimated_lateness: float


class HistoryInterval(Answer):
    """An interval of a history of runs."""

    interval_start: Time
    interval_end: Time
    states: list[HistoryState]


READ_FLOW_RUN_STATE = Endpoint(
    method="GET",
    path="/flow_run_states/{id}",
    summary="Read a state of a flow run",
    answer=State,
    statuses=(404, 422),
)
LIST_FLOW_RUN_STATES = Endpoint(
    method="GET",
    path="/flow_run_states/",
    summary="List the states of a flow run, oldest first",
    query=OfFlowRun,
    answer=list[State],
    statuses=(422,),
)
READ_TASK_RUN_STATE = Endpoint(
    method="GET",
    path="/task_run_states/{id}",
    summary="Read a state of a task run",
    answer=State,
    statuses=(404, 422),
)
LIST_TASK_RUN_STATES = Endpoint(
    method="GET",
    path="/task_run_states/",
    summary="List the states of a task run, oldest first",
    query=OfTaskRun,
    answer=list[State],
    statuses=(422,),
)
