"""What is asked of the database to tell why a flow run does not start; each answer is short, however many runs are."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, or_, select, text

from podium.db.tables.concurrency import concurrency_lease_slots, concurrency_leases, concurrency_limits_v2
from podium.db.tables.deployments import deployments
from podium.db.tables.flow_run_heartbeats import flow_run_heartbeats
from podium.db.tables.flow_runs import IS_SCHEDULED, flow_run_states, flow_runs
from podium.db.tables.flows import flows
from podium.db.tables.task_runs import task_runs
from podium.db.tables.work_pools import work_pools, work_queues, workers
from podium.db.types import Timestamp
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.queries.scheduled_runs import NOT_RETRYING_ITSELF
from podium.server.queries.work_pools import HOLDS_SLOT

SHOWN = 10
"""Holders of a limit that are named."""

MOST_COUNTED = 1000
"""Runs ahead of another are counted so far."""

RECENT = timedelta(hours=1)

_RUN, _QUEUE, _POOL, _LIMIT = flow_runs.c, work_queues.c, work_pools.c, concurrency_limits_v2.c

_SUBJECT = (
    select(
        *(column for column in _RUN if column.name not in ("parameters", "context", "job_variables")),
        flow_run_states.c.message,
        flow_run_states.c.state_details,
        flows.c.name.label("flow_name"),
        deployments.c.id.label("known_deployment_id"),
        deployments.c.name.label("deployment_name"),
        deployments.c.paused.label("deployment_paused"),
        deployments.c.last_polled.label("deployment_last_polled"),
        deployments.c.concurrency_limit_id,
        _QUEUE.name.label("queue_name"),
        _QUEUE.is_paused.label("queue_paused"),
        _QUEUE.concurrency_limit.label("queue_limit"),
        _QUEUE.priority.label("queue_priority"),
        _QUEUE.last_polled.label("queue_last_polled"),
        _POOL.id.label("pool_id"),
        _POOL.name.label("pool_name"),
        _POOL.type.label("pool_type"),
        _POOL.is_paused.label("pool_paused"),
        _POOL.concurrency_limit.label("pool_limit"),
    )
    .join_from(flow_runs, flows, flows.c.id == _RUN.flow_id)
    .outerjoin(
        flow_run_states,
        and_(flow_run_states.c.id == _RUN.state_id, flow_run_states.c.timestamp == _RUN.state_timestamp),
    )
    .outerjoin(deployments, deployments.c.id == _RUN.deployment_id)
    .outerjoin(work_queues, _QUEUE.id == _RUN.work_queue_id)
    .outerjoin(work_pools, _POOL.id == _QUEUE.work_pool_id)
    .where(_RUN.id == bindparam("run_id", type_=_RUN.id.type), _RUN.workspace_id == WORKSPACE)
)
_WORKERS = (
    select(workers.c.name, workers.c.status, workers.c.last_heartbeat_time, workers.c.heartbeat_interval_seconds)
    .where(workers.c.work_pool_id == bindparam("pool_id", type_=workers.c.work_pool_id.type))
    .order_by(workers.c.last_heartbeat_time.desc())
    .limit(50)
)
_QUEUES = select(_QUEUE.id, _QUEUE.name, _QUEUE.priority, _QUEUE.is_paused).where(
    _QUEUE.work_pool_id == bindparam("pool_id", type_=_QUEUE.work_pool_id.type)
)
_LIMITS = select(_LIMIT.id, _LIMIT.name, _LIMIT.limit, _LIMIT.active, _LIMIT.anonymous_slots).where(
    _LIMIT.workspace_id == WORKSPACE
)
_OF_TASK = flow_runs.alias("of_task")
_LEASES = (
    select(
        concurrency_leases.c.holder_type,
        concurrency_leases.c.holder_id,
        concurrency_leases.c.created,
        concurrency_leases.c.expiration,
        concurrency_lease_slots.c.slots,
        case((_RUN.id.is_not(None), _RUN.name), else_=task_runs.c.name).label("name"),
        case((_RUN.id.is_not(None), _RUN.state_name), else_=task_runs.c.state_name).label("state"),
        _OF_TASK.c.id.label("flow_run_id"),
        _OF_TASK.c.name.label("flow_run_name"),
    )
    .join(concurrency_lease_slots, concurrency_lease_slots.c.lease_id == concurrency_leases.c.id)
    .outerjoin(flow_runs, _RUN.id == concurrency_leases.c.holder_id)
    .outerjoin(task_runs, task_runs.c.id == concurrency_leases.c.holder_id)
    .outerjoin(_OF_TASK, _OF_TASK.c.id == task_runs.c.flow_run_id)
    .where(
        concurrency_lease_slots.c.concurrency_limit_id == bindparam("limit_id", type_=_LIMIT.id.type),
        concurrency_leases.c.expiration > bindparam("now", type_=Timestamp()),
    )
    .order_by(concurrency_leases.c.created, concurrency_leases.c.id)
)
_WAITING_TASKS = (
    select(task_runs.c.id, task_runs.c.name, task_runs.c.tags)
    .where(
        task_runs.c.flow_run_id == bindparam("run_id", type_=task_runs.c.flow_run_id.type),
        task_runs.c.state_type.in_(("PENDING", "SCHEDULED")),
    )
    .limit(200)
)
_BEAT = select(flow_run_heartbeats.c.received, flow_run_heartbeats.c.occurred, flow_run_heartbeats.c.previous).where(
    flow_run_heartbeats.c.workspace_id == WORKSPACE,
    flow_run_heartbeats.c.flow_run_id == bindparam("run_id", type_=flow_run_heartbeats.c.flow_run_id.type),
)
_AHEAD_OF_US = (
    select(flow_run_heartbeats.c.flow_run_id, flow_run_heartbeats.c.occurred, flow_run_heartbeats.c.received)
    .join(flow_runs, _RUN.id == flow_run_heartbeats.c.flow_run_id)
    .join(work_queues, _QUEUE.id == _RUN.work_queue_id)
    .where(
        flow_run_heartbeats.c.workspace_id == WORKSPACE,
        flow_run_heartbeats.c.received > bindparam("since", type_=Timestamp()),
        flow_run_heartbeats.c.occurred > flow_run_heartbeats.c.received,
        _QUEUE.work_pool_id == bindparam("pool_id", type_=_QUEUE.work_pool_id.type),
    )
    .limit(200)
)


def read_subject(tx: Tx, run_id: str) -> Row | None:
    """The run with all that it belongs to: its last state, flow, deployment, queue and pool."""
    return tx.one(_SUBJECT, run_id=run_id)


def workers_of(tx: Tx, pool_id: str) -> list[Row]:
    """The workers of a pool, the latest to call first."""
    return tx.all(_WORKERS, pool_id=pool_id)


def queues_of(tx: Tx, pool_id: str) -> list[Row]:
    """The queues of a pool."""
    return tx.all(_QUEUES, pool_id=pool_id)


def runs_under_way(tx: Tx, queue_ids: Sequence[str]) -> tuple[int, list[Row]]:
    """How many runs hold slots of these queues, and the first of them."""
    where = (_RUN.work_queue_id.in_(queue_ids), _RUN.state_type.in_(HOLDS_SLOT))
    number: int = tx.value(select(func.count()).select_from(flow_runs).where(*where))
    columns = (_RUN.id, _RUN.name, _RUN.state_name, _RUN.state_timestamp)
    return number, tx.all(select(*columns).where(*where).order_by(_RUN.state_timestamp, _RUN.id).limit(SHOWN))


def runs_ahead(tx: Tx, run: Row, queues: Sequence[Row]) -> tuple[int, list[Row]]:
    """How many due runs of these queues are handed out before one, counted so far, and the first of them."""
    due = [IS_SCHEDULED, NOT_RETRYING_ITSELF, _RUN.next_scheduled_start_time <= tx.now]
    first = [queue["id"] for queue in queues if queue["priority"] < run["queue_priority"] and not queue["is_paused"]]
    return _ahead(tx, [(first, []), ([run["work_queue_id"]], [_earlier(run)])], due)


def runs_of_deployment_ahead(tx: Tx, run: Row) -> tuple[int, list[Row]]:
    """Likewise for a deployment without a queue."""
    due = [IS_SCHEDULED, _RUN.deployment_id == run["deployment_id"], _RUN.next_scheduled_start_time <= tx.now]
    return _ahead(tx, [(None, [_earlier(run)])], due)


def _earlier(run: Row) -> ColumnElement[bool]:
    moment, run_id = run["next_scheduled_start_time"], run["id"]
    # The first condition says nothing more, and is what an index is read by.
    until = _RUN.next_scheduled_start_time <= moment
    return and_(until, or_(_RUN.next_scheduled_start_time < moment, _RUN.id < run_id))


def _ahead(
    tx: Tx, parts: Sequence[tuple[list[str] | None, list[ColumnElement[bool]]]], due: Sequence[ColumnElement[bool]]
) -> tuple[int, list[Row]]:
    number, shown = 0, list[Row]()
    for queue_ids, further in parts:
        if queue_ids == []:
            continue
        where = [*due, *further, *([_RUN.work_queue_id.in_(queue_ids)] if queue_ids else [])]
        counted = select(_RUN.id).where(*where).limit(MOST_COUNTED).subquery()
        number += int(tx.value(select(func.count()).select_from(counted)))
        if len(shown) < SHOWN:
            shown += tx.all(_some(where))
    return min(number, MOST_COUNTED), shown[:SHOWN]


def _some(where: Sequence[ColumnElement[bool]]) -> Select[Any]:
    columns = (_RUN.id, _RUN.name, _RUN.state_name, _RUN.next_scheduled_start_time.label("state_timestamp"))
    return select(*columns).where(*where).order_by(_RUN.next_scheduled_start_time, _RUN.id).limit(SHOWN)


def limits_named(tx: Tx, names: Sequence[str]) -> list[Row]:
    """The concurrency limits with these names."""
    return tx.all(_LIMITS.where(_LIMIT.name.in_(names)).order_by(_LIMIT.name)) if names else []


def limit_with_id(tx: Tx, limit_id: str) -> Row | None:
    """A concurrency limit."""
    return tx.one(_LIMITS.where(_LIMIT.id == limit_id))


def leases_on(tx: Tx, limit_id: str) -> list[Row]:
    """The live leases on a limit, the oldest first, with the run that holds each."""
    return tx.all(_LEASES, limit_id=limit_id, now=tx.now)


def waiting_task_runs(tx: Tx, run_id: str) -> list[Row]:
    """Task runs of a flow run that have not begun."""
    return tx.all(_WAITING_TASKS, run_id=run_id)


def last_beat(tx: Tx, run_id: str) -> Row | None:
    """The last heartbeat of a run: when it came, and when it was sent by the clock of its process."""
    return tx.one(_BEAT, run_id=run_id)


def fastest_clock(tx: Tx, pool_id: str) -> tuple[str, float] | None:
    """The run of a pool whose clock is furthest ahead of the server's, and by how many seconds."""
    since: datetime = tx.now - RECENT
    ahead = [
        (row["flow_run_id"], (row["occurred"] - row["received"]).total_seconds())
        for row in tx.all(_AHEAD_OF_US, pool_id=pool_id, since=since)
    ]
    return max(ahead, key=lambda each: each[1], default=None)


def database_skew(tx: Tx) -> float:
    """By how many seconds the clock of the database is ahead of this process'; 0 where it has none of its own."""
    if tx.dialect != "postgresql":
        return 0.0
    theirs: datetime = tx.value(text("SELECT clock_timestamp()"))
    return (theirs - datetime.now(theirs.tzinfo)).total_seconds()
