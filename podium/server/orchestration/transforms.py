"""What every stored state does to its run, in order, after the rules and under every policy."""

from podium.db.unit import Row
from podium.server.orchestration.states import MICROSECOND, State
from podium.server.orchestration.transition import FlowRunTransition, TaskRunTransition


def transform_flow_run(transition: FlowRunTransition) -> None:
    """Applies the proposed state to the row of the flow run."""
    run, initial, proposed = transition.run, transition.initial, transition.proposed
    assert proposed is not None
    keep_timestamps_apart(initial, proposed)
    apply_state(run, initial, proposed)
    proposed.details.flow_run_id = run["id"]
    if run["parent_task_run_id"]:
        proposed.details.task_run_id = run["parent_task_run_id"]
    count_run(transition, proposed)


def transform_task_run(transition: TaskRunTransition) -> None:
    """Applies the proposed state to the row of the task run."""
    run, proposed = transition.run, transition.proposed
    assert proposed is not None
    apply_state(run, transition.initial, proposed)
    proposed.details.flow_run_id = run["flow_run_id"]
    proposed.details.task_run_id = run["id"]
    if proposed.type == "RUNNING":
        run["run_count"] += 1


def keep_timestamps_apart(initial: State | None, proposed: State) -> None:
    """States of a run follow each other by at least a microsecond, also when the clock was set back."""
    if initial is not None and proposed.timestamp <= initial.timestamp:
        proposed.timestamp = initial.timestamp + MICROSECOND


def apply_state(run: Row, initial: State | None, proposed: State) -> None:
    """Sets the columns that name the current state and those that tell when the run was, is and will be running."""
    run["state_id"], run["state_type"], run["state_name"] = proposed.id, proposed.type, proposed.name
    run["state_timestamp"] = proposed.timestamp
    if proposed.type == "RUNNING" and run["start_time"] is None:
        run["start_time"] = proposed.timestamp
    was_terminal = initial is not None and initial.terminal
    if was_terminal and not proposed.terminal:
        run["end_time"] = None
    elif proposed.terminal and not was_terminal:
        run["end_time"] = proposed.timestamp
        run["start_time"] = run["start_time"] or proposed.timestamp
    if initial is not None and initial.type == "RUNNING":
        run["total_run_time"] += (proposed.timestamp - initial.timestamp).total_seconds()
    scheduled = proposed.details.scheduled_time if proposed.type == "SCHEDULED" else None
    if run["expected_start_time"] is None:
        run["expected_start_time"] = scheduled or proposed.timestamp
    if scheduled is not None:
        run["next_scheduled_start_time"] = scheduled
    elif initial is not None and initial.type == "SCHEDULED":
        run["next_scheduled_start_time"] = None


def count_run(transition: FlowRunTransition, proposed: State) -> None:
    """Counts a start that is not the resumption of a paused run, and ends the resumption."""
    if proposed.type != "RUNNING" and not proposed.terminal:
        return
    resuming = transition.keeps_retry_type and transition.policy.resuming
    if proposed.type == "RUNNING" and not resuming:
        transition.run["run_count"] += 1
    if resuming:
        transition.policy.resuming = False
