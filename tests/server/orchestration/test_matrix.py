"""Every pair of state types answers as the contract says: flow and task runs, with and without force and deployment.

The tables are written from the contract's rules, not from the policies. A row is the state a run is in, a column the
type proposed: ``A`` is accepted, ``R`` rejected and ``X`` aborted with the state unchanged, ``C`` rejected with a new
CANCELLED state in its place.
"""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from podium.db.tables.events import events
from podium.db.unit import Row
from podium.server.operations.states import Outcome
from tests.server.runs import Runs, state

TYPES = ["SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED"]
TERMINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}

FLOW_WITH_DEPLOYMENT = """
            SCHEDULED PENDING RUNNING PAUSED CANCELLING COMPLETED FAILED CRASHED CANCELLED
SCHEDULED   A         A       A       R      C          A         A      A       A
PENDING     A         X       A       R      A          A         A      A       A
RUNNING     A         X       A       A      A          A         A      A       A
PAUSED      A         R       A       R      A          A         A      A       A
CANCELLING  R         R       R       R      R          R         R      R       A
COMPLETED   A         A       A       X      X          A         A      X       A
FAILED      A         A       A       X      X          A         A      X       A
CRASHED     A         A       A       X      X          A         A      X       A
CANCELLED   A         X       A       X      X          A         A      X       A
"""

FLOW_WITHOUT_DEPLOYMENT = """
            SCHEDULED PENDING RUNNING PAUSED CANCELLING COMPLETED FAILED CRASHED CANCELLED
SCHEDULED   A         A       A       R      C          A         A      A       A
PENDING     A         X       A       R      A          A         A      A       A
RUNNING     A         X       A       A      A          A         A      A       A
PAUSED      A         R       A       R      A          A         A      A       A
CANCELLING  R         R       R       R      R          R         R      R       A
COMPLETED   X         A       A       X      X          A         A      X       A
FAILED      X         A       A       X      X          A         A      X       A
CRASHED     X         A       A       X      X          A         A      X       A
CANCELLED   X         X       A       X      X          A         A      X       A
"""

FLOW_BY_FORCE = """
            SCHEDULED PENDING RUNNING PAUSED CANCELLING COMPLETED FAILED CRASHED CANCELLED
SCHEDULED   A         A       A       A      C          A         A      A       A
PENDING     A         A       A       A      A          A         A      A       A
RUNNING     A         A       A       A      A          A         A      A       A
PAUSED      A         A       A       A      A          A         A      A       A
CANCELLING  A         A       A       A      A          A         A      A       A
COMPLETED   A         A       A       A      A          A         A      A       A
FAILED      A         A       A       A      A          A         A      A       A
CRASHED     A         A       A       A      A          A         A      A       A
CANCELLED   A         A       A       A      A          A         A      A       A
"""

TASK = """
            SCHEDULED PENDING RUNNING PAUSED CANCELLING COMPLETED FAILED CRASHED CANCELLED
SCHEDULED   A         A       A       A      A          A         A      A       A
PENDING     A         A       A       A      A          A         A      A       A
RUNNING     A         A       A       A      A          A         A      A       A
PAUSED      A         A       A       A      A          A         A      A       A
CANCELLING  A         A       A       A      A          A         A      A       A
COMPLETED   A         A       A       X      X          A         A      X       A
FAILED      A         A       A       X      X          A         A      X       A
CRASHED     A         A       A       X      X          A         A      X       A
CANCELLED   A         A       A       X      X          A         A      X       A
"""

BACKGROUND_TASK = """
            SCHEDULED PENDING RUNNING PAUSED CANCELLING COMPLETED FAILED CRASHED CANCELLED
SCHEDULED   A         A       A       A      A          A         A      A       A
PENDING     A         X       A       A      A          A         A      A       A
RUNNING     A         X       A       A      A          A         A      A       A
PAUSED      A         A       A       A      A          A         A      A       A
CANCELLING  A         X       A       A      A          A         A      A       A
COMPLETED   A         A       A       X      X          A         A      X       A
FAILED      A         A       A       X      X          A         A      X       A
CRASHED     A         A       A       X      X          A         A      X       A
CANCELLED   A         X       A       X      X          A         A      X       A
"""

TASK_BY_FORCE = "\n".join([TASK.splitlines()[1], *(f"{kind} " + "A " * 9 for kind in TYPES)])

LETTERS = {"ACCEPT": "A", "REJECT": "R", "ABORT": "X", "WAIT": "W"}


def cells(table: str) -> dict[tuple[str, str], str]:
    """The expected letter for each (current, proposed) pair."""
    lines = [line.split() for line in table.strip().splitlines()]
    assert lines[0] == TYPES
    assert [line[0] for line in lines[1:]] == TYPES
    return {(line[0], proposed): letter for line in lines[1:] for proposed, letter in zip(TYPES, line[1:], strict=True)}


def letter(outcome: Outcome) -> str:
    """The letter of an outcome."""
    replaced = outcome.status == "REJECT" and outcome.stored
    assert not replaced or (outcome.state and outcome.state["name"] == "Cancelled")
    return "C" if replaced else LETTERS[outcome.status]


