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
    case,
    func,
    insert,
    literal,
    literal_column,
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
    """The tally of events: a line for each name, or one for all where a slice has too many."""

    def anew(self, dialect: str) -> Any:
        of = events.c
        each = (
            select(
                of.workspace_id,
                of.event,
                func.count().label("events"),
                func.min(of.occurred).label("first"),
                func.max(of.occurred).label("last"),
                func.count().over(partition_by=of.workspace_id).label("names"),
            )
            .where(of.occurred >= MOMENT, of.occurred < END)
            .group_by(of.workspace_id, of.event)
            .subquery("each")
            .c
        )
        name = case((each.names <= literal_column(str(MOST_NAMES)), each.event))
        summed = {
            "workspace_id": each.workspace_id,
            "slice": MOMENT,
            "number": func.row_number().over(),
            "event": name,
            "events": func.sum(each.events),
            "first_occurred": func.min(each.first),
            "last_occurred": func.max(each.last),
        }
        lines = select(*(part.label(column) for column, part in summed.items())).group_by(each.workspace_id, name)
        return insert(event_tallies).from_select(list(summed), lines)


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
    note = tally_notes.c
    noted = select(note.slice).where(note.runs == events.name, note.slice >= start, note.slice < end)
    lines = [*within, _LINES.slice.not_in(noted)]
    untold: Any = noted.distinct()
    if by == "name" or wanted.event is not None:
        lines += [_LINES.event.is_not(None), *conditions_of_name(wanted.event, _LINES.event)]
        untold = union(noted, select(_LINES.slice).where(*within, _LINES.event.is_(None)))
    yield _of_lines(by, lines)
    yield _of_slices(tx, untold.subquery("untold"), wanted, by)
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
    return _raw(by, selected(wanted, events.c.event, events.c.occurred).subquery("chosen").c)


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
