"""What single rules of task runs do, beyond the types of the states."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from podium.db.ids import new_id
from podium.db.tables.task_queue import task_run_deliveries
from podium.server.errors import MissingObject
from podium.server.operations.task_runs import delete_task_run
from tests.server.runs import Runs, state

RESULT = {"type": "result-record", "storage_key": "abc"}


def test_unknown_run(runs: Runs) -> None:
    """A state cannot be set on a run that does not exist."""
    with pytest.raises(MissingObject):
        runs.set_task(new_id(), "RUNNING")


def test_tasks_of_a_stopped_flow_do_not_start(runs: Runs) -> None:
    """Only a running flow run starts tasks; a paused one makes them wait, with its own time-out."""
    for kind in ("SCHEDULED", "PENDING", "CANCELLING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
        task_run_id = runs.make_task("PENDING", flow_run_id=runs.make(kind))
        assert runs.set_task(task_run_id, "RUNNING").status == "ABORT"
    until = runs.now + timedelta(minutes=5)
    paused = runs.make(state("PAUSED", pause_timeout=until, pause_reschedule=True))
    task_run_id = runs.make_task("PENDING", flow_run_id=paused)
    outcome = runs.set_task(task_run_id, "RUNNING")
    task = runs.read_task(task_run_id)
    assert (outcome.status, task["state_type"], task["state_name"]) == ("REJECT", "PAUSED", "NotReady")
    assert task["state"]["state_details"]["pause_reschedule"] is True
    assert task["state"]["state_details"]["pause_timeout"].startswith(until.isoformat()[:19])


def test_task_retries(runs: Runs) -> None:
    """A failed try is followed by the next after its delay; the tries are called Retrying."""
    policy = {"retries": 2, "retry_delay": [5, 60]}
    task_run_id = runs.make_task("PENDING", empirical_policy=policy)
    names = []
    for delay in (5, 60):
        runs.set_task(task_run_id, "RUNNING")
        outcome = runs.set_task(task_run_id, "FAILED", message="boom")
        task = runs.read_task(task_run_id)
        assert (outcome.status, task["state_name"], task["state"]["message"]) == ("REJECT", "AwaitingRetry", "boom")
        waits = task["next_scheduled_start_time"] - task["state"]["timestamp"]
        assert waits == timedelta(seconds=delay)
        assert runs.set_task(task_run_id, "RUNNING").status == "WAIT"
        runs.wait(delay)
    runs.set_task(task_run_id, "RUNNING")
    assert runs.set_task(task_run_id, "FAILED").status == "ACCEPT"
    names = [each["name"] for each in runs.task_states(task_run_id) if each["type"] == "RUNNING"]
    assert names == ["Running", "Retrying", "Retrying"]
    assert runs.read_task(task_run_id)["run_count"] == 3


def test_retry_delays(runs: Runs) -> None:
    """The last delay of a list holds for all further tries; jitter spreads a delay around itself."""
    task_run_id = runs.make_task("PENDING", empirical_policy={"retries": 9, "retry_delay": [1, 2]}, tags=["x"])
    runs.set_task(task_run_id, "RUNNING")
    runs.change_task(task_run_id, run_count=7)
    runs.set_task(task_run_id, "FAILED")
    task = runs.read_task(task_run_id)
    assert task["next_scheduled_start_time"] - task["state"]["timestamp"] == timedelta(seconds=2)
    policy = {"retries": 1, "retry_delay": 100, "retry_jitter_factor": 0.5}
    jittered = runs.make_task("RUNNING", empirical_policy=policy)
    runs.set_task(jittered, "FAILED")
    task = runs.read_task(jittered)
    waits = (task["next_scheduled_start_time"] - task["state"]["timestamp"]).total_seconds()
    assert 50 <= waits <= 150


def test_a_failure_that_is_not_to_be_retried(runs: Runs) -> None:
    """The client may say that a failure is final."""
    task_run_id = runs.make_task("RUNNING", empirical_policy={"retries": 5})
    assert runs.set_task(task_run_id, "FAILED", retriable=False).status == "ACCEPT"


def test_reruns(runs: Runs) -> None:
    """A task that runs again is called Rerunning, or Retrying when its flow run was retried."""
    flow_run_id = runs.make("RUNNING")
    task_run_id = runs.make_task("PENDING", flow_run_id=flow_run_id)
    runs.set_task(task_run_id, "RUNNING")
    assert runs.read_task(task_run_id)["flow_run_run_count"] == 1
    runs.set_task(task_run_id, "RUNNING")
    assert runs.read_task(task_run_id)["state_name"] == "Rerunning"
    runs.set_task(task_run_id, "FAILED")
    runs.set(flow_run_id, "FAILED")
    runs.set(flow_run_id, "RUNNING")
    runs.set_task(task_run_id, "RUNNING")
    task = runs.read_task(task_run_id)
    assert (task["state_name"], task["run_count"], task["flow_run_run_count"]) == ("Retrying", 1, 2)


def test_a_stopped_rerun_keeps_its_count(runs: Runs) -> None:
    """What leaving a terminal state changed is taken back when a later rule stops the transition."""
    flow_run_id = runs.make("RUNNING")
    task_run_id = runs.make_task("RUNNING", flow_run_id=flow_run_id)
    runs.set_task(task_run_id, "FAILED")
    runs.set(flow_run_id, "COMPLETED")
    assert runs.set_task(task_run_id, "RUNNING").status == "ABORT"
    assert runs.read_task(task_run_id)["run_count"] == 1


def test_a_task_with_a_result_stays_completed(runs: Runs) -> None:
    """COMPLETED with a persisted result is final, except by force."""
    task_run_id = runs.make_task("RUNNING")
    runs.set_task(task_run_id, "COMPLETED", data=RESULT)
    for kind in ("RUNNING", "COMPLETED", "FAILED"):
        assert runs.set_task(task_run_id, kind).status == "REJECT"
    assert runs.set_task(task_run_id, "RUNNING", force=True).status == "ACCEPT"


def test_cache(runs: Runs) -> None:
    """A task with a cache key takes the newest unexpired result of that key, unless it asks for a fresh one."""
    key = new_id()
    first = runs.make_task("RUNNING")
    until = runs.now + timedelta(seconds=60)
    runs.set_task(first, "COMPLETED", data=RESULT, cache_key=key, cache_expiration=until)
    second = runs.make_task("PENDING")
    outcome = runs.set_task(second, "RUNNING", cache_key=key)
    task = runs.read_task(second)
    assert (outcome.status, task["state_type"], task["state_name"]) == ("REJECT", "COMPLETED", "Cached")
    assert task["state"]["data"] == RESULT
    assert task["state"]["id"] != runs.read_task(first)["state"]["id"]
    assert task["state"]["state_details"]["task_run_id"] == second
    fresh = runs.make_task("PENDING")
    assert runs.set_task(fresh, "RUNNING", cache_key=key, refresh_cache=True).status == "ACCEPT"
    runs.wait(61)
    expired = runs.make_task("PENDING")
    assert runs.set_task(expired, "RUNNING", cache_key=key).status == "ACCEPT"


def test_a_cache_key_that_is_too_long(runs: Runs) -> None:
    """The state is stored, the client is told, and the cache does not know it."""
    key = "k" * 2001
    outcome = runs.set_task(runs.make_task("RUNNING"), "COMPLETED", data=RESULT, cache_key=key)
    assert (outcome.status, outcome.stored) == ("REJECT", True)
    assert outcome.state is not None and outcome.state["type"] == "COMPLETED"
    assert runs.set_task(runs.make_task("PENDING"), "RUNNING", cache_key=key).status == "ACCEPT"


def test_tag_limits(runs: Runs) -> None:
    """A task run takes a slot of each of its tags, all or none, and gives them back when it stops."""
    one, two = new_id(), new_id()
    runs.limit(2, f"tag:{one}")
    runs.limit(1, f"tag:{two}")
    first, second = (runs.make_task("PENDING", tags=[one, two, "unlimited"]) for _ in range(2))
    assert runs.set_task(first, "RUNNING").status == "ACCEPT"
    assert (runs.slots(f"tag:{one}"), runs.slots(f"tag:{two}")) == (1, 1)
    wait = runs.set_task(second, "RUNNING")
    assert (wait.status, wait.stored) == ("WAIT", False)
    assert 0 <= wait.details["delay_seconds"] <= 13
    assert (runs.slots(f"tag:{one}"), runs.slots(f"tag:{two}")) == (1, 1)
    assert runs.set_task(first, "RUNNING").status == "ACCEPT"
    assert runs.slots(f"tag:{two}") == 1
    runs.set_task(first, "COMPLETED")
    assert (runs.slots(f"tag:{one}"), runs.slots(f"tag:{two}")) == (0, 0)
    assert runs.set_task(second, "RUNNING").status == "ACCEPT"
    runs.units.write(delete_task_run, second)
    assert runs.slots(f"tag:{two}") == 0


def test_a_tag_limit_of_zero(runs: Runs) -> None:
    """It stops the task; an inactive one lets it through."""
    tag = new_id()
    limit_id = runs.limit(0, f"tag:{tag}")
    task_run_id = runs.make_task("PENDING", tags=[tag])
    assert runs.set_task(task_run_id, "RUNNING").status == "ABORT"
    runs.set_limit(limit_id, active=False)
    assert runs.set_task(task_run_id, "RUNNING").status == "ACCEPT"


def test_slots_of_a_start_that_must_wait(runs: Runs) -> None:
    """The slots that a rule took are given back when a later rule stops the transition."""
    tag = new_id()
    runs.limit(1, f"tag:{tag}")
    later = state("SCHEDULED", scheduled_time=runs.now + timedelta(seconds=60))
    task_run_id = runs.make_task(later, tags=[tag])
    assert runs.set_task(task_run_id, "RUNNING").status == "WAIT"
    assert runs.slots(f"tag:{tag}") == 0


def waiting(runs: Runs, task_run_id: str) -> list[bool]:
    """Whether each delivery to task workers that waits for this run is urgent."""
    table = task_run_deliveries
    return [bool(row["urgent"]) for row in runs.units.all(select(table).where(table.c.task_run_id == task_run_id))]


def test_background_tasks_wait_for_a_worker(runs: Runs) -> None:
    """A deferred run is put on its task's queue when it is scheduled, and again, ahead of others, to be retried."""
    parameters_id = new_id()
    scheduled = state("SCHEDULED", deferred=True, task_parameters_id=parameters_id)
    task_run_id = runs.make_task(scheduled, empirical_policy={"retries": 1})
    assert waiting(runs, task_run_id) == [False]
    assert runs.set_task(task_run_id, "PENDING", deferred=True).status == "ACCEPT"
    assert runs.set_task(task_run_id, "PENDING", deferred=True).status == "ABORT"
    assert runs.set_task(task_run_id, "RUNNING", deferred=True).status == "ACCEPT"
    assert runs.set_task(task_run_id, "FAILED", deferred=True).status == "REJECT"
    assert waiting(runs, task_run_id) == [True]
    ids = [each["state_details"]["task_parameters_id"] for each in runs.task_states(task_run_id)]
    assert ids == [parameters_id, parameters_id, parameters_id, parameters_id]


def test_plain_scheduled_tasks_are_not_queued(runs: Runs) -> None:
    assert waiting(runs, runs.make_task("SCHEDULED")) == []
