"""States of task runs over HTTP."""

from podium.db.unit import Row
from podium.server.http.call import Call
from podium.server.queries.states import TASK_RUN_STATES, read_state, states_of
from podium.wire import states as wire


async def read_task_run_state(call: Call) -> Row:
    row: Row = await call.read(read_state, TASK_RUN_STATES, call.path["id"])
    return row


async def list_task_run_states(call: Call) -> list[Row]:
    rows: list[Row] = await call.read(states_of, TASK_RUN_STATES, str(call.query.task_run_id))
    return rows


ROUTES = (
    (wire.READ_TASK_RUN_STATE, read_task_run_state),
    (wire.LIST_TASK_RUN_STATES, list_task_run_states),
)
