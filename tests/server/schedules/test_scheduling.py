"""The scheduler makes each slot of each schedule once, from what the deployment is at that moment."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, func, select, update

from podium.db.ids import new_id
from podium.db.tables.deployments import deployment_schedules, deployments
from podium.db.tables.flow_runs import flow_run_states, flow_runs
from podium.db.unit import Tx
from podium.profiles.sections.services import Scheduler
from podium.server.operations import schedule_plans
from podium.server.operations.schedule_plans import Span, planned
from podium.server.operations.schedules import dates
from podium.server.operations.scheduling import (
    schedule_deployment,
    schedule_deployments,
    schedule_recent_deployments,
    store_runs,
)
from podium.server.queries import due_schedules
from podium.server.queries.due_schedules import active_schedules
from tests.server.conftest import Units
from tests.server.rows import Rows

NOW = datetime(2026, 11, 20, 12, 0, 30, tzinfo=UTC)
SCHEDULER = Scheduler()
HOURLY = {"interval": 3600.0, "anchor_date": "2026-01-01T00:00:00Z", "timezone": "UTC"}


@pytest.fixture
def rows(units: Units) -> Iterator[Rows]:
    """A way to insert rows, at a fixed time, among no other deployments."""
    clock, units.database.clock = units.database.clock, lambda: NOW
    yield Rows(units.write)
    units.database.clock = clock
    units.write(lambda tx: tx.run(delete(deployments)))
    units.write(lambda tx: tx.run(delete(flow_runs)))


def run_pass(units: Units) -> int:
    return asyncio.run(schedule_deployments(units.database, SCHEDULER))


def runs_of(units: Units, deployment_id: str) -> list[dict[str, Any]]:
    mine = select(flow_runs).where(flow_runs.c.deployment_id == deployment_id)
    return units.all(mine.order_by(flow_runs.c.next_scheduled_start_time))


def scheduled(rows: Rows, schedule: dict[str, Any], **deployment: Any) -> tuple[str, str]:
    """A deployment with one schedule: their ids."""
    deployment_id = rows.deployment(rows.flow(), **deployment)
    return deployment_id, rows.add(deployment_schedules, deployment_id=deployment_id, schedule=schedule)


def test_what_a_scheduled_run_is(units: Units, rows: Rows) -> None:
    flow_id = rows.flow()
    deployment_id = rows.deployment(
        flow_id, version="v7", parameters={"a": 1, "b": 1}, tags=["nightly"], labels={"team": "x"}
    )
    schedule_id = rows.add(
        deployment_schedules,
        deployment_id=deployment_id,
        schedule={"cron": "0 9 * * *", "timezone": "Europe/Paris", "day_or": True},
        parameters={"b": 2},
        slug="mornings",
    )
    assert run_pass(units) == 3
    run = runs_of(units, deployment_id)[0]
    assert run["idempotency_key"] == f"scheduled {deployment_id} {schedule_id} 2026-11-21 09:00:00+01:00"
    assert run["expected_start_time"] == run["next_scheduled_start_time"] == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert (run["flow_id"], run["deployment_version"], run["auto_scheduled"]) == (flow_id, "v7", True)
    assert (run["state_type"], run["state_name"], run["run_count"]) == ("SCHEDULED", "Scheduled", 0)
    assert msgspec.json.decode(run["parameters"]) == {"a": 1, "b": 2}
    assert msgspec.json.decode(run["tags"]) == ["auto-scheduled", "nightly"]
    assert msgspec.json.decode(run["labels"])["prefect.deployment.id"] == deployment_id
    creator = {"id": schedule_id, "type": "SCHEDULE", "display_value": "mornings"}
    assert msgspec.json.decode(run["created_by"]) == creator
    (state,) = units.all(select(flow_run_states).where(flow_run_states.c.flow_run_id == run["id"]))
    details = msgspec.json.decode(state["state_details"])
    assert state["id"] == run["state_id"]
    assert (details["scheduled_time"], details["flow_run_id"]) == ("2026-11-21T08:00:00Z", None)


def test_a_pass_schedules_an_hour_or_three_runs_ahead(units: Units, rows: Rows) -> None:
    minutely, _ = scheduled(rows, {"cron": "* * * * *", "timezone": None, "day_or": True})
    hourly, _ = scheduled(rows, HOURLY)
    run_pass(units)
    assert len(runs_of(units, minutely)) == 61
    assert len(runs_of(units, hourly)) == 3


def test_a_pass_makes_only_what_is_missing(units: Units, rows: Rows) -> None:
    deployment_id, _ = scheduled(rows, HOURLY)
    assert run_pass(units) == 3
    assert run_pass(units) == 0
    first, second, _ = runs_of(units, deployment_id)
    units.write(lambda tx: tx.run(delete(flow_runs).where(flow_runs.c.id == first["id"])))
    units.write(
        lambda tx: tx.run(update(flow_runs).where(flow_runs.c.id == second["id"]).values(state_type="CANCELLED"))
    )
    assert run_pass(units) == 1
    assert [run["state_type"] for run in runs_of(units, deployment_id)] == ["SCHEDULED", "CANCELLED", "SCHEDULED"]


def test_nothing_is_caught_up(units: Units, rows: Rows) -> None:
    deployment_id, _ = scheduled(rows, HOURLY)
    run_pass(units)
    units.database.clock = lambda: NOW + timedelta(hours=48)
    assert run_pass(units) == 3
    assert runs_of(units, deployment_id)[3]["next_scheduled_start_time"] > NOW + timedelta(hours=48)


def test_paused_deployments_and_inactive_schedules_wait(units: Units, rows: Rows) -> None:
    paused, _ = scheduled(rows, HOURLY, paused=True)
    inactive = rows.deployment(rows.flow())
    rows.add(deployment_schedules, deployment_id=inactive, schedule=HOURLY, active=False)
    assert run_pass(units) == 0
    assert runs_of(units, paused) == runs_of(units, inactive) == []


def test_runs_are_given_whatever_their_deployment_has(units: Units, rows: Rows) -> None:
    """Any character, in texts and in JSON."""
    odd = "tab\t newline\n quote ' \" backslash \\ \\n {a,b} NULL ü 🎼"
    parameters = {odd: [odd, None, "nul \u0000"], "big": 10**15, "deep": {"er": [1.5, True]}}
    plain, _ = scheduled(rows, HOURLY)
    deployment_id, _ = scheduled(rows, HOURLY, version=odd, tags=[odd], labels={odd: odd}, parameters=parameters)
    assert run_pass(units) == 6
    for run in runs_of(units, deployment_id):
        assert run["deployment_version"] == odd
        assert msgspec.json.decode(run["parameters"]) == parameters
        assert msgspec.json.decode(run["tags"]) == ["auto-scheduled", odd]
        assert msgspec.json.decode(run["labels"])[odd] == odd
    assert {run["deployment_version"] for run in runs_of(units, plain)} == {None}


def test_a_slot_that_is_filled_unexpectedly_keeps_its_run(units: Units, rows: Rows) -> None:
    """The database leaves it out, and the others are filled."""
    deployment_id, _ = scheduled(rows, HOURLY)
    run_pass(units)
    first, second, third = runs_of(units, deployment_id)
    units.write(lambda tx: tx.run(delete(flow_runs).where(flow_runs.c.id == second["id"])))
    units.write(lambda tx: tx.run(update(deployment_schedules).values(filled_until=None)))
    assert run_pass(units) == 1
    kept, new, last = runs_of(units, deployment_id)
    assert (kept["id"], last["id"]) == (first["id"], third["id"])
    assert new["idempotency_key"] == second["idempotency_key"]
    states = units.all(select(flow_run_states.c.flow_run_id))
    assert sorted(each["flow_run_id"] for each in states) == sorted([kept["id"], new["id"], last["id"]])


def test_one_schedule_that_cannot_be_read_stops_no_other(units: Units, rows: Rows) -> None:
    scheduled(rows, {"cron": "not any more"})
    scheduled(rows, {"rrule": "NOR=THIS"})
    scheduled(rows, {"interval": 60.0, "timezone": "Mars/Olympus"})
    good, _ = scheduled(rows, HOURLY)
    assert run_pass(units) == 3
    assert len(runs_of(units, good)) == 3


def test_every_page_of_deployments_is_scheduled(units: Units, rows: Rows) -> None:
    ids = [scheduled(rows, HOURLY)[0] for _ in range(7)]
    small = msgspec.structs.replace(SCHEDULER, deployment_batch_size=3, insert_batch_size=4)
    assert asyncio.run(schedule_deployments(units.database, small)) == 21
    assert all(len(runs_of(units, deployment_id)) == 3 for deployment_id in ids)


def test_a_deployment_may_have_more_schedules_than_a_page(units: Units, rows: Rows) -> None:
    deployment_id = rows.deployment(rows.flow())
    for hours in (1, 2, 3, 4, 5):
        schedule = {**HOURLY, "interval": hours * 3600.0}
        rows.add(deployment_schedules, deployment_id=deployment_id, schedule=schedule)
    after, _ = scheduled(rows, HOURLY)
    small = msgspec.structs.replace(SCHEDULER, deployment_batch_size=2)
    assert asyncio.run(schedule_deployments(units.database, small)) == 18
    assert len(runs_of(units, deployment_id)) == 15
    assert len(runs_of(units, after)) == 3
    assert asyncio.run(schedule_deployments(units.database, small)) == 0


def test_equal_schedules_are_worked_out_once(units: Units, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pass, and each of those that cannot be read is told of."""
    asked: list[Any] = []

    def noted(schedule: Any, *span: Any) -> Iterator[datetime]:
        asked.append(schedule)
        return dates(schedule, *span)

    monkeypatch.setattr(schedule_plans, "dates", noted)
    ids = [scheduled(rows, HOURLY)[0] for _ in range(3)]
    broken = {"cron": "not any more"}
    for _ in range(2):
        scheduled(rows, broken)
    assert run_pass(units) == 9
    assert [runs_of(units, each)[0]["next_scheduled_start_time"] for each in ids] == [
        NOW.replace(hour=13, second=0)
    ] * 3
    assert asked.count(HOURLY) == 1
    assert asked.count(broken) == 2


