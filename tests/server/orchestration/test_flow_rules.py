"""What single rules of flow runs do, beyond the types of the states."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from podium.db.ids import new_id
from podium.db.tables.artifacts import artifacts
from podium.server.errors import MissingObject
from podium.server.operations.flow_run_states import set_flow_run_state
from podium.server.orchestration.policies import MARK_LATE_RUNS_POLICY
from tests.server.runs import Runs, state

RESULT = {"type": "result-record", "storage_key": "abc"}
RETRIES = {"retries": 1, "retry_delay": 10}


def policy(runs: Runs, run_id: str) -> Any:
    return runs.read(run_id)["empirical_policy"]


def test_unknown_run(runs: Runs) -> None:
    """A state cannot be set on a run that does not exist."""
    with pytest.raises(MissingObject):
        runs.set(new_id(), "RUNNING")


def test_the_same_transition_twice(runs: Runs) -> None:
    """A proposal that was carried out is not carried out again when the client repeats it."""
    run_id, transition_id = runs.make(), new_id()
    assert runs.set(run_id, "RUNNING", transition_id=transition_id).status == "ACCEPT"
    again = runs.set(run_id, "RUNNING", transition_id=transition_id)
    assert (again.status, again.stored) == ("REJECT", False)
    assert runs.set(run_id, "RUNNING", transition_id=new_id()).status == "ACCEPT"
    assert runs.read(run_id)["run_count"] == 2


@pytest.mark.parametrize("force", [False, True])
def test_a_persisted_result_is_not_lost(runs: Runs, force: bool) -> None:
    """COMPLETED with a result does not become COMPLETED without one, not even by force."""
    run_id = runs.make("RUNNING")
    runs.set(run_id, "COMPLETED", data=RESULT)
    kept = runs.set(run_id, "COMPLETED", force=force, data={"type": "unpersisted"})
    assert (kept.status, kept.stored) == ("REJECT", False)
    assert runs.read(run_id)["state"]["data"] == RESULT
    assert runs.set(run_id, "COMPLETED", force=force, data={"type": "other"}).status == "ACCEPT"


@pytest.mark.parametrize("kind", ["SCHEDULED", "PENDING", "RUNNING"])
def test_a_run_with_a_result_is_not_run_again(runs: Runs, kind: str) -> None:
    """COMPLETED with a persisted result stays; any object but an unpersisted one is a result, other JSON is none."""
    deployment_id = runs.deployment()
    for data, status in ((RESULT, "REJECT"), ({"a": 1}, "REJECT"), ("text", "ACCEPT"), ([1], "ACCEPT")):
        run_id = runs.make("RUNNING", deployment_id=deployment_id)
        runs.set(run_id, "COMPLETED", data=data)
        assert runs.set(run_id, kind).status == status


def test_results_are_artifacts(runs: Runs) -> None:
    """The data of a state is kept as an artifact; unpersisted data is echoed and not kept."""
    run_id = runs.make("RUNNING")
    echoed = runs.set(run_id, "RUNNING", data={"type": "unpersisted", "x": 1})
    assert echoed.state is not None and echoed.state["data"] == {"type": "unpersisted", "x": 1}
    assert runs.read(run_id)["state"]["data"] is None
    runs.set(run_id, "COMPLETED", data=RESULT)
    stored = runs.units.all(select(artifacts).where(artifacts.c.flow_run_id == run_id))
    assert [row["type"] for row in stored] == ["result"]


def test_scheduled_states_have_a_time(runs: Runs) -> None:
    """Without a time, a scheduled state is for now."""
    run_id = runs.make(state("SCHEDULED"))
    run = runs.read(run_id)
    assert run["next_scheduled_start_time"] == run["expected_start_time"] == run["state"]["timestamp"]


def test_waiting_for_the_scheduled_time(runs: Runs) -> None:
    """A run is not started before its time; the client is told how many seconds to wait, rounded."""
    due = runs.now + timedelta(seconds=90.4)
    run_id = runs.make(state("SCHEDULED", scheduled_time=due))
    early = runs.set(run_id, "RUNNING")
    assert (early.status, early.details["delay_seconds"], early.stored) == ("WAIT", 90, False)
    assert early.state is not None and early.state["type"] == "SCHEDULED"
    assert runs.set(run_id, "PENDING").status == "ACCEPT"
    assert runs.set(run_id, "PENDING", "Submitting").status == "ACCEPT"
    assert runs.set(run_id, "RUNNING").status == "WAIT"
    runs.wait(90.5)
    assert runs.set(run_id, "RUNNING").status == "ACCEPT"
    run = runs.read(run_id)
    assert run["expected_start_time"] == due
    assert run["start_time"] > due
    assert run["next_scheduled_start_time"] is None


def test_only_one_worker_gets_a_run(runs: Runs) -> None:
    """The second PENDING is aborted; the workers' own names of PENDING are accepted, each once."""
    run_id = runs.make("SCHEDULED")
    assert runs.set(run_id, "PENDING").status == "ACCEPT"
    assert runs.set(run_id, "PENDING").status == "ABORT"
    assert runs.set(run_id, "PENDING", "Submitting").status == "ACCEPT"
    assert runs.set(run_id, "PENDING", "Submitting").status == "ABORT"
    assert runs.set(run_id, "PENDING", "Pending").status == "ABORT"
    assert runs.set(run_id, "PENDING", "InfrastructurePending").status == "ACCEPT"


