"""Registering, changing and deleting flows."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select

from podium.db.tables.artifacts import artifacts
from podium.db.tables.concurrency import concurrency_limits_v2
from podium.db.tables.deployments import deployments
from podium.db.tables.flow_runs import flow_runs
from podium.db.tables.flows import flows
from podium.db.tables.task_runs import task_runs
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.events.lifecycle import deployment_event, flow_event
from podium.server.operations.artifacts import delete_artifacts
from podium.server.queries.deployments import event_contexts
from podium.server.queries.flows import FLOWS, find_flow
from podium.server.queries.generic import add_if_absent, change


def register_flow(tx: Tx, values: Mapping[str, Any]) -> tuple[Row, bool]:
    """The flow with the name in ``values``, made of them when there is none; and whether it was made."""
    added = add_if_absent(tx, FLOWS, values)
    if added is not None:
        tx.emit(flow_event("created", added, tx.now))
        return added, True
    found = find_flow(tx, values["name"])
    return (found, False) if found is not None else register_flow(tx, values)


def change_flow(tx: Tx, flow_id: str, values: Mapping[str, Any]) -> bool:
    """Sets columns of a flow; whether there is one."""
    flow = change(tx, FLOWS, flow_id, values)
    if flow is not None:
        tx.emit(flow_event("updated", flow, tx.now))
    return flow is not None


def delete_flow(tx: Tx, flow_id: str) -> bool:
    """Deletes a flow with all that is its own (``delete_flows``); whether there was one."""
    return bool(delete_flows(tx, [flows.c.id == flow_id], 1))


def delete_flows(tx: Tx, where: Sequence[ColumnElement[bool]], limit: int) -> list[str]:
    """Deletes at most ``limit`` of the flows that match; the ids of the deleted.

    Their deployments (with the concurrency limits made for these) and their runs (with the artifacts) go with them.
    """
    chosen = select(flows.c.id).where(flows.c.workspace_id == WORKSPACE, *where).order_by(flows.c.id).limit(limit)
    ids = tx.column(chosen)
    if not ids:
        return []
    runs = select(flow_runs.c.id).where(flow_runs.c.flow_id.in_(ids))
    tasks = select(task_runs.c.id).where(task_runs.c.flow_run_id.in_(runs))
    delete_artifacts(tx, or_(artifacts.c.flow_run_id.in_(runs), artifacts.c.task_run_id.in_(tasks)))
    owned = tx.column(select(deployments.c.id).where(deployments.c.flow_id.in_(ids)))
    for deployment, context in list(event_contexts(tx, owned)):
        tx.emit(deployment_event("deleted", deployment, context, tx.now))
    for flow in tx.all(delete(flows).where(flows.c.id.in_(ids)).returning(*FLOWS.columns)):
        tx.emit(flow_event("deleted", flow, tx.now))
    names = [f"deployment:{deployment_id}" for deployment_id in owned]
    if names:
        limits = concurrency_limits_v2.c
        tx.run(delete(concurrency_limits_v2).where(limits.workspace_id == WORKSPACE, limits.name.in_(names)))
    return ids
