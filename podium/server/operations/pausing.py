"""Going on with a paused flow run, with the input that it waits for."""

from typing import Any

import msgspec

from podium.db.unit import Tx
from podium.server.errors import BadRequest, MissingObject
from podium.server.http.client_version import API_VERSION, ClientVersion
from podium.server.operations.flow_run_states import set_flow_run_state
from podium.server.operations.hydration import hydrated
from podium.server.operations.parameters import BadSchema, failure
from podium.server.operations.states import Outcome, current_state
from podium.server.orchestration.states import State
from podium.server.orchestration.transition import ApiVersion
from podium.server.queries import flow_run_transitions as queries
from podium.server.queries.flow_run_inputs import add_input, find_input
from podium.wire.decoding import encode
from podium.wire.states import StateCreate


def resume_flow_run(
    tx: Tx,
    flow_run_id: str,
    run_input: dict[str, Any] | None = None,
    client_version: ClientVersion | None = None,
    api_version: ApiVersion = API_VERSION,
) -> Outcome:
    """Takes a paused flow run to RUNNING, a suspended one to SCHEDULED.

    Where the pause asks for input, it is checked against the schema that the run left and kept for the run. Raises
    ``MissingObject`` for an unknown run.
    """
    run = queries.load(tx, flow_run_id)
    if run is None:
        raise MissingObject(f"Flow run with id {flow_run_id} not found")
    state = current_state(run)
    if state is None or state.type != "PAUSED":
        return Outcome("ABORT", {"type": "abort_details", "reason": "Cannot resume a run that is not paused."}, None)
    keyset = state.details.run_input_keyset
    if keyset:
        try:
            run_input = hydrated(tx, run_input or {})
        except BadRequest as error:
            return _refusal(error.detail, state)
        reason = _unfit(tx, flow_run_id, keyset, run_input)
        if reason is not None:
            return _refusal(reason, state)
    if state.details.pause_reschedule:
        proposal = StateCreate(type="SCHEDULED", name="Resuming")
    else:
        proposal = StateCreate(type="RUNNING")
    outcome = set_flow_run_state(tx, flow_run_id, proposal, client_version=client_version, api_version=api_version)
    if keyset and run_input and outcome.status == "ACCEPT":
        add_input(tx, flow_run_id, keyset["response"], encode(run_input).decode())
    return outcome


def _unfit(tx: Tx, flow_run_id: str, keyset: dict[str, str], run_input: Any) -> str | None:
    """Why an input is not what the run waits for, None when it is."""
    schema = find_input(tx, flow_run_id, keyset.get("schema", ""))
    if schema is None:
        return "The schema of the input that the run waits for is missing."
    if "response" not in keyset:
        return "The run does not say under which key it waits for the input."
    try:
        return failure(run_input, msgspec.json.decode(schema))
    except (BadSchema, msgspec.DecodeError) as error:
        return f"The schema of the input that the run waits for cannot be used: {error}"


def _refusal(reason: str, state: State) -> Outcome:
    """A REJECT whose details are of the kind that clients know from the contract here: those of an abort."""
    return Outcome("REJECT", {"type": "abort_details", "reason": reason}, state.row(), reason=reason)