@pytest.mark.parametrize(
    ("deployed", "force", "table"),
    [
        (True, False, FLOW_WITH_DEPLOYMENT),
        (False, False, FLOW_WITHOUT_DEPLOYMENT),
        (True, True, FLOW_BY_FORCE),
        (False, True, FLOW_BY_FORCE),
    ],
    ids=["deployment", "no deployment", "deployment, force", "no deployment, force"],
)
def test_flow_runs(runs: Runs, deployed: bool, force: bool, table: str) -> None:
    """Each of the 81 transitions of a flow run has the outcome of the table, and its row, states and event tell it."""
    expected = cells(table)
    deployment_id = runs.deployment() if deployed else None
    found = {}
    for current, proposed in expected:
        run_id = runs.make(current, deployment_id=deployment_id)
        before = runs.read(run_id)
        outcome = runs.set(run_id, proposed, force=force)
        found[current, proposed] = letter(outcome)
        after = runs.read(run_id)
        check_row(before, after, outcome)
        check_states(runs.states(run_id), after, outcome)
        check_event(runs, run_id, before, outcome)
    assert found == expected


@pytest.mark.parametrize("in_flow_run", [True, False], ids=["of a flow run", "of none"])
@pytest.mark.parametrize(
    ("deferred", "force", "table"),
    [
        (False, False, TASK),
        (False, True, TASK_BY_FORCE),
        (True, False, BACKGROUND_TASK),
        (True, True, BACKGROUND_TASK),
    ],
    ids=["plain", "force", "background", "background, force"],
)
def test_task_runs(runs: Runs, in_flow_run: bool, deferred: bool, force: bool, table: str) -> None:
    """Each of the 81 transitions of a task run has the outcome of the table, and its row and states tell it."""
    expected = cells(table)
    flow_run_id = runs.make("RUNNING") if in_flow_run else None
    found = {}
    for current, proposed in expected:
        run_id = runs.make_task(state(current, deferred=deferred), flow_run_id=flow_run_id)
        runs.change_task(run_id, run_count=3)
        before = runs.read_task(run_id)
        outcome = runs.set_task(run_id, proposed, force=force, deferred=deferred)
        found[current, proposed] = letter(outcome)
        after = runs.read_task(run_id)
        check_row(before, after, outcome, forgets_runs=not force or deferred)
        check_states(runs.task_states(run_id), after, outcome)
    assert found == expected


def check_row(before: Any, after: Any, outcome: Outcome, forgets_runs: bool = False) -> None:
    """The run's columns follow from the state that was stored.

    ``forgets_runs``: leaving a terminal state starts the count of runs anew.
    """
    if not outcome.stored:
        assert after["state_id"] == before["state_id"]
        assert after["run_count"] == before["run_count"]
        return
    stored: Row = outcome.state or {}
    kind, timestamp = stored["type"], stored["timestamp"]
    was_terminal, is_terminal = before["state_type"] in TERMINAL, kind in TERMINAL
    assert (after["state_id"], after["state_type"], after["state_name"]) == (stored["id"], kind, stored["name"])
    assert after["expected_start_time"] == before["expected_start_time"] is not None
    restarted = forgets_runs and was_terminal and not is_terminal
    assert after["run_count"] == (0 if restarted else before["run_count"]) + (kind == "RUNNING")
    assert after["start_time"] == (before["start_time"] or (timestamp if is_terminal or kind == "RUNNING" else None))
    if is_terminal:
        assert after["end_time"] == (before["end_time"] if was_terminal else timestamp)
    else:
        assert after["end_time"] is None
    ran = (timestamp - before["state"]["timestamp"]).total_seconds() if before["state_type"] == "RUNNING" else 0.0
    assert after["total_run_time"] == pytest.approx(before["total_run_time"] + ran)
    if kind == "SCHEDULED":
        assert after["next_scheduled_start_time"] is not None
    else:
        assert after["next_scheduled_start_time"] is None


def check_states(states: list[Any], run: Any, outcome: Outcome) -> None:
    """A state row was added exactly when the outcome says so; the last is the one the run is in."""
    assert len(states) == 1 + outcome.stored
    assert [each["timestamp"] for each in states] == sorted({each["timestamp"] for each in states})
    assert states[-1]["id"] == run["state_id"]
    assert states[-1]["state_details"] == run["state"]["state_details"]


def check_event(runs: Runs, run_id: str, before: Any, outcome: Outcome) -> None:
    """A stored state is told by one event with its id; anything else by none."""
    resource = f"prefect.flow-run.{run_id}"
    stored = runs.units.all(select(events).where(events.c.resource_id == resource).order_by(events.c.occurred))
    assert len(stored) == 1 + outcome.stored
    if outcome.stored:
        assert outcome.state is not None
        last = stored[-1]
        assert last["id"] == outcome.state["id"]
        assert last["event"] == f"prefect.flow-run.{outcome.state['name']}"
        assert last["occurred"] == outcome.state["timestamp"]
        assert last["follows"] == before["state_id"]


@pytest.mark.parametrize("of", [Runs.make, Runs.make_task], ids=["flow run", "task run"])
def test_a_run_is_made_in_any_state(runs: Runs, of: Callable[..., str]) -> None:
    """Creation accepts every type; without a state a run is PENDING."""
    for kind in TYPES:
        made = of(runs, kind)
        found = runs.read(made) if of is Runs.make else runs.read_task(made)
        assert found["state_type"] == found["state"]["type"] == kind
        assert found["run_count"] == (kind == "RUNNING")
    made = of(runs)
    found = runs.read(made) if of is Runs.make else runs.read_task(made)
    assert found["state_name"] == "Pending"
