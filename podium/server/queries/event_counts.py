"""Counting events by time, name or resource."""

from datetime import UTC, datetime, timedelta
from math import ceil, floor
from operator import itemgetter

import msgspec
from sqlalchemy import BindParameter, Double, and_, bindparam, func, select, text, true

from podium.db.dialect import interval_number, label_text
from podium.db.tables.events import events
from podium.db.types import Timestamp, decoded
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import Invalid
from podium.server.queries.events import asks_for_more_than_names, conditions, selected, several_workers
from podium.wire.events import Countable, EventCountQuery, EventFilter, TimeUnit

MOST_SPANS = 1000
MOST_NAMES = 200
"""Names of events that are counted one by one."""

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

_NAME = func.coalesce(*(func.nullif(label_text(events.c.resource, name), "") for name in NAMES), events.c.resource_id)
"""What a resource is called. Of thousands of resources PostgreSQL reads the labels in less time than Python does."""

_FIRST_NAME = (
    select(func.min(events.c.event).label("event"))
    .where(events.c.workspace_id == WORKSPACE)
    .cte("names", recursive=True)
)
_NEXT_NAME = select(func.min(events.c.event)).where(
    events.c.workspace_id == WORKSPACE, events.c.event > _FIRST_NAME.c.event
)
_NAMES = _FIRST_NAME.union_all(select(_NEXT_NAME.scalar_subquery()).where(_FIRST_NAME.c.event.is_not(None)))
"""The names of all events, and a null behind the last, each looked up in the index from the one before."""

_START = bindparam("span_start", type_=Timestamp())
_SECONDS: BindParameter[float] = bindparam("span_seconds", type_=Double())


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
    seconds = (UNITS[query.time_unit] * query.time_interval).total_seconds()
    number = interval_number(_START, events.c.occurred, _SECONDS).label("number")
    chosen = selected(query.filter, number).subquery()
    counted = select(chosen.c.number, func.count().label("count")).group_by(chosen.c.number)
    with several_workers(tx, query.filter):
        counts = {row["number"]: row["count"] for row in tx.all(counted, span_start=wanted[0][0], span_seconds=seconds)}
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
    if tx.dialect == "postgresql" and not asks_for_more_than_names(wanted):
        few = tx.value(select(func.count()).select_from(select(_NAMES.c.event).limit(MOST_NAMES + 1).subquery()))
        if few <= MOST_NAMES:
            return _by_each_name(tx, wanted)
    chosen = selected(wanted, events.c.event, events.c.occurred).subquery()
    counted = (
        select(
            chosen.c.event.label("value"),
            chosen.c.event.label("label"),
            func.count().label("count"),
            func.min(chosen.c.occurred).label("start_time"),
            func.max(chosen.c.occurred).label("end_time"),
        )
        .group_by(chosen.c.event)
        .order_by(func.count().desc(), chosen.c.event)
    )
    return tx.all(counted)


def _by_each_name(tx: Tx, wanted: EventFilter) -> list[Row]:
    """Goes from name to name in the index of names and times, and counts each one's times there.

    Grouping reads that index from end to end, whatever the times.
    """
    counted = (
        select(
            func.count().label("count"),
            func.min(events.c.occurred).label("start_time"),
            func.max(events.c.occurred).label("end_time"),
        )
        .where(events.c.event == _NAMES.c.event, *conditions(wanted))
        .correlate(_NAMES)
        .lateral("counted")
    )
    found = select(_NAMES.c.event.label("value"), _NAMES.c.event.label("label"), *counted.c)
    return tx.all(
        found.join_from(_NAMES, counted, true())
        .where(_NAMES.c.event.is_not(None), counted.c.count > 0)
        .order_by(counted.c.count.desc(), _NAMES.c.event)
    )


def _by_resource(tx: Tx, wanted: EventFilter) -> list[Row]:
    """Counted first, then the labels of each one's newest event are looked up: sorting wide rows would take long."""
    chosen = selected(wanted, events.c.resource_id, events.c.occurred).subquery()
    counted = select(
        chosen.c.resource_id.label("value"),
        func.count().label("count"),
        func.min(chosen.c.occurred).label("start_time"),
        func.max(chosen.c.occurred).label("end_time"),
    )
    each = counted.group_by(chosen.c.resource_id).subquery("each")
    newest = and_(events.c.resource_id == each.c.value, events.c.occurred == each.c.end_time)
    label = events.c.resource if tx.dialect == "sqlite" else _NAME
    labelled = select(*each.c, label.label("label"), events.c.id).join_from(each, events, newest)
    if tx.dialect == "postgresql":
        tx.run(_ROOM)
    found = tx.all(labelled.where(*conditions(wanted)))
    rows = {row["value"]: row for row in found}
    if len(rows) < len(found):  # of events of one moment the one with the last id is the newest
        rows = {row["value"]: row for row in sorted(found, key=itemgetter("id"))}
    for row in rows.values():
        del row["id"]
        if tx.dialect == "sqlite":
            row["label"] = _name(row["label"], row["value"])
    counts = sorted(rows.values(), key=itemgetter("label"))
    counts.sort(key=itemgetter("count"), reverse=True)
    return counts


def _name(resource: msgspec.Raw, resource_id: str) -> str:
    """Read here, and not by SQLite, which gives up on a row that is no JSON."""
    labels: dict[str, str] = decoded(resource, dict[str, str], {})
    return next((labels[name] for name in NAMES if labels.get(name)), resource_id)
