"""Counts of events by tallies: the same as counted one by one, whatever changed, and whatever is rolled up."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, func, insert, select, text, update

from podium.db.ids import new_id
from podium.db.partitions import make_partition, partitions_of
from podium.db.retention.ages import Ages
from podium.db.retention.rules import RULES
from podium.db.retention.sweeping import carry_out
from podium.db.tables.events import events
from podium.db.tables.tallies import event_tallies, tally_notes
from podium.db.unit import Tx
from podium.server.queries import tallies
from podium.server.queries.event_counts import count_by, count_events
from podium.server.queries.event_tallies import EVENT_TALLY, MOST_NAMES
from podium.server.queries.tallies import closed_until, horizon_of, roll_up
from podium.server.services.tallies import roll_up_past, roll_up_slices
from podium.wire.events import EventCountQuery, EventFilter
from tests.server.conftest import Units
from tests.server.rows import at

HOURS = 8
NAMES = ("a", "a.b", "a.b.c", "b", "\u00e9", "b*", "_")
OTHER = new_id()
"""A workspace beside the one that counts."""


@pytest.fixture(autouse=True)
def _settled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slice may be rolled up again as soon as an event of it changed."""
    monkeypatch.setattr(tallies, "SETTLED_AFTER", timedelta(minutes=-1))


@pytest.fixture
def units(units: Units) -> Iterator[Units]:
    """Without any event."""
    units.write(lambda tx: tx.run(delete(events)))
    units.run(roll_up_past(units.runtime))
    yield units


def row(tx: Tx, occurred: datetime, name: str, workspace_id: str | None = None) -> dict[str, Any]:
    """An event as it is stored."""
    parts = {"resource_id": "r", "resource": {"prefect.resource.id": "r"}, "related": [], "payload": {}}
    own = {"id": new_id(), "workspace_id": workspace_id or tx.workspace_id, "occurred": occurred, "event": name}
    return {**own, **parts, "received": tx.now, "recorded": tx.now}


def store(tx: Tx, *moments: datetime) -> list[str]:
    """Stores events, of one name and the next in turn; their ids."""
    rows = [row(tx, moment, NAMES[number % 2]) for number, moment in enumerate(moments)]
    tx.many(insert(events), rows)
    return [each["id"] for each in rows]


def during(since: float, until: float, **wanted: Any) -> EventFilter:
    """The filter of a range, in seconds after ``START``."""
    return msgspec.convert({"occurred": {"since": at(since), "until": at(until)}, **wanted}, EventFilter)


