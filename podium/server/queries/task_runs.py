"""Reading task runs as the wire shows them: with their state and estimates."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, select

from podium.db.prepared import Prepared
from podium.db.tables.task_runs import task_run_states, task_runs
from podium.db.unit import Row, Tx
from podium.server.errors import NotFound
from podium.server.queries.choosing import chosen
from podium.server.queries.flow_runs import as_answer, state_columns
from podium.server.queries.generic import Entity
from podium.wire.task_runs import TaskRun

TASK_RUNS = Entity(task_runs, TaskRun, "Task run")

_STATE_ROW = and_(
    task_run_states.c.id == task_runs.c.state_id, task_run_states.c.timestamp == task_runs.c.state_timestamp
)


_LIST = (
    select(*TASK_RUNS.columns, *state_columns(task_run_states, task_runs))
    .outerjoin(task_run_states, _STATE_ROW)
    .where(TASK_RUNS.mine)
)
_READ = Prepared(_LIST.where(task_runs.c.id == bindparam("run_id")))


def find_task_run(tx: Tx, task_run_id: str) -> Row | None:
    """The task run with this id as the wire shows it, or None."""
    row = tx.one(_READ, run_id=task_run_id)
    return None if row is None else as_answer(row, tx.now)


def read_task_run(tx: Tx, task_run_id: str) -> Row:
    """The task run with this id as the wire shows it; ``NotFound`` when there is none."""
    row = find_task_run(tx, task_run_id)
    if row is None:
        raise NotFound("Task run not found")
    return row


def list_task_runs(
    tx: Tx,
    where: Sequence[ColumnElement[bool]],
    order: Sequence[ColumnElement[Any]],
    limit: int | None = None,
    offset: int = 0,
) -> list[Row]:
    """The task runs that match, in order, at most ``limit`` after the first ``offset``."""
    rows = tx.all(_LIST.where(*chosen(tx, task_runs, where, order, limit, offset)).order_by(*order))
    return [as_answer(row, tx.now) for row in rows]
