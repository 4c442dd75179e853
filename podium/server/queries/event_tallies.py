"""Counting events by their tallies where a filter asks for names and times alone (docs/architecture.md, "Tallies").

``counted`` makes one statement of it, which sees one snapshot, and is the only place that decides. A slice that is in
the range of the filter as a whole counts by its lines; the ends of the range, and slices with a note, event by event.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    ColumnElement,
    Double,
    Select,
    Subquery,
    Text,
    cast,
    func,
    insert,
    literal,
    literal_column,
    null,
    select,
    true,
    union,
    union_all,
)

from podium.db.dialect import interval_number, later
from podium.db.tables.events import events
from podium.db.tables.tallies import event_tallies, tally_notes
from podium.db.tables.tally_triggers import SLICE
from podium.db.types import MICROSECOND, Timestamp
from podium.db.unit import WORKSPACE, Tx
from podium.server.queries.events import asks_for_more_than_names, conditions, conditions_of_name, selected
from podium.server.queries.tallies import END, MOMENT, Tally, horizon_of, slice_of
from podium.wire.events import EventFilter, EventOccurred

MOST_NAMES = 50
"""How many names of events a slice has lines for. A name for each event would make as many lines."""

CLOSED_AFTER = timedelta(minutes=15)
"""How old the end of a slice is when its events are rolled up: above the age below which no change is noted."""


@dataclass(frozen=True, slots=True)
class Spans:
    """Stretches of time, each as long as ``step``, numbered from ``start`` on, where a slice begins."""

    start: datetime
    step: timedelta


Value = Literal["name"] | Spans | None
"""What events are counted by: their name, the number of the stretch that they occurred in, or nothing."""


class _EventTally(Tally):
    """The tally of events: a line for all of a slice, and one for each name unless there are too many."""

    def anew(self, dialect: str) -> Any:
        of = events.c
        names = func.count().over(partition_by=of.workspace_id)
        each = (
            select(
                of.workspace_id,
                of.event,
                func.count().label("events"),
                func.min(of.occurred).label("first"),
                func.max(of.occurred).label("last"),
                (names <= literal_column(str(MOST_NAMES))).label("named"),
            )
            .where(of.occurred >= MOMENT, of.occurred < END)
            .group_by(of.workspace_id, of.event)
            .cte("each")
            .c
        )
        whole = select(
            each.workspace_id,
            MOMENT,
            literal_column("0"),
            cast(null(), Text),
            func.sum(each.events),
            func.min(each.first),
            func.max(each.last),
            each.named,
        ).group_by(each.workspace_id, each.named)
        number = func.row_number().over()
        by_name = select(
            each.workspace_id, MOMENT, number, each.event, each.events, each.first, each.last, each.named
        ).where(each.named)
        columns = ("workspace_id", "slice", "number", "event", "events", "first_occurred", "last_occurred", "named")
        return insert(event_tallies).from_select(columns, union_all(whole, by_name))


EVENT_TALLY = _EventTally(events, events.c.occurred, event_tallies, CLOSED_AFTER)
_LINES = event_tallies.c


def counted(tx: Tx, wanted: EventFilter, by: Value = None) -> Subquery:
    """The events that match, as rows that together count each of them once.

    Columns: ``events`` is how many, ``value`` what they are counted by, and of names ``first`` and ``last`` tell when.
    """
    whole = _whole_slices(tx, wanted, by)
    parts = [_of_events(wanted, by)] if whole is None else [*_parts(tx, wanted, by, *whole)]
    return union_all(*parts).subquery("parts")


def _whole_slices(tx: Tx, wanted: EventFilter, by: Value) -> tuple[datetime, datetime] | None:
    """From where to where the range of a filter has whole slices that are rolled up; None where lines do not help."""
    since, until = wanted.occurred.since, wanted.occurred.until
    if since is None or until is None or asks_for_more_than_names(wanted):
        return None
    if isinstance(by, Spans) and by.step % SLICE:
        return None
    horizon = horizon_of(tx, EVENT_TALLY)
    if horizon is None or since >= horizon:
        return None
    start = slice_of(since)
    if start < since:
        start += SLICE
    end = horizon if until >= horizon else slice_of(until + MICROSECOND)
    return (start, end) if start < end else None


def _parts(tx: Tx, wanted: EventFilter, by: Value, start: datetime, end: datetime) -> Iterator[Select[Any]]:
    """What is in the slices from ``start`` to ``end``, by lines or by events; what lies before and after them."""
    since, until = wanted.occurred.since, wanted.occurred.until
    within = [_LINES.workspace_id == WORKSPACE, _LINES.slice >= start, _LINES.slice < end]
    zero: ColumnElement[int] = literal_column("0")
    note = tally_notes.c
    noted = select(note.slice).where(note.runs == events.name, note.slice >= start, note.slice < end)
    lines = [*within, _LINES.slice.not_in(noted)]
    if by != "name" and wanted.event is None:
        yield _of_lines(by, [_LINES.number == zero, *lines])
        yield _of_slices(tx, noted.distinct().subquery("untold"), wanted, by)
    else:
        unnamed = select(_LINES.slice).where(_LINES.number == zero, *within, ~_LINES.named)
        yield _of_lines(by, [_LINES.number > zero, *lines, *conditions_of_name(wanted.event, _LINES.event)])
        yield _of_slices(tx, union(noted, unnamed).subquery("untold"), wanted, by)
    if since != start:
        yield _of_events(_during(wanted, since, start - MICROSECOND), by)
    yield _of_events(_during(wanted, end, until), by)


def _during(wanted: EventFilter, since: datetime | None, until: datetime | None) -> EventFilter:
    """The filter, with another range."""
    return msgspec.structs.replace(wanted, occurred=EventOccurred(since=since, until=until))


def _of_lines(by: Value, where: Sequence[ColumnElement[bool]]) -> Select[Any]:
    number = func.sum(_LINES.events)
    return _by(by, number, _LINES.event, _LINES.slice, _LINES.first_occurred, _LINES.last_occurred).where(*where)


def _of_slices(tx: Tx, slices: Subquery, wanted: EventFilter, by: Value) -> Select[Any]:
    """Of the events of a few slices, which are looked up one after the other."""
    inside = [events.c.occurred >= slices.c.slice, events.c.occurred < later(slices.c.slice, SLICE)]
    where = [*inside, *conditions(_during(wanted, None, None))]
    if tx.dialect == "sqlite":
        return _raw(by, events.c).select_from(slices.join(events, true())).where(*where)
    # PostgreSQL, which cannot tell that they are few, would rather read all events and join them.
    each = select(events.c.occurred, events.c.event).where(*where).offset(literal_column("0")).lateral("found")
    return _raw(by, each.c).select_from(slices.join(each, true()))


def _of_events(wanted: EventFilter, by: Value) -> Select[Any]:
    chosen = selected(wanted, events.c.event, events.c.occurred).subquery("chosen")
    return _raw(by, chosen.c).select_from(chosen)


def _raw(by: Value, columns: Any) -> Select[Any]:
    return _by(by, func.count(), columns.event, columns.occurred, columns.occurred, columns.occurred)


def _by(by: Value, number: Any, name: Any, moment: Any, first: Any, last: Any) -> Select[Any]:
    many = number.label("events")
    if by is None:
        return select(many)
    if by == "name":
        times = (func.min(first).label("first"), func.max(last).label("last"))
        return select(many, name.label("value"), *times).group_by(name)
    value = interval_number(literal(by.start, Timestamp()), moment, literal(by.step.total_seconds(), Double()))
    return select(many, value.label("value")).group_by(value)
