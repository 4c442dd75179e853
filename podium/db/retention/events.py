"""Events by their age, all or those of a name, with their resources; never one that a consumer has to handle."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, bindparam, delete, select

from podium.db.partitions import Partition, partitions_of, width_for
from podium.db.retention.ages import GRACE, Ages
from podium.db.retention.steps import Step, as_table, count, delete_some
from podium.db.tables.events import event_deliveries, event_resources, events
from podium.db.unit import Row, Tx

Conditions = list[ColumnElement[bool]]

_RESOURCES = delete(event_resources).where(
    event_resources.c.event_id.in_(bindparam("ids", expanding=True)),
    event_resources.c.occurred >= bindparam("first", type_=event_resources.c.occurred.type),
    event_resources.c.occurred <= bindparam("last", type_=event_resources.c.occurred.type),
)


def is_free(rows: FromClause) -> ColumnElement[bool]:
    """That no consumer has still to handle an event."""
    return rows.c.id.not_in(select(event_deliveries.c.event_id))


def delete_resources(tx: Tx, gone: Sequence[Row]) -> int:
    """Deletes the resources of deleted events; how many."""
    moments = [row["occurred"] for row in gone]
    if not moments:
        return 0
    return tx.run(_RESOURCES, ids=[row["id"] for row in gone], first=min(moments), last=max(moments))


class _Events:
    """Deletes events that meet a condition, table by table where PostgreSQL has partitions."""

    def conditions(self, rows: FromClause, tx: Tx, ages: Ages) -> Conditions:
        """Which events."""
        raise NotImplementedError

    def tables(self, tx: Tx, ages: Ages) -> Iterator[str]:
        """The names of the tables to look in."""
        raise NotImplementedError

    def step(self, tx: Tx, ages: Ages, begin: int | None, most: int) -> Step:
        place = begin or 0
        names = list(self.tables(tx, ages))
        if place >= len(names):
            return Step({}, None)

        def where(rows: FromClause) -> Conditions:
            return [*self.conditions(rows, tx, ages), is_free(rows)]

        rows = as_table(events, names[place])
        chosen = delete_some(tx, rows, where, lambda each: [each.c.occurred], most)
        gone = tx.all(chosen.returning(rows.c.id, rows.c.occurred))
        deleted = {"events": len(gone), "event_resources": delete_resources(tx, gone)}
        return Step(deleted, place if len(gone) == most else place + 1)

    def count(self, tx: Tx, ages: Ages) -> dict[str, int]:
        where = [*self.conditions(events, tx, ages), is_free(events)]
        of_these = select(events.c.id).where(*where)
        found = count(tx, events, *where)
        return {
            "events": found,
            "event_resources": count(tx, event_resources, event_resources.c.event_id.in_(of_these)),
        }


class OldEvents(_Events):
    """Events older than the age: on PostgreSQL those that are in no partition that goes as a whole."""

    def conditions(self, rows: FromClause, tx: Tx, ages: Ages) -> Conditions:
        return [rows.c.occurred < tx.now - ages.events]

    def tables(self, tx: Tx, ages: Ages) -> Iterator[str]:
        return ragged(tx, partitions_of(tx, events), tx.now - ages.events, ages, "events")


class OldEventsByName:
    """Events of names that have an age of their own."""

    def step(self, tx: Tx, ages: Ages, begin: tuple[int, int] | None, most: int) -> Step:
        which, place = begin or (0, 0)
        names = shorter(ages)
        if which >= len(names):
            return Step({}, None)
        done = OldEventsOf(names[which], ages.overrides).step(tx, ages, place, most)
        return Step(done.deleted, (which + 1, 0) if done.next is None else (which, done.next))

    def count(self, tx: Tx, ages: Ages) -> dict[str, int]:
        total = {"events": 0, "event_resources": 0}
        for name in shorter(ages):
            for table, number in OldEventsOf(name, ages.overrides).count(tx, ages).items():
                total[table] += number
        return total


def shorter(ages: Ages) -> list[str]:
    """The names that have an age below that of all events."""
    return sorted(name for name, age in ages.overrides.items() if age < ages.events)


class OldEventsOf(_Events):
    """Events of one name that are older than its age, and not so old that they go with the others."""

    def __init__(self, name: str, overrides: Mapping[str, Any]) -> None:
        self._name = name
        self._age = overrides[name]

    def conditions(self, rows: FromClause, tx: Tx, ages: Ages) -> Conditions:
        between = (rows.c.occurred < tx.now - self._age, rows.c.occurred >= tx.now - ages.events)
        return [rows.c.event == self._name, *between]

    def tables(self, tx: Tx, ages: Ages) -> Iterator[str]:
        return with_rows_before(partitions_of(tx, events), tx.now - self._age, "events")


class EventsFromTheFuture(_Events):
    """Events that claim a time to come, by the time they were stored: else nothing would ever delete them."""

    def conditions(self, rows: FromClause, tx: Tx, ages: Ages) -> Conditions:
        return [rows.c.occurred > tx.now + GRACE, rows.c.recorded < tx.now - ages.events]

    def tables(self, tx: Tx, ages: Ages) -> Iterator[str]:
        return with_rows_after(partitions_of(tx, events), tx.now + GRACE, "events")


def ragged(tx: Tx, partitions: list[Partition], until: datetime, ages: Ages, family: str) -> Iterator[str]:
    """The tables from which rows before ``until`` are deleted one by one, since no partition of theirs is dropped soon.

    That is the one of what no other takes, those that are much wider than they would be made now, and any that is past
    as a whole: what is left there is what could not be dropped. All of them where it has to be exact.
    """
    if not partitions:
        yield family
    width = width_for(ages.events if family == "events" else ages.logs)
    for each in partitions:
        wide = each.start is not None and each.end is not None and each.end - each.start > 2 * width
        past = each.end is not None and each.end <= until
        begun = each.start is None or each.start < until
        if each.is_other or (begun and (past or wide or ages.exact)):
            yield each.name


def with_rows_before(partitions: list[Partition], until: datetime, whole: str) -> Iterator[str]:
    """The tables that may have rows before a moment; the whole one where there are no partitions."""
    yield from (each.name for each in partitions if each.start is None or each.start < until)
    if not partitions:
        yield whole


def with_rows_after(partitions: list[Partition], since: datetime, whole: str) -> Iterator[str]:
    """The tables that may have rows after a moment; the whole one where there are no partitions."""
    yield from (each.name for each in partitions if each.end is None or each.end > since)
    if not partitions:
        yield whole
