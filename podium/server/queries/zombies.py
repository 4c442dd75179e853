"""Runs that may be zombies, and what crashed runs left behind; of every workspace."""

from datetime import datetime, timedelta

from sqlalchemy import BindParameter, and_, bindparam, exists, or_, select

from podium.db.ids import canonical_id
from podium.db.tables.flow_runs import IS_SCHEDULED, flow_run_states, flow_runs
from podium.db.tables.task_runs import task_runs
from podium.db.tables.work_pools import work_pools, work_queues, workers
from podium.db.types import Timestamp
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.queries.flow_run_heartbeats import NEVER_HEARD
from podium.wire.states import UNFINISHED

LOOK_BACK = timedelta(days=1)
LEFT_AFTER = timedelta(minutes=1)
"""How long what a crashed run's process still said may be under way, before its tasks are crashed as well."""

_RUN, _STATE = flow_runs.c, flow_run_states.c
_UNTIL = bindparam("until", type_=Timestamp())
_SINCE = bindparam("since", type_=Timestamp())
_WAS = (_RUN.id, _RUN.workspace_id, _RUN.state_id, _RUN.state_timestamp)
_NEXT = _RUN.id > bindparam("after", type_=_RUN.id.type)
_MOST: BindParameter[int] = bindparam("most")

_UNHEARD = (
    select(*_WAS, _RUN.labels)
    .join(work_queues, work_queues.c.id == _RUN.work_queue_id)
    .join(work_pools, work_pools.c.id == work_queues.c.work_pool_id)
    .where(
        _RUN.state_type == "RUNNING",
        _RUN.state_timestamp < _UNTIL,
        work_pools.c.type == "process",
        exists().where(workers.c.work_pool_id == work_pools.c.id, workers.c.status == "OFFLINE"),
        NEVER_HEARD,
        _NEXT,
    )
    .order_by(_RUN.id)
    .limit(_MOST)
)
_PENDING = (
    select(*_WAS, _RUN.labels, _STATE.state_details)
    .join(flow_run_states, and_(_STATE.id == _RUN.state_id, _STATE.timestamp == _RUN.state_timestamp))
    .where(
        _RUN.state_type == "PENDING",
        _RUN.state_timestamp < _UNTIL,
        or_(_RUN.deployment_id.is_not(None), _RUN.work_queue_id.is_not(None)),
        _NEXT,
    )
    .order_by(_RUN.id)
    .limit(_MOST)
)
_OVERDUE = (
    select(*_WAS, _RUN.empirical_policy, _RUN.next_scheduled_start_time)
    .where(IS_SCHEDULED, _RUN.state_name == "AwaitingRetry", _RUN.next_scheduled_start_time < _UNTIL, _NEXT)
    .order_by(_RUN.id)
    .limit(_MOST)
)
_WORKER_STATUS = select(workers.c.status).where(
    workers.c.workspace_id == WORKSPACE,
    workers.c.work_pool_id == bindparam("pool_id", type_=workers.c.work_pool_id.type),
    workers.c.name == bindparam("worker_name"),
)

_PARENT, _CHILD = flow_runs.alias("parent"), flow_runs.alias("child")

_LEFT_SUBFLOWS = (
    select(_RUN.id, _RUN.workspace_id, _RUN.state_id)
    .join(task_runs, task_runs.c.id == _RUN.parent_task_run_id)
    .join(_PARENT, _PARENT.c.id == task_runs.c.flow_run_id)
    .where(
        _RUN.parent_task_run_id.is_not(None),
        _RUN.state_type.in_(UNFINISHED),
        _RUN.deployment_id.is_(None),
        _PARENT.c.state_type == "CRASHED",
        _PARENT.c.end_time >= _SINCE,
        _PARENT.c.end_time < _UNTIL,
    )
    .order_by(_RUN.id)
    .limit(_MOST)
)
_LEFT_TASK_RUNS = (
    select(task_runs.c.id, task_runs.c.workspace_id)
    .join(flow_runs, _RUN.id == task_runs.c.flow_run_id)
    .where(
        _RUN.state_type == "CRASHED",
        _RUN.end_time >= _SINCE,
        _RUN.end_time < _UNTIL,
        task_runs.c.state_type.in_(UNFINISHED),
        # A subflow with a process of its own goes on, and its task run shows how it ends.
        ~exists().where(_CHILD.c.parent_task_run_id == task_runs.c.id, _CHILD.c.state_type.in_(UNFINISHED)),
    )
    .order_by(task_runs.c.id)
    .limit(_MOST)
)


def unheard_runs(tx: Tx, until: datetime, after: str, most: int) -> list[Row]:
    """Runs that run in the process of a worker, without a heartbeat ever, in a pool that lost a worker."""
    return tx.all(_UNHEARD, until=until, after=after, most=most)


def pending_runs(tx: Tx, until: datetime, after: str, most: int) -> list[Row]:
    """Runs of deployments and queues that somebody took before a moment and that did not start."""
    return tx.all(_PENDING, until=until, after=after, most=most)


def overdue_retries(tx: Tx, until: datetime, after: str, most: int) -> list[Row]:
    """Runs that wait to retry and should have before a moment."""
    return tx.all(_OVERDUE, until=until, after=after, most=most)


def worker_status(tx: Tx, pool_id: str, name: str) -> str | None:
    """Whether a worker is ONLINE or OFFLINE; None when there is none."""
    pool_id = canonical_id(pool_id) or ""
    return tx.value(_WORKER_STATUS, pool_id=pool_id, worker_name=name) if pool_id else None


def left_subflows(tx: Tx, most: int) -> list[Row]:
    """Unfinished subflow runs without a process of their own whose parent crashed."""
    return tx.all(_LEFT_SUBFLOWS, since=tx.now - LOOK_BACK, until=tx.now - LEFT_AFTER, most=most)


def left_task_runs(tx: Tx, most: int) -> list[Row]:
    """Unfinished task runs of crashed flow runs."""
    return tx.all(_LEFT_TASK_RUNS, since=tx.now - LOOK_BACK, until=tx.now - LEFT_AFTER, most=most)
