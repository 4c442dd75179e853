"""Rules that keep a state, a result or a proposal from being overwritten or repeated."""

from typing import Any

from podium.server.orchestration.engine import ANY, TERMINAL, Rule, only
from podium.server.orchestration.transition import FlowRunTransition, Transition

INTERRUPTIONS = frozenset({"CANCELLING", "PAUSED", "CRASHED"})
CHOSEN_PENDING = "Pending"


def _prevent_duplicate(transition: Transition) -> None:
    initial, proposed = transition.initial, transition.proposed
    if initial is None or proposed is None:
        return
    transition_id = proposed.details.transition_id
    if transition_id is not None and transition_id == initial.details.transition_id:
        transition.reject("This run has already made this transition.")


PREVENT_DUPLICATE_TRANSITIONS = Rule("PreventDuplicateTransitions", before=_prevent_duplicate)


def _prevent_result_loss(transition: Transition) -> None:
    initial, proposed = transition.initial, transition.proposed
    assert initial is not None and proposed is not None
    if initial.has_result and not proposed.has_result:
        transition.reject("This run has completed with a persisted result, which would be lost.")


PREVENT_RESULT_DATA_LOSS = Rule(
    "PreventResultDataLoss", only("COMPLETED"), only("COMPLETED"), before=_prevent_result_loss
)


def _leave_terminal_flow_state(transition: FlowRunTransition) -> Any:
    initial, proposed = transition.initial, transition.proposed
    assert initial is not None and proposed is not None
    if proposed.type in INTERRUPTIONS:
        return transition.abort(f"This run is {initial.type} and cannot become {proposed.type}.")
    if initial.type == "COMPLETED" and initial.has_result:
        if not proposed.terminal:
            return transition.reject("This run has completed with a persisted result.")
        if proposed.type == "COMPLETED" and not proposed.has_result:
            return transition.reject("This run has completed with a persisted result, which would be lost.")
    if proposed.type == "SCHEDULED" and transition.run["deployment_id"] is None:
        return transition.abort("A run without a deployment cannot be scheduled again.")
    if proposed.terminal or not transition.keeps_retry_type:
        return None
    policy = transition.policy
    before = (policy.resuming, policy.pause_keys, policy.retry_type)
    policy.resuming, policy.pause_keys = False, []
    policy.retry_type = "reschedule" if proposed.type == "SCHEDULED" else None
    return before


def _restore_policy(transition: FlowRunTransition, memo: Any) -> None:
    if memo is not None:
        policy = transition.policy
        policy.resuming, policy.pause_keys, policy.retry_type = memo


HANDLE_FLOW_TERMINAL_STATE_TRANSITIONS = Rule(
    "HandleFlowTerminalStateTransitions",
    TERMINAL,
    ANY,
    before=_leave_terminal_flow_state,
    cleanup=_restore_policy,
)


def _prevent_late_claim(transition: FlowRunTransition) -> None:
    """A worker that slept since it asked for work may claim what another one has run meanwhile.

    Workers claim what a queue gave them by this name; a run that is to run again is SCHEDULED first.
    """
    proposed = transition.proposed
    assert proposed is not None
    given = transition.run["work_queue_id"] is not None and transition.client_version is not None
    if given and proposed.name == CHOSEN_PENDING:
        transition.abort("This run has ended and was not scheduled again.")


PREVENT_LATE_CLAIMS = Rule("PreventLateClaims", TERMINAL, only("PENDING"), before=_prevent_late_claim)


def _prevent_pending(transition: Transition) -> None:
    initial, proposed = transition.initial, transition.proposed
    assert initial is not None and proposed is not None
    if initial.type == "PENDING" and proposed.name not in (initial.name, CHOSEN_PENDING):
        proposed.details.scheduled_time = initial.details.scheduled_time
        proposed.details.deployment_concurrency_lease_id = initial.details.deployment_concurrency_lease_id
        return
    transition.abort(f"This run is {initial.type} and cannot become PENDING.")


PREVENT_PENDING_TRANSITIONS = Rule(
    "PreventPendingTransitions",
    only("PENDING", "CANCELLING", "RUNNING", "CANCELLED"),
    only("PENDING"),
    before=_prevent_pending,
)


def _late_only_once(transition: Transition) -> None:
    initial, proposed = transition.initial, transition.proposed
    assert proposed is not None
    if proposed.name != "Late":
        return
    if initial is None or initial.type != "SCHEDULED":
        transition.reject("Only a scheduled run can be late.")
    elif initial.name == "Late":
        transition.reject("This run is marked as late already.")


ENSURE_ONLY_SCHEDULED_FLOWS_MARKED_LATE = Rule(
    "EnsureOnlyScheduledFlowsMarkedLate", ANY, only("SCHEDULED"), before=_late_only_once
)
