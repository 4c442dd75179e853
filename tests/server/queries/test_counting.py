"""Counts and histories by tallies: the same as counted run by run, whatever changed, and whatever is rolled up."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, func, insert, select, text, update

from podium.db.tables.flow_runs import flow_runs
from podium.db.tables.tallies import tally_horizons, tally_notes
from podium.db.tables.task_runs import task_runs
from podium.db.unit import Tx
from podium.server.queries import counting, run_tallies, tallies
from podium.server.queries.counting import FLOW_RUNS, TASK_RUNS, Kind, Selection, Spans, count_runs, selection, tallied
from podium.server.queries.generic import new_row
from podium.server.queries.tallies import closed_until, roll_up
from podium.server.services.tallies import roll_up_past, roll_up_slices
from podium.wire.flow_runs import FlowRunQuery
from podium.wire.task_runs import TaskRunQuery
from tests.server.conftest import Units
from tests.server.rows import Rows, at

HOURS = 8
STATES = (
    ("COMPLETED", "Completed"),
    ("COMPLETED", "Cached"),
    ("FAILED", "Failed"),
    ("RUNNING", "Running"),
    ("SCHEDULED", "Late"),
    ("CANCELLED", "Cancelled"),
    (None, None),
)
TAGS: tuple[list[str], ...] = ([], [], ["a"], ["a", 'quo"te'], ["b", "a", "b"], ["1"])
SUMS = ("runs", "run_time", "lateness")


@pytest.fixture(autouse=True)
def _settled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slice may be rolled up again as soon as a run of it changed."""
    monkeypatch.setattr(tallies, "SETTLED_AFTER", timedelta(minutes=-1))


class Months:
    """Runs of some hours long ago, and what happens to them, made up from a seed."""

    def __init__(self, units: Units, seed: int) -> None:
        self.units, self.choose = units, random.Random(seed)
        self.flow = Rows(units.write).flow()
        task = Rows(units.write).task_run(None, state=None)
        self.parents = (None, None, task)

    def moment(self) -> Any:
        """Some time of the hours, also at the very end of a slice."""
        slices = self.choose.randrange(HOURS * 2) * 1800.0
        return at(slices + self.choose.choice((0.0, 1799.999999, self.choose.uniform(0, 1800))))

    def values(self, kind: Kind) -> dict[str, Any]:
        """What a run may be like."""
        choose = self.choose
        expected = None if choose.random() < 0.05 else self.moment()
        type_, name = choose.choice(STATES)
        start = None if choose.random() < 0.3 else self.moment() if choose.random() < 0.2 else expected
        start = start and start + timedelta(seconds=choose.choice((0, 0, -1, choose.uniform(0, 3000))))
        end = start and (None if choose.random() < 0.3 else start + timedelta(seconds=choose.uniform(0, 900)))
        values = {
            "state_type": type_,
            "state_name": name,
            "state_timestamp": type_ and (end or start or at(0)),
            "expected_start_time": expected,
            "start_time": start,
            "end_time": end,
            "total_run_time": round(choose.uniform(0, 100), 3),
            "tags": choose.choice(TAGS),
        }
        if kind is FLOW_RUNS:
            values["parent_task_run_id"] = choose.choice(self.parents)
        return values

    def change(self, tx: Tx, kind: Kind) -> None:
        """Adds, changes or removes some runs."""
        runs, choose = kind.tally.rows, self.choose
        for _ in range(choose.randrange(1, 6)):
            what = choose.random()
            some = tx.column(select(runs.c.id).order_by(func.random()).limit(1)) if what > 0.4 else []
            if not some:
                own = {"flow_id": self.flow} if kind is FLOW_RUNS else {"task_key": "t", "dynamic_key": str(choose)}
                row = new_row(tx, runs, {"name": "run", **own, **self.values(kind)})
                if kind is TASK_RUNS:
                    row["dynamic_key"] = row["id"]
                tx.run(insert(runs).values(row))
            elif what < 0.8:
                values = self.values(kind)
                few = choose.sample(sorted(values), choose.randrange(1, len(values)))
                changed = {name: values[name] for name in few}
                if "state_type" in changed or "state_timestamp" in changed:
                    changed |= {name: values[name] for name in values if name.startswith("state_")}
                tx.run(update(runs).where(runs.c.id.in_(some)).values(changed))
            elif some[0] not in self.parents:
                tx.run(delete(runs).where(runs.c.id.in_(some)))

    def filter(self) -> dict[str, Any]:
        """A filter of runs as a client sends it."""
        choose, parts = self.choose, {}

        def bounds() -> dict[str, Any]:
            first, last = sorted((self.moment(), self.moment()))
            which = choose.randrange(4)
            return {**({"after_": first} if which != 1 else {}), **({"before_": last} if which else {})}

        if choose.random() < 0.5:
            parts["state"] = choose.choice(
                (
                    {"type": {"any_": ["COMPLETED", "FAILED"]}},
                    {"name": {"any_": ["Cached", "Late"]}},
                    {"type": {"any_": []}},
                )
            )
        for name in ("expected_start_time", "start_time", "end_time"):
            if choose.random() < 0.4:
                parts[name] = bounds()
            elif name != "expected_start_time" and choose.random() < 0.2:
                parts[name] = {"is_null_": choose.random() < 0.5}
        if parts and choose.random() < 0.2:
            parts["operator"] = "or_"
        elif choose.random() < 0.3:
            parts["tags"] = {"all_": [choose.choice(("a", 'quo"te', "b", "1", "none"))]}
        return parts

    def selection(self, kind: Kind) -> Selection:
        """A filter compiled."""
        parts = self.filter()
        if kind is TASK_RUNS:
            return selection(kind, TaskRunQuery(task_runs=_decoded(TaskRunQuery, "task_runs", parts)))
        if self.choose.random() < 0.3:
            parts["parent_task_run_id"] = {"is_null_": self.choose.random() < 0.5}
        if self.choose.random() < 0.2:
            parts["state"] = {"type": {"not_any_": ["RUNNING"]}}
        return selection(kind, FlowRunQuery(flow_runs=_decoded(FlowRunQuery, "flow_runs", parts)))

    def spans(self) -> Spans | None:
        """Intervals as a history or the dashboard asks for them."""
        if self.choose.random() < 0.3:
            return None
        start, seconds = self.moment(), self.choose.choice((60.0, 900.0, 1800.0, 4321.5))
        end = start + timedelta(seconds=seconds * self.choose.randrange(1, 20))
        return Spans(self.choose.choice(("expected", "start")), start, end, seconds)


