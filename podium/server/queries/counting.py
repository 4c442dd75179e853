"""Counting runs: by their tallies where a filter asks for what those know, run by run for the rest.

``tallied`` makes one statement of it, which sees one snapshot, and is the only place that decides. A line of a tally
stands for runs that are alike but for their times. Where all its runs match and fall into one interval, it counts as
it is; where they may and may not, its runs are looked at, which are few: those at the ends of a stretch of time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    union_all,
)

from podium.db.dialect import interval_number, label_text, later, seconds_between, unindexed
from podium.db.tables.tallies import tally_notes
from podium.db.tables.tally_triggers import SLICE
from podium.db.types import Timestamp
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.queries import filter_targets
from podium.server.queries.filtering import VALUE, Condition, Fields, Place, Target, own_conditions, related_conditions
from podium.server.queries.flow_runs import NOW, delay_sql, run_time_sql
from podium.server.queries.run_tallies import FLOW_RUN_TALLY, TASK_RUN_TALLY, RunTally, tells_tags
from podium.server.queries.tallies import horizon_of

Axis = Literal["expected", "start"]
By = Literal["number", "state_type", "state_name"]
Sum = Literal["runs", "run_time", "lateness"]

_COUNTED_COLUMNS = (
    "expected_start_time", "state_type", "state_name", "state_timestamp", "start_time", "total_run_time"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time in which runs were expected to start, both ends included; None: open."""

    after: datetime | None = None
    before: datetime | None = None

    def narrowed(self, after: datetime, before: datetime) -> "Window":
        """What of another stretch is in this one."""
        return Window(max(self.after or after, after), min(self.before or before, before))

    def holds(self, low: Any, high: Any) -> list[Condition]:
        """That ``low`` is not before the window and ``high`` not after it."""
        found: list[Condition] = [] if self.after is None else [low >= self.after]
        return found if self.before is None else [*found, high <= self.before]


@dataclass(frozen=True, slots=True)
class Spans:
    """Intervals of so many seconds from ``start`` on, numbered from 0, up to ``last`` with that moment included."""

    axis: Axis
    start: datetime
    last: datetime
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Which lines of a tally have runs that match: all of their runs (``surely``), or perhaps some (``possibly``).

    ``sharp``: what holds for one run of a line holds for all of them.
    """

    surely: Sequence[Condition] = ()
    possibly: Sequence[Condition] = ()
    sharp: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The runs that are counted; ``lines`` is None where tallies do not know enough to tell them.

    ``tag``: one that all of them have, which lines do not say of their runs but count.
    ``sifted``: a condition looks at the name or tags of every run, which SQLite reads from an index that has no more.
    """

    where: Sequence[Condition] = ()
    window: Window = Window()
    lines: Lines | None = None
    tag: str | None = None
    sifted: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """Runs that are counted: what filters can ask of them, and of the lines of their tally."""

    target: Target
    tally: RunTally
    surely: Target
    possibly: Target


def _time(first: Any, last: Any, flag: Any) -> Place:
    """A time of the runs of lines: ``first`` and ``last`` are what bounds are compared with."""
    return Place(
        flag,
        {
            "after_": lambda _, moment: first >= moment,
            "before_": lambda _, moment: last <= moment,
            "is_null_": lambda there, null: there.is_(not null),
        },
    )


def _kind(target: Target, tally: RunTally, fields: Fields) -> Kind:
    lines = tally.lines.c
    state = {"type": Place(lines.state_type, VALUE), "name": Place(lines.state_name, VALUE)}
    times = (
        ("expected_start_time", lines.first_expected, lines.last_expected, true()),
        ("start_time", lines.first_start, lines.last_start, lines.started),
        ("end_time", lines.first_end, lines.last_end, lines.ended),
    )
    surely = {name: _time(first, last, flag) for name, first, last, flag in times}
    possibly = {name: _time(last, first, flag) for name, first, last, flag in times}
    known = ({**fields, "state": state, **asked} for asked in (surely, possibly))
    return Kind(target, tally, *(Target(target.name, tally.lines, each) for each in known))


_HAS_PARENT = FLOW_RUN_TALLY.lines.c.get("has_parent")
FLOW_RUNS = _kind(
    filter_targets.FLOW_RUNS,
    FLOW_RUN_TALLY,
    {"parent_task_run_id": Place(_HAS_PARENT, {"is_null_": lambda there, null: there.is_(not null)})},
)
TASK_RUNS = _kind(filter_targets.TASK_RUNS, TASK_RUN_TALLY, {})


def selection(kind: Kind, body: Any) -> Selection:
    """The runs that meet every filter in a body of sibling filters."""
    own: Any = getattr(body, kind.target.name, None)
    window = Window()
    bounds = None if own is None or own.operator == "or_" else own.expected_start_time
    if bounds is not None:
        window = Window(bounds.after_, bounds.before_)
        own = msgspec.structs.replace(own, expected_start_time=None)
    related = related_conditions(kind.target, body)
    where = [*own_conditions(kind.target, own), *related]
    sifted = own is not None and (own.name is not None or own.tags is not None)
    tag = _only_tag(own)
    known = own if tag is None else msgspec.structs.replace(own, tags=None)
    return Selection(where, window, None if related else _lines(kind, known), tag, sifted)


