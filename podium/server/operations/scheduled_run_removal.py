"""Removing runs that were scheduled and shall not start, or shall be scheduled anew."""

from collections.abc import Sequence

from sqlalchemy import delete, literal_column

from podium.db.tables.flow_runs import IS_SCHEDULED, flow_runs
from podium.db.unit import WORKSPACE, Tx


def remove_scheduled_runs(
    tx: Tx, deployment_ids: Sequence[str], *, auto_only: bool = False, future_only: bool = False
) -> int:
    """Deletes scheduled runs of the deployments that never ran; how many.

    Runs that wait for a slot stay. ``auto_only``: only those the scheduler made; ``future_only``: only those whose time
    has not come.
    """
    where = [
        flow_runs.c.deployment_id.in_(deployment_ids),
        flow_runs.c.workspace_id == WORKSPACE,
        IS_SCHEDULED,
        flow_runs.c.state_name != literal_column("'AwaitingConcurrencySlot'"),
        flow_runs.c.run_count == 0,
    ]
    if auto_only:
        where.append(flow_runs.c.auto_scheduled)
    if future_only:
        where.append(flow_runs.c.next_scheduled_start_time > tx.now)
    return tx.run(delete(flow_runs).where(*where))