def _decoded(query: Any, name: str, parts: dict[str, Any]) -> Any:
    return getattr(msgspec.convert({name: parts}, query), name)


def both_ways(tx: Tx, kind: Kind, selected: Selection, by: Any, spans: Spans | None) -> tuple[Any, Any]:
    """Rows counted by tallies, and run by run; sums to the microsecond, which lines do not know of a tag."""
    assert selected.lines is not None
    sums = SUMS if selected.tag is None else SUMS[:1]

    def rounded(found: list[dict[str, Any]]) -> dict[Any, list[float]]:
        return {
            tuple(row[name] for name in by): [row["runs"], *(pytest.approx(row[each], abs=1e-4) for each in sums[1:])]
            for row in found
            if row["runs"]
        }

    raw = Selection(selected.where, selected.window)
    return tuple(rounded(tallied(tx, kind, each, sums, by, spans)) for each in (selected, raw))


@pytest.mark.parametrize("kind", [FLOW_RUNS, TASK_RUNS], ids=["flow runs", "task runs"])
def test_tallies_count_as_the_runs_do(units: Units, kind: Kind) -> None:
    """For any filter and any intervals, after any changes of runs of the past and any roll-ups."""
    months = Months(units, 7)
    closed = units.read(closed_until, kind.tally)
    rolled = 0

    def compare(tx: Tx) -> None:
        selected, spans = months.selection(kind), months.spans()
        by = months.choose.choice(((), ("state_type",), ("state_type", "state_name")))
        tallied_, raw = both_ways(tx, kind, selected, (*(("number",) if spans else ()), *by), spans)
        assert tallied_ == raw

    for _ in range(12):
        units.write(months.change, kind)
        if months.choose.random() < 0.5:
            rolled += units.write(roll_up, kind.tally, closed, months.choose.randrange(1, 8))
        for _ in range(6):
            units.read(compare)
    assert rolled > 5