def test_the_runs_ahead_are_found_by_their_deployments(units: Units, rows: Rows) -> None:
    """However few runs there were when the database made its plan: a pass must not read those of all others."""
    scheduled(rows, HOURLY)
    run_pass(units)
    statement = due_schedules._AHEAD[units.database.dialect]

    def plan(tx: Tx) -> str:
        values = {"ids": [new_id()], "now": tx.now}
        form = statement.form(tx.connection.dialect, values)
        explain = "EXPLAIN QUERY PLAN" if tx.dialect == "sqlite" else "EXPLAIN"
        raw: Any = tx.connection.connection.driver_connection
        return str(raw.execute(f"{explain} {form.sql}", form.arguments(values)).fetchall())

    assert "ix_flow_runs_scheduled_by_deployment" in units.read(plan)


def test_the_recent_pass_looks_at_what_changed(units: Units, rows: Rows) -> None:
    """Further back than its period, since a round may start late or have been left out by a look a moment before."""
    long_ago = NOW - timedelta(seconds=9)
    old, _ = scheduled(rows, HOURLY, updated=long_ago)
    units.write(lambda tx: tx.run(update(deployment_schedules).values(updated=long_ago)))
    edited, _ = scheduled(rows, HOURLY, updated=NOW - timedelta(seconds=8))
    with_new_schedule = rows.deployment(rows.flow(), updated=long_ago)
    rows.add(deployment_schedules, deployment_id=with_new_schedule, schedule=HOURLY)
    assert asyncio.run(schedule_recent_deployments(units.database, SCHEDULER)) == 6
    assert runs_of(units, old) == []
    assert len(runs_of(units, edited)) == len(runs_of(units, with_new_schedule)) == 3


