"""Creating, changing, pausing and deleting deployments."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, bindparam, delete, select, update

from podium.db.ids import new_id
from podium.db.tables.deployments import deployments
from podium.db.tables.flows import flows
from podium.db.types import plain
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import Conflict, Invalid, NotFound
from podium.server.events.lifecycle import deployment_event, deployment_updated
from podium.server.operations import deployment_limits as limits
from podium.server.operations.deployment_schedules import new_schedules, replace_schedules, set_schedules
from podium.server.operations.hydration import Unhydratable, hydrated
from podium.server.operations.job_variables import check_job_variables
from podium.server.operations.parameters import BadSchema, failure
from podium.server.operations.scheduled_run_removal import remove_scheduled_runs
from podium.server.operations.work_pools import queue_for
from podium.server.queries.deployments import (
    event_context,
    find_whole_by_key,
    get_whole,
    read_deployment,
    reopen_schedules,
)
from podium.server.queries.generic import insert_or_ignore
from podium.wire.deployments import DeploymentCreate, DeploymentUpdate

NEW: Mapping[str, Any] = {
    "version": None,
    "description": None,
    "entrypoint": None,
    "path": None,
    "pull_steps": [],
    "storage_document_id": None,
    "infrastructure_document_id": None,
    "concurrency_options": None,
    "parameters": {},
    "parameter_openapi_schema": {},
    "enforce_parameter_schema": True,
    "job_variables": {},
    "tags": [],
    "paused": False,
}
"""The columns that a client sets as they are, and what they are when it does not."""

NEVER_NULL = ("parameters", "enforce_parameter_schema", "job_variables")

_FLOW = select(flows.c.labels).where(flows.c.id == bindparam("flow_id"), flows.c.workspace_id == WORKSPACE)
_MINE = (deployments.c.id == bindparam("deployment_id"), deployments.c.workspace_id == WORKSPACE)


def save_deployment(tx: Tx, body: DeploymentCreate, creator: Row | None = None) -> tuple[Row, bool]:
    """Stores a deployment; its answer, and whether it is new. Its schedules become those sent.

    Of the one that the flow has by this name only the fields that were sent change. Raises ``Conflict`` for an unknown
    flow, ``NotFound`` for an unknown pool or limit, ``Invalid`` for schedules or job variables that do not fit.
    """
    flow_id = str(body.flow_id)
    flow_labels = tx.value(_FLOW, flow_id=flow_id)
    schedules = new_schedules(tx, body.schedules or (), ("schedules",))
    before = find_whole_by_key(tx, flow_id, body.name)
    deployment_id: str = before["id"] if before else new_id()
    sent = body.sent()
    values = _columns(tx, deployment_id, sent)
    if before is None or sent.get("labels") is not None:
        values["labels"] = {
            **msgspec.json.decode(flow_labels or "{}"),
            "prefect.flow.id": flow_id,
            **(sent.get("labels") or {}),
        }
    reason = _job_variables_failure(tx, before, values)
    if reason:
        raise Invalid(f"Error creating deployment. {reason}")
    if flow_labels is None:  # last, so that who names none learns first what else is wrong
        raise Conflict(f"There is no flow with the id {flow_id}.")
    if before is None:
        row = {"id": deployment_id, "flow_id": flow_id, "name": body.name, "status": "NOT_READY", "created_by": creator}
        if not _insert(tx, {**NEW, **row, **values}):
            return save_deployment(tx, body, creator)  # somebody else was faster
    else:
        _update(tx, deployment_id, {**values, "updated_by": creator} if creator else values)
        remove_scheduled_runs(tx, [deployment_id], auto_only=True, future_only=True)
    _set_limit(tx, deployment_id, before, sent)
    set_schedules(tx, deployment_id, schedules, anew=before is None or before["paused"])
    _tell(tx, before, deployment_id)
    return read_deployment(tx, deployment_id), before is None


def change_deployment(tx: Tx, deployment_id: str, body: DeploymentUpdate, actor: Row | None = None) -> None:
    """Sets the fields that were sent; future runs that the scheduler made are made anew.

    Raises ``NotFound`` without it or for an unknown pool or limit, ``Conflict`` for parameters or job variables that do
    not fit, ``Invalid`` for schedules that do not.
    """
    before = get_whole(tx, deployment_id, lock=True)
    sent = body.sent()
    if "schedules" in sent:
        replace_schedules(tx, deployment_id, body.schedules or ())
    values = _columns(tx, deployment_id, sent)
    reason = _parameters_failure(tx, before, values) or _job_variables_failure(tx, before, values)
    if reason:
        raise Conflict(f"Error updating deployment. {reason}")
    if actor is not None:
        values["updated_by"] = actor
    _update(tx, deployment_id, values)
    _set_limit(tx, deployment_id, before, sent)
    remove_scheduled_runs(tx, [deployment_id], auto_only=True, future_only=True)
    reopen_schedules(tx, [deployment_id], restart=before["paused"])
    _tell(tx, before, deployment_id)


def set_paused(tx: Tx, deployment_id: str, paused: bool) -> None:
    """Pauses a deployment, which deletes every run the scheduler made of it, or resumes it. ``NotFound`` without it."""
    before = get_whole(tx, deployment_id, lock=True)
    _update(tx, deployment_id, {"paused": paused})
    if paused:
        remove_scheduled_runs(tx, [deployment_id], auto_only=True)
    reopen_schedules(tx, [deployment_id], restart=True)
    _tell(tx, before, deployment_id)


def delete_deployment(tx: Tx, deployment_id: str) -> None:
    """Deletes a deployment, its own limit and all its runs that have not started; ``NotFound`` without it."""
    whole = get_whole(tx, deployment_id, lock=True)
    remove_scheduled_runs(tx, [deployment_id])
    tx.run(delete(deployments).where(*_MINE), deployment_id=deployment_id)
    limits.remove_own_limit(tx, deployment_id)
    tx.emit(deployment_event("deleted", whole, event_context(whole), tx.now))


def delete_deployments(tx: Tx, where: Sequence[ColumnElement[bool]], limit: int) -> list[str]:
    """Deletes at most so many of the deployments that match (``delete_deployment``); the ids of the deleted."""
    chosen = select(deployments.c.id).where(deployments.c.workspace_id == WORKSPACE, *where)
    ids = tx.column(chosen.order_by(deployments.c.id).limit(limit))
    deleted = []
    for deployment_id in ids:
        try:
            delete_deployment(tx, deployment_id)
        except NotFound:  # somebody else was faster
            continue
        deleted.append(deployment_id)
    return deleted


def _columns(tx: Tx, deployment_id: str, sent: Mapping[str, Any]) -> Row:
    """The columns to set for the fields that were sent."""
    values = {name: value for name, value in sent.items() if name in NEW and not (value is None and name in NEVER_NULL)}
    if "work_pool_name" in sent or sent.get("work_queue_name") is not None:
        queue = queue_for(tx, sent.get("work_pool_name"), sent.get("work_queue_name"))
        values["work_queue_id"] = queue and queue["id"]
        values["work_queue_name"] = queue and queue["name"]
    return values


def _set_limit(tx: Tx, deployment_id: str, before: Row | None, sent: Mapping[str, Any]) -> None:
    """Links the limit that was sent, once the deployment's row is there."""
    linked = before["concurrency_limit_id"] if before else None
    limit_id = linked
    if sent.get("concurrency_limit") is not None:
        limit_id = limits.own_limit(tx, deployment_id, sent["concurrency_limit"])
    elif sent.get("global_concurrency_limit_id") is not None:
        limit_id = limits.check_limit(tx, str(sent["global_concurrency_limit_id"]))
        limits.remove_own_limit(tx, deployment_id, unless=limit_id)
    elif "concurrency_limit" in sent or "global_concurrency_limit_id" in sent:
        limit_id = None
        limits.remove_own_limit(tx, deployment_id)
    if limit_id != linked:
        _update(tx, deployment_id, {"concurrency_limit_id": limit_id})


