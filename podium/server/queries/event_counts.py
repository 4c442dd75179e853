"""Counting events by time, name or resource."""

from datetime import UTC, datetime, timedelta
from math import ceil, floor
from operator import itemgetter
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, case, cast, func, literal_column, select, text

from podium.db.dialect import label_text, readable_json
from podium.db.tables.events import events
from podium.db.unit import Row, Tx
from podium.server.errors import Invalid
from podium.server.queries.event_tallies import Spans, counted
from podium.server.queries.events import conditions, selected
from podium.wire.events import Countable, EventCountQuery, EventFilter, TimeUnit

MOST_SPANS = 1000

_ROOM = text("SET LOCAL work_mem = '64MB'")
"""For as many groups as there are resources, which would else be written to disk and read again."""

PIVOT = datetime(2024, 4, 1, tzinfo=UTC)
"""A Monday from which all spans of time are counted, so that they stay the same whatever the range."""

UNITS: dict[TimeUnit, timedelta] = {
    "week": timedelta(weeks=1),
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}
NAMES = ("prefect.resource.name", "prefect.name")

_LABELS = readable_json(events.c.resource)
_NAME = func.coalesce(*(func.nullif(label_text(_LABELS, name), "") for name in NAMES), events.c.resource_id)
"""What a resource is called. Of thousands of resources a database reads the labels in less time than Python does."""


def count_events(tx: Tx, wanted: EventFilter) -> int:
    """How many events match."""
    return tx.value(select(_total(counted(tx, wanted).c))) or 0


def count_by(tx: Tx, countable: Countable, query: EventCountQuery) -> list[Row]:
    """How many events match, by what is asked for: ``{value, label, count, start_time, end_time}``.

    The filter has both ends of its range. Raises ``Invalid`` when the range has too many spans of time.
    """
    if countable == "event":
        return _by_name(tx, query.filter)
    if countable == "resource":
        return _by_resource(tx, query.filter)
    return _by_time(tx, query)


def spans(query: EventCountQuery, now: datetime) -> list[tuple[datetime, datetime]]:
    """The spans of the range with both their ends, the last microsecond included; the present unit is the last."""
    unit = UNITS[query.time_unit]
    step = unit * query.time_interval
    since, until = query.filter.occurred.since, query.filter.occurred.until
    assert since is not None and until is not None
    latest = PIVOT + ceil((now - PIVOT) / unit) * unit
    first = floor((since - PIVOT) / step)
    number = ceil((min(until, latest) - PIVOT) / step) - first
    if number > MOST_SPANS:
        raise Invalid(f"The range has {number} spans of time, more than {MOST_SPANS}; take longer ones.")
    starts = [PIVOT + (first + place) * step for place in range(max(number, 0))]
    return [(start, start + step - timedelta(microseconds=1)) for start in starts]


def _by_time(tx: Tx, query: EventCountQuery) -> list[Row]:
    wanted = spans(query, tx.now)
    if not wanted:
        return []
    parts = counted(tx, query.filter, Spans(wanted[0][0], UNITS[query.time_unit] * query.time_interval)).c
    found = tx.all(select(parts.value, _total(parts).label("count")).group_by(parts.value))
    counts = {row["value"]: row["count"] for row in found}
    return [
        {
            "value": str(place),
            "label": start.isoformat(),
            "count": counts.get(place, 0),
            "start_time": start,
            "end_time": end,
        }
        for place, (start, end) in enumerate(wanted)
    ]


def _by_name(tx: Tx, wanted: EventFilter) -> list[Row]:
    parts = counted(tx, wanted, "name").c
    found = select(
        parts.value,
        parts.value.label("label"),
        _total(parts).label("count"),
        func.min(parts.first).label("start_time"),
        func.max(parts.last).label("end_time"),
    )
    return tx.all(found.group_by(parts.value).order_by(_total(parts).desc(), parts.value))


def _total(parts: Any) -> ColumnElement[int]:
    return cast(func.sum(parts.events), BigInteger)


def _by_resource(tx: Tx, wanted: EventFilter) -> list[Row]:
    """Each under the label of its newest event, which is looked up only where its events have different ones."""
    found = selected(wanted, events.c.resource_id, events.c.occurred, _NAME.label("label"))
    each = found.offset(literal_column("0")).subquery("found").c  # a label is read once for all that is asked of it
    grouped = (
        select(
            each.resource_id.label("value"),
            func.count().label("count"),
            func.min(each.occurred).label("start_time"),
            func.max(each.occurred).label("end_time"),
            func.min(each.label).label("label"),
            func.max(each.label).label("other"),
        )
        .group_by(each.resource_id)
        .subquery("each")
    )
    of = grouped.c
    newest = (
        select(_NAME)
        .where(events.c.resource_id == of.value, *conditions(wanted))
        .order_by(events.c.occurred.desc(), events.c.id.desc())
        .limit(1)
        .correlate(grouped)
    )
    label = case((of.label == of.other, of.label), else_=newest.scalar_subquery())
    if tx.dialect == "postgresql":
        tx.run(_ROOM)
    # In the order of time, names are almost in theirs: so these thousands are quicker to sort, and to walk in memory.
    counted_each = select(of.value, label.label("label"), of.count, of.start_time, of.end_time)
    counts = tx.all(counted_each.order_by(of.start_time))
    counts.sort(key=itemgetter("label"))
    counts.sort(key=itemgetter("count"), reverse=True)
    return counts
