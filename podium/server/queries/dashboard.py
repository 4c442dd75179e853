"""Counts and short forms of runs that pages draw."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, bindparam, exists, func, select

from podium.db.tables.deployments import deployments
from podium.db.tables.flow_runs import IS_SCHEDULED, START_TIME_OR_EXPECTED, flow_runs
from podium.db.tables.task_runs import task_runs
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.queries import counting
from podium.server.queries.counting import Selection, Spans, tallied
from podium.server.queries.flow_runs import FLOW_RUNS, delay_sql, run_time_sql
from podium.server.queries.task_runs import read_task_run

BUCKETS = 20
"""Stretches of time in which the dashboard counts task runs."""

COUNTED_AS = {"COMPLETED": "completed", "FAILED": "failed", "CRASHED": "failed"}

_DRAWN = select(
    flow_runs.c.id,
    flow_runs.c.state_type,
    START_TIME_OR_EXPECTED.label("timestamp"),
    run_time_sql(flow_runs).label("duration"),
    delay_sql(flow_runs).label("lateness"),
).where(FLOW_RUNS.mine, flow_runs.c.state_type.is_not(None), START_TIME_OR_EXPECTED.is_not(None))

_next_first = func.row_number().over(
    partition_by=flow_runs.c.flow_id, order_by=(flow_runs.c.next_scheduled_start_time, flow_runs.c.id)
)
_subflows = flow_runs.alias("subflows")
_STANDS_FOR_SUBFLOW = exists().where(
    _subflows.c.workspace_id == task_runs.c.workspace_id, _subflows.c.parent_task_run_id == task_runs.c.id
)
_RUN_NAME = select(flow_runs.c.name).where(FLOW_RUNS.mine, flow_runs.c.id == bindparam("run_id"))


def count_task_runs(tx: Tx, flow_run_ids: Sequence[str]) -> dict[str, int]:
    """How many task runs each of the flow runs has; those that stand for its subflows are not counted."""
    return _counted(tx, task_runs.c.flow_run_id, task_runs.c.workspace_id, flow_run_ids, ~_STANDS_FOR_SUBFLOW)


def count_deployments(tx: Tx, flow_ids: Sequence[str]) -> dict[str, int]:
    """How many deployments each of the flows has."""
    return _counted(tx, deployments.c.flow_id, deployments.c.workspace_id, flow_ids)


def _counted(
    tx: Tx, owner: Column[Any], workspace: Column[Any], ids: Sequence[str], *where: ColumnElement[bool]
) -> dict[str, int]:
    mine = (workspace == WORKSPACE, owner.in_(ids), *where)
    counts = select(owner.label("owner"), func.count().label("number")).where(*mine)
    found = {row["owner"]: row["number"] for row in tx.all(counts.group_by(owner))}
    return {each: found.get(each, 0) for each in ids}


def next_runs(tx: Tx, flow_ids: Sequence[str]) -> dict[str, Row | None]:
    """The scheduled run of each flow that comes first, None for a flow without one."""
    shown = ("id", "flow_id", "name", "state_name", "state_type", "next_scheduled_start_time")
    ranked = (
        select(*(flow_runs.c[name] for name in shown), _next_first.label("place"))
        .where(FLOW_RUNS.mine, IS_SCHEDULED, flow_runs.c.flow_id.in_(flow_ids))
        .where(flow_runs.c.next_scheduled_start_time.is_not(None))
        .subquery("ranked")
    )
    first = tx.all(select(*(ranked.c[name] for name in shown)).where(ranked.c.place == 1))
    found = {row["flow_id"]: row for row in first}
    return {each: found.get(each) for each in flow_ids}


def drawn_flow_runs(
    tx: Tx, where: Sequence[ColumnElement[bool]], order: Sequence[ColumnElement[Any]], limit: int, offset: int
) -> list[Row]:
    """The flow runs that match as points in time: when, how long, how late."""
    return tx.all(_DRAWN.where(*where).order_by(*order).limit(limit).offset(offset or None), now=tx.now)


def count_task_runs_by_state(tx: Tx, selected: Selection) -> dict[str, int]:
    """How many of the task runs that are selected are in each type of state; a type without any is left out."""
    rows = tallied(tx, counting.TASK_RUNS, selected, by=("state_type",))
    return {row["state_type"]: row["runs"] for row in rows if row["state_type"] is not None}


def count_finished_task_runs(tx: Tx, selected: Selection, start: datetime, end: datetime) -> list[dict[str, int]]:
    """For each of ``BUCKETS`` equal stretches: how many task runs that started in it completed, how many failed."""
    during = Spans("start", start, end, (end - start).total_seconds() / BUCKETS)
    buckets = [{"completed": 0, "failed": 0} for _ in range(BUCKETS)]
    for row in tallied(tx, counting.TASK_RUNS, selected, by=("number", "state_type"), spans=during):
        if row["state_type"] in COUNTED_AS:
            buckets[min(row["number"], BUCKETS - 1)][COUNTED_AS[row["state_type"]]] += row["runs"]
    return buckets


def read_named_task_run(tx: Tx, task_run_id: str) -> Row:
    """A task run with ``flow_run_name``; ``NotFound`` when there is none."""
    run = read_task_run(tx, task_run_id)
    run["flow_run_name"] = tx.value(_RUN_NAME, run_id=run["flow_run_id"]) if run["flow_run_id"] else None
    return run
