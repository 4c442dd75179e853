"""Proposing states for runs, and what the server makes of it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from podium.client.errors import Conflict
from podium.client.nouns.noun import endpoint

if TYPE_CHECKING:
    from podium.client.api import Client
    from podium.wire.flow_runs import FlowRun

TERMINAL = frozenset({"COMPLETED", "FAILED", "CANCELLED", "CRASHED"})


def propose(
    client: "Client", run_id: str, state: Mapping[str, Any], *, force: bool = False, kind: str = "flow_runs"
) -> Any:
    """Proposes a state for a run; the state it is in then. Raises Conflict with the server's reason."""
    result = client.call(endpoint(f"{kind}.SET_STATE"), {"state": state, "force": force}, id=run_id)
    return accepted(result, state["type"])


def accepted(result: Any, wanted: str) -> Any:
    """The state after a proposal that came true. Raises Conflict."""
    after = result.state
    if result.status == "ACCEPT" or (result.status == "REJECT" and after is not None and after.type == wanted):
        return after
    # The server cancels at once what nobody runs yet, and says so by rejecting "cancelling".
    if result.status == "REJECT" and wanted == "CANCELLING" and after is not None and after.type == "CANCELLED":
        return after
    reason = getattr(result.details, "reason", None) or f"the server answered {result.status}"
    raise Conflict(409, reason)


def cannot_cancel(run: "FlowRun") -> str | None:
    """Why a run cannot be cancelled."""
    return f"the run is {run.state_name} already" if run.state_type in TERMINAL else None


def cannot_retry(run: "FlowRun") -> str | None:
    """Why a run cannot run once more."""
    if run.state_type not in TERMINAL:
        return f"the run is {run.state_name}; only one that ended can be retried"
    if run.deployment_id is None:
        return "the run has no deployment, so nobody would pick it up; start its flow again"
    return None


def cannot_suspend(run: "FlowRun") -> str | None:
    """Why a run cannot be told to stop and wait."""
    if run.state_type in TERMINAL or run.state_type in ("PAUSED", "CANCELLING"):
        return f"the run is {run.state_name}"
    return None if run.deployment_id else "the run has no deployment, so nobody would take it up again"


def cannot_resume(run: "FlowRun") -> str | None:
    """Why a run cannot go on."""
    return None if run.state_type == "PAUSED" else f"the run is {run.state_name}, not paused"


def _allowed(reason: str | None) -> None:
    if reason:
        raise Conflict(409, reason)


def cancel(client: "Client", run: "FlowRun") -> str | None:
    """Cancels a run: at once where it does not run yet, else its process is told to stop. Raises Conflict."""
    _allowed(cannot_cancel(run))
    state = propose(client, run.id, {"type": "CANCELLING"})
    return "its process is told to stop" if state.type == "CANCELLING" else None


def cancel_by_force(client: "Client", run: "FlowRun") -> str | None:
    """Makes a run CANCELLED without waiting for its process. Raises Conflict."""
    _allowed(cannot_cancel(run))
    propose(client, run.id, {"type": "CANCELLED", "message": "Cancelled by force."}, force=True)
    return None


def retry(client: "Client", run: "FlowRun") -> str | None:
    """Has a run that ended run once more, by whoever serves its deployment. Raises Conflict."""
    _allowed(cannot_retry(run))
    message = f"Retried by a command after it was {run.state_name}."
    propose(client, run.id, {"type": "SCHEDULED", "name": "AwaitingRetry", "message": message}, force=True)
    return None


def suspend(client: "Client", run: "FlowRun") -> str | None:
    """Has a run of a deployment stop and wait to be resumed. Raises Conflict."""
    details = {"pause_reschedule": True}
    propose(client, run.id, {"type": "PAUSED", "name": "Suspended", "state_details": details})
    return None


def resume(client: "Client", run: "FlowRun", run_input: Mapping[str, Any] | None = None) -> str | None:
    """Has a paused run go on. Raises Conflict."""
    result = client.call(endpoint("flow_runs.RESUME"), {"run_input": run_input}, id=run.id)
    if result.status != "ACCEPT":
        raise Conflict(409, getattr(result.details, "reason", None) or f"the server answered {result.status}")
    return None