def _only_tag(own: Any) -> str | None:
    """The tag of a filter that asks for one, and of tags for nothing else."""
    if own is None or own.operator == "or_" or own.tags is None:
        return None
    tags = own.tags
    alone = tags.all_ is not None and len(tags.all_) == 1
    others = (tags.is_null_, getattr(tags, "any_", None))
    return tags.all_[0] if alone and others == (None, None) else None


def _lines(kind: Kind, own: Any) -> Lines | None:
    """What a filter asks of lines; None where it asks for what they do not know."""
    try:
        surely, possibly = own_conditions(kind.surely, own), own_conditions(kind.possibly, own)
    except KeyError:
        return None
    times = () if own is None else (own.expected_start_time, own.start_time, own.end_time)
    return Lines(surely, possibly, sharp=all(time is None for time in times))


def count_runs(tx: Tx, kind: Kind, selected: Selection) -> int:
    """How many runs are selected."""
    total: int = tallied(tx, kind, selected)[0]["runs"]
    return total


def average_lateness(tx: Tx, selected: Selection) -> float | None:
    """The mean of ``estimated_start_time_delta`` of the flow runs that are selected, None without any."""
    (found,) = tallied(tx, FLOW_RUNS, selected, ("runs", "lateness"))
    return found["lateness"] / found["runs"] if found["runs"] else None


def tallied(
    tx: Tx,
    kind: Kind,
    selected: Selection,
    sums: Sequence[Sum] = ("runs",),
    by: Sequence[By] = (),
    spans: Spans | None = None,
) -> list[Row]:
    """How many runs are selected, and their summed estimates: one row, or one ``by`` what they have in common.

    With ``spans`` only those whose time on their axis lies within; ``number`` is the interval that it lies in.
    """
    question = _Question(kind, sums, by, spans, tx.dialect)
    horizon = horizon_of(tx, kind.tally) if selected.lines else None
    if (
        horizon is not None
        and selected.tag is not None
        and not (tuple(sums) == ("runs",) and tells_tags(tx, kind.tally, horizon))
    ):
        horizon = None
    parts = [*question.parts(selected, horizon)]
    statement: Any = parts[0]
    if len(parts) > 1:
        every = union_all(*parts).subquery("parts")
        total = [cast(func.sum(every.c.runs), BigInteger).label("runs")] if "runs" in sums else []
        total += [func.sum(every.c[name]).label(name) for name in sums if name != "runs"]
        alike = [every.c[name] for name in by]
        statement = select(*alike, *total).group_by(*alike)
    values: dict[str, Any] = {} if spans is None else {"start": spans.start, "seconds": spans.seconds}
    if "run_time" in sums or "lateness" in sums:
        values["now"] = tx.now
    return [{name: row[name] or 0 if name in sums else row[name] for name in row} for row in tx.all(statement, values)]