def _parameters_failure(tx: Tx, before: Row, values: Row) -> str | None:
    """Why the deployment's parameters would not fit its schema, if that is enforced; what is required may be absent."""
    after = {**before, **values}
    if not {"parameters", "parameter_openapi_schema", "enforce_parameter_schema"} & values.keys():
        return None
    schema = plain(after["parameter_openapi_schema"])
    if not after["enforce_parameter_schema"] or not schema:
        return None
    try:
        return failure(hydrated(tx, plain(after["parameters"])), schema, partial=True)
    except Unhydratable:  # what it stands for may exist by the time of a run
        return None
    except BadSchema as error:
        return str(error)


def _job_variables_failure(tx: Tx, before: Row | None, values: Row) -> str | None:
    if not {"job_variables", "work_queue_id"} & values.keys():
        return None
    after = {"work_queue_id": None, "job_variables": {}, **(before or {}), **values}
    return check_job_variables(tx, after["work_queue_id"], plain(after["job_variables"]), partial=True)


def _insert(tx: Tx, values: Row) -> bool:
    statement = insert_or_ignore(tx, deployments).returning(deployments.c.id)
    row = {"workspace_id": tx.workspace_id, "created": tx.now, "updated": tx.now, **values}
    return tx.value(statement, row) is not None


def _update(tx: Tx, deployment_id: str, values: Row) -> None:
    statement = update(deployments).where(*_MINE).values({**values, "updated": tx.now})
    tx.run(statement, deployment_id=deployment_id)


def _tell(tx: Tx, before: Row | None, deployment_id: str) -> None:
    after = get_whole(tx, deployment_id)
    context = event_context(after)
    if before is None:
        tx.emit(deployment_event("created", after, context, tx.now))
        return
    event = deployment_updated(before, after, context, tx.now)
    if event:
        tx.emit(event)
