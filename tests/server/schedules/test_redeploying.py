"""However often a deployment is deployed again, each slot of a schedule has one run, and none is missing."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, update

from podium.db.tables import metadata
from podium.db.tables.deployments import deployment_schedules, deployments
from podium.db.tables.flow_runs import flow_runs
from podium.profiles.sections.services import Scheduler
from podium.server.operations.deployment_schedules import change_schedule, create_schedules, delete_schedule
from podium.server.operations.deployments import change_deployment, save_deployment, set_paused
from podium.server.operations.schedule_timing import timing
from podium.server.operations.scheduling import schedule_deployments, schedule_recent_deployments
from podium.wire.deployments import DeploymentCreate, DeploymentUpdate
from podium.wire.schedules import (
    CronSchedule,
    DeploymentScheduleCreate,
    DeploymentScheduleUpdate,
    IntervalSchedule,
    RRuleSchedule,
)
from tests.server.conftest import Units
from tests.server.rows import Rows

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTELY = CronSchedule(cron="* * * * *")
HOURLY = CronSchedule(cron="0 * * * *")
SCHEDULER = Scheduler()


class Server:
    """A deployment of a flow, a scheduler, and a clock that is set by hand: ``at("12:00:58")``."""

    def __init__(self, units: Units) -> None:
        self.units = units
        self.flow_id = Rows(units.write).flow()
        self.deployment_id = ""
        self.at("12:00:00")

    def at(self, time: str) -> "Server":
        hour, minute, second = map(float, time.split(":"))
        moment = NOON.replace(hour=0) + timedelta(hours=hour, minutes=minute, seconds=second)
        self.units.database.clock = lambda: moment
        return self

    def deploy(self, *schedules: Any, **fields: Any) -> "Server":
        """What ``flow.deploy`` and the first ``flow.serve`` send."""
        sent = [DeploymentScheduleCreate(schedule=schedule) for schedule in schedules]
        body = DeploymentCreate(name="loop", flow_id=UUID(self.flow_id), schedules=sent, **fields)
        row, _ = self.units.write(save_deployment, body)
        self.deployment_id = row["id"]
        return self

    def serve(self, *schedules: Any) -> "Server":
        """What a later ``flow.serve`` sends."""
        sent = [DeploymentScheduleUpdate(schedule=schedule) for schedule in schedules]
        self.units.write(change_deployment, self.deployment_id, DeploymentUpdate(schedules=sent, paused=False))
        return self

    def schedule(self, recent: bool = False) -> "Server":
        run = schedule_recent_deployments if recent else schedule_deployments
        asyncio.run(run(self.units.database, SCHEDULER))
        return self

    def start(self, time: str) -> "Server":
        """A worker takes the run of a slot."""
        due = NOON.replace(hour=0) + timedelta(hours=int(time[:2]), minutes=int(time[3:]))
        mine = (flow_runs.c.deployment_id == self.deployment_id, flow_runs.c.expected_start_time == due)
        taken = update(flow_runs).where(*mine).values(state_type="PENDING", next_scheduled_start_time=None)
        assert self.units.write(lambda tx: tx.run(taken)) == 1
        return self

    def slots(self, until: str = "23:59") -> list[str]:
        """The slots of all runs there are, started or not."""
        mine = select(flow_runs.c.expected_start_time).where(flow_runs.c.deployment_id == self.deployment_id)
        times = [f"{row['expected_start_time']:%H:%M}" for row in self.units.all(mine)]
        return sorted(time for time in times if time <= until)

    def schedule_ids(self) -> list[str]:
        mine = select(deployment_schedules.c.id).where(deployment_schedules.c.deployment_id == self.deployment_id)
        return [row["id"] for row in self.units.all(mine.order_by(deployment_schedules.c.created))]


@pytest.fixture
def server(units: Units) -> Iterator[Server]:
    clock = units.database.clock
    yield Server(units)
    units.database.clock = clock
    units.write(lambda tx: tx.run(delete(deployments)))
    units.write(lambda tx: tx.run(delete(flow_runs)))


def test_a_slot_whose_run_started_early_is_not_filled_again(server: Server) -> None:
    """Workers take runs ten seconds before their time, and a redeployment may fall into these."""
    server.at("12:00:30").deploy(MINUTELY).schedule()
    server.at("12:00:52").start("12:01")
    server.at("12:00:55").deploy(MINUTELY).schedule()
    assert server.slots("12:03") == ["12:01", "12:02", "12:03"]


def test_nor_is_it_after_another_schedule_had_its_place(server: Server) -> None:
    server.at("12:00:30").deploy(MINUTELY).schedule()
    server.at("12:00:52").start("12:01")
    server.at("12:00:54").deploy(HOURLY).schedule()
    server.at("12:00:56").serve(MINUTELY).schedule()
    assert server.slots("12:03") == ["12:01", "12:02", "12:03"]


def test_a_slot_between_a_redeployment_and_the_next_pass_is_filled(server: Server) -> None:
    server.at("12:00:30").deploy(MINUTELY).schedule()
    server.at("12:00:59.5").deploy(MINUTELY)
    server.at("12:01:03").schedule(recent=True)
    assert server.slots("12:03") == ["12:01", "12:02", "12:03"]


def test_redeployments_over_a_slot_without_a_pass_in_between_leave_it_to_be_filled(server: Server) -> None:
    """By POST or PATCH, with or without schedules in it."""
    server.at("12:00:30").deploy(MINUTELY).schedule()
    server.at("12:00:58").deploy(MINUTELY)
    server.at("12:01:01").serve(MINUTELY)
    server.at("12:01:59")
    server.units.write(change_deployment, server.deployment_id, DeploymentUpdate(description="other"))
    server.at("12:02:01").deploy(MINUTELY)
    server.at("12:02:04").schedule(recent=True)
    assert server.slots("12:03") == ["12:01", "12:02", "12:03"]


@pytest.mark.parametrize("away_until", ["12:40:10", "14:00:10"])
def test_what_a_redeployment_took_away_comes_again_after_an_outage(server: Server, away_until: str) -> None:
    """The runs were there; only the slots that had none yet are those of an outage."""
    server.at("12:00:30").deploy(MINUTELY).schedule()
    server.at("12:01:10").deploy(MINUTELY)
    server.at("12:01:20").serve(MINUTELY)
    server.at(away_until).schedule()
    made = server.slots("14:00")
    assert made[:60] == [f"12:{minute:02}" for minute in range(1, 60)] + ["13:00"]
    if away_until > "14":
        assert made[60:] == ["13:01"]


def test_a_clock_that_is_ahead_or_behind_loses_and_doubles_nothing(server: Server) -> None:
    """Two processes five seconds off deploy at the same time, a third makes the runs."""
    server.at("12:00:30").deploy(MINUTELY).schedule()
    server.at("12:00:51").start("12:01")
    server.at("12:00:50").deploy(MINUTELY)
    server.at("12:02:01").deploy(MINUTELY)
    server.at("12:01:56").deploy(MINUTELY)
    server.at("12:02:06").deploy(MINUTELY)
    server.at("12:02:05").schedule(recent=True)
    assert server.slots("12:04") == ["12:01", "12:02", "12:03", "12:04"]


def test_changing_a_schedule_fills_nothing_before_the_change(server: Server) -> None:
    server.at("12:00:30").deploy(HOURLY).schedule()
    server.at("12:05:30").serve(MINUTELY)
    server.at("12:06:40").schedule()
    assert server.slots("12:07") == ["12:06", "12:07"]


def test_resuming_starts_from_now(server: Server) -> None:
    """A paused deployment and an inactive schedule made no slots; also a redeployment resumes."""
    server.at("12:00:30").deploy(MINUTELY).schedule()
    server.units.write(set_paused, server.deployment_id, True)
    server.at("12:02:10")
    server.units.write(set_paused, server.deployment_id, False)
    assert server.schedule().slots("12:03") == ["12:03"]
    server.at("12:03:10")
    server.units.write(change_deployment, server.deployment_id, DeploymentUpdate(paused=True))
    server.at("12:04:10").deploy(MINUTELY, paused=False)
    assert server.schedule().slots("12:05") == ["12:03", "12:05"]
    (schedule_id,) = server.schedule_ids()
    for time, active in (("12:05:10", False), ("12:06:10", True)):
        server.at(time)
        sent = DeploymentScheduleUpdate(active=active)
        server.units.write(change_schedule, server.deployment_id, schedule_id, sent)
    assert server.at("12:06:15").schedule().slots("12:07") == ["12:03", "12:05", "12:07"]


def test_a_change_of_one_schedule_costs_the_others_no_slot(server: Server) -> None:
    """It removes the runs ahead of the whole deployment; the recent pass makes them again."""
    server.at("12:00:30").deploy(MINUTELY, HOURLY).schedule()
    _, hourly = server.schedule_ids()
    server.at("12:00:58")
    sent = DeploymentScheduleUpdate(schedule=CronSchedule(cron="5 * * * *"))
    server.units.write(change_schedule, server.deployment_id, hourly, sent)
    server.at("12:01:03").schedule(recent=True)
    assert server.slots("12:02") == ["12:01", "12:02"]
    server.at("12:02:59")
    server.units.write(delete_schedule, server.deployment_id, hourly)
    server.at("12:03:03").schedule(recent=True)
    assert server.slots("12:04") == ["12:03", "12:04"]


def test_equal_schedules_each_have_their_runs(server: Server) -> None:
    """Also over redeployments: the first stays the first."""
    server.at("12:00:30").deploy(HOURLY, HOURLY).schedule()
    assert server.slots("13:30") == ["13:00", "13:00"]
    assert server.deploy(HOURLY, HOURLY).schedule().slots("13:30") == ["13:00", "13:00"]
    server.units.write(create_schedules, server.deployment_id, [DeploymentScheduleCreate(schedule=HOURLY)])
    assert server.schedule().slots("13:30") == ["13:00", "13:00", "13:00"]


def test_deploying_the_same_again_and_again_adds_no_rows(server: Server) -> None:
    def sizes() -> dict[str, int]:
        # To the database, whose clock is real, these runs are of the past, whose changes are noted for the tallies.
        beside = ("alembic_version", "tally_notes")
        tables = [table for table in metadata.tables.values() if table.name not in beside]
        return {
            table.name: server.units.all(select(func.count().label("rows")).select_from(table))[0]["rows"]
            for table in tables
        }

    server.at("12:00:30").deploy(MINUTELY, HOURLY).schedule()
    server.deploy(MINUTELY, HOURLY).schedule()
    before = sizes()
    for _ in range(20):
        server.deploy(MINUTELY, HOURLY).schedule()
        server.serve(MINUTELY, HOURLY).schedule()
    assert sizes() == before


def every(anchor: str, interval: float = 3600.0, zone: str = "UTC") -> dict[str, Any]:
    return {"interval": interval, "anchor_date": anchor, "timezone": zone}


SAME = [
    (every("2026-01-01T00:00:00Z"), every("2026-05-05T09:00:00Z")),
    (every("2026-01-01T00:00:00Z"), every("2026-05-05T09:00:00Z", zone="Europe/Paris")),
    (every("2026-01-01T08:00:00Z", 86400, "Europe/Paris"), every("2026-07-01T07:00:00Z", 86400, "Europe/Paris")),
    ({"cron": "0  9 * * *", "timezone": None}, {"cron": "0 9 * * *", "timezone": "UTC", "day_or": True}),
    ({"rrule": "DTSTART:20261120T195200\nFREQ=MINUTELY"}, {"rrule": "DTSTART:20261121T080100\nFREQ=MINUTELY"}),
]
OTHER = [
    (every("2026-01-01T00:00:00Z"), every("2026-01-01T00:30:00Z")),
    (every("2026-01-01T00:00:00Z"), every("2026-01-01T00:00:00Z", 7200)),
    (every("2026-01-01T00:00:00Z", 86400), every("2026-01-01T00:00:00Z", 86400, "Europe/Paris")),
    ({"cron": "0 9 * * *"}, {"cron": "0 9 * * *", "timezone": "Europe/Paris"}),
    ({"cron": "0 9 1 * 1"}, {"cron": "0 9 1 * 1", "day_or": False}),
    ({"rrule": "DTSTART:20261120T195200\nFREQ=DAILY"}, {"rrule": "DTSTART:20261120T195300\nFREQ=DAILY"}),
    (
        {"rrule": "DTSTART:20260101T000000\nFREQ=DAILY;COUNT=9"},
        {"rrule": "DTSTART:20260102T000000\nFREQ=DAILY;COUNT=9"},
    ),
]


@pytest.mark.parametrize(("one", "two"), SAME)
def test_schedules_with_the_same_slots_have_the_same_timing(one: dict[str, Any], two: dict[str, Any]) -> None:
    """``serve(interval=…)`` counts from the moment it is called, ``FREQ=MINUTELY`` from the minute."""
    assert timing(one) == timing(two) != timing(one, [timing(two)])


@pytest.mark.parametrize(("one", "two"), OTHER)
def test_and_others_have_others(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert timing(one) != timing(two)


def test_kinds_of_schedules_survive_redeployments(server: Server) -> None:
    rule = RRuleSchedule(rrule="FREQ=MINUTELY;INTERVAL=1")
    interval = IntervalSchedule(interval=60, anchor_date=NOON - timedelta(days=3))
    for schedule in (rule, interval):
        server.at("12:00:30").deploy(schedule).schedule()
        server.at("12:00:52").start("12:01")
        server.at("12:00:55").deploy(schedule).schedule()
        assert server.slots("12:02") == ["12:01", "12:02"]
        server.units.write(lambda tx: tx.run(delete(flow_runs)))
