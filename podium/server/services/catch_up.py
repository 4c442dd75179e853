"""Skips late runs of deployments that want no backlog; which, is in ``operations.catch_up``.

Only where somebody asks for the runs of the deployment: while nobody does, they stay as late as they are, and once
somebody does, they are skipped at once and told of by one event.
"""

from collections.abc import Sequence

from podium.db.unit import Row, Tx
from podium.server.events.event import Event, resource
from podium.server.operations.catch_up import REASONS, TAGS, CatchUp, late_before, policy_of, runs_to_skip
from podium.server.operations.flow_run_states import set_flow_run_state
from podium.server.queries.late_runs import ANY_LATE, deployments_with_late_runs
from podium.server.runtime import Runtime
from podium.server.services.glance import Look
from podium.server.services.late_runs import LOOK as LATE_RUNS
from podium.server.services.sweep import is_still_in
from podium.wire.states import StateCreate

PAGE = 100
AT_ONCE = 25
MOST = 1000

LOOK = Look((ANY_LATE,), LATE_RUNS.values)


async def skip_late_runs(runtime: Runtime) -> None:
    """One round: at most 1,000 runs of each of at most 100 deployments."""
    database = runtime.database
    for deployment in await database.read(_unwanted):
        workspace_id = deployment["workspace_id"]
        policy = policy_of(deployment["tags"], runtime.settings.server.services.scheduler.catchup)
        if policy not in REASONS:
            continue
        runs = await database.read(runs_to_skip, deployment, MOST, workspace_id=workspace_id)
        skipped: list[Row] = []
        for start in range(0, len(runs), AT_ONCE):
            some = runs[start : start + AT_ONCE]
            skipped += await database.write(skip_runs, some, REASONS[policy], workspace_id=workspace_id)
        if skipped:
            await database.write(tell_skipped, deployment, policy, skipped, workspace_id=workspace_id)


def _unwanted(tx: Tx) -> list[Row]:
    default = tx.settings.server.services.scheduler.catchup
    tags = None if default is not None else [tag for tag, policy in TAGS.items() if policy in REASONS]
    return deployments_with_late_runs(tx, late_before(tx), tags, PAGE)


def skip_runs(tx: Tx, runs: Sequence[Row], reason: str) -> list[Row]:
    """Cancels those of the runs that are still in the state in which they were found; these."""
    skipped = []
    for run in runs:
        if is_still_in(tx, run):
            set_flow_run_state(tx, run["id"], StateCreate(type="CANCELLED", message=reason))
            skipped.append(run)
    return skipped


def tell_skipped(tx: Tx, deployment: Row, policy: CatchUp, skipped: Sequence[Row]) -> None:
    """One event for all runs of a deployment that were skipped at once."""
    found = [run["date"] for run in skipped]
    tx.emit(
        Event(
            event="podium.deployment.runs-skipped",
            occurred=tx.now,
            resource=resource("deployment", deployment["id"], name=deployment["name"]),
            related=[resource("flow", deployment["flow_id"], "flow")],
            payload={"policy": policy, "skipped": len(found), "first": min(found), "last": max(found)},
        )
    )
