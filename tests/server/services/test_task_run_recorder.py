"""The task run recorder: whatever the order and however often events come, the task runs are what happened."""

import logging
import random
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update

from podium.db.ids import new_id
from podium.db.tables.events import event_deliveries, events
from podium.db.tables.task_runs import task_run_states, task_runs
from podium.server.events import deliveries
from podium.server.events.event import Event
from podium.server.events.outbox import store_client_events
from podium.server.services import task_run_recorder
from podium.server.services.task_run_recorder import record
from tests.server.conftest import Units
from tests.server.events.samples import life_of_task_run, task_run_event
from tests.server.rows import Rows


@pytest.fixture
def rows(units: Units) -> Rows:
    return Rows(units.write)


@pytest.fixture
def flow_run(rows: Rows) -> str:
    return rows.flow_run(rows.flow())


def report(units: Units, *reported: Event) -> None:
    """What clients send, taken in by the server."""
    units.write(store_client_events, list(reported))


def record_all(units: Units, batch: int = 200) -> None:
    """The recorder runs until it has nothing to do."""
    while units.write(record, batch):
        pass


def run_of(units: Units, task_run_id: str) -> dict[str, Any]:
    found = units.all(select(task_runs).where(task_runs.c.id == task_run_id))
    assert len(found) == 1
    return found[0]


def states_of(units: Units, task_run_id: str) -> list[str]:
    states = task_run_states.c
    found = units.all(select(states.type).where(states.task_run_id == task_run_id).order_by(states.timestamp))
    return [row["type"] for row in found]


def waiting(units: Units) -> list[dict[str, Any]]:
    return units.all(select(event_deliveries).order_by(event_deliveries.c.position))


def test_a_task_run_is_what_its_events_say(units: Units, flow_run: str) -> None:
    """The run has the newest state and its columns; every state is there with the id and time of its event."""
    life = life_of_task_run(flow_run, "a")
    report(units, *life)
    record_all(units)
    run = run_of(units, life[0].resource_id.removeprefix("prefect.task-run."))
    assert (run["state_type"], run["state_name"], run["state_id"]) == ("COMPLETED", "Completed", life[-1].id)
    assert run["state_timestamp"] == life[-1].occurred
    assert (run["flow_run_id"], run["task_key"], run["dynamic_key"]) == (flow_run, "watering", "a")
    assert (run["run_count"], run["total_run_time"]) == (2, 4.5)
    assert msgspec.json.decode(run["tags"]) == ["garden"]
    assert msgspec.json.decode(run["task_inputs"]) == {"bed": []}
    assert msgspec.json.decode(run["empirical_policy"])["retries"] == 2
    assert states_of(units, run["id"]) == ["PENDING", "RUNNING", "SCHEDULED", "RUNNING", "COMPLETED"]
    details = msgspec.json.decode(
        units.all(select(task_run_states.c.state_details).where(task_run_states.c.id == life[0].id))[0]["state_details"]
    )
    assert (details["flow_run_id"], details["task_run_id"]) == (flow_run, run["id"])
    assert waiting(units) == []


def test_an_id_means_the_same_run_however_it_is_spelled(units: Units, flow_run: str) -> None:
    """Capitals, and no dashes: the run is stored and found under the canonical form of both ids."""
    first, *rest = life_of_task_run(flow_run, "spelled")
    task_run_id = first.resource_id.removeprefix("prefect.task-run.")
    first.resource["prefect.resource.id"] = f"prefect.task-run.{task_run_id.replace('-', '').upper()}"
    for labels in first.related:
        labels["prefect.resource.id"] = labels["prefect.resource.id"].replace(flow_run, flow_run.replace("-", ""))
    report(units, first, *rest)
    record_all(units)
    run = run_of(units, task_run_id)
    assert (run["flow_run_id"], run["state_type"]) == (flow_run, "COMPLETED")
    assert len(states_of(units, task_run_id)) == 1 + len(rest)
    assert waiting(units) == []


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_arrival_does_not_matter(units: Units, flow_run: str, seed: int) -> None:
    """Shuffled over several batches, with repetitions, the runs end as they would in order."""
    shuffled = random.Random(seed)
    lives = [life_of_task_run(flow_run, f"{seed}-{number}") for number in range(6)]
    told = [each for life in lives for each in life]
    told += shuffled.sample(told, 8)
    shuffled.shuffle(told)
    for start in range(0, len(told), 7):
        report(units, *told[start : start + 7])
        if shuffled.random() < 0.6:
            record_all(units, batch=shuffled.choice((1, 3, 200)))
    record_all(units)
    for life in lives:
        run = run_of(units, life[0].resource_id.removeprefix("prefect.task-run."))
        assert (run["state_type"], run["run_count"], run["total_run_time"]) == ("COMPLETED", 2, 4.5)
        assert run["end_time"] is not None
        assert states_of(units, run["id"]) == ["PENDING", "RUNNING", "SCHEDULED", "RUNNING", "COMPLETED"]


def test_an_older_state_never_moves_a_run_backwards(units: Units, flow_run: str) -> None:
    """It is kept in the history, and the run stays where it is."""
    life = life_of_task_run(flow_run, "late")
    report(units, life[-1])
    record_all(units)
    report(units, life[1])
    record_all(units)
    run = run_of(units, life[0].resource_id.removeprefix("prefect.task-run."))
    assert run["state_type"] == "COMPLETED"
    assert run["run_count"] == 2
    assert states_of(units, run["id"]) == ["RUNNING", "COMPLETED"]


