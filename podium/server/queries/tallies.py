"""Rolling up the past (docs/architecture.md, "Tallies"): how a slice of time becomes lines of a tally."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Column, Integer, Table, bindparam, delete, func, select, text, update

from podium.db.prepared import Prepared
from podium.db.tables.tallies import tally_horizons, tally_notes
from podium.db.tables.tally_triggers import SLICE
from podium.db.types import EPOCH, Timestamp
from podium.db.unit import Tx
from podium.server.queries.generic import insert_or_ignore

SETTLED_AFTER = timedelta(minutes=5)
"""How old a note is when its slice is rolled up again: runs that go on for hours end one after the other."""

MOMENT = bindparam("moment", type_=Timestamp())
END = bindparam("end", type_=Timestamp())


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """A table whose rows are tallied by the time of a column, and the table of the lines.

    ``closed_after``: how old the end of a slice is when it is rolled up, so that each later change of it is noted.
    """

    rows: Table
    moment: Column[datetime]
    lines: Table
    closed_after: timedelta

    def anew(self, dialect: str) -> Any:
        """The statement that makes the lines of the slice from ``MOMENT`` up to, and without, ``END``."""
        raise NotImplementedError


_HORIZON = Prepared(select(tally_horizons.c.horizon).where(tally_horizons.c.runs == bindparam("of")))
_LOCK = select(tally_horizons.c.horizon).where(tally_horizons.c.runs == bindparam("of")).with_for_update()
_ADVANCE = update(tally_horizons).where(tally_horizons.c.runs == bindparam("of")).values(horizon=MOMENT)
_NOTED = (
    select(tally_notes.c.slice)
    .where(tally_notes.c.runs == bindparam("of"), tally_notes.c.slice < bindparam("horizon", type_=Timestamp()))
    .group_by(tally_notes.c.slice)
    .having(func.min(tally_notes.c.changed) <= bindparam("settled", type_=Timestamp()))
    .order_by(tally_notes.c.slice)
    .limit(bindparam("most", type_=Integer()))
)
_FORGET = Prepared(delete(tally_notes).where(tally_notes.c.runs == bindparam("of"), tally_notes.c.slice == MOMENT))

# A transaction that wrote while its rows were young, and is not over, has left no note of them.
_OLDEST_WRITER = text(
    "SELECT least(now(), min(xact_start)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
)


def slice_of(moment: datetime) -> datetime:
    """The beginning of the slice that a moment is in."""
    return moment - (moment - EPOCH) % SLICE


def horizon_of(tx: Tx, tally: Tally) -> datetime | None:
    """The moment before which slices are rolled up, None without any; never later than now."""
    horizon: datetime | None = tx.value(_HORIZON, of=tally.rows.name)
    return None if horizon is None else min(horizon, slice_of(tx.now))


def closed_until(tx: Tx, tally: Tally) -> datetime:
    """The moment before which slices may be rolled up; to be read before the roll-up begins."""
    now = tx.now
    if tx.dialect == "postgresql":
        now = min(now, tx.value(_OLDEST_WRITER))
    return slice_of(now - tally.closed_after)


def roll_up(tx: Tx, tally: Tally, closed: datetime, most: int) -> int:
    """Rolls up the next slices: those after the horizon, then those with settled notes; how many, at most ``most``.

    All of it sees one snapshot: what changed a run that is not in it has left a note that is not in it either.
    """
    if tx.dialect == "postgresql":
        tx.run(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    of = tally.rows.name
    horizon: datetime | None = tx.value(_LOCK, of=of)
    if horizon is None:
        first = _next_slice(tx, tally, datetime.min.replace(tzinfo=EPOCH.tzinfo), closed)
        if first is None:
            return 0
        tx.run(insert_or_ignore(tx, tally_horizons), runs=of, horizon=first)
        horizon = first
    done, reached = 0, horizon
    while done < most and reached < closed:
        following = _next_slice(tx, tally, reached, closed)
        if following is None:
            reached = closed
        else:
            _replace(tx, tally, following)
            reached = following + SLICE
            done += 1
    if reached != horizon:
        tx.run(_ADVANCE, of=of, moment=reached)
    noted = tx.column(_NOTED, of=of, horizon=reached, settled=tx.now - SETTLED_AFTER, most=most - done)
    for moment in noted:
        _replace(tx, tally, moment)
    return done + len(noted)


def _next_slice(tx: Tx, tally: Tally, horizon: datetime, closed: datetime) -> datetime | None:
    """The first closed slice from the horizon on that has rows."""
    moment = tally.moment
    first: datetime | None = tx.value(select(func.min(moment)).where(moment >= horizon, moment < closed))
    return None if first is None else slice_of(first)


def _replace(tx: Tx, tally: Tally, moment: datetime) -> None:
    """Makes the lines of a slice anew, and takes its notes away."""
    away, anew = _replacing(tally, tx.dialect)
    tx.run(away, moment=moment)
    tx.run(anew, moment=moment, end=moment + SLICE)
    tx.run(_FORGET, of=tally.rows.name, moment=moment)


@cache
def _replacing(tally: Tally, dialect: str) -> tuple[Prepared, Any]:
    """The statements that delete the lines of a slice, and make them."""
    return Prepared(delete(tally.lines).where(tally.lines.c.slice == MOMENT)), tally.anew(dialect)
