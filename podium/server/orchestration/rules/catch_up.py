"""The rule about late runs of deployments that want no backlog.

A service cancels such runs. Until it comes to one, none of them is started.
"""

from podium.server.operations.catch_up import policy_of, skip_reason
from podium.server.orchestration.engine import Rule, only
from podium.server.orchestration.transition import FlowRunTransition


def _check(transition: FlowRunTransition) -> None:
    run = transition.run
    if run["deployment_id"] is None:
        return
    policy = policy_of(run["deployment_tags"], transition.tx.settings.server.services.scheduler.catchup)
    reason = skip_reason(transition.tx, run, policy)
    if reason is not None:
        transition.abort(reason)


KEEP_SKIPPED_RUNS_FROM_STARTING = Rule(
    "KeepSkippedRunsFromStarting", only("SCHEDULED"), only("PENDING", "RUNNING"), before=_check
)
