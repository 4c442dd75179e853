"""Acting on the flow run that an automation fired for."""

from datetime import timedelta

from podium.db.unit import Tx
from podium.server.automations.invocation import ActionFailed, Effect, Invocation, first_of_kind, id_in, target
from podium.server.errors import NotFound
from podium.server.events.event import RESOURCE_ID
from podium.server.operations.flow_run_states import set_flow_run_state
from podium.server.operations.flow_runs import delete_flow_run, delete_flow_run_logs
from podium.server.operations.pausing import resume_flow_run
from podium.server.operations.states import Outcome
from podium.wire import flow_runs as wire
from podium.wire.actions import ChangeFlowRunState
from podium.wire.states import StateCreate, StateDetails

SUSPENDED_FOR = timedelta(hours=1)
"""How long a run that an automation suspends waits to be resumed."""

CANCELLED = ("CANCELLING", "CANCELLED")


def _flow_run(invocation: Invocation, effect: Effect) -> str:
    """The id of the run to act on: the one that the automation fired for each of, else the first in the event."""
    context = invocation.context
    run_id = id_in(context.firing.triggering_labels.get(RESOURCE_ID, ""), "flow-run")
    if run_id is None:
        found = first_of_kind(context.triggering_event, "flow-run")
        if found is None:
            raise ActionFailed("No flow run could be inferred")
        run_id = found[0]
    effect.related.append(target("flow-run", run_id))
    return run_id


def cancel(tx: Tx, invocation: Invocation, effect: Effect) -> None:
    """Cancels the run: by its process where there is one, at once where it never started."""
    message = f"Cancelled by automation {invocation.context.automation['name']!r}"
    _propose(tx, invocation, effect, StateCreate(type="CANCELLING", message=message))


def suspend(tx: Tx, invocation: Invocation, effect: Effect) -> None:
    """Suspends the run for an hour, after which it fails unless it was resumed."""
    proposal = StateCreate(
        type="PAUSED",
        name="Suspended",
        message=f"Suspended by automation {invocation.context.automation['name']!r}",
        state_details=StateDetails(pause_timeout=tx.now + SUSPENDED_FOR, pause_reschedule=True),
    )
    _propose(tx, invocation, effect, proposal)


def change_state(tx: Tx, invocation: Invocation, effect: Effect) -> None:
    """Proposes the state that the action names."""
    action = invocation.action
    assert isinstance(action, ChangeFlowRunState)
    message = action.message or f"State changed by automation {invocation.context.automation['name']!r}"
    proposal = StateCreate(type=action.state, name=action.name, message=message)
    _propose(tx, invocation, effect, proposal, action.force)


def _propose(tx: Tx, invocation: Invocation, effect: Effect, proposal: StateCreate, force: bool = False) -> None:
    run_id = _flow_run(invocation, effect)
    outcome = set_flow_run_state(tx, run_id, proposal, force)
    _note(effect, outcome)
    if not _is_as_wanted(outcome, proposal):
        raise ActionFailed(f"Failed to set state: {outcome.reason or outcome.details.get('reason')}")


def _is_as_wanted(outcome: Outcome, proposal: StateCreate) -> bool:
    """Whether the run is in the proposed state, or cancelled at once where it was to be cancelled by its process."""
    if outcome.status == "ACCEPT":
        return True
    state = outcome.state
    return outcome.stored and proposal.type in CANCELLED and state is not None and state["type"] == "CANCELLED"


def resume(tx: Tx, invocation: Invocation, effect: Effect) -> None:
    """Goes on with the run, which is paused or suspended."""
    outcome = resume_flow_run(tx, _flow_run(invocation, effect))
    _note(effect, outcome)
    if outcome.status != "ACCEPT":
        raise ActionFailed(f"Failed to resume flow run: {outcome.details.get('reason')}")


def _note(effect: Effect, outcome: Outcome) -> None:
    effect.details["status_code"] = wire.SET_STATE.status if outcome.stored else 200


def delete(tx: Tx, invocation: Invocation, effect: Effect) -> None:
    """Deletes the run, then its log lines."""
    run_id = _flow_run(invocation, effect)
    if not delete_flow_run(tx, run_id):
        raise NotFound("Flow run not found")
    effect.details["status_code"] = wire.DELETE.status
    effect.afterwards.append((delete_flow_run_logs, run_id))
