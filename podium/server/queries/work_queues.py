"""Reading work queues."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, or_, select

from podium.db.prepared import Prepared
from podium.db.tables.flow_runs import flow_runs
from podium.db.tables.work_pools import work_pools, work_queues
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import NotFound
from podium.server.queries.generic import Entity
from podium.server.queries.paging import pages
from podium.server.queries.work_pools import HOLDS_SLOT, IN_POOL, POOL_COLUMNS
from podium.wire.work_queues import WorkQueue

WORK_QUEUES = Entity(work_queues, WorkQueue, "Work queue")

HEALTHY_LATE_RUNS = 0
HEALTHY_SECONDS_SINCE_POLLED = 60

QUEUES_IN_POOLS = (
    select(*WORK_QUEUES.columns, *POOL_COLUMNS).join(work_pools, IN_POOL).where(work_queues.c.workspace_id == WORKSPACE)
)
"""Every queue with the name and type of its pool."""

_BY_ID = QUEUES_IN_POOLS.where(work_queues.c.id == bindparam("queue_id"))
_BY_NAME = QUEUES_IN_POOLS.where(work_queues.c.name == bindparam("queue_name"), work_pools.c.name == bindparam("pool"))


def find_work_queue(tx: Tx, queue_id: str) -> Row | None:
    """The queue with this id, with the name and type of its pool; None when there is none."""
    return tx.one(_BY_ID, queue_id=queue_id)


def get_work_queue(tx: Tx, queue_id: str) -> Row:
    """``find_work_queue``; ``NotFound`` when there is none."""
    queue = find_work_queue(tx, queue_id)
    if queue is None:
        raise NotFound("Work queue not found")
    return queue


def find_queue_in_pool(tx: Tx, pool_name: str, queue_name: str) -> Row | None:
    """The queue with this name in the pool with that name, with the pool's name and type; None when there is none."""
    return tx.one(_BY_NAME, queue_name=queue_name, pool=pool_name)


def get_queue_in_pool(tx: Tx, pool_name: str, queue_name: str) -> Row:
    """``find_queue_in_pool``; ``NotFound`` when there is none."""
    queue = find_queue_in_pool(tx, pool_name, queue_name)
    if queue is None:
        raise NotFound(f"Work queue {pool_name + '/' + queue_name!r} not found.")
    return queue


def as_answers(tx: Tx, queues: Sequence[Row]) -> list[Row]:
    """What the wire shows of queues; those with a limit say how many of their slots are in use."""
    limited = [queue["id"] for queue in queues if queue["concurrency_limit"] is not None]
    active = {**dict.fromkeys(limited, 0), **(count_slots(tx, limited) if limited else {})}
    return [
        {"active_slots": active.get(queue["id"])}
        | {name: value for name, value in queue.items() if name != "work_pool_type"}
        for queue in queues
    ]


def as_answer(tx: Tx, queue: Row) -> Row:
    """What the wire shows of a queue."""
    return as_answers(tx, [queue])[0]


def read_work_queue(tx: Tx, queue_id: str) -> Row:
    """What the wire shows of the queue with this id; ``NotFound`` when there is none."""
    return as_answer(tx, get_work_queue(tx, queue_id))


def read_queue_in_pool(tx: Tx, pool_name: str, queue_name: str) -> Row:
    """What the wire shows of the queue with this name in that pool; ``NotFound`` when there is none."""
    return as_answer(tx, get_queue_in_pool(tx, pool_name, queue_name))


def list_work_queues(
    tx: Tx,
    where: Sequence[ColumnElement[bool]],
    order: Sequence[ColumnElement[Any]],
    limit: int | None = None,
    offset: int = 0,
) -> list[Row]:
    """The queues that match, in order."""
    return as_answers(tx, tx.all(QUEUES_IN_POOLS.where(*where).order_by(*order).limit(limit).offset(offset or None)))


def read_health(tx: Tx, queue_id: str) -> Row:
    """How a queue fares: its late runs and when it was last asked for work. ``NotFound`` without one."""
    queue = get_work_queue(tx, queue_id)
    late: int = tx.value(_COUNT_LATE, queue_id=queue_id)
    polled: datetime | None = queue["last_polled"]
    fresh = polled is not None and tx.now - polled <= timedelta(seconds=HEALTHY_SECONDS_SINCE_POLLED)
    return {
        "healthy": fresh and late <= HEALTHY_LATE_RUNS,
        "late_runs_count": late,
        "last_polled": polled,
        "health_check_policy": {
            "maximum_late_runs": HEALTHY_LATE_RUNS,
            "maximum_seconds_since_last_polled": HEALTHY_SECONDS_SINCE_POLLED,
        },
    }


