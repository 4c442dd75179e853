"""Tables that PostgreSQL keeps in partitions by time: which there are, made ahead of their time, dropped whole.

Tables that belong together have partitions of the same ranges. Each table has one partition more, ``…_other``, which
takes what no other does: so inserting never depends on somebody having made one, whatever time a client names.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Table, text

from podium.db.tables.events import event_resources, events
from podium.db.tables.logs import logs
from podium.db.unit import Tx

FAMILIES: dict[str, tuple[tuple[Table, str], ...]] = {
    "events": ((events, "occurred"), (event_resources, "occurred")),
    "logs": ((logs, "timestamp"),),
}
"""Tables and the columns of their time; the first decides what is kept."""

WIDTHS = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(days=1),
    timedelta(weeks=1),
    timedelta(weeks=4),
    timedelta(weeks=52),
)
UNLIMITED = timedelta(weeks=4)
PARTS = 14
"""About how many partitions a period of retention is divided into: so much longer are rows kept at most."""

PIVOT = datetime(2024, 1, 1, tzinfo=UTC)
MOST_MOVED = 10_000
"""Rows of one range that are moved out of ``…_other`` for a partition of their own; where there are more they stay."""

MOST_PAST = 200
"""Partitions that are made at most for what lies in the past; what is older stays in ``…_other``."""

LOCK_WAIT = 300
"""Milliseconds that making or dropping a partition waits for its lock: for so long others wait behind it."""

ALONE = 0x7061727473

_FOUND = text(
    "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bound FROM pg_inherits i "
    "JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass(:parent) ORDER BY c.relname"
)
_RANGE = re.compile(r"FROM \((.+?)\) TO \((.+?)\)$")


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition: rows from ``start`` up to, and without, ``end``; None where that side is open. Both: ``…_other``."""

    name: str
    start: datetime | None
    end: datetime | None

    @property
    def is_other(self) -> bool:
        """Whether it takes what no other partition does."""
        return self.start is None and self.end is None


def width_for(retention: timedelta | None) -> timedelta:
    """How much time a partition holds where rows are kept that long; None: for good."""
    if retention is None:
        return UNLIMITED
    return next((width for width in WIDTHS if width * PARTS >= retention), WIDTHS[-1])


def partitions_of(tx: Tx, table: Table) -> list[Partition]:
    """The partitions of a table, the oldest first and ``…_other`` last; none on SQLite."""
    if tx.dialect != "postgresql":
        return []
    # One that is dropped at this very moment is still listed, without its bound.
    found = [_partition(row["relname"], row["bound"]) for row in tx.all(_FOUND, parent=table.name) if row["bound"]]
    earliest = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda each: (each.is_other, each.start or earliest))


def _partition(name: str, bound: str) -> Partition:
    ends = _RANGE.search(bound)
    start, end = (_moment(side) for side in ends.groups()) if ends else (None, None)
    return Partition(name, start, end)


def _moment(side: str) -> datetime | None:
    return None if side in ("MINVALUE", "MAXVALUE") else datetime.fromisoformat(side.strip("'")).astimezone(UTC)


def missing(tx: Tx, family: str, width: timedelta, ahead: timedelta) -> list[tuple[datetime, datetime]]:
    """The ranges that have no partition yet, from now until that far ahead."""
    if tx.dialect != "postgresql":
        return []
    first, _ = FAMILIES[family][0]
    last = max((each.end for each in partitions_of(tx, first) if each.end is not None), default=PIVOT)
    start = max(last, _floor(tx.now, width))
    ranges = []
    while start < tx.now + ahead:
        end = _floor(start, width) + width
        ranges.append((start, end))
        start = end
    return ranges


def past_ranges(tx: Tx, family: str, width: timedelta, since: datetime) -> list[tuple[datetime, datetime]]:
    """The ranges from ``since`` on that lie before all partitions there are, or until now: for rows that come late."""
    first, _ = FAMILIES[family][0]
    ends = [each.start for each in partitions_of(tx, first) if each.start is not None]
    until = min(ends, default=_floor(tx.now, width) + width)
    ranges: list[tuple[datetime, datetime]] = []
    while until > since and len(ranges) < MOST_PAST:
        start = _floor(until - timedelta(microseconds=1), width)
        ranges.append((start, until))
        until = start
    return ranges