@pytest.mark.parametrize("end", ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"])
def test_a_run_that_ended_is_not_claimed_by_a_worker_that_slept(runs: Runs, end: str) -> None:
    """It asked for work before another one ran it; a run that is to run again is scheduled first, or forced."""
    queue = runs.rows.queue(runs.rows.pool())
    run_id = runs.make("SCHEDULED", work_queue_id=queue, deployment_id=runs.deployment())
    runs.set(run_id, "PENDING")
    runs.set(run_id, "RUNNING")
    runs.set(run_id, end)
    late = runs.set(run_id, "PENDING")
    assert (late.status, late.stored) == ("ABORT", False)
    assert runs.set(run_id, "SCHEDULED").status == "ACCEPT"
    assert runs.set(run_id, "PENDING").status == "ACCEPT"
    runs.set(run_id, "RUNNING")
    runs.set(run_id, end)
    assert runs.set(run_id, "PENDING", force=True).status == "ACCEPT"


def test_late_once(runs: Runs) -> None:
    """Only a scheduled run can be late, and only once."""
    run_id = runs.make("SCHEDULED")
    assert runs.set(run_id, "SCHEDULED", "Late").status == "ACCEPT"
    assert runs.set(run_id, "SCHEDULED", "Late").status == "REJECT"
    assert runs.set(run_id, "PENDING").status == "ACCEPT"
    assert runs.set(run_id, "SCHEDULED", "Late").status == "REJECT"


def test_a_rejected_late_run_keeps_its_policy(runs: Runs) -> None:
    """A rule that was overtaken takes back what it did: the failed run is not marked for a reschedule."""
    run_id = runs.make("RUNNING", deployment_id=runs.deployment())
    runs.set(run_id, "FAILED")
    assert runs.set(run_id, "SCHEDULED", "Late").status == "REJECT"
    assert policy(runs, run_id)["retry_type"] is None
    assert runs.set(run_id, "SCHEDULED").status == "ACCEPT"
    assert policy(runs, run_id)["retry_type"] == "reschedule"


def test_flow_retries(runs: Runs) -> None:
    """A failure is turned into a wait for the next try as long as there are retries; the last failure stays."""
    run_id = runs.make("PENDING", empirical_policy=RETRIES)
    runs.set(run_id, "RUNNING")
    retried = runs.set(run_id, "FAILED", message="boom", data=RESULT)
    assert (retried.status, retried.stored) == ("REJECT", True)
    awaiting = runs.read(run_id)
    assert (awaiting["state_type"], awaiting["state_name"]) == ("SCHEDULED", "AwaitingRetry")
    assert (awaiting["state"]["message"], awaiting["state"]["data"]) == ("boom", RESULT)
    assert awaiting["next_scheduled_start_time"] == awaiting["state"]["timestamp"] + timedelta(seconds=10)
    assert awaiting["end_time"] is None
    assert awaiting["empirical_policy"]["retry_type"] == "in_process"
    wait = runs.set(run_id, "RUNNING")
    assert (wait.status, wait.details["delay_seconds"]) == ("WAIT", 10)
    runs.wait(10)
    runs.set(run_id, "RUNNING")
    assert runs.set(run_id, "FAILED").status == "ACCEPT"
    failed = runs.read(run_id)
    assert (failed["state_type"], failed["run_count"], failed["empirical_policy"]["retry_type"]) == ("FAILED", 2, None)


def test_crashes_are_not_retried(runs: Runs) -> None:
    """Retries are for failures alone, and only for a running flow."""
    run_id = runs.make("RUNNING", empirical_policy={"retries": 5})
    assert runs.set(run_id, "CRASHED").status == "ACCEPT"
    run_id = runs.make("PENDING", empirical_policy={"retries": 5})
    assert runs.set(run_id, "FAILED").status == "ACCEPT"


def test_old_clients_leave_their_failed_tasks_to_the_server(runs: Runs) -> None:
    """Before API version 0.8.3 a flow's retry sets its failed tasks back; from 0.8.4 the retry's type is noted."""
    for version, task_name, retry_type in (
        ((0, 8, 2), "AwaitingRetry", None),
        ((0, 8, 3), "Failed", None),
        ((0, 8, 4), "Failed", "in_process"),
    ):
        run_id = runs.make("RUNNING", empirical_policy=RETRIES)
        task_run_id = runs.make_task("RUNNING", flow_run_id=run_id)
        runs.set_task(task_run_id, "FAILED")
        runs.api_version = version
        runs.set(run_id, "FAILED")
        task = runs.read_task(task_run_id)
        assert (task["state_name"], task["run_count"]) == (task_name, int(task_name == "Failed"))
        assert policy(runs, run_id)["retry_type"] == retry_type


def test_pause_and_resume_in_the_process(runs: Runs) -> None:
    """A pause fires once: its key is remembered over the resumption, until the run starts from scratch."""
    run_id = runs.make("RUNNING", deployment_id=runs.deployment())
    assert runs.set(run_id, "PAUSED", pause_key="one").status == "ACCEPT"
    assert policy(runs, run_id)["pause_keys"] == ["one"]
    assert runs.set(run_id, "RUNNING").status == "ACCEPT"
    assert policy(runs, run_id)["resuming"] is True
    fired = runs.set(run_id, "PAUSED", pause_key="one")
    assert (fired.status, fired.stored) == ("REJECT", False)
    assert runs.set(run_id, "PAUSED", pause_key="two").status == "ACCEPT"
    assert policy(runs, run_id)["pause_keys"] == ["one", "two"]
    runs.set(run_id, "RUNNING")
    runs.set(run_id, "COMPLETED")
    assert policy(runs, run_id)["resuming"] is False
    runs.set(run_id, "SCHEDULED")
    assert policy(runs, run_id)["pause_keys"] == []


def test_a_pause_without_a_key_gets_one(runs: Runs) -> None:
    run_id = runs.make("RUNNING")
    runs.set(run_id, "PAUSED")
    run = runs.read(run_id)
    assert [run["state"]["state_details"]["pause_key"]] == run["empirical_policy"]["pause_keys"] != [None]


def test_suspend_and_resume_by_a_worker(runs: Runs) -> None:
    """A suspended run goes through SCHEDULED and PENDING back to RUNNING and counts as one run."""
    run_id = runs.make("RUNNING", deployment_id=runs.deployment())
    assert runs.set(run_id, "PAUSED", "Suspended", pause_key="s", pause_reschedule=True).status == "ACCEPT"
    for kind, name in (("SCHEDULED", "Resuming"), ("PENDING", None), ("RUNNING", None)):
        assert runs.set(run_id, kind, name).status == "ACCEPT"
    run = runs.read(run_id)
    assert (run["run_count"], run["empirical_policy"]["resuming"]) == (1, False)
    assert runs.set(run_id, "PAUSED", pause_key="s", pause_reschedule=True).status == "REJECT"


def test_old_clients_count_a_resumption(runs: Runs) -> None:
    """Before API version 0.8.4 nobody keeps track of resuming."""
    runs.api_version = (0, 8, 3)
    run_id = runs.make("RUNNING", deployment_id=runs.deployment())
    runs.set(run_id, "PAUSED", pause_reschedule=True)
    for kind in ("SCHEDULED", "PENDING", "RUNNING"):
        runs.set(run_id, kind)
    assert runs.read(run_id)["run_count"] == 2


def test_what_cannot_be_suspended(runs: Runs) -> None:
    """A subflow, and a run without a deployment, would never be started again."""
    assert runs.set(runs.make("RUNNING"), "PAUSED", pause_reschedule=True).status == "ABORT"
    parent = runs.make_task("RUNNING")
    subflow = runs.make("RUNNING", deployment_id=runs.deployment(), parent_task_run_id=parent)
    assert runs.set(subflow, "PAUSED", pause_reschedule=True).status == "ABORT"
    assert runs.set(subflow, "PAUSED").status == "ACCEPT"


def test_a_pause_times_out(runs: Runs) -> None:
    """Resuming after the time-out fails the run; cancelling it is still possible."""
    for kind, name in (("RUNNING", "Failed"), ("COMPLETED", "Failed"), ("CANCELLING", "Cancelling")):
        run_id = runs.make("RUNNING")
        runs.set(run_id, "PAUSED", pause_timeout=runs.now + timedelta(seconds=60))
        runs.wait(61)
        outcome = runs.set(run_id, kind)
        assert outcome.stored
        assert runs.read(run_id)["state_name"] == name


def test_a_suspended_run_without_its_deployment(runs: Runs) -> None:
    """It cannot be resumed, since nothing would start it, but it can be cancelled."""
    run_id = runs.make(state("PAUSED", pause_reschedule=True))
    assert runs.set(run_id, "SCHEDULED", "Resuming").status == "REJECT"
    cancelled = runs.set(run_id, "CANCELLING")
    assert (cancelled.status, cancelled.stored) == ("REJECT", True)


@pytest.mark.parametrize("force", [False, True])
def test_cancelling_what_has_no_process(runs: Runs, force: bool) -> None:
    """A run that no process runs is CANCELLED at once; one that waits inside its process is asked to stop."""
    cases: list[tuple[Any, dict[str, Any], str]] = [
        (state("SCHEDULED"), {}, "CANCELLED"),
        (state("SCHEDULED", "AwaitingRetry"), {"infrastructure_pid": "host:1"}, "CANCELLING"),
        (state("SCHEDULED", "Resuming"), {"infrastructure_pid": "host:1"}, "CANCELLED"),
        (state("PAUSED", pause_reschedule=True), {}, "CANCELLED"),
        (state("PAUSED"), {}, "CANCELLING"),
        (state("RUNNING"), {}, "CANCELLING"),
    ]
    for current, values, kind in cases:
        run_id = runs.make(current, **values)
        outcome = runs.set(run_id, "CANCELLING", force=force)
        assert outcome.stored
        assert runs.read(run_id)["state_type"] == kind
        assert outcome.status == ("REJECT" if kind == "CANCELLED" else "ACCEPT")


def test_a_subflow_is_mirrored_on_its_task_run(runs: Runs) -> None:
    """The task run that stands for a subflow goes through the same states, each a copy with ids of its own."""
    parent = runs.make("RUNNING")
    task_run_id = runs.make_task("PENDING", flow_run_id=parent)
    subflow = runs.make("PENDING", parent_task_run_id=task_run_id)
    runs.set(subflow, "RUNNING")
    runs.set(subflow, "COMPLETED", message="done", data=RESULT)
    mirrored, own = runs.task_states(task_run_id)[1:], runs.states(subflow)
    assert [each["type"] for each in mirrored] == [each["type"] for each in own] == ["PENDING", "RUNNING", "COMPLETED"]
    assert not {each["id"] for each in mirrored} & {each["id"] for each in own}
    for each in mirrored:
        details = each["state_details"]
        assert (details["child_flow_run_id"], details["task_run_id"]) == (subflow, task_run_id)
        assert details["flow_run_id"] == parent
    assert own[-1]["state_details"]["task_run_id"] == task_run_id
    task = runs.read_task(task_run_id)
    assert (task["state"]["data"], task["state"]["message"], task["run_count"]) == (RESULT, "done", 1)
    assert task["end_time"] is not None


def test_timestamps_never_collide(runs: Runs) -> None:
    """States keep their order when the clock stands still or is set back."""
    run_id = runs.make("PENDING")
    for _ in range(3):
        runs.wait(-1)
        assert runs.set(run_id, "RUNNING").status == "ACCEPT"
    times = [each["timestamp"] for each in runs.states(run_id)]
    assert times == sorted(set(times)) and len(times) == 4
    assert runs.read(run_id)["total_run_time"] >= 0


def test_run_times(runs: Runs) -> None:
    """Time in RUNNING adds up over all starts; start and end are the first and the last."""
    run_id = runs.make("PENDING")
    runs.set(run_id, "RUNNING")
    started = runs.read(run_id)["start_time"]
    runs.wait(5)
    runs.set(run_id, "FAILED")
    runs.wait(100)
    runs.set(run_id, "RUNNING")
    assert runs.read(run_id)["end_time"] is None
    runs.wait(7)
    runs.set(run_id, "COMPLETED")
    run = runs.read(run_id)
    assert run["start_time"] == started
    assert run["total_run_time"] == pytest.approx(12, abs=0.01)
    assert run["end_time"] == run["state"]["timestamp"]


def test_marking_late(runs: Runs) -> None:
    """The policy of the late runs' service keeps the scheduled time and expects the run when it was expected."""
    due = runs.now - timedelta(seconds=60)
    run_id = runs.make(state("SCHEDULED", scheduled_time=due))
    late = state("SCHEDULED", "Late", scheduled_time=due)
    outcome = runs.units.write(set_flow_run_state, run_id, late, False, MARK_LATE_RUNS_POLICY)
    run = runs.read(run_id)
    assert (outcome.status, run["state_name"], run["next_scheduled_start_time"]) == ("ACCEPT", "Late", due)
    assert run["expected_start_time"] == due


def test_a_state_id_chosen_before(runs: Runs) -> None:
    """A caller that may repeat itself chooses the id of the state."""
    run_id, state_id = runs.make("CANCELLING"), new_id()
    unit = set_flow_run_state
    runs.units.write(lambda tx: unit(tx, run_id, state("CANCELLED"), state_id=state_id))
    assert runs.read(run_id)["state_id"] == state_id