def test_passes_at_the_same_time_fill_each_slot_once(units: Units, rows: Rows) -> None:
    for _ in range(20):
        scheduled(rows, HOURLY)

    async def several() -> list[int]:
        return await asyncio.gather(*(schedule_deployments(units.database, SCHEDULER) for _ in range(4)))

    assert sum(asyncio.run(several())) == 60
    assert units.all(select(func.count().label("runs")).select_from(flow_runs)) == [{"runs": 60}]
    assert units.all(select(func.count().label("states")).select_from(flow_run_states)) == [{"states": 60}]


def test_an_edit_between_planning_and_storing_wins(units: Units, rows: Rows) -> None:
    span = Span(NOW, NOW + timedelta(days=1), NOW, 1, 1)
    edited, schedule_id = scheduled(rows, HOURLY)
    plans = planned(units.read(active_schedules, edited), span)
    changed = update(deployment_schedules).where(deployment_schedules.c.id == schedule_id)
    units.write(lambda tx: tx.run(changed.values(schedule={**HOURLY, "interval": 7200.0})))
    assert units.write(store_runs, plans) == 0
    paused, _ = scheduled(rows, HOURLY)
    plans = planned(units.read(active_schedules, paused), span)
    units.write(lambda tx: tx.run(update(deployments).where(deployments.c.id == paused).values(paused=True)))
    assert units.write(store_runs, plans) == 0


def test_scheduling_one_deployment_over_a_span(units: Units, rows: Rows) -> None:
    deployment_id, _ = scheduled(rows, HOURLY)
    start = datetime(2027, 1, 1, tzinfo=UTC)
    span = Span(start, start + timedelta(days=2), start + timedelta(hours=5), 2, 100)
    assert asyncio.run(schedule_deployment(units.database, deployment_id, span)) == 6
    first, *_, last = runs_of(units, deployment_id)
    assert first["next_scheduled_start_time"] == start
    assert last["next_scheduled_start_time"] == start + timedelta(hours=5)
