"""The event of every stored state of a flow run."""

from typing import Any

from podium.db.unit import Row
from podium.server.events.lifecycle import flow_run_state_event
from podium.server.orchestration.engine import Rule
from podium.server.orchestration.states import State
from podium.server.orchestration.transition import FlowRunTransition


def _emit(transition: FlowRunTransition, memo: Any) -> None:
    initial, proposed, run = transition.initial, transition.proposed, transition.run
    if proposed is not None:
        before = _shown(initial) if initial is not None else None
        event = flow_run_state_event(run, before, _shown(proposed), run)
        transition.tx.emit(event)


def _shown(state: State) -> Row:
    row = state.row()
    if state.type == "PAUSED":
        row["state_details"] = {"pause_reschedule": state.details.pause_reschedule}
    return row


INSTRUMENT_FLOW_RUN_STATE_TRANSITIONS = Rule("InstrumentFlowRunStateTransitions", after=_emit, always=True)
