"""Changing what clients may change of a flow run besides its state."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update

from podium.db.tables.flow_runs import flow_runs
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import BadRequest, MissingObject, NotFound

_RUN = (
    select(
        flow_runs.c.id,
        flow_runs.c.state_type,
        flow_runs.c.deployment_id,
        flow_runs.c.labels,
    )
    .where(flow_runs.c.workspace_id == WORKSPACE, flow_runs.c.id == bindparam("run_id"))
    .with_for_update()
)
_CHANGE = update(flow_runs).where(flow_runs.c.id == bindparam("run_id"))


def change_flow_run(tx: Tx, flow_run_id: str, values: Mapping[str, Any]) -> None:
    """Sets columns of a flow run; ``NotFound`` without one.

    Raises ``BadRequest`` for job variables of a run that was handed out already or has no deployment.
    """
    run = tx.one(_RUN, run_id=flow_run_id)
    if run is None:
        raise NotFound("Flow run not found")
    if "job_variables" in values:
        _check_may_take_job_variables(run)
    tx.run(_CHANGE.values(updated=tx.now, **values), run_id=flow_run_id)


def _check_may_take_job_variables(run: Row) -> None:
    if run["state_type"] != "SCHEDULED":
        raise BadRequest(f"Job variables can be changed only while a run is SCHEDULED; it is {run['state_type']}.")
    if run["deployment_id"] is None:
        raise BadRequest("Job variables belong to runs of deployments; this run has no deployment.")


def merge_labels(tx: Tx, flow_run_id: str, labels: Mapping[str, Any]) -> None:
    """Adds labels to those of a flow run, in place of the ones with the same keys; ``MissingObject`` without a run."""
    run = tx.one(_RUN, run_id=flow_run_id)
    if run is None:
        raise MissingObject(f"Flow run with id {flow_run_id} not found")
    merged = {**msgspec.json.decode(run["labels"]), **labels}
    tx.run(_CHANGE.values(updated=tx.now, labels=merged), run_id=flow_run_id)