_COUNT_LATE = select(func.count()).where(
    flow_runs.c.work_queue_id == bindparam("queue_id"),
    flow_runs.c.workspace_id == WORKSPACE,
    flow_runs.c.state_type == "SCHEDULED",
    flow_runs.c.state_name == "Late",
)

_HOLDERS = (
    select(
        flow_runs.c.id,
        flow_runs.c.name,
        flow_runs.c.state_type,
        flow_runs.c.state_name,
        flow_runs.c.state_timestamp,
        flow_runs.c.start_time,
    )
    .where(flow_runs.c.workspace_id == WORKSPACE, flow_runs.c.state_type.in_(HOLDS_SLOT))
    .order_by(flow_runs.c.state_timestamp, flow_runs.c.id)
)


_LOCK_POOL = Prepared(
    select(work_pools.c.id).where(work_pools.c.id == bindparam("pool_id")).with_for_update(key_share=True)
)
_POOL_SLOTS = Prepared(
    select(flow_runs.c.work_queue_id, func.count().label("active"))
    .join(work_queues, work_queues.c.id == flow_runs.c.work_queue_id)
    .where(
        work_queues.c.work_pool_id == bindparam("pool_id"),
        or_(*(flow_runs.c.state_type == kind for kind in HOLDS_SLOT)),
    )
    .group_by(flow_runs.c.work_queue_id)
)


def count_slots(tx: Tx, queue_ids: Sequence[str]) -> dict[str, int]:
    """How many runs of each queue are pending or running; queues without any are left out."""
    statement = (
        select(flow_runs.c.work_queue_id, func.count().label("active"))
        .where(flow_runs.c.work_queue_id.in_(queue_ids), flow_runs.c.state_type.in_(HOLDS_SLOT))
        .group_by(flow_runs.c.work_queue_id)
    )
    return {row["work_queue_id"]: row["active"] for row in tx.all(statement)}


def lock_pool_slots(tx: Tx, pool_id: str) -> dict[str, int]:
    """``count_slots`` of every queue of a pool, which nobody else takes slots of until this transaction ends."""
    if tx.dialect != "sqlite":
        tx.run(_LOCK_POOL, pool_id=pool_id)
    return {row["work_queue_id"]: row["active"] for row in tx.all(_POOL_SLOTS, pool_id=pool_id)}


def slot_holders(tx: Tx, queue_id: str, limit: int, offset: int = 0) -> list[Row]:
    """The pending and running runs of a queue, the longest in its state first."""
    rows = tx.all(_HOLDERS.where(flow_runs.c.work_queue_id == queue_id).limit(limit).offset(offset or None))
    for row in rows:
        since = row["state_timestamp"]
        row["time_in_current_state"] = max(0.0, (tx.now - since).total_seconds()) if since else None
    return rows


def read_queue_slots(tx: Tx, queue_id: str, limit: int, page: int) -> dict[str, Any]:
    """The slots of a queue and a page of the runs that hold them (wire: ``WorkQueueSlots``)."""
    queue = get_work_queue(tx, queue_id)
    active = count_slots(tx, [queue_id]).get(queue_id, 0)
    return {
        "active_slots": active,
        "concurrency_limit": queue["concurrency_limit"],
        "flow_runs": slot_holders(tx, queue_id, limit, (page - 1) * limit),
        "count": active,
        "limit": limit,
        "pages": pages(active, limit),
        "page": page,
    }


def read_pool_slots(tx: Tx, pool: Row, limit: int, page: int, run_limit: int) -> dict[str, Any]:
    """The slots of a pool and a page of its queues with the runs that hold them (wire: ``WorkPoolSlots``)."""
    queues = list_work_queues(
        tx, [work_queues.c.work_pool_id == pool["id"]], [work_queues.c.priority, work_queues.c.name]
    )
    active = count_slots(tx, [queue["id"] for queue in queues])
    shown = queues[(page - 1) * limit : page * limit]
    return {
        "active_slots": sum(active.values()),
        "concurrency_limit": pool["concurrency_limit"],
        "queues": [
            {
                "queue_id": queue["id"],
                "queue_name": queue["name"],
                "active_slots": active.get(queue["id"], 0),
                "concurrency_limit": queue["concurrency_limit"],
                "flow_run_count": active.get(queue["id"], 0),
                "flow_runs": slot_holders(tx, queue["id"], run_limit) if queue["id"] in active and run_limit else [],
            }
            for queue in shown
        ],
        "count": len(queues),
        "limit": limit,
        "pages": pages(len(queues), limit),
        "page": page,
    }