def _floor(moment: datetime, width: timedelta) -> datetime:
    return PIVOT + (moment - PIVOT) // width * width


def make_partition(tx: Tx, family: str, start: datetime, end: datetime) -> bool:
    """Makes the partitions of a range, and moves there what ``…_other`` has of it; whether it did.

    It does not where another process is at it, or where there is more to move than can be done in a moment.
    """
    _hurry(tx)
    if not tx.value(text("SELECT pg_try_advisory_xact_lock(:key)"), key=ALONE):
        return False
    parts = [(table.name, column, f"{table.name}_{_label(start)}") for table, column in FAMILIES[family]]
    stray = {table: _stray(tx, table, column, start, end) for table, column, _ in parts}
    if any(count > MOST_MOVED for count in stray.values()) or any(_exists(tx, name) for _, _, name in parts):
        return False
    for table, column, name in parts:
        _make(tx, table, name, _between(column, start, end) if stray[table] else None)
        tx.run(
            text(
                f"ALTER TABLE {table} ATTACH PARTITION {name} "
                f"FOR VALUES FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
            )
        )
    return True


def _between(column: str, start: datetime, end: datetime) -> str:
    return f"{column} >= '{start.isoformat()}' AND {column} < '{end.isoformat()}'"


def _stray(tx: Tx, table: str, column: str, start: datetime, end: datetime) -> int:
    """How many rows of a range ``…_other`` has, counted no further than needed."""
    rows = f"SELECT FROM {table}_other WHERE {_between(column, start, end)} LIMIT {MOST_MOVED + 1}"
    count: int = tx.value(text(f"SELECT count(*) FROM ({rows}) stray"))  # noqa: S608 - names and moments of our own
    return count


def _exists(tx: Tx, name: str) -> bool:
    return bool(tx.value(text("SELECT to_regclass(:name) IS NOT NULL"), name=name))


def _make(tx: Tx, table: str, name: str, stray: str | None) -> None:
    """Makes a table for a partition, with the rows of ``…_other`` for which ``stray`` holds."""
    tx.run(text(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"))
    if stray is not None:
        tx.run(text(f"LOCK TABLE {table}_other IN ACCESS EXCLUSIVE MODE"))
        moved = f"WITH moved AS (DELETE FROM {table}_other WHERE {stray} RETURNING *)"  # noqa: S608
        tx.run(text(f"{moved} INSERT INTO {name} SELECT * FROM moved"))  # noqa: S608


def _label(start: datetime) -> str:
    return f"{start:%Y%m%d}" if (start.hour, start.minute, start.second) == (0, 0, 0) else f"{start:%Y%m%d_%H%M%S}"


def past(tx: Tx, family: str, until: datetime) -> list[Partition]:
    """The partitions of a family's first table with nothing newer than ``until``, the oldest first."""
    first, _ = FAMILIES[family][0]
    return [each for each in partitions_of(tx, first) if each.end is not None and each.end <= until]


def siblings(tx: Tx, family: str, partition: Partition) -> list[str]:
    """The names of the partitions of all tables of a family that hold the range of one, its own first."""
    return [
        each.name
        for table, _ in FAMILIES[family]
        for each in partitions_of(tx, table)
        if (each.start, each.end) == (partition.start, partition.end)
    ]


def lock(tx: Tx, names: Sequence[str]) -> None:
    """Keeps everybody from these partitions until the unit ends; gives up soon where that is not possible."""
    _hurry(tx)
    tx.run(text(f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE"))


def drop(tx: Tx, names: Sequence[str]) -> None:
    """Drops partitions with all that is in them; gives up soon where somebody uses their tables."""
    _hurry(tx)
    for name in names:
        tx.run(text(f"DROP TABLE {name}"))


def _hurry(tx: Tx) -> None:
    tx.one(text("SELECT set_config('lock_timeout', :wait, true)"), wait=str(LOCK_WAIT))
