"""States of flow runs over HTTP."""

from podium.db.unit import Row
from podium.server.http.call import Call
from podium.server.queries.states import FLOW_RUN_STATES, read_state, states_of
from podium.wire import states as wire


async def read_flow_run_state(call: Call) -> Row:
    row: Row = await call.read(read_state, FLOW_RUN_STATES, call.path["id"])
    return row


async def list_flow_run_states(call: Call) -> list[Row]:
    rows: list[Row] = await call.read(states_of, FLOW_RUN_STATES, str(call.query.flow_run_id))
    return rows


ROUTES = (
    (wire.READ_FLOW_RUN_STATE, read_flow_run_state),
    (wire.LIST_FLOW_RUN_STATES, list_flow_run_states),
)
