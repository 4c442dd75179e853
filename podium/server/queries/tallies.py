"""Rolling up the runs of the past (docs/architecture.md, "Tallies"): what a tally holds, and how a slice gets there."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)

from podium.db.dialect import is_empty_array
from podium.db.prepared import Prepared
from podium.db.tables.flow_runs import START_TIME_OR_EXPECTED, flow_runs
from podium.db.tables.tallies import flow_run_tallies, tally_horizons, tally_notes, task_run_tallies
from podium.db.tables.tally_triggers import SLICE
from podium.db.tables.task_runs import task_runs
from podium.db.types import EPOCH, Json, Timestamp
from podium.db.unit import WORKSPACE, Tx
from podium.server.queries.flow_runs import delay_sql, run_time_sql
from podium.server.queries.generic import insert_or_ignore
from podium.wire.states import TERMINAL

CLOSED_AFTER = timedelta(hours=2)
"""How old the end of a slice is when its runs are rolled up; above ``YOUNG``, so that each change of them is noted."""

SETTLED_AFTER = timedelta(minutes=5)
"""How old a note is when its slice is rolled up again: runs that go on for hours end one after the other."""

MOST_TAGS = 20
"""How many tags a line counts. A tag for each run, such as an order number, would make it as long as they are."""

# The lists of tags of the runs of a line, to an object with the number of runs that have each tag.
_TAGS = literal_column(
    f"""(SELECT CASE WHEN count(*) <= {MOST_TAGS} THEN coalesce(jsonb_object_agg(counted.tag, counted.runs), '{{}}') END
    FROM (
        SELECT each.tag #>> '{{}}' AS tag, count(DISTINCT lists.run) AS runs
        FROM jsonb_array_elements(grouped.lists) WITH ORDINALITY AS lists(tags, run),
            jsonb_array_elements(lists.tags) AS each(tag)
        WHERE jsonb_typeof(each.tag) = 'string' GROUP BY 1 LIMIT {MOST_TAGS + 1}
    ) AS counted)""",  # noqa: S608 constants
    Json(),
)

_MOMENT = bindparam("moment", type_=Timestamp())
_END = bindparam("end", type_=Timestamp())


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """A table of runs and the table of their tallies; ``start`` is what filters of the runs call their start time."""

    runs: Table
    lines: Table
    start: ColumnElement[datetime]
    kinds: tuple[tuple[Column[bool], ColumnElement[bool]], ...] = ()


FLOW_RUN_TALLY = Tally(
    flow_runs,
    flow_run_tallies,
    START_TIME_OR_EXPECTED,
    ((flow_run_tallies.c.has_parent, flow_runs.c.parent_task_run_id.is_not(None)),),
)
TASK_RUN_TALLY = Tally(task_runs, task_run_tallies, task_runs.c.start_time)
TALLIES = (FLOW_RUN_TALLY, TASK_RUN_TALLY)

_HORIZON = Prepared(select(tally_horizons.c.horizon).where(tally_horizons.c.runs == bindparam("of")))
_LOCK = select(tally_horizons.c.horizon).where(tally_horizons.c.runs == bindparam("of")).with_for_update()
_ADVANCE = update(tally_horizons).where(tally_horizons.c.runs == bindparam("of")).values(horizon=_MOMENT)
_NOTED = (
    select(tally_notes.c.slice)
    .where(tally_notes.c.runs == bindparam("of"), tally_notes.c.slice < bindparam("horizon", type_=Timestamp()))
    .group_by(tally_notes.c.slice)
    .having(func.min(tally_notes.c.changed) <= bindparam("settled", type_=Timestamp()))
    .order_by(tally_notes.c.slice)
    .limit(bindparam("most", type_=Integer()))
)
_FORGET = Prepared(delete(tally_notes).where(tally_notes.c.runs == bindparam("of"), tally_notes.c.slice == _MOMENT))

# A transaction that wrote while its runs were young, and is not over, has left no note of them.
_OLDEST_WRITER = text(
    "SELECT least(now(), min(xact_start)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
)


def slice_of(moment: datetime) -> datetime:
    """The beginning of the slice that a moment is in."""
    return moment - (moment - EPOCH) % SLICE


def horizon_of(tx: Tx, tally: Tally) -> datetime | None:
    """The moment before which slices are rolled up, None without any; never later than now."""
    horizon: datetime | None = tx.value(_HORIZON, of=tally.runs.name)
    return None if horizon is None else min(horizon, slice_of(tx.now))


def tells_tags(tx: Tx, tally: Tally, horizon: datetime) -> bool:
    """Whether every line before the horizon counts the tags of its runs."""
    return tx.dialect == "postgresql" and tx.value(_UNTOLD[tally], horizon=horizon) is None


def closed_until(tx: Tx) -> datetime:
    """The moment before which slices may be rolled up; to be read before the roll-up begins."""
    now = tx.now
    if tx.dialect == "postgresql":
        now = min(now, tx.value(_OLDEST_WRITER))
    return slice_of(now - CLOSED_AFTER)


def roll_up(tx: Tx, tally: Tally, closed: datetime, most: int) -> int:
    """Rolls up the next slices: those after the horizon, then those with settled notes; how many, at most ``most``.

    All of it sees one snapshot: what changed a run that is not in it has left a note that is not in it either.
    """
    if tx.dialect == "postgresql":
        tx.run(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    of = tally.runs.name
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
    """The first closed slice from the horizon on in which runs were expected to start."""
    expected = tally.runs.c.expected_start_time
    first: datetime | None = tx.value(select(func.min(expected)).where(expected >= horizon, expected < closed))
    return None if first is None else slice_of(first)


def _replace(tx: Tx, tally: Tally, moment: datetime) -> None:
    """Makes the lines of a slice anew, and takes its notes away."""
    away, anew = _REPLACE[tx.dialect, tally]
    tx.run(away, moment=moment)
    tx.run(anew, moment=moment, end=moment + SLICE)
    tx.run(_FORGET, of=tally.runs.name, moment=moment)


def _delete_lines(tally: Tally) -> Prepared:
    return Prepared(delete(tally.lines).where(tally.lines.c.slice == _MOMENT))


def _insert_lines(tally: Tally, dialect: str) -> Any:
    runs = tally.runs.c
    alike: list[tuple[str, ColumnElement[Any]]] = [
        ("workspace_id", runs.workspace_id),
        ("state_type", runs.state_type),
        ("state_name", runs.state_name),
        *((column.name, condition) for column, condition in tally.kinds),
        ("started", runs.start_time.is_not(None)),
        ("ended", runs.end_time.is_not(None)),
    ]
    expected, start, end = runs.expected_start_time, tally.start, runs.end_time
    summed: list[tuple[str, ColumnElement[Any]]] = [
        ("runs", func.count()),
        *(
            (f"{which}_{name}", function(moment))
            for name, moment in (("expected", expected), ("start", start), ("end", end))
            for which, function in (("first", func.min), ("last", func.max))
        ),
        ("run_time", func.coalesce(func.sum(run_time_sql(tally.runs, _END)), 0.0)),
        ("running", _number(runs.state_type == "RUNNING", runs.state_timestamp.is_not(None))),
        ("lateness", func.coalesce(func.sum(delay_sql(tally.runs, _END)), 0.0)),
        ("overdue", _number(runs.start_time.is_(None), runs.state_type.not_in(TERMINAL))),
    ]
    named = [("slice", _MOMENT), ("number", func.row_number().over()), *alike, *summed]
    chosen = (
        select(*(part.label(name) for name, part in named))
        .where(expected >= _MOMENT, expected < _END)
        .group_by(*(part for _, part in alike))
    )
    if dialect == "sqlite":
        return insert(tally.lines).from_select([name for name, _ in named], chosen)
    is_list = func.jsonb_typeof(runs.tags) == "array"
    lists = func.jsonb_agg(runs.tags).filter(and_(is_list, ~is_empty_array(runs.tags)))
    lines = chosen.add_columns(lists.label("lists")).subquery("grouped")
    told = select(*(lines.c[name] for name, _ in named), _TAGS.label("tags"))
    return insert(tally.lines).from_select([*(name for name, _ in named), "tags"], told)


def _number(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((and_(*conditions), 1), else_=0))


_REPLACE = {
    (dialect, tally): (_delete_lines(tally), _insert_lines(tally, dialect))
    for dialect in ("sqlite", "postgresql")
    for tally in TALLIES
}
_UNTOLD = {
    tally: Prepared(
        select(tally.lines.c.number)
        .where(
            tally.lines.c.workspace_id == WORKSPACE,
            tally.lines.c.slice < bindparam("horizon", type_=Timestamp()),
            tally.lines.c.tags.is_(None),
        )
        .limit(1)
    )
    for tally in TALLIES
}
