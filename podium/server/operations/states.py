"""What setting a state has in common for flow runs and task runs."""

from dataclasses import dataclass
from typing import Any

from podium.db.ids import new_id
from podium.db.unit import Row, Tx
from podium.server.orchestration.states import State
from podium.server.orchestration.transition import Transition


@dataclass(slots=True)
class Outcome:
    """What became of a proposal; ``state`` is the one the run is in after it, as the wire shows it, or None.

    ``stored`` tells whether that is a new state; ``reason`` is why it is not the proposed one.
    """

    status: str
    details: Row
    state: Row | None
    stored: bool = False
    reason: str | None = None

    @property
    def answer(self) -> Row:
        """The outcome as the wire shows it."""
        return {"state": self.state, "status": self.status, "details": self.details}


def outcome_of(transition: Transition) -> Outcome:
    """What to answer for a transition that is over."""
    reason = transition.reason
    match transition.status:
        case "ACCEPT":
            details: dict[str, Any] = {"type": "accept_details"}
        case "REJECT":
            details = {"type": "reject_details", "reason": reason}
        case "ABORT":
            details = {"type": "abort_details", "reason": reason}
        case "WAIT":
            details = {"type": "wait_details", "delay_seconds": transition.delay_seconds, "reason": reason}
    stored = transition.proposed is not None
    state = transition.proposed or transition.initial
    return Outcome(transition.status, details, state.row() if state else None, stored=stored, reason=reason)


def current_state(run: Row) -> State | None:
    """The state that a loaded run is in."""
    if run["current_id"] is None:
        return None
    return State(
        run["state_type"],
        run["state_timestamp"],
        run["state_name"],
        run["current_message"],
        run["current_data"],
        run["current_details"],
        run["current_id"],
    )


def result_artifact(tx: Tx, state: State, flow_run_id: str | None, task_run_id: str | None) -> Row | None:
    """The artifact that keeps the state's data, None when it has none to keep."""
    data = state.stored_data
    if data is None:
        return None
    return {
        "id": new_id(),
        "workspace_id": tx.workspace_id,
        "type": "result",
        "data": data,
        "flow_run_id": flow_run_id,
        "task_run_id": task_run_id,
        "created": tx.now,
        "updated": tx.now,
    }
