"""Runs that ended long ago, with all that belongs to them; never one that is not over, nor one above such a run.

Of a flow run go its log lines first and its many task runs, in steps of their own, then it itself with the rest. A
subflow is not deleted with the run above it: it becomes a run of its own, and goes when its time has come.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, or_, select

from podium.db.partitions import partitions_of
from podium.db.retention.ages import TERMINAL, Ages
from podium.db.retention.artifacts import count_artifacts, delete_artifacts_of
from podium.db.retention.logs import is_unfinished
from podium.db.retention.steps import Step, as_table, count, delete_some, last, sum_up
from podium.db.tables.artifacts import artifacts
from podium.db.tables.flow_runs import flow_run_inputs, flow_run_states, flow_runs
from podium.db.tables.logs import logs
from podium.db.tables.task_runs import task_run_states, task_runs
from podium.db.unit import Row, Tx

PARTS_OF_A_RUN = 10
"""Task runs and log lines that a step may delete for each run it may."""

PAGE = 500

Begin = tuple[datetime, str] | tuple[()] | None
"""End and id of the last run that was looked at; empty or None: from the first on."""

_IDS: Any = bindparam("ids", expanding=True)
_BELOW = (
    select(flow_runs.c.id, task_runs.c.flow_run_id.label("parent"), is_unfinished(flow_runs).label("live"))
    .join(task_runs, task_runs.c.id == flow_runs.c.parent_task_run_id)
    .where(task_runs.c.flow_run_id.in_(_IDS))
    .order_by(flow_runs.c.id)
    .with_for_update(of=flow_runs, read=True)
)
_BELOW_TASKS = (
    select(flow_runs.c.id, flow_runs.c.parent_task_run_id.label("parent"), is_unfinished(flow_runs).label("live"))
    .where(flow_runs.c.parent_task_run_id.in_(_IDS))
    .order_by(flow_runs.c.id)
    .with_for_update(read=True)
)
_TASKS_OF = (
    select(task_runs.c.flow_run_id, func.count().label("count"))
    .where(task_runs.c.flow_run_id.in_(_IDS))
    .group_by(task_runs.c.flow_run_id)
)
_DELETE_FLOW_RUNS = delete(flow_runs).where(flow_runs.c.id.in_(_IDS))
_DELETE_TASK_RUNS = delete(task_runs).where(task_runs.c.id.in_(_IDS))


def above_live_runs(tx: Tx, ids: Sequence[str], of_tasks: bool = False) -> set[str]:
    """Those of these flow runs (or task runs) that have a run below them, at any depth, that is not over.

    The runs below cannot begin again before the unit ends.
    """
    root_of = {each: each for each in ids}
    found: set[str] = set()
    statement, level = (_BELOW_TASKS if of_tasks else _BELOW), list(ids)
    seen = set(ids)
    while level:
        below: list[Row] = tx.all(statement, ids=level)
        statement, level = _BELOW, []
        for row in below:
            root = root_of[row["parent"]]
            if row["live"]:
                found.add(root)
            elif row["id"] not in seen:
                root_of[row["id"]] = root
                seen.add(row["id"])
                level.append(row["id"])
        level = [each for each in level if root_of[each] not in found]
    return found


def _ended(table: Any, before: datetime, states: Sequence[str]) -> list[ColumnElement[bool]]:
    return [table.c.state_type.in_(states), table.c.end_time < before]


def _final(ages: Ages) -> list[str]:
    return [state for state in TERMINAL if state in ages.states]


class EndedFlowRuns:
    """Flow runs that nothing is above, that ended long ago and have nothing live below."""

    def page(self, tx: Tx, ages: Ages, begin: Begin, most: int, lock: bool) -> list[Row]:
        """The next of them, whatever is below: id and end_time, in the order of their end."""
        runs = flow_runs.c
        where = [runs.parent_task_run_id.is_(None), *_ended(flow_runs, tx.now - ages.flow_runs, _final(ages))]
        order = (runs.end_time.asc().nulls_first(), runs.id)
        statement = select(runs.id, runs.end_time).where(*where, *_after(flow_runs, begin)).order_by(*order).limit(most)
        return tx.all(statement.with_for_update(skip_locked=True) if lock else statement)

    def step(self, tx: Tx, ages: Ages, begin: Begin, most: int) -> Step:
        found = self.page(tx, ages, begin, most, lock=True)
        if not found:
            return Step({}, None)
        live = above_live_runs(tx, [row["id"] for row in found])
        doomed = [row for row in found if row["id"] not in live]
        if not doomed:
            return Step({}, last(found, "end_time", "id"))
        lines = delete_lines(tx, logs.name, "flow_run_id", [row["id"] for row in doomed], most * PARTS_OF_A_RUN)
        if lines == most * PARTS_OF_A_RUN:
            return Step({"logs": lines}, begin or ())
        batch, tasks = self._bounded(tx, [row["id"] for row in doomed], most * PARTS_OF_A_RUN)
        if not batch:
            parts = self._delete_tasks(tx, doomed[0]["id"], most * PARTS_OF_A_RUN)
            return Step({"logs": lines, "task_runs": parts}, begin or ())
        own = task_runs.c.flow_run_id.in_(batch)
        made = delete_artifacts_of(tx, artifacts.c.flow_run_id.in_(batch))
        made += delete_artifacts_of(tx, artifacts.c.task_run_id.in_(select(task_runs.c.id).where(own)))
        runs = tx.run(_DELETE_FLOW_RUNS, ids=batch)
        further = begin or () if len(batch) < len(doomed) else last(found, "end_time", "id")
        return Step({"flow_runs": runs, "task_runs": tasks, "artifacts": made, "logs": lines}, further)

    def _bounded(self, tx: Tx, ids: list[str], most: int) -> tuple[list[str], int]:
        """The first of these runs that together have no more task runs than that, and how many these are."""
        counts = {row["flow_run_id"]: row["count"] for row in tx.all(_TASKS_OF, ids=ids)}
        batch, total = [], 0
        for each in ids:
            if total + counts.get(each, 0) > most:
                break
            batch.append(each)
            total += counts.get(each, 0)
        return batch, total

    def _delete_tasks(self, tx: Tx, flow_run_id: str, most: int) -> int:
        """Deletes some task runs of a run that has many."""
        some = select(task_runs.c.id).where(task_runs.c.flow_run_id == flow_run_id).order_by(task_runs.c.id).limit(most)
        ids = tx.column(some)
        delete_artifacts_of(tx, artifacts.c.task_run_id.in_(ids))
        return tx.run(_DELETE_TASK_RUNS, ids=ids)

    def count(self, tx: Tx, ages: Ages) -> dict[str, int]:
        total = dict.fromkeys(
            ("flow_runs", "flow_run_states", "flow_run_inputs", "task_runs", "task_run_states", "artifacts", "logs"), 0
        )
        begin: Begin = None
        while found := self.page(tx, ages, begin, PAGE, lock=False):
            begin = last(found, "end_time", "id")
            live = above_live_runs(tx, [row["id"] for row in found])
            ids = [row["id"] for row in found if row["id"] not in live]
            total = sum_up(total, {"flow_runs": len(ids)}, _parts_of_flow_runs(tx, ids))
        return total


class EndedTaskRuns:
    """Task runs outside of any flow run that ended long ago and have nothing live below."""

    def page(self, tx: Tx, ages: Ages, begin: Begin, most: int, lock: bool) -> list[Row]:
        """The next of them, whatever is below: id and end_time, in the order of their end."""
        runs = task_runs.c
        where = [runs.flow_run_id.is_(None), *_ended(task_runs, tx.now - ages.flow_runs, _final(ages))]
        order = (runs.end_time.asc().nulls_first(), runs.id)
        statement = select(runs.id, runs.end_time).where(*where, *_after(task_runs, begin)).order_by(*order).limit(most)
        return tx.all(statement.with_for_update(skip_locked=True) if lock else statement)

    def step(self, tx: Tx, ages: Ages, begin: Begin, most: int) -> Step:
        found = self.page(tx, ages, begin, most, lock=True)
        if not found:
            return Step({}, None)
        live = above_live_runs(tx, [row["id"] for row in found], of_tasks=True)
        ids = [row["id"] for row in found if row["id"] not in live]
        if not ids:
            return Step({}, last(found, "end_time", "id"))
        lines = delete_lines(tx, logs.name, "task_run_id", ids, most * PARTS_OF_A_RUN)
        if lines == most * PARTS_OF_A_RUN:
            return Step({"logs": lines}, begin or ())
        made = delete_artifacts_of(tx, artifacts.c.task_run_id.in_(ids))
        runs = tx.run(_DELETE_TASK_RUNS, ids=ids)
        return Step({"task_runs": runs, "artifacts": made, "logs": lines}, last(found, "end_time", "id"))

    def count(self, tx: Tx, ages: Ages) -> dict[str, int]:
        total = dict.fromkeys(("task_runs", "task_run_states", "artifacts", "logs"), 0)
        begin: Begin = None
        while found := self.page(tx, ages, begin, PAGE, lock=False):
            begin = last(found, "end_time", "id")
            live = above_live_runs(tx, [row["id"] for row in found], of_tasks=True)
            ids = [row["id"] for row in found if row["id"] not in live]
            parts = {
                "task_runs": len(ids),
                "task_run_states": count(tx, task_run_states, task_run_states.c.task_run_id.in_(ids)),
                "artifacts": count_artifacts(tx, artifacts.c.task_run_id.in_(ids)),
                "logs": count(tx, logs, logs.c.flow_run_id.is_(None), logs.c.task_run_id.in_(ids)),
            }
            total = sum_up(total, parts)
        return total


def _after(table: Any, begin: Begin) -> list[ColumnElement[bool]]:
    if not begin:
        return []
    ended, run_id = begin
    further = or_(table.c.end_time > ended, and_(table.c.end_time == ended, table.c.id > run_id))
    return [table.c.end_time >= ended, further]


def delete_lines(tx: Tx, name: str, column: str, ids: Sequence[str], most: int) -> int:
    """Deletes log lines of these runs, by the column that names them; how many, at most ``most``."""
    names = [each.name for each in partitions_of(tx, logs)] or [name]
    deleted = 0
    for each in names:
        rows = as_table(logs, each)
        chosen = delete_some(
            tx, rows, lambda lines: [lines.c[column].in_(ids)], lambda lines: [lines.c[column]], most - deleted
        )
        deleted += tx.run(chosen)
        if deleted >= most:
            break
    return deleted


def _parts_of_flow_runs(tx: Tx, ids: list[str]) -> dict[str, int]:
    tasks = select(task_runs.c.id).where(task_runs.c.flow_run_id.in_(ids))
    return {
        "flow_run_states": count(tx, flow_run_states, flow_run_states.c.flow_run_id.in_(ids)),
        "flow_run_inputs": count(tx, flow_run_inputs, flow_run_inputs.c.flow_run_id.in_(ids)),
        "task_runs": count(tx, task_runs, task_runs.c.flow_run_id.in_(ids)),
        "task_run_states": count(tx, task_run_states, task_run_states.c.task_run_id.in_(tasks)),
        "artifacts": count_artifacts(tx, artifacts.c.flow_run_id.in_(ids))
        + count_artifacts(tx, artifacts.c.flow_run_id.is_(None), artifacts.c.task_run_id.in_(tasks)),
        "logs": count(tx, logs, logs.c.flow_run_id.in_(ids)),
    }