@dataclass(frozen=True, eq=False)
class _Question:
    """What is counted, as the statements that ask it of runs and of lines."""

    kind: Kind
    sums: Sequence[Sum]
    by: Sequence[By]
    spans: Spans | None
    dialect: str

    @cached_property
    def runs(self) -> Any:
        return self.kind.tally.rows.c

    @cached_property
    def lines(self) -> Any:
        return self.kind.tally.lines.c

    def parts(self, selected: Selection, horizon: datetime | None) -> Iterator[Select[Any]]:
        """Statements that together count each run once."""
        window, spans, where = selected.window, self.spans, list(selected.where)
        if spans is not None and spans.axis == "expected":
            window = window.narrowed(spans.start, spans.last)
        elif spans is not None:
            where += [self.kind.tally.start >= spans.start, self.kind.tally.start <= spans.last]
        expected = self.runs.expected_start_time
        if selected.lines is None or horizon is None or (window.after is not None and window.after >= horizon):
            where += window.holds(expected, expected)
            if selected.sifted and self.dialect == "sqlite" and (self.by or self.sums != ("runs",)):
                where = [self.runs.id.in_(select(self.runs.id).where(self.runs.workspace_id == WORKSPACE, *where))]
            yield self._of_runs(*where)
            return
        # Tested on the runs of a slice, which are found by their expected time.
        checked = [unindexed(each).is_(true()) for each in (*where, *window.holds(expected, expected))]
        yield from self._of_slices(selected.lines, selected.tag, window, horizon, checked)
        if window.before is None or window.before >= horizon:
            ahead = Window(horizon, window.before)
            yield self._of_runs(*where, *ahead.holds(expected, expected))
        if window == Window():
            yield self._of_runs(*where, expected.is_(None))

    def _of_slices(
        self, selected: Lines, tag: str | None, window: Window, horizon: datetime, where: Sequence[Condition]
    ) -> Iterator[Select[Any]]:
        """Of what lies before the horizon: lines, the runs of lines of which some match, and those of noted slices."""
        lines, expected = self.lines, self.runs.expected_start_time
        noted = select(tally_notes.c.slice).where(tally_notes.c.runs == self.kind.tally.rows.name)

        def past(slice_: Any) -> list[Condition]:
            start = None if window.after is None else window.after - SLICE
            return [slice_ < horizon, *Window(start, window.before).holds(slice_, slice_)]

        holds = [lines.workspace_id == WORKSPACE, *past(lines.slice), lines.slice.not_in(noted)]
        surely = [*selected.surely, *window.holds(lines.first_expected, lines.last_expected)]
        possibly = [*selected.possibly, *window.holds(lines.last_expected, lines.first_expected)]
        sharp = selected.sharp and window == Window() and self.spans is None and tag is None
        runs: ColumnElement[int] = lines.runs
        if tag is not None:
            tagged = label_text(lines.tags, tag)
            runs = cast(tagged, BigInteger)
            surely.append(tagged.is_not(None))
            possibly.append(or_(tagged.is_not(None), lines.tags.is_(None)))  # rolled up since ``tells_tags`` looked
        if self.spans is not None:
            first, last = lines[f"first_{self.spans.axis}"], lines[f"last_{self.spans.axis}"]
            stretch = Window(self.spans.start, self.spans.last)
            surely += [*stretch.holds(first, last), self._number(first) == self._number(last)]
            possibly += stretch.holds(last, first)
        yield self._of_lines(runs, *holds, *surely)
        if not sharp:
            some = (
                select(self.kind.tally.lines)
                .where(*holds, *possibly, and_(true(), *surely).is_not(true()))
                .subquery("lines")
            )
            yield self._of_runs_in(some, self._belongs(some.c), where)
        slices = noted.where(*past(tally_notes.c.slice)).distinct().subquery("noted")
        inside = [expected >= slices.c.slice, expected < later(slices.c.slice, SLICE)]
        yield self._of_runs_in(slices, inside, where)

    def _belongs(self, lines: Any) -> list[Condition]:
        """That a run is one of a line."""
        runs = self.runs
        flags = ((lines.started, runs.start_time.is_not(None)), (lines.ended, runs.end_time.is_not(None)))
        return [
            runs.expected_start_time >= lines.first_expected,
            runs.expected_start_time <= lines.last_expected,
            runs.state_type.is_not_distinct_from(lines.state_type),
            runs.state_name.is_not_distinct_from(lines.state_name),
            *(flag == case((told, true()), else_=false()) for flag, told in flags),
            *(lines[kind.name] == case((told, true()), else_=false()) for kind, told in self.kind.tally.kinds),
        ]

    def _number(self, moment: Any) -> ColumnElement[int]:
        return interval_number(bindparam("start", type_=Timestamp()), moment, bindparam("seconds"))

    def _of_runs(self, *where: Condition) -> Select[Any]:
        return self._counted(self.kind.tally.rows, self.kind.tally.start).where(
            self.runs.workspace_id == WORKSPACE, *where
        )

    def _of_runs_in(self, stretches: Any, inside: Sequence[Condition], where: Sequence[Condition]) -> Select[Any]:
        """Of the runs in each of a few stretches of time, which are looked up one after the other."""
        if self.dialect == "sqlite":
            found = self._counted(self.kind.tally.rows, self.kind.tally.start).where(
                self.runs.workspace_id == WORKSPACE, *where
            )
            return found.select_from(stretches.join(self.kind.tally.rows, and_(*inside)))
        # PostgreSQL, which cannot tell that they are few, would rather read all runs and join them.
        named = [self.runs[name] for name in _COUNTED_COLUMNS]
        runs = select(*named, self.kind.tally.start.label("start"))
        runs = runs.where(self.runs.workspace_id == WORKSPACE, *inside, *where).offset(literal_column("0"))
        of_each = runs.lateral("runs")
        return self._counted(of_each, of_each.c.start).select_from(stretches.join(of_each, true()))

    def _counted(self, runs: Any, start: ColumnElement[datetime]) -> Select[Any]:
        sums: dict[Sum, ColumnElement[Any]] = {"runs": func.count()}
        sums |= {"run_time": func.sum(run_time_sql(runs)), "lateness": func.sum(delay_sql(runs))}
        moment = start if self.spans and self.spans.axis == "start" else runs.c.expected_start_time
        return self._select(runs.c, moment, sums)

    def _of_lines(self, runs: ColumnElement[int], *where: Condition) -> Select[Any]:
        lines = self.lines
        since = seconds_between(later(lines.slice, SLICE), NOW)
        sums: dict[Sum, ColumnElement[Any]] = {
            "runs": func.sum(runs),
            "run_time": func.sum(lines.run_time + lines.running * since),
            "lateness": func.sum(lines.lateness + lines.overdue * since),
        }
        first = lines[f"first_{self.spans.axis}"] if self.spans else lines.first_expected
        return self._select(lines, first, sums).where(*where)

    def _select(self, columns: Any, moment: Any, sums: Mapping[Sum, ColumnElement[Any]]) -> Select[Any]:
        alike = [self._number(moment) if name == "number" else unindexed(columns[name]) for name in self.by]
        named = [part.label(name) for part, name in zip(alike, self.by, strict=True)]
        return select(*named, *(sums[name].label(name) for name in self.sums)).group_by(*alike)
