"""Running deployments."""

from datetime import timedelta
from typing import Any

from podium.db.unit import Tx
from podium.server.automations.actions.switches import chosen
from podium.server.automations.invocation import Effect, Invocation, target
from podium.server.automations.templates import Templates
from podium.server.errors import Conflict, Invalid
from podium.server.events.event import resource
from podium.server.operations.deployment_runs import create_deployment_run
from podium.wire import deployments as wire
from podium.wire.actions import RunDeployment
from podium.wire.decoding import encode
from podium.wire.states import StateCreate, StateDetails


def run(tx: Tx, invocation: Invocation, effect: Effect) -> None:
    """Makes a run of the deployment; however often it is asked for one invocation, there is one run."""
    action = invocation.action
    assert isinstance(action, RunDeployment)
    deployment_id = chosen(invocation, "deployment")
    effect.related.append(target("deployment", deployment_id))
    body = wire.DeploymentFlowRunCreate(
        state=StateCreate(
            type="SCHEDULED",
            state_details=StateDetails(scheduled_time=tx.now + timedelta(seconds=action.schedule_after)),
        ),
        parameters=_parameters(tx, invocation, effect, action.parameters or {}),
        job_variables=action.job_variables,
        idempotency_key=f"automation {invocation.automation_id}, action {invocation.index}, invocation {invocation.id}",
    )
    try:
        flow_run, made = create_deployment_run(tx, deployment_id, body, invocation.creator)
    except Conflict as error:
        effect.details["validation_error"] = error.detail
        raise
    effect.related.append(resource("flow-run", flow_run["id"], "flow-run", flow_run["name"]))
    effect.details["status_code"] = wire.CREATE_FLOW_RUN.status if made else 200


def _parameters(tx: Tx, invocation: Invocation, effect: Effect, given: dict[str, Any]) -> dict[str, Any]:
    parameters = Templates(tx, invocation, effect).parameters(given)
    most = tx.settings.server.api.max_parameter_size
    if most and len(encode(parameters)) > most:
        raise Invalid(f"The parameters are larger than {most} bytes.")
    return parameters
