"""Deleting flows, with all that belongs to them."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, or_, select

from podium.db.tables.artifacts import artifacts
from podium.db.tables.concurrency import concurrency_limits_v2
from podium.db.tables.deployments import deployments
from podium.db.tables.flow_runs import flow_runs
from podium.db.tables.flows import flows
from podium.db.tables.task_runs import task_runs
from podium.db.unit import WORKSPACE, Tx
from podium.server.operations.artifacts import forget_artifacts


def delete_flow(tx: Tx, flow_id: str) -> bool:
    """Deletes a flow, its deployments with their concurrency limits, and its runs with their artifacts.

    Whether there was such a flow.
    """
    return bool(delete_flows(tx, [flows.c.id == flow_id], limit=1))


def delete_flows(tx: Tx, where: Sequence[ColumnElement[bool]], limit: int) -> list[str]:
    """Deletes at most so many of the flows that match (``delete_flow``); the ids of the deleted."""
    chosen = select(flows.c.id).where(flows.c.workspace_id == WORKSPACE, *where).order_by(flows.c.id).limit(limit)
    ids = tx.column(chosen)
    if not ids:
        return []
    runs = select(flow_runs.c.id).where(flow_runs.c.flow_id.in_(ids)).scalar_subquery()
    tasks = select(task_runs.c.id).where(task_runs.c.flow_run_id.in_(runs)).scalar_subquery()
    forget_artifacts(tx, or_(artifacts.c.flow_run_id.in_(runs), artifacts.c.task_run_id.in_(tasks)))
    owned = tx.column(select(deployments.c.id).where(deployments.c.flow_id.in_(ids)))
    tx.run(delete(flows).where(flows.c.id.in_(ids)))
    limits = concurrency_limits_v2.c
    names = [f"deployment:{deployment_id}" for deployment_id in owned]
    if names:
        tx.run(delete(concurrency_limits_v2).where(limits.workspace_id == WORKSPACE, limits.name.in_(names)))
    return ids
