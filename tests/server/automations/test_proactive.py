"""Windows are closed by time as far as events are known, and parked events go on."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, select, update

from podium.db.ids import new_id
from podium.db.tables.automations import automation_buckets, automation_firings, automations
from podium.db.tables.events import event_deliveries, event_resources, events
from podium.db.unit import Tx
from podium.server.events.event import Event
from podium.server.events.outbox import store_client_events
from podium.server.operations.automations import create_automation, delete_automation
from podium.server.services.automations import evaluate
from podium.server.services.proactive import close_windows, event_time
from podium.wire.automations import AutomationCreate
from tests.server.conftest import Units
from tests.server.events.samples import event

START = datetime(2026, 3, 1, tzinfo=UTC)


class Clock:
    """The clock of the database, which the test sets."""

    def __init__(self, units: Units) -> None:
        self.now = START
        self._units = units

    def __call__(self) -> datetime:
        return self.now

    def store(self, *sent: Event) -> None:
        self._units.write(store_client_events, list(sent))

    def evaluate(self) -> int:
        runtime = self._units.runtime
        taken: int = self._units.write(partial(evaluate, runtime.interest, runtime.bus), 200)
        return taken

    def tick(self, seconds: float) -> None:
        """So many seconds after the start, windows are closed."""
        self.now = START + timedelta(seconds=seconds)
        self._units.run(close_windows(self._units.runtime))

    def fired(self) -> list[float]:
        rows = self._units.all(select(automation_firings.c.triggered).order_by(automation_firings.c.triggered))
        return [(row["triggered"] - START).total_seconds() for row in rows]


@pytest.fixture
def clock(units: Units, monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(units)
    monkeypatch.setattr(units.database, "clock", clock)

    def clear(tx: Tx) -> None:
        for row in tx.all(select(automations.c.id)):
            delete_automation(tx, row["id"])
        tx.events.clear()
        for table in (event_deliveries, event_resources, events):
            tx.run(delete(table))

    units.write(clear)
    return clock


def create(units: Units, **trigger: Any) -> str:
    body = {"type": "event", "posture": "Reactive", "expect": ["kettle.boiled"], **trigger}
    wanted = {"name": "kettles", "trigger": body, "actions": [{"type": "do-nothing"}]}
    created: str = units.write(create_automation, msgspec.convert(wanted, AutomationCreate))["id"]
    return created


def boiled(seconds: float, **fields: Any) -> Event:
    return event("kettle.boiled", occurred=START + timedelta(seconds=seconds), **fields)


def test_a_window_stays_open_until_the_events_that_wait_are_evaluated(units: Units, clock: Clock) -> None:
    """A backlog makes nothing fire that did not happen."""
    create(units, posture="Proactive", within=10)
    clock.tick(0)
    clock.now = START + timedelta(seconds=5)
    clock.store(boiled(5))
    clock.tick(60)
    assert clock.fired() == []
    assert clock.evaluate() == 1
    clock.tick(61)
    assert clock.fired() == []
    clock.tick(72)
    assert clock.fired() == [72]


def test_a_stream_that_comes_late_closes_windows_late(units: Units, clock: Clock) -> None:
    """As late as the newest event came, but never by more than a quarter of an hour."""
    assert units.read(event_time) == START
    for late, expected in ((86400.0, 900.0), (7.0, 7.0), (86400.0, 7.0)):
        clock.now += timedelta(seconds=20)
        clock.store(boiled((clock.now - START).total_seconds() - late))
        assert units.read(event_time) == clock.now - timedelta(seconds=expected)


def test_windows_of_the_past_are_forgotten(units: Units, clock: Clock) -> None:
    """A minute after their end; a trigger that has one all the time begins the next."""
    create(units, threshold=2, within=10)
    clock.store(boiled(0))
    assert clock.evaluate() >= 1
    clock.tick(69)
    assert len(units.all(select(automation_buckets.c.id))) == 1
    clock.tick(70)
    assert units.all(select(automation_buckets.c.id)) == []


def test_the_window_of_a_disabled_or_deleted_automation_is_gone(units: Units, clock: Clock) -> None:
    """It fires no more."""
    made = create(units, posture="Proactive", within=10)
    clock.tick(0)
    units.write(delete_automation, made)
    clock.tick(100)
    assert clock.fired() == []


def test_an_event_waits_for_the_one_it_follows(units: Units, clock: Clock) -> None:
    """Then both are evaluated in their order; without it, after a quarter of an hour."""
    create(units, for_each=["prefect.resource.id"])
    first = boiled(0)
    clock.store(boiled(1, follows=first.id), boiled(2, follows=new_id()))
    clock.evaluate()
    assert clock.fired() == []
    clock.store(first)
    clock.evaluate()
    assert len(clock.fired()) == 2
    clock.now = START + timedelta(seconds=899)
    assert clock.evaluate() == 0
    clock.now = START + timedelta(seconds=900)
    assert clock.evaluate() == 1
    assert len(clock.fired()) == 3


def test_one_that_nobody_wants_lets_its_follower_go_on(units: Units, clock: Clock) -> None:
    """Nothing concerns it but that another waits for it."""
    create(units)
    leader = event("kettle.filled", occurred=START)
    clock.store(boiled(1, follows=leader.id))
    clock.evaluate()
    assert clock.fired() == []
    clock.store(leader)
    assert clock.evaluate() == 1
    assert clock.fired() == [0]


def test_one_that_was_parked_as_its_leader_came_goes_on(units: Units, clock: Clock) -> None:
    """Both were stored at the same moment, by two processes: the next look at the time finds it."""
    create(units)
    leader = event("kettle.filled", occurred=START)
    clock.store(boiled(1, follows=leader.id))
    clock.evaluate()
    parked = {"leader": leader.id}

    def unpark(tx: Tx) -> None:
        tx.run(update(event_deliveries).values(leader=None))

    units.write(unpark)
    clock.store(leader)
    units.write(lambda tx: tx.run(update(event_deliveries).values(**parked)))
    assert clock.evaluate() == 0
    clock.tick(1)
    assert clock.evaluate() == 1
    assert clock.fired() == [1]


def test_only_what_is_waited_for_is_looked_at_for_its_followers(units: Units, clock: Clock) -> None:
    """Others that nobody wants are not, one alone or many at once."""
    create(units)
    first, second = (event("kettle.filled", occurred=START) for _ in range(2))
    clock.store(boiled(1, follows=first.id), boiled(2, follows=second.id))
    clock.evaluate()
    clock.store(event("kettle.filled", occurred=START))
    clock.store(*(event("kettle.filled", occurred=START) for _ in range(3)))
    assert clock.evaluate() == 0
    clock.store(first)
    clock.store(event("kettle.filled", occurred=START))
    clock.store(event("kettle.filled", occurred=START), second)
    assert clock.evaluate() == 2
    assert clock.fired() == [0, 0]
