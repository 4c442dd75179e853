"""Reading the states that runs are and were in."""

from podium.db.tables.flow_runs import flow_run_states
from podium.db.tables.task_runs import task_run_states
from podium.db.unit import Row, Tx
from podium.server.queries.generic import Entity, get, page
from podium.wire.states import State

FLOW_RUN_STATES = Entity(flow_run_states, State, "Flow run state")
TASK_RUN_STATES = Entity(task_run_states, State, "Task run state")

_RUN = {FLOW_RUN_STATES: flow_run_states.c.flow_run_id, TASK_RUN_STATES: task_run_states.c.task_run_id}


def read_state(tx: Tx, states: Entity, state_id: str) -> Row:
    """The state with this id; ``NotFound`` when there is none."""
    return get(tx, states, state_id)


def states_of(tx: Tx, states: Entity, run_id: str) -> list[Row]:
    """The states of a run, oldest first."""
    return page(tx, states, [_RUN[states] == run_id], [states.table.c.timestamp])