class Months:
    """Events of some hours long ago, and what happens to them, made up from a seed."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)

    def moment(self) -> Any:
        """Some time of the hours, also at the very start and end of a slice."""
        slices = self.choose.randrange(HOURS * 2) * 1800.0
        return at(slices + self.choose.choice((0.0, 1799.999999, self.choose.uniform(0, 1800))))

    def change(self, tx: Tx) -> None:
        """Adds, changes or removes some events; now and then a slice gets more names than it has lines for."""
        choose = self.choose
        for _ in range(choose.randrange(1, 6)):
            what = choose.random()
            some = tx.column(select(events.c.id).order_by(func.random()).limit(choose.randrange(1, 3)))
            if what < 0.05:
                start = at(choose.randrange(HOURS * 2) * 1800.0)
                tx.many(insert(events), [row(tx, start, f"name-{n}") for n in range(MOST_NAMES)])
            elif what < 0.5 or not some:
                workspace_id = OTHER if choose.random() < 0.2 else None
                tx.run(insert(events).values(row(tx, self.moment(), choose.choice(NAMES), workspace_id)))
            elif what < 0.8:
                values = {"occurred": self.moment(), "event": choose.choice(NAMES), "workspace_id": OTHER}
                few = choose.sample(sorted(values), choose.randrange(1, 3))
                tx.run(update(events).where(events.c.id.in_(some)).values({name: values[name] for name in few}))
            else:
                tx.run(delete(events).where(events.c.id.in_(some)))

    def filter(self) -> EventFilter:
        """A filter by time and perhaps by name, as a client sends it."""
        choose = self.choose
        since, until = sorted((self.moment(), self.moment()))
        wanted: dict[str, Any] = {"occurred": {"since": since, "until": until}}
        if choose.random() < 0.5:
            kinds = ("name", "prefix", "exclude_name", "exclude_prefix")
            wanted["event"] = {
                kind: choose.sample((*NAMES, "name-1", "name-"), choose.randrange(3))
                for kind in choose.sample(kinds, choose.randrange(3))
            }
        return msgspec.convert(wanted, EventFilter)

    def query(self) -> EventCountQuery:
        """A count by stretches of time."""
        unit, step = self.choose.choice((("hour", 1.0), ("hour", 0.5), ("minute", 45.0), ("hour", 3.0), ("week", 1.0)))
        return EventCountQuery(filter=self.filter(), time_unit=unit, time_interval=step)  # type: ignore[arg-type]


def fits(wanted: EventFilter, occurred: datetime, name: str) -> bool:
    """Whether a filter by time and name selects an event."""
    since, until, of = wanted.occurred.since, wanted.occurred.until, wanted.event
    assert since is not None
    assert until is not None
    if not since <= occurred <= until:
        return False
    if of is None:
        return True
    named = not of.name or name in of.name
    begun = not of.prefix or name.startswith(tuple(of.prefix))
    left_out = name in (of.exclude_name or ()) or name.startswith(tuple(of.exclude_prefix or ()))
    return named and begun and not left_out


def matching(tx: Tx, wanted: EventFilter) -> list[tuple[datetime, str]]:
    """The time and name of each event of this workspace that a filter selects."""
    stored = tx.all(select(events.c.occurred, events.c.event).where(events.c.workspace_id == tx.workspace_id))
    return [(each["occurred"], each["event"]) for each in stored if fits(wanted, each["occurred"], each["event"])]


def check(tx: Tx, wanted: EventFilter, query: EventCountQuery) -> None:
    """Counts in all, by name and by time are those of the events themselves, in one snapshot."""
    if tx.dialect == "postgresql":
        tx.run(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    expected = matching(tx, wanted)
    assert count_events(tx, wanted) == len(expected)
    named = {each["value"]: each for each in count_by(tx, "event", EventCountQuery(filter=wanted))}
    assert {name: each["count"] for name, each in named.items()} == Counter(name for _, name in expected)
    for name, each in named.items():
        times = [occurred for occurred, other in expected if other == name]
        assert (each["start_time"], each["end_time"]) == (min(times), max(times))
    times = [occurred for occurred, _ in matching(tx, query.filter)]
    for span in count_by(tx, "time", query):
        assert span["count"] == sum(span["start_time"] <= each <= span["end_time"] for each in times)


def test_tallies_count_as_the_events_do(units: Units) -> None:
    """For any filter by time and name, after any changes of events of the past and any roll-ups."""
    months = Months(7)
    closed = units.read(closed_until, EVENT_TALLY)
    rolled = 0
    for _ in range(20):
        units.write(months.change)
        if months.choose.random() < 0.5:
            rolled += units.write(roll_up, EVENT_TALLY, closed, months.choose.randrange(1, 8))
        for _ in range(6):
            units.read(check, months.filter(), months.query())
    assert rolled > 5


def test_tallies_count_as_the_events_do_while_writers_and_roll_ups_meet(units: Units) -> None:
    """In any snapshot: transactions that change events of the past while a roll-up looks are in its notes."""
    months = Months(11)

    def slow_change(tx: Tx) -> None:
        months.change(tx)
        if tx.dialect == "postgresql":
            tx.run(text("SELECT pg_sleep(0.01)"))
            months.change(tx)

    async def meet() -> None:
        async def repeat(times: int, work: Any) -> None:
            for _ in range(times):
                await work()

        database = units.database
        writers = [repeat(15, lambda: database.write(slow_change)) for _ in range(3)]
        reader = repeat(15, lambda: database.read(check, months.filter(), months.query()))
        await asyncio.gather(*writers, reader, repeat(25, lambda: roll_up_slices(database, 3, 0.05)))

    units.run(meet())
    units.read(check, months.filter(), months.query())


def noted(units: Units) -> set[datetime]:
    found = units.all(select(tally_notes.c.slice).where(tally_notes.c.runs == "events"))
    return {each["slice"] for each in found}


def test_an_event_that_comes_late_is_counted_with_those_of_its_time(units: Units) -> None:
    """It leaves a note, and so does one that is deleted; one of now leaves none, nor one that is there already."""
    now = units.database.clock()

    units.write(store, at(0), at(60), at(86400), now)
    units.run(roll_up_past(units.runtime))
    horizon = units.read(horizon_of, EVENT_TALLY)
    assert horizon is not None
    assert now - timedelta(hours=1) < horizon < now
    assert noted(units) == set()
    wanted = msgspec.convert({"occurred": {"since": at(-60), "until": now + timedelta(hours=1)}}, EventFilter)
    (late, young) = units.write(store, at(1799.5), now)
    assert noted(units) == {at(0)}
    assert units.read(count_events, wanted) == 6
    units.run(roll_up_past(units.runtime))
    assert (noted(units), units.read(count_events, wanted)) == (set(), 6)
    units.write(lambda tx: tx.run(delete(events).where(events.c.id == young)))
    assert noted(units) == set()
    units.write(lambda tx: tx.run(delete(events).where(events.c.id == late)))
    assert (noted(units), units.read(count_events, wanted)) == ({at(0)}, 4)


def test_a_slice_of_many_names_has_one_line(units: Units) -> None:
    """Where names do not matter it counts by that, else event by event."""

    def store_names(tx: Tx) -> None:
        tx.many(insert(events), [row(tx, at(number), f"name-{number}") for number in range(MOST_NAMES)])

    units.write(store_names)
    units.run(roll_up_past(units.runtime))
    lines = select(event_tallies.c.event, event_tallies.c.events, event_tallies.c.named)
    assert len(units.all(lines)) == 1 + MOST_NAMES
    units.write(lambda tx: tx.run(insert(events).values(row(tx, at(1), "one more"))))
    units.run(roll_up_past(units.runtime))
    assert units.all(lines) == [{"event": None, "events": MOST_NAMES + 1, "named": False}]
    every = during(-1, 3600)
    units.read(check, every, EventCountQuery(filter=every, time_unit="hour"))
    assert units.read(count_events, during(-1, 3600, event={"prefix": ["one"]})) == 1


def test_what_a_vacuum_deletes_is_not_counted(units: Units) -> None:
    """Also where PostgreSQL drops its whole partition, of which no trigger tells; what is left of a slice stays."""
    start, end = at(0), at(7800)
    on_postgresql = units.database.dialect == "postgresql"
    if on_postgresql:
        units.write(make_partition, "events", start, end)
    units.write(store, at(-60), start, at(1), at(7799), at(8400), at(9300))
    units.run(roll_up_past(units.runtime))
    every = during(-7200, 86400)
    assert units.read(count_events, every) == 6
    ages = Ages(events=units.database.clock() - end, flow_runs=timedelta(days=9), leftovers=timedelta(days=9))
    rules = [rule for rule in RULES if rule.word == "events"]
    units.run(carry_out(units.database, rules, ages, 200))
    assert len(units.read(partitions_of, events)) == on_postgresql  # the one of what no other takes
    assert units.read(count_events, every) == 2
    units.run(roll_up_past(units.runtime))
    assert noted(units) == set()
    units.read(check, every, EventCountQuery(filter=every, time_unit="hour"))
    lines = select(event_tallies.c.slice, event_tallies.c.events).order_by(event_tallies.c.slice)
    left = units.all(lines.where(event_tallies.c.event.is_(None)))
    assert left == [{"slice": at(7200), "events": 1}, {"slice": at(9000), "events": 1}]


def test_a_resource_has_the_label_of_its_newest_event(units: Units) -> None:
    """Whether its events have the same or not; by its id where they have none, or none that can be read."""

    def store_labels(tx: Tx) -> None:
        for seconds, resource_id, labels in (
            (0, "same", {"prefect.resource.name": "Same"}),
            (9, "same", {"prefect.resource.name": "Same", "other": "label"}),
            (0, "renamed", {"prefect.resource.name": "Old"}),
            (9, "renamed", {"prefect.name": "New"}),
            (0, "unnamed", {"prefect.resource.name": "Once"}),
            (9, "unnamed", {"prefect.resource.name": ""}),
            (0, "plain", {}),
        ):
            given = {"resource_id": resource_id, "resource": labels}
            tx.run(insert(events).values(row(tx, at(seconds), "a") | given))
        if tx.dialect == "sqlite":
            tx.run(text("UPDATE events SET resource = '{' WHERE resource_id = 'plain'"))

    units.write(store_labels)
    counts = units.read(count_by, "resource", EventCountQuery(filter=during(-1, 3600)))
    assert [(each["value"], each["label"], each["count"]) for each in counts] == [
        ("renamed", "New", 2),
        ("same", "Same", 2),
        ("unnamed", "unnamed", 2),
        ("plain", "plain", 1),
    ]
    assert counts[1]["end_time"] - counts[1]["start_time"] == timedelta(seconds=9)
