"""Changing what clients may change of a flow run besides its state."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update

from podium.db.tables.deployments import deployments
from podium.db.tables.flow_runs import flow_runs
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import BadRequest, Invalid, MissingObject, NotFound
from podium.server.operations.job_variables import check_job_variables

_RUN = (
    select(
        flow_runs.c.id,
        flow_runs.c.state_type,
        flow_runs.c.deployment_id,
        flow_runs.c.work_queue_id,
        flow_runs.c.labels,
    )
    .where(flow_runs.c.workspace_id == WORKSPACE, flow_runs.c.id == bindparam("run_id"))
    .with_for_update()
)
_DEPLOYMENT = select(deployments.c.job_variables, deployments.c.work_queue_id).where(
    deployments.c.workspace_id == WORKSPACE, deployments.c.id == bindparam("deployment_id")
)
_CHANGE = update(flow_runs).where(flow_runs.c.id == bindparam("run_id"))


def change_flow_run(tx: Tx, flow_run_id: str, values: Mapping[str, Any]) -> None:
    """Sets columns of a flow run; ``NotFound`` without one.

    Raises ``BadRequest`` for job variables of a run that was handed out already or has no deployment, ``Invalid`` for
    such that do not fit the work pool's template.
    """
    run = tx.one(_RUN, run_id=flow_run_id)
    if run is None:
        raise NotFound("Flow run not found")
    if "job_variables" in values:
        values = {**values, "job_variables": values["job_variables"] or {}}
        _check_job_variables(tx, run, values["job_variables"])
    tx.run(_CHANGE.values({**values, "updated": tx.now}), run_id=flow_run_id)


def _check_job_variables(tx: Tx, run: Row, variables: Mapping[str, Any]) -> None:
    if run["state_type"] != "SCHEDULED":
        raise BadRequest(f"Job variables can be changed only while a run is SCHEDULED; it is {run['state_type']}.")
    deployment = tx.one(_DEPLOYMENT, deployment_id=run["deployment_id"]) if run["deployment_id"] else None
    if deployment is None:
        raise BadRequest("Job variables belong to a run of a deployment; this run has none.")
    queue_id = run["work_queue_id"] or deployment["work_queue_id"]
    reason = check_job_variables(tx, queue_id, {**msgspec.json.decode(deployment["job_variables"]), **variables})
    if reason:
        raise Invalid(f"The job variables do not fit the work pool's template. {reason}")


def merge_labels(tx: Tx, flow_run_id: str, labels: Mapping[str, Any]) -> None:
    """Adds labels to those of a flow run, in place of the ones with the same keys; ``MissingObject`` without a run."""
    run = tx.one(_RUN, run_id=flow_run_id)
    if run is None:
        raise MissingObject(f"Flow run with id {flow_run_id} not found")
    merged = {**msgspec.json.decode(run["labels"]), **labels}
    tx.run(_CHANGE.values({"labels": merged, "updated": tx.now}), run_id=flow_run_id)
