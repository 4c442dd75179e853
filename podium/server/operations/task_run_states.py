"""Setting the state of a task run by request; the tasks of a flow report theirs by events."""

from podium.db.unit import Row, Tx
from podium.server.errors import MissingObject
from podium.server.operations.states import Outcome, current_state, outcome_of, result_artifact
from podium.server.orchestration import engine
from podium.server.orchestration.engine import Policy
from podium.server.orchestration.policies import BACKGROUND_TASK_POLICY, CORE_TASK_POLICY, MINIMAL_TASK_POLICY
from podium.server.orchestration.states import State, proposed_state
from podium.server.orchestration.transforms import transform_task_run
from podium.server.orchestration.transition import TaskRunTransition
from podium.server.queries import task_run_transitions as queries
from podium.wire.states import StateCreate


def set_task_run_state(tx: Tx, task_run_id: str, proposal: StateCreate, force: bool = False) -> Outcome:
    """Proposes a state for a task run and stores what its policy makes of it.

    ``force`` skips the rules that may be skipped. Raises ``MissingObject`` for an unknown run.
    """
    run = queries.load(tx, task_run_id)
    if run is None:
        raise MissingObject(f"Task run with id {task_run_id} not found")
    return _set(tx, run, proposed_state(proposal, tx.now), choose_policy(proposal, force))


def choose_policy(proposal: StateCreate, force: bool) -> Policy:
    """The policy for a proposal; background tasks have one of their own, also by force."""
    if proposal.state_details.deferred:
        return BACKGROUND_TASK_POLICY
    return MINIMAL_TASK_POLICY if force else CORE_TASK_POLICY


def force_task_run_state(tx: Tx, task_run_id: str, state: State) -> Outcome | None:
    """Puts a task run into a state that the server made; None when there is no such run."""
    run = queries.load(tx, task_run_id)
    return None if run is None else _set(tx, run, state, MINIMAL_TASK_POLICY)


def _set(tx: Tx, run: Row, proposed: State, policy: Policy) -> Outcome:
    transition = TaskRunTransition(tx, run, current_state(run), proposed)
    entered = enter(transition, policy)
    if transition.proposed is not None:
        store_state(transition, transition.proposed)
    engine.leave(transition, entered)
    if transition.proposed is not None:
        queries.update_run(tx, run)
    return outcome_of(transition)


def enter(transition: TaskRunTransition, policy: Policy) -> engine.Entered:
    """Passes the rules and applies the state they let through to the run's row."""
    entered = engine.enter(transition, policy)
    if transition.proposed is not None:
        transform_task_run(transition)
    return entered


def store_state(transition: TaskRunTransition, state: State) -> None:
    """Inserts the state that the rules let through."""
    tx, run = transition.tx, transition.run
    artifact = result_artifact(tx, state, run["flow_run_id"], run["id"])
    queries.insert_state(tx, run["id"], state.row(), state.stored_data, artifact)
