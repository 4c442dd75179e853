"""Three years of scheduling in twelve zones on a virtual clock: each slot gets one run, whenever the passes come."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from podium.profiles.sections.services import Scheduler
from podium.server.operations.schedule_plans import filling, span_of
from podium.server.operations.schedules import dates
from tests.server.schedules.oracle import CHANGES

BEGIN = datetime(2025, 1, 1, 0, 0, 17, tzinfo=UTC)
YEARS = timedelta(days=3 * 365)
SCHEDULER = Scheduler(min_scheduled_time=3 * 86400.0, loop_seconds=24 * 3600.0)
EARLY = timedelta(seconds=10)

SHAPES: dict[str, dict[str, Any]] = {
    "daily cron": {"cron": "30 2 * * *"},
    "cron around midnight": {"cron": "0,45 23,0 * * *"},
    "daily rrule": {"rrule": "DTSTART:20100101T013000\nFREQ=DAILY"},
    "rrule every 5 hours": {"rrule": "DTSTART:20100101T000000\nFREQ=HOURLY;INTERVAL=5"},
    "daily interval": {"interval": 86400.0, "anchor_date": "2024-12-01T00:30:00Z"},
    "interval of 5 hours": {"interval": 18000.0, "anchor_date": "2024-12-01T00:30:00Z"},
}


class World:
    """A schedule and its runs, as the database would hold them."""

    def __init__(self, schedule: dict[str, Any]) -> None:
        self.schedule = schedule
        self.filled_until = self.promised_until = BEGIN
        self.waiting: set[datetime] = set()
        self.made: dict[datetime, int] = {}

    def run_pass(self, now: datetime) -> None:
        source = msgspec.Raw(msgspec.json.encode(self.schedule))
        ahead = sum(date >= now for date in self.waiting)
        until = {"filled_until": self.filled_until, "promised_until": self.promised_until}
        row = {"id": "s", "deployment_id": "d", "schedule": source, "tags": [], **until}
        for plan in filling([{**row, "ahead": ahead}], span_of(SCHEDULER, now), SCHEDULER):
            assert plan.filled is not None
            self.filled_until = plan.filled
            for date in plan.dates:
                if date not in self.waiting and date not in self.made:
                    self.waiting.add(date)

    def start_runs(self, now: datetime) -> None:
        """Workers take what is due, some of it before its time."""
        for date in [date for date in self.waiting if date <= now + EARLY]:
            self.waiting.remove(date)
            self.made[date] = self.made.get(date, 0) + 1

    def redeploy(self, now: datetime) -> None:
        """What an edit does: the runs ahead go, and the slots from now on are to be filled again."""
        self.waiting = {date for date in self.waiting if date <= now}
        self.promised_until = max(self.filled_until, self.promised_until)
        self.filled_until = min(self.filled_until, now)


@pytest.mark.parametrize("zone", CHANGES)
def test_every_slot_of_three_years_has_one_run(zone: str) -> None:
    """However irregular the passes are, and whatever is deployed anew in between, also in the hours of a change."""
    chance = random.Random(zone)
    worlds = {name: World({**shape, "timezone": zone}) for name, shape in SHAPES.items()}
    now = BEGIN
    while now < BEGIN + YEARS:
        for world in worlds.values():
            world.run_pass(now)
            world.start_runs(now)
            if chance.random() < 0.3:
                world.redeploy(now)
                if chance.random() < 0.5:
                    world.redeploy(now + timedelta(minutes=chance.random() * 30))
        now += timedelta(hours=0.6 + chance.random() * 40)
    for name, world in worlds.items():
        world.run_pass(now)
        world.start_runs(now)
        expected = list(dates(world.schedule, BEGIN, now))
        assert sorted(world.made) == expected, name
        assert set(world.made.values()) == {1}, name


@pytest.mark.parametrize("zone", CHANGES)
@pytest.mark.parametrize("shape", ["daily cron", "daily rrule", "daily interval"])
def test_every_local_day_has_one_run(zone: str, shape: str) -> None:
    """By the dates of the wall clock, which no code but the clock's own counts here."""
    clock = ZoneInfo(zone)
    schedule = {**SHAPES[shape], "timezone": zone}
    days = [date.astimezone(clock).date() for date in dates(schedule, BEGIN, BEGIN + YEARS)]
    first = days[0]
    assert days == [first + timedelta(days=number) for number in range(len(days))]
    assert len(days) in (3 * 365, 3 * 365 + 1)
