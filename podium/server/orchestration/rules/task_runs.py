"""Rules that tie a task run to its flow run, or to the workers that run it in the background."""

from typing import Any

import msgspec

from podium.server.orchestration.engine import ANY, Rule, only
from podium.server.orchestration.rules.retries import AWAITING_RETRY
from podium.server.orchestration.states import State
from podium.server.orchestration.transition import TaskRunTransition
from podium.server.queries import task_run_transitions as queries
from podium.server.queries.task_queue import enqueue_task_run
from podium.wire.states import StateDetails

_decode_details = msgspec.json.Decoder(StateDetails).decode


def _prevent_running(transition: TaskRunTransition) -> None:
    run = transition.run
    if run["flow_run_id"] is None or run["parent_state_type"] == "RUNNING":
        return
    if run["parent_state_type"] != "PAUSED":
        transition.abort(f"The flow run is {run['parent_state_type'] or 'in no state'}, so its tasks cannot run.")
        return
    paused = _decode_details(queries.parent_state_details(transition.tx, run["flow_run_id"]) or b"{}")
    details = StateDetails(pause_timeout=paused.pause_timeout, pause_reschedule=paused.pause_reschedule)
    transition.reject("The flow run is paused.", State("PAUSED", transition.now, "NotReady", details=details))


PREVENT_RUNNING_TASKS_FROM_STOPPED_FLOWS = Rule(
    "PreventRunningTasksFromStoppedFlows", ANY, only("RUNNING"), before=_prevent_running
)


def _copy_parameters(transition: TaskRunTransition) -> None:
    initial, proposed = transition.initial, transition.proposed
    assert initial is not None and proposed is not None
    if proposed.details.task_parameters_id is None:
        proposed.details.task_parameters_id = initial.details.task_parameters_id


COPY_TASK_PARAMETERS_ID = Rule(
    "CopyTaskParametersID", only("SCHEDULED", "PENDING"), only("PENDING", "RUNNING"), before=_copy_parameters
)


def _enqueue(transition: TaskRunTransition, memo: Any) -> None:
    proposed = transition.proposed
    if proposed is not None and proposed.type == "SCHEDULED" and proposed.details.deferred:
        run = transition.run
        enqueue_task_run(transition.tx, run["id"], run["task_key"], urgent=proposed.name == AWAITING_RETRY)


ENQUEUE_SCHEDULED_TASKS = Rule("EnqueueScheduledTasks", after=_enqueue, always=True)
