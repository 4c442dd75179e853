"""Handing out work: the scheduled runs that a worker, an agent or a served deployment may start.

Reading reserves nothing: of two who got the same run, one is refused when it proposes PENDING.

Runs of a deployment whose concurrency limit is full come last, however early they are: their proposals are going to be
refused, and they must not keep those that can start from being handed out.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, literal, not_, or_, select, union_all

from podium.db.dialect import json_text
from podium.db.prepared import Prepared
from podium.db.tables.concurrency import concurrency_limits_v2
from podium.db.tables.deployments import deployments
from podium.db.tables.flow_runs import IS_SCHEDULED, flow_runs
from podium.db.tables.work_pools import work_pools, work_queues
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import NotFound
from podium.server.queries.flow_runs import FLOW_RUNS, estimated_delay, list_flow_runs
from podium.server.queries.leases import FULL
from podium.server.queries.work_queues import count_slots, get_work_queue

LEGACY_SLOTS = ("RUNNING", "PENDING", "CANCELLING")

# A run that waits for its own process to retry is not for others.
NOT_RETRYING_ITSELF = func.coalesce(json_text(flow_runs.c.empirical_policy, "retry_type"), "") != "in_process"

_POOL_WITH_QUEUES = (
    select(
        work_pools.c.id.label("pool_id"),
        work_pools.c.is_paused.label("pool_is_paused"),
        work_pools.c.concurrency_limit.label("pool_limit"),
        work_queues.c.id,
        work_queues.c.name,
        work_queues.c.is_paused,
        work_queues.c.concurrency_limit,
        work_queues.c.priority,
        work_queues.c.status,
        work_queues.c.last_polled,
    )
    .outerjoin(work_queues, work_queues.c.work_pool_id == work_pools.c.id)
    .where(work_pools.c.name == bindparam("pool_name"), work_pools.c.workspace_id == WORKSPACE)
    .order_by(work_queues.c.priority, work_queues.c.name)
)
_RUN_COLUMNS = tuple(column for column in FLOW_RUNS.columns if column.name != "work_queue_name")
_EARLIEST = (flow_runs.c.next_scheduled_start_time, flow_runs.c.id)
_DUE = select(*_RUN_COLUMNS).where(IS_SCHEDULED, NOT_RETRYING_ITSELF).order_by(*_EARLIEST)

_FULL_DEPLOYMENTS = (
    select(deployments.c.id)
    .join(concurrency_limits_v2, concurrency_limits_v2.c.id == deployments.c.concurrency_limit_id)
    .where(FULL)
)
_ANY_FULL = Prepared(_FULL_DEPLOYMENTS.limit(1))
_FULL = _FULL_DEPLOYMENTS.cte("full_deployments")
_IS_BLOCKED = flow_runs.c.deployment_id.in_(select(_FULL.c.id))
_IS_FREE = or_(flow_runs.c.deployment_id.is_(None), not_(_IS_BLOCKED))

QUEUES_AT_ONCE = 50
"""How many queues one statement looks into."""


def read_pool_runs(
    tx: Tx,
    pool_name: str,
    queue_names: Sequence[str] | None,
    before: datetime | None,
    after: datetime | None,
    limit: int,
) -> tuple[list[Row], list[Row]]:
    """The runs that workers of a pool may start now, and the queues they were looked for in.

    At most as many of a queue and of the pool as they have free slots, those of the queue with the lowest priority
    number first, then by time. Raises ``NotFound`` for an unknown pool or queue. No names is every queue.
    """
    rows = tx.all(_POOL_WITH_QUEUES, pool_name=pool_name)
    if not rows:
        raise NotFound(f'Work pool "{pool_name}" not found.')
    queues = _named(rows, pool_name, queue_names)
    open_queues = [] if rows[0]["pool_is_paused"] else [queue for queue in queues if not queue["is_paused"]]
    room = _room(tx, rows, open_queues)
    if rows[0]["pool_limit"] is not None:
        limit = min(limit, rows[0]["pool_limit"] - sum(count_slots(tx, [row["id"] for row in rows]).values()))
    wanted = [queue for queue in open_queues if room.get(queue["id"], 1) > 0]
    runs: list[Row] = []
    for turn in _turns(tx):
        where = [*_between(before, after), *turn]
        for start in range(0, len(wanted), QUEUES_AT_ONCE):
            if len(runs) < limit:
                some = wanted[start : start + QUEUES_AT_ONCE]
                runs += tx.all(_statement(some, room, where, limit - len(runs)), now=tx.now)
        for run in runs if turn is _FREE_TURN else ():
            if run["work_queue_id"] in room:
                room[run["work_queue_id"]] -= 1
        wanted = [queue for queue in wanted if room.get(queue["id"], 1) > 0]
    return [_handed_out(run, rows[0]["pool_id"], tx.now) for run in runs], queues


_FREE_TURN = (_IS_FREE,)
_BLOCKED_TURN = (_IS_BLOCKED,)


def _turns(tx: Tx) -> tuple[tuple[ColumnElement[bool], ...], ...]:
    """The conditions to read runs with, one turn after the other until there are enough."""
    return (_FREE_TURN, _BLOCKED_TURN) if tx.value(_ANY_FULL, now=tx.now) is not None else ((),)


def _list_earliest(tx: Tx, where: Sequence[ColumnElement[bool]], limit: int) -> list[Row]:
    runs: list[Row] = []
    for turn in _turns(tx):
        if len(runs) < limit:
            runs += list_flow_runs(tx, [*where, *turn], _EARLIEST, limit - len(runs), now=tx.now)
    return runs


def _named(rows: list[Row], pool_name: str, names: Sequence[str] | None) -> list[Row]:
    queues = {row["name"]: row for row in rows if row["id"] is not None}
    if not names:
        return list(queues.values())
    for name in names:
        if name not in queues:
            raise NotFound(f"Work queue {pool_name + '/' + name!r} not found.")
    return [queue for name, queue in queues.items() if name in names]


def _room(tx: Tx, rows: list[Row], queues: list[Row]) -> dict[str, int]:
    """The free slots of each queue that has a limit."""
    limits: dict[str, int] = {
        queue["id"]: queue["concurrency_limit"] for queue in queues if queue["concurrency_limit"] is not None
    }
    used = count_slots(tx, list(limits)) if limits else {}
    return {queue_id: limit - used.get(queue_id, 0) for queue_id, limit in limits.items()}


def _between(before: datetime | None, after: datetime | None) -> list[ColumnElement[bool]]:
    bounds = []
    if before is not None:
        bounds.append(flow_runs.c.next_scheduled_start_time <= before)
    if after is not None:
        bounds.append(flow_runs.c.next_scheduled_start_time >= after)
    return bounds


def _statement(
    queues: Sequence[Row], room: Mapping[str, int], where: Sequence[ColumnElement[bool]], limit: int
) -> Select[Any]:
    """The earliest runs of each queue, by priority then time; each part reads no more of an index than it needs."""
    parts = []
    for place, queue in enumerate(queues):
        most = min(room.get(queue["id"], limit), limit)
        earliest = _DUE.where(flow_runs.c.work_queue_id == queue["id"], *where).limit(most)
        if len(queues) == 1:
            return earliest
        part = earliest.subquery(f"queue_{place}")
        parts.append(select(*part.c, literal(queue["priority"]).label("priority")))
    runs = union_all(*parts).subquery("runs")
    shown = [column for column in runs.c if column.name != "priority"]
    return select(*shown).order_by(runs.c.priority, runs.c.next_scheduled_start_time, runs.c.id).limit(limit)


def _handed_out(run: Row, pool_id: str, now: datetime) -> Row:
    run["state"] = run["work_queue_name"] = None
    run["estimated_run_time"] = run["total_run_time"]
    run["estimated_start_time_delta"] = estimated_delay(run, now)
    return {"work_pool_id": pool_id, "work_queue_id": run["work_queue_id"], "flow_run": run}


def read_queue_runs(tx: Tx, queue_id: str, before: datetime | None, limit: int) -> tuple[list[Row], Row]:
    """The runs of one queue that an agent may start now, and the queue. ``NotFound`` without the queue.

    Runs that are being cancelled hold a slot here too.
    """
    queue = get_work_queue(tx, queue_id)
    if queue["concurrency_limit"] is not None:
        limit = min(limit, queue["concurrency_limit"] - _count_legacy_slots(tx, queue_id))
    if queue["is_paused"] or limit <= 0:
        return [], queue
    where = [flow_runs.c.work_queue_id == queue_id, IS_SCHEDULED, NOT_RETRYING_ITSELF, *_between(before, None)]
    return _list_earliest(tx, where, limit), queue


def _count_legacy_slots(tx: Tx, queue_id: str) -> int:
    holders = select(func.count()).where(
        flow_runs.c.work_queue_id == queue_id, flow_runs.c.state_type.in_(LEGACY_SLOTS)
    )
    used: int = tx.value(holders)
    return used


def read_deployment_runs(tx: Tx, deployment_ids: Sequence[str], before: datetime | None, limit: int) -> list[Row]:
    """The scheduled runs of some deployments, the earliest first (but see the top of this file)."""
    where = [flow_runs.c.deployment_id.in_(deployment_ids), IS_SCHEDULED, *_between(before, None)]
    return _list_earliest(tx, where, limit)
