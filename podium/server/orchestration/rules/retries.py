"""Rules about running again: after a failure, and what a repeated run is called."""

from typing import Any

from podium.server.operations.waiting import poisson_interval
from podium.server.orchestration.engine import ANY, TERMINAL, Rule, only
from podium.server.orchestration.rules.guards import INTERRUPTIONS
from podium.server.orchestration.states import State
from podium.server.orchestration.transition import FlowRunTransition, TaskRunTransition
from podium.wire.states import StateDetails
from podium.wire.task_runs import TaskRunPolicy

AWAITING_RETRY = "AwaitingRetry"


def _retry_flow(transition: FlowRunTransition) -> None:
    proposed, policy = transition.proposed, transition.policy
    assert proposed is not None
    if policy.retries is None or transition.run["run_count"] > policy.retries:
        if transition.keeps_retry_type:
            policy.retry_type = None
        return
    details = StateDetails(
        scheduled_time=transition.later(policy.retry_delay or 0),
        deployment_concurrency_lease_id=proposed.details.deployment_concurrency_lease_id,
    )
    retry = State("SCHEDULED", transition.now, AWAITING_RETRY, proposed.message, proposed.data, details)
    if transition.keeps_retry_type:
        policy.resuming, policy.pause_keys, policy.retry_type = False, [], "in_process"
    transition.reject("The run is retried.", retry)


RETRY_FAILED_FLOWS = Rule("RetryFailedFlows", only("RUNNING"), only("FAILED"), before=_retry_flow)


def _retry_task(transition: TaskRunTransition) -> None:
    initial, proposed, policy = transition.initial, transition.proposed, transition.policy
    assert initial is not None and proposed is not None
    run_count = transition.run["run_count"]
    if proposed.details.retriable is False or policy.retries is None or run_count > policy.retries:
        return
    details = StateDetails(scheduled_time=transition.later(retry_delay(policy, run_count)))
    if initial.details.deferred or proposed.details.deferred:
        details.deferred = True
        details.task_parameters_id = proposed.details.task_parameters_id or initial.details.task_parameters_id
    retry = State("SCHEDULED", transition.now, AWAITING_RETRY, proposed.message, proposed.data, details)
    transition.reject("The run is retried.", retry)


def retry_delay(policy: TaskRunPolicy, run_count: int) -> float:
    """Seconds until the next try after so many runs."""
    delay = policy.retry_delay
    if isinstance(delay, list):
        delay = delay[min(max(run_count - 1, 0), len(delay) - 1)] if delay else 0
    if policy.retry_jitter_factor is not None:
        return poisson_interval(delay or 0, policy.retry_jitter_factor)
    return delay or 0


RETRY_FAILED_TASKS = Rule("RetryFailedTasks", only("RUNNING"), only("FAILED"), before=_retry_task)


def _leave_terminal_task_state(transition: TaskRunTransition) -> Any:
    initial, proposed, run = transition.initial, transition.proposed, transition.run
    assert initial is not None and proposed is not None
    if proposed.type in INTERRUPTIONS:
        return transition.abort(f"This run is {initial.type} and cannot become {proposed.type}.")
    if initial.type == "COMPLETED" and initial.has_result:
        return transition.reject("This run has completed with a persisted result.")
    if proposed.terminal:
        return None
    run_count: int = run["run_count"]
    run["run_count"] = 0
    if proposed.type == "RUNNING" and run["flow_run_run_count"] < (run["parent_run_count"] or 0):
        proposed.name = "Retrying"
    return run_count


def _restore_run_count(transition: TaskRunTransition, memo: Any) -> None:
    if memo is not None:
        transition.run["run_count"] = memo


HANDLE_TASK_TERMINAL_STATE_TRANSITIONS = Rule(
    "HandleTaskTerminalStateTransitions",
    TERMINAL,
    ANY,
    before=_leave_terminal_task_state,
    cleanup=_restore_run_count,
)


def _rename_rerun(transition: TaskRunTransition) -> None:
    initial, proposed = transition.initial, transition.proposed
    assert proposed is not None
    if transition.run["run_count"] > 0:
        proposed.name = "Retrying" if initial is not None and initial.name == AWAITING_RETRY else "Rerunning"


RENAME_RERUNS = Rule("RenameReruns", ANY, only("RUNNING"), before=_rename_rerun)


def _track_flow_run(transition: TaskRunTransition, memo: Any) -> None:
    if transition.run["flow_run_id"] is not None:
        transition.run["flow_run_run_count"] = transition.run["parent_run_count"]


UPDATE_FLOW_RUN_TRACKER_ON_TASKS = Rule("UpdateFlowRunTrackerOnTasks", ANY, only("RUNNING"), after=_track_flow_run)
