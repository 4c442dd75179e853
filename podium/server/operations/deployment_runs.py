"""Making flow runs of deployments."""

from collections.abc import Sequence
from typing import Any

from podium.db.types import plain
from podium.db.unit import Row, Tx
from podium.server.errors import BadRequest, Conflict, Invalid
from podium.server.operations.flow_runs import create_flow_run
from podium.server.operations.hydration import Unhydratable, hydrated
from podium.server.operations.job_variables import check_job_variables
from podium.server.operations.parameters import BadSchema, failure
from podium.server.operations.work_queues import ensure_queue
from podium.server.queries.deployments import get_whole
from podium.server.refusals import refusal_of
from podium.wire.deployments import DeploymentFlowRunCreate
from podium.wire.states import StateCreate


def create_deployment_run(
    tx: Tx, deployment_id: str, body: DeploymentFlowRunCreate, creator: Row | None = None
) -> tuple[Row, bool]:
    """Makes a flow run of a deployment, SCHEDULED for now unless asked otherwise; its answer, and whether it is new.

    Raises ``NotFound`` without the deployment, ``BadRequest`` for parameters that stand for nothing and for a queue
    without a pool, ``Conflict`` for parameters and ``Invalid`` for job variables that do not fit.
    """
    return _create(tx, get_whole(tx, deployment_id), body, creator)


def create_deployment_runs(
    tx: Tx, deployment_id: str, bodies: Sequence[DeploymentFlowRunCreate], creator: Row | None = None
) -> list[Row]:
    """``create_deployment_run`` for each: what became of it (wire: ``FlowRunCreated``).

    One that fails leaves nothing behind, and the others as they are.
    """
    deployment = get_whole(tx, deployment_id)
    results: list[Row] = []
    for body in bodies:
        try:
            with tx.part():
                run, _ = _create(tx, deployment, body, creator)
        except Exception as error:
            problem = refusal_of(error)
            if problem is None:
                raise
            results.append({"flow_run_id": None, "status": "FAILED", "error": problem.detail})
        else:
            results.append({"flow_run_id": run["id"], "status": "CREATED", "error": None})
    return results


def _create(tx: Tx, deployment: Row, body: DeploymentFlowRunCreate, creator: Row | None) -> tuple[Row, bool]:
    parameters = _parameters(tx, deployment, body)
    queue_id, queue_name = _queue(tx, deployment, body)
    job_variables = body.job_variables or {}
    reason = check_job_variables(tx, queue_id, {**plain(deployment["job_variables"]), **job_variables})
    if reason:
        raise Invalid(f"Error creating flow run. {reason}")
    infrastructure = body.infrastructure_document_id or deployment["infrastructure_document_id"]
    values = {
        "flow_id": deployment["flow_id"],
        "deployment_id": deployment["id"],
        "deployment_version": deployment["version"],
        "name": body.name,
        "parameters": parameters,
        "context": body.context,
        "empirical_policy": body.empirical_policy,
        "tags": list(dict.fromkeys([*plain(deployment["tags"]), *body.tags])),
        "labels": body.labels,
        "idempotency_key": body.idempotency_key,
        "parent_task_run_id": _text(body.parent_task_run_id),
        "infrastructure_document_id": _text(infrastructure),
        "work_queue_id": queue_id,
        "work_queue_name": queue_name,
        "job_variables": job_variables,
        "created_by": creator,
    }
    return create_flow_run(tx, values, body.state or StateCreate(type="SCHEDULED"))


def _parameters(tx: Tx, deployment: Row, body: DeploymentFlowRunCreate) -> dict[str, Any]:
    merged = {**plain(deployment["parameters"]), **body.parameters}
    try:
        parameters: dict[str, Any] = hydrated(tx, merged)
    except Unhydratable as error:
        raise BadRequest(f"Error hydrating flow run parameters: {error.detail}") from None
    schema = plain(deployment["parameter_openapi_schema"])
    enforced = body.enforce_parameter_schema
    if enforced is None:
        enforced = deployment["enforce_parameter_schema"]
    if enforced and schema:
        try:
            reason = failure(parameters, schema)
        except BadSchema as error:
            reason = str(error)
        if reason:
            raise Conflict(f"Error creating flow run. {reason}")
    return parameters


def _queue(tx: Tx, deployment: Row, body: DeploymentFlowRunCreate) -> tuple[str | None, str | None]:
    """The id and name of the queue for a run: the one asked for in the deployment's pool, else the deployment's."""
    if body.work_queue_name is None:
        return deployment["work_queue_id"], deployment["queue_name"]
    if deployment["work_pool_id"] is None:
        raise BadRequest(
            f"The deployment has no work pool, so that the run cannot go to the work queue {body.work_queue_name!r}."
        )
    pool = {name: deployment[f"work_pool_{name}"] for name in ("id", "name", "type")}
    queue = ensure_queue(tx, pool, body.work_queue_name)
    return queue["id"], queue["name"]


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