def test_runs_of_a_tag_are_counted_by_lines_while_these_have_few(units: Units, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL; a line of runs with many tags tells none, and then all runs are looked at."""
    rows = Rows(units.write)
    flow = rows.flow()
    for number in range(run_tallies.MOST_TAGS):
        tags = ["all", "all", f"one-{number}"] if number else ["all"]
        rows.flow_run(flow, f"run-{number}", "COMPLETED", expected_start_time=at(number - 9 * 86400), tags=tags)
    wanted = selection(
        FLOW_RUNS, FlowRunQuery(flow_runs=_decoded(FlowRunQuery, "flow_runs", {"tags": {"all_": ["all"]}}))
    )

    def count() -> tuple[int, bool]:
        def unit(tx: Tx) -> tuple[int, bool]:
            horizon = tallies.horizon_of(tx, FLOW_RUNS.tally)
            return count_runs(tx, FLOW_RUNS, wanted), horizon is not None and run_tallies.tells_tags(
                tx, FLOW_RUNS.tally, horizon
            )

        return units.read(unit)

    assert wanted.tag == "all"
    assert count()[0] == run_tallies.MOST_TAGS
    units.run(roll_up_past(units.runtime))
    on_postgresql = units.database.dialect == "postgresql"
    assert count() == (run_tallies.MOST_TAGS, on_postgresql)
    more = rows.flow_run(
        flow, "one more", "COMPLETED", expected_start_time=at(60 - 9 * 86400), tags=["all", "one more"]
    )
    assert count() == (run_tallies.MOST_TAGS + 1, on_postgresql)
    units.run(roll_up_past(units.runtime))
    assert count() == (run_tallies.MOST_TAGS + 1, False)
    with monkeypatch.context() as patched:  # rolled up just after a count looked whether lines tell tags
        patched.setattr(counting, "tells_tags", lambda *_: on_postgresql)
        assert count()[0] == run_tallies.MOST_TAGS + 1
    units.write(lambda tx: tx.run(delete(flow_runs).where(flow_runs.c.id == more)))
    units.run(roll_up_past(units.runtime))
    assert count() == (run_tallies.MOST_TAGS, on_postgresql)


def test_tallies_count_as_the_runs_do_while_writers_and_roll_ups_meet(units: Units) -> None:
    """In any snapshot: transactions that change runs of the past while a roll-up looks are in its notes."""
    months = Months(units, 11)

    def slow_change(tx: Tx) -> None:
        months.change(tx, FLOW_RUNS)
        if tx.dialect == "postgresql":
            tx.run(text("SELECT pg_sleep(0.01)"))
            months.change(tx, FLOW_RUNS)

    def compare(tx: Tx) -> None:
        if tx.dialect == "postgresql":
            tx.run(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        for selected in (selection(FLOW_RUNS, FlowRunQuery()), months.selection(FLOW_RUNS)):
            tallied_, raw = both_ways(tx, FLOW_RUNS, selected, ("state_type",), None)
            assert tallied_ == raw

    async def meet() -> None:
        async def repeat(times: int, work: Any) -> None:
            for _ in range(times):
                await work()

        database = units.database
        writers = [repeat(20, lambda: database.write(slow_change)) for _ in range(4)]
        reader = repeat(20, lambda: database.read(compare))
        await asyncio.gather(*writers, reader, repeat(40, lambda: roll_up_slices(database, 3, 0.05)))

    units.run(meet())
    units.read(compare)


def test_what_is_rolled_up_is_counted_by_its_lines_until_a_run_of_it_changes(
    units: Units, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change leaves a note for its slice alone, also where another row takes the run along; young runs leave none."""
    rows = Rows(units.write)
    flow = rows.flow()
    old = rows.flow_run(flow, "old", "COMPLETED", expected_start_time=at(-7 * 86400))
    rows.task_run(old, "child", "COMPLETED", expected_start_time=at(-6 * 86400))
    units.run(roll_up_past(units.runtime))
    noted = select(tally_notes.c.runs, tally_notes.c.slice)
    assert units.all(noted) == []
    assert {row["runs"] for row in units.all(select(tally_horizons.c.runs))} == {"flow_runs", "task_runs"}

    def set_name(tx: Tx) -> None:
        tx.run(update(flow_runs).where(flow_runs.c.id == old).values(name="renamed"))

    units.write(set_name)
    young = units.database.clock()
    rows.flow_run(flow, "young", "RUNNING", expected_start_time=young)
    assert units.all(noted) == []
    units.write(lambda tx: tx.run(delete(flow_runs).where(flow_runs.c.id == old)))
    assert {(row["runs"], row["slice"]) for row in units.all(noted)} == {
        ("flow_runs", at(-7 * 86400)),
        ("task_runs", at(-6 * 86400)),
    }
    monkeypatch.setattr(tallies, "SETTLED_AFTER", timedelta(minutes=5))
    units.run(roll_up_past(units.runtime))
    assert len(units.all(noted)) == 2, "runs that go on for hours end one after the other"
    left = units.all(select(task_runs.c.id))
    assert units.read(count_runs, TASK_RUNS, selection(TASK_RUNS, TaskRunQuery())) == len(left)
