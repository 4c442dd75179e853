"""Nothing live is ever deleted, nor a run above it: whatever the runs, and whenever the process dies."""

import asyncio
import os
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from podium.db.ids import new_id
from podium.db.retention.ages import TERMINAL, UNFINISHED, Ages
from podium.db.retention.rules import rules_for
from podium.db.retention.sweeping import carry_out
from podium.db.tables.artifacts import artifacts
from podium.db.tables.flow_runs import flow_run_states, flow_runs
from podium.db.tables.flows import flows
from podium.db.tables.logs import logs
from podium.db.tables.task_runs import task_runs
from podium.db.unit import Tx
from tests.forking import start_script
from tests.server.conftest import Units

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
AGES = Ages(events=7 * DAY, flow_runs=90 * DAY, leftovers=30 * DAY, logs=10 * DAY, exact=True)
ALL = frozenset({"events", "flow_runs", "orphans"})


@dataclass
class Run:
    """A flow run of a made-up tree."""

    state: str | None
    age: int
    children: list["Run"]
    tasks: int = 0
    id: str = ""

    @property
    def live(self) -> bool:
        return self.state not in TERMINAL

    @property
    def protected(self) -> bool:
        """Live, or above something that is."""
        return self.live or any(child.protected for child in self.children)

    def everybody(self) -> list["Run"]:
        return [self, *(each for child in self.children for each in child.everybody())]


STATES = st.sampled_from((*TERMINAL, *TERMINAL, *UNFINISHED, None))
RUNS = st.recursive(
    st.builds(Run, STATES, st.sampled_from((1, 89, 91, 400)), st.just([]), st.integers(0, 3)),
    lambda below: st.builds(Run, STATES, st.sampled_from((1, 91, 400)), st.lists(below, max_size=3), st.integers(0, 3)),
    max_leaves=12,
)


@pytest.fixture(autouse=True)
def without_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("podium.db.retention.sweeping.REST", 0.0)


class Killed(BaseException):
    """The process dies here, in the middle of a step."""


def plant(tx: Tx, tops: list[Run]) -> None:
    """Stores trees of runs: each subflow below a task run of its own, each run with tasks, lines and an artifact."""
    for table in (artifacts, logs, flow_runs, task_runs):
        tx.run(table.delete())
    flow = new_id()
    stamps = {"workspace_id": tx.workspace_id, "created": NOW - 500 * DAY, "updated": NOW - 500 * DAY}
    tx.run(flows.insert().values(id=flow, name=flow, **stamps))

    def insert(run: Run, parent: str | None) -> None:
        run.id = new_id()
        ended = {} if run.live else {"end_time": NOW - run.age * DAY}
        tx.run(
            flow_runs.insert().values(
                id=run.id, flow_id=flow, name="r", state_type=run.state, parent_task_run_id=parent, **ended, **stamps
            )
        )
        state = {"id": new_id(), "timestamp": NOW - run.age * DAY, "type": "X", "name": "X"}
        tx.run(flow_run_states.insert().values(flow_run_id=run.id, workspace_id=tx.workspace_id, **state))
        for _ in range(run.tasks):
            task(run)
        for number in range(5):
            line = {"timestamp": NOW - 450 * DAY, "level": 20, "name": "l", "message": f"{number}"}
            tx.run(
                logs.insert().values(
                    id=new_id(), flow_run_id=run.id, workspace_id=tx.workspace_id, created=NOW - 450 * DAY, **line
                )
            )
        tx.run(artifacts.insert().values(id=new_id(), flow_run_id=run.id, **stamps))
        for child in run.children:
            insert(child, task(run))

    def task(run: Run) -> str:
        task_id = new_id()
        key = {"task_key": "t", "dynamic_key": task_id, "name": "t", "state_type": "COMPLETED"}
        tx.run(task_runs.insert().values(id=task_id, flow_run_id=run.id, **key, **stamps))
        return task_id

    for top in tops:
        insert(top, None)


class _DyingDatabase:
    """A database whose process dies in the middle of the step with this number."""

    def __init__(self, database: Any, dies_at: int | None) -> None:
        self._database = database
        self._left = dies_at
        self.dialect = database.dialect

    async def write(self, unit: Any, *args: Any) -> Any:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:

                def half(tx: Tx, *args: Any) -> None:
                    unit(tx, *args)
                    raise RuntimeError("killed")

                with pytest.raises(RuntimeError, match="killed"):
                    await self._database.write(half, *args)
                raise Killed
        return await self._database.write(unit, *args)


def vacuum(units: Units, dies_at: int | None = None) -> bool:
    """A round of everything, in small steps; whether it came to its end."""
    database: Any = _DyingDatabase(units.database, dies_at)
    try:
        units.run(carry_out(database, rules_for(ALL), AGES, 2))
    except Killed:
        return False
    return True


