"""Rules about pausing flow runs and going on with them."""

import uuid
from typing import Any

from podium.server.orchestration.engine import ANY, Rule, only
from podium.server.orchestration.states import State
from podium.server.orchestration.transition import FlowRunTransition


def _pause(transition: FlowRunTransition) -> None:
    initial, proposed = transition.initial, transition.proposed
    assert proposed is not None
    if initial is None or initial.type != "RUNNING":
        return transition.reject("Only a running flow run can be paused.")
    details = proposed.details
    if details.pause_key is None:
        details.pause_key = str(uuid.uuid4())
    if details.pause_key in (transition.policy.pause_keys or ()):
        return transition.reject("This pause has already fired.")
    if details.pause_reschedule and transition.run["parent_task_run_id"] is not None:
        return transition.abort("A subflow cannot be suspended.")
    if details.pause_reschedule and transition.run["deployment_id"] is None:
        return transition.abort("A run without a deployment cannot be suspended.")
    return None


def _remember_pause(transition: FlowRunTransition, memo: Any) -> None:
    assert transition.proposed is not None
    key = transition.proposed.details.pause_key
    keys = transition.policy.pause_keys or []
    if key is not None and key not in keys:
        transition.policy.pause_keys = [*keys, key]


HANDLE_PAUSING_FLOWS = Rule("HandlePausingFlows", ANY, only("PAUSED"), before=_pause, after=_remember_pause)


def _resume(transition: FlowRunTransition) -> None:
    initial, proposed = transition.initial, transition.proposed
    assert initial is not None and proposed is not None
    if proposed.type not in ("RUNNING", "SCHEDULED", "CANCELLING") and not proposed.terminal:
        return transition.reject(f"A paused run cannot become {proposed.type}.")
    if initial.details.pause_reschedule and transition.run["deployment_id"] is None:
        return transition.reject("A suspended run without a deployment cannot be resumed.")
    if proposed.type == "CANCELLING":
        return None
    timeout = initial.details.pause_timeout
    if timeout is not None and timeout < transition.now:
        failed = State("FAILED", transition.now, message="The pause timed out before the run was resumed.")
        return transition.reject("The pause has timed out.", failed)
    return None


def _mark_resuming(transition: FlowRunTransition, memo: Any) -> None:
    transition.policy.resuming = True


HANDLE_RESUMING_PAUSED_FLOWS = Rule(
    "HandleResumingPausedFlows", only("PAUSED"), ANY, before=_resume, after=_mark_resuming
)
