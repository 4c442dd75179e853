"""Setting the state of a flow run: the only way there is."""

from podium.db.unit import Row, Tx
from podium.server.errors import MissingObject
from podium.server.http.client_version import API_VERSION, ClientVersion
from podium.server.operations.states import Outcome, current_state, outcome_of, result_artifact
from podium.server.operations.task_run_states import force_task_run_state
from podium.server.orchestration import engine
from podium.server.orchestration.engine import Policy
from podium.server.orchestration.policies import CORE_FLOW_POLICY, MINIMAL_FLOW_POLICY
from podium.server.orchestration.states import State, proposed_state
from podium.server.orchestration.transforms import transform_flow_run
from podium.server.orchestration.transition import ApiVersion, FlowRunTransition
from podium.server.queries import flow_run_transitions as queries
from podium.server.queries import task_run_transitions
from podium.wire.states import StateCreate, StateDetails


def set_flow_run_state(
    tx: Tx,
    flow_run_id: str,
    proposal: StateCreate,
    force: bool = False,
    policy: Policy | None = None,
    client_version: ClientVersion | None = None,
    api_version: ApiVersion = API_VERSION,
    state_id: str | None = None,
) -> Outcome:
    """Proposes a state for a flow run and stores what its policy makes of it.

    ``force`` skips the rules that may be skipped; ``policy`` replaces the choice. ``state_id`` is the id of the
    proposed state, where it has to be known before. Raises ``MissingObject`` for an unknown run.
    """
    run = queries.load(tx, flow_run_id)
    if run is None:
        raise MissingObject(f"Flow run with id {flow_run_id} not found")
    proposed = proposed_state(proposal, tx.now, state_id)
    transition = FlowRunTransition(tx, run, current_state(run), proposed, client_version, api_version)
    entered = enter(transition, policy or (MINIMAL_FLOW_POLICY if force else CORE_FLOW_POLICY))
    if transition.proposed is not None:
        store_state(transition, transition.proposed)
    engine.leave(transition, entered)
    if transition.proposed is not None:
        queries.update_run(tx, run)
        tell_task_runs(transition, transition.proposed)
    return outcome_of(transition)


def enter(transition: FlowRunTransition, policy: Policy) -> engine.Entered:
    """Passes the rules and applies the state they let through to the run's row."""
    entered = engine.enter(transition, policy)
    if transition.proposed is not None:
        transform_flow_run(transition)
    return entered


def store_state(transition: FlowRunTransition, state: State) -> None:
    """Inserts the state that the rules let through."""
    tx, run = transition.tx, transition.run
    artifact = result_artifact(tx, state, run["id"], None)
    queries.insert_state(tx, run["id"], state.row(), state.stored_data, artifact)


def tell_task_runs(transition: FlowRunTransition, state: State) -> None:
    """Mirrors the state of a subflow on the task run it is for its parent; sets back the tasks of an old client."""
    run: Row = transition.run
    if run["parent_task_run_id"] is not None:
        mirrored = state.copy(transition.now)
        mirrored.details.child_flow_run_id = run["id"]
        force_task_run_state(transition.tx, run["parent_task_run_id"], mirrored)
    retried = transition.status == "REJECT" and state.name == "AwaitingRetry"
    if retried and transition.api_version < (0, 8, 3):
        _set_back_failed_tasks(transition, state)


def _set_back_failed_tasks(transition: FlowRunTransition, state: State) -> None:
    """Clients before API version 0.8.3 leave it to the server to run the failed tasks of a retried flow again."""
    for task_run_id in task_run_transitions.failed_task_runs(transition.tx, transition.run["id"]):
        details = StateDetails(scheduled_time=state.details.scheduled_time)
        retry = State("SCHEDULED", transition.now, "AwaitingRetry", details=details)
        force_task_run_state(transition.tx, task_run_id, retry)
        task_run_transitions.forget_run_count(transition.tx, task_run_id)