def test_a_column_that_is_not_sent_stays_and_null_clears(units: Units, flow_run: str) -> None:
    """Absent and null are two things."""
    run_id = new_id()
    report(units, task_run_event(run_id, flow_run, "RUNNING", 1, "n", task_version="7", cache_key="k"))
    record_all(units)
    report(units, task_run_event(run_id, flow_run, "COMPLETED", 2, "n", cache_key=None))
    record_all(units)
    run = run_of(units, run_id)
    assert (run["task_version"], run["cache_key"]) == ("7", None)


def test_the_natural_key_decides_which_run_it_is(units: Units, rows: Rows, flow_run: str) -> None:
    """A report under another id goes to the run that has the flow run, task key and dynamic key."""
    stored = rows.task_run(flow_run, task_key="watering", dynamic_key="same")
    report(units, *life_of_task_run(flow_run, "same", task_run_id=new_id()))
    record_all(units)
    run = run_of(units, stored)
    assert run["state_type"] == "COMPLETED"
    assert states_of(units, stored)[-1] == "COMPLETED"
    assert len(units.all(select(task_runs.c.id).where(task_runs.c.dynamic_key == "same"))) == 1


def test_two_new_ids_of_one_natural_key_are_one_run(units: Units) -> None:
    """Also within one batch, and for a task outside of any flow."""
    first, second = new_id(), new_id()
    report(
        units,
        task_run_event(first, None, "PENDING", 0, "twin"),
        task_run_event(second, None, "RUNNING", 1, "twin"),
        task_run_event(second, None, "COMPLETED", 2, "twin"),
    )
    record_all(units)
    assert run_of(units, first)["state_type"] == "COMPLETED"
    assert states_of(units, first) == ["PENDING", "RUNNING", "COMPLETED"]
    assert states_of(units, second) == []


def test_a_missing_flow_run_holds_up_nobody(
    units: Units, rows: Rows, flow_run: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The report is tried again later and given up in the end, with an error that names the event."""
    orphan = task_run_event(new_id(), new_id(), "RUNNING", 1, "orphan")
    other = task_run_event(new_id(), flow_run, "RUNNING", 1, "beside-orphan")
    report(units, orphan, other)
    record_all(units)
    assert run_of(units, other.resource_id.removeprefix("prefect.task-run."))["state_type"] == "RUNNING"
    assert [(row["event_id"], row["attempts"]) for row in waiting(units)] == [(orphan.id, 1)]
    with caplog.at_level(logging.ERROR):
        for _ in range(deliveries.ATTEMPTS):
            units.write(lambda tx: tx.run(update(event_deliveries).values(not_before=None)))
            record_all(units)
    assert waiting(units) == []
    assert orphan.id in caplog.text


def test_a_flow_run_that_comes_later_gets_its_task_runs(units: Units, rows: Rows) -> None:
    """A report may overtake the creation of its flow run."""
    flow_run_id = new_id()
    early = task_run_event(new_id(), flow_run_id, "RUNNING", 1, "early")
    report(units, early)
    record_all(units)
    rows.flow_run(rows.flow(), id=flow_run_id)
    units.write(lambda tx: tx.run(update(event_deliveries).values(not_before=None)))
    record_all(units)
    assert run_of(units, early.resource_id.removeprefix("prefect.task-run."))["flow_run_id"] == flow_run_id
    assert waiting(units) == []


@pytest.mark.parametrize("payload", [{}, {"task_run": {"task_key": "x"}, "validated_state": {"type": "ODD"}}])
def test_an_event_that_reports_nothing_is_dropped(
    units: Units, payload: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """It stays among the events, is named in the log and does not come again."""
    useless = task_run_event(new_id(), None, "RUNNING", 1)
    useless.payload = payload
    with caplog.at_level(logging.ERROR):
        report(units, useless)
        record_all(units)
    assert waiting(units) == []
    assert useless.id in caplog.text
    assert len(units.all(select(events.c.id).where(events.c.id == useless.id))) == 1


def test_one_that_cannot_be_stored_does_not_stop_the_others(
    units: Units, flow_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch is taken apart, the bad one is put off, the good ones are recorded."""
    bad = task_run_event(new_id(), flow_run, "RUNNING", 1, "bad\x00key")
    good = [task_run_event(new_id(), flow_run, "RUNNING", 1, f"good-{number}") for number in range(5)]
    report(units, *good[:2], bad, *good[2:])
    monkeypatch.setattr(deliveries, "LONGEST_WAIT", 0.05)
    units.run(task_run_recorder.record_task_runs(units.runtime))
    for each in good:
        assert run_of(units, each.resource_id.removeprefix("prefect.task-run."))["state_type"] == "RUNNING"
    left = [row["event_id"] for row in waiting(units)]
    assert left == ([bad.id] if units.database.dialect == "postgresql" else [])
    units.write(lambda tx: tx.run(event_deliveries.delete()))


def test_only_what_clients_orchestrate_is_recorded(units: Units) -> None:
    """An event about a task run without that label is an event like any other."""
    foreign = task_run_event(new_id(), None, "RUNNING", 1, "foreign")
    del foreign.resource["prefect.orchestration"]
    report(units, foreign)
    assert waiting(units) == []
