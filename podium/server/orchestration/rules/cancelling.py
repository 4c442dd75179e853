"""Rules about cancelling flow runs."""

from podium.server.orchestration.engine import Rule, all_but, only
from podium.server.orchestration.states import State
from podium.server.orchestration.transition import FlowRunTransition


def _only_cancelled(transition: FlowRunTransition) -> None:
    transition.reject("This run is being cancelled and can only become CANCELLED.")


ENFORCE_CANCELLING_TO_CANCELLED = Rule(
    "EnforceCancellingToCancelledTransition",
    only("CANCELLING"),
    all_but("CANCELLED", None),
    before=_only_cancelled,
)


def _cancel_at_once(transition: FlowRunTransition) -> None:
    initial, proposed = transition.initial, transition.proposed
    assert initial is not None and proposed is not None
    if initial.type == "SCHEDULED":
        without_process = not transition.run["infrastructure_pid"] or initial.name == "Resuming"
    else:
        without_process = initial.details.pause_reschedule
    if without_process:
        cancelled = State("CANCELLED", transition.now, message=proposed.message)
        transition.reject("This run has no process to stop, so it is cancelled at once.", cancelled)


BYPASS_CANCELLING_FLOW_RUNS_WITH_NO_INFRA = Rule(
    "BypassCancellingFlowRunsWithNoInfra",
    only("SCHEDULED", "PAUSED"),
    only("CANCELLING"),
    before=_cancel_at_once,
)
