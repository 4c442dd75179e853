"""Resuming paused runs, with the input that they wait for."""

from typing import Any

import msgspec
import pytest

from podium.db.ids import new_id
from podium.server.errors import MissingObject
from podium.server.operations.pausing import resume_flow_run
from podium.server.operations.states import Outcome
from podium.server.queries.flow_run_inputs import add_input, find_input
from tests.server.runs import Runs, state

SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
KEYSET = {"schema": "paused-1-schema", "response": "paused-1-response"}


def resume(runs: Runs, run_id: str, run_input: dict[str, Any] | None = None) -> Outcome:
    outcome: Outcome = runs.units.write(resume_flow_run, run_id, run_input)
    return outcome


@pytest.fixture
def asking(runs: Runs) -> str:
    """A run that waits for an integer ``x``."""
    run_id = runs.make(state("PAUSED", run_input_keyset=KEYSET))
    runs.units.write(add_input, run_id, KEYSET["schema"], msgspec.json.encode(SCHEMA).decode())
    return run_id


def test_resume(runs: Runs) -> None:
    """A paused run goes on running, a suspended one is scheduled for a worker."""
    paused = runs.make("PAUSED")
    suspended = runs.make(state("PAUSED", pause_reschedule=True), deployment_id=runs.deployment())
    for run_id, kind, name in ((paused, "RUNNING", "Running"), (suspended, "SCHEDULED", "Resuming")):
        outcome = resume(runs, run_id)
        assert (outcome.status, outcome.stored) == ("ACCEPT", True)
        run = runs.read(run_id)
        assert (run["state_type"], run["state_name"]) == (kind, name)
        assert run["empirical_policy"]["resuming"] is True


def test_nothing_to_resume(runs: Runs) -> None:
    """A run that is not paused is left alone; an unknown one is an error."""
    outcome = resume(runs, runs.make("RUNNING"))
    assert (outcome.status, outcome.state, outcome.details["type"]) == ("ABORT", None, "abort_details")
    with pytest.raises(MissingObject):
        resume(runs, new_id())


@pytest.mark.parametrize(
    "run_input",
    [None, {}, {"x": "text"}, {"x": {"__prefect_kind": "json", "value": "{"}}],
    ids=["none", "empty", "wrong type", "not hydratable"],
)
def test_input_that_does_not_fit(runs: Runs, asking: str, run_input: dict[str, Any] | None) -> None:
    """The run stays paused and the client is told why."""
    outcome = resume(runs, asking, run_input)
    assert (outcome.status, outcome.stored, outcome.details["type"]) == ("REJECT", False, "abort_details")
    assert outcome.details["reason"]
    assert runs.read(asking)["state_type"] == "PAUSED"
    assert runs.units.read(find_input, asking, KEYSET["response"]) is None


@pytest.mark.parametrize("run_input", [{"x": 5}, {"x": {"__prefect_kind": "json", "value": "5"}}])
def test_input_that_fits(runs: Runs, asking: str, run_input: dict[str, Any]) -> None:
    """The input is kept under the key where the run looks for it."""
    assert resume(runs, asking, run_input).status == "ACCEPT"
    kept = runs.units.read(find_input, asking, KEYSET["response"])
    assert msgspec.json.decode(kept) == {"x": 5}


def test_a_schema_that_is_missing(runs: Runs) -> None:
    """Without the schema no input can be checked, so none is taken."""
    run_id = runs.make(state("PAUSED", run_input_keyset=KEYSET))
    assert resume(runs, run_id, {"x": 1}).status == "REJECT"