def finish(units: Units) -> None:
    """Rounds until nothing more is deleted: with a run above them subflows become runs of their own."""
    before: set[str] = set()
    while before != (now := left(units)):
        vacuum(units)
        before = now


def left(units: Units) -> set[str]:
    return {row["id"] for row in units.all(select(flow_runs.c.id))}


def check_whole(units: Units, tops: list[Run]) -> None:
    """A run that is protected has everything it had."""
    there = left(units)
    for run in (each for top in tops for each in top.everybody()):
        if not run.protected:
            continue
        assert run.id in there
        tasks = units.all(select(task_runs.c.id).where(task_runs.c.flow_run_id == run.id))
        assert len(tasks) == run.tasks + len(run.children)
        assert len(units.all(select(flow_run_states.c.id).where(flow_run_states.c.flow_run_id == run.id))) == 1
        assert len(units.all(select(artifacts.c.id).where(artifacts.c.flow_run_id == run.id))) == 1
        if run.live:
            assert len(units.all(select(logs.c.id).where(logs.c.flow_run_id == run.id))) == 5
        for child in run.children:
            if child.protected:
                [row] = units.all(select(flow_runs.c.parent_task_run_id).where(flow_runs.c.id == child.id))
                assert row["parent_task_run_id"] is not None


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(RUNS, min_size=1, max_size=4), st.lists(st.integers(0, 25), max_size=2))
def test_nothing_live_nor_what_is_above_it_is_ever_deleted(units: Units, tops: list[Run], deaths: list[int]) -> None:
    """Through deaths in the middle of steps; when nobody dies any more all that may go has gone."""
    units.database.clock = lambda: NOW
    units.write(plant, tops)
    for death in deaths:
        vacuum(units, death)
        check_whole(units, tops)
    finish(units)
    check_whole(units, tops)
    expected = {each.id for top in tops for each in stays(top)}
    assert left(units) == expected
    assert {row["flow_run_id"] for row in units.all(select(logs.c.flow_run_id))} <= expected
    assert {row["flow_run_id"] for row in units.all(select(artifacts.c.flow_run_id))} == expected


def stays(run: Run) -> list[Run]:
    """The runs of a tree that stay for good: those below one that goes are looked at on their own."""
    if run.protected or run.age < 90:
        return run.everybody()
    return [each for child in run.children for each in stays(child)]


SWEEP = """
import asyncio, datetime
from podium.db.retention.ages import Ages
from podium.db.retention.rules import rules_for
from podium.db.retention.sweeping import carry_out
from podium.profiles import load_settings
from podium.server.app import create_runtime
runtime = create_runtime(load_settings(flags={{"PODIUM_SERVER_DATABASE_CONNECTION_URL": {url!r}}}, environ={{}}))
runtime.database.clock = lambda: {now!r}
print("ready", flush=True)
asyncio.run(carry_out(runtime.database, rules_for({all!r}), {ages!r}, 3))
"""


def test_a_process_that_is_killed_leaves_nothing_half_deleted(units: Units, tmp_path: Path) -> None:
    """kill -9 at any moment, several times; the last one finishes what is left."""
    units.database.clock = lambda: NOW
    rng = random.Random(7)
    tops = [
        Run(rng.choice((*TERMINAL, *TERMINAL, "RUNNING")), 400, [Run(rng.choice((*TERMINAL, "PAUSED")), 400, [], 1)], 2)
        for _ in range(30)
    ]
    units.write(plant, tops)
    url = str(units.runtime.settings.server.database.connection_url)
    script = tmp_path / "sweep.py"
    script.write_text(SWEEP.format(url=url, now=NOW, all=ALL, ages=AGES))
    seen = [len(left(units))]
    for number in range(2):
        out = tmp_path / f"out-{number}"
        process = start_script(script, folder=tmp_path, environment=os.environ, out=out)
        while not (out.exists() and out.read_text().startswith("ready\n")):
            assert process.poll() is None, out.read_text()
            time.sleep(0.01)
        time.sleep(rng.uniform(0.3, 0.7))
        process.kill()
        process.wait(10)
        check_whole(units, tops)
        seen.append(len(left(units)))
    assert seen[-1] < seen[0]
    finish(units)
    check_whole(units, tops)
    assert left(units) == {each.id for top in tops for each in stays(top)}


def test_two_at_once_share_the_work(units: Units) -> None:
    """Neither fails, and nothing is left."""
    units.database.clock = lambda: NOW
    tops = [Run("COMPLETED", 400, [], 3) for _ in range(40)]
    units.write(plant, tops)

    async def both() -> None:
        sweeps = [carry_out(units.database, rules_for(ALL), AGES, 5) for _ in range(3)]
        await asyncio.gather(*sweeps)

    units.run(both())
    assert left(units) == set()
