"""Reading work pools and their queues."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, select

from podium.db.tables.flow_runs import flow_runs
from podium.db.tables.work_pools import work_pools, work_queues
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import NotFound
from podium.server.queries.generic import Entity
from podium.wire.work_pools import WorkPool

WORK_POOLS = Entity(work_pools, WorkPool, "Work pool")

HOLDS_SLOT = ("RUNNING", "PENDING")
"""A run of these types takes a slot of its queue and pool."""

_BY_NAME = select(work_pools).where(work_pools.c.name == bindparam("pool_name"), work_pools.c.workspace_id == WORKSPACE)
_USED_SLOTS = (
    select(work_queues.c.work_pool_id, func.count().label("active"))
    .join(flow_runs, flow_runs.c.work_queue_id == work_queues.c.id)
    .where(
        work_queues.c.work_pool_id.in_(bindparam("pool_ids", expanding=True)), flow_runs.c.state_type.in_(HOLDS_SLOT)
    )
    .group_by(work_queues.c.work_pool_id)
)
_HIDDEN = tuple(column.name for column in work_pools.c if column not in set(WORK_POOLS.columns))


def find_work_pool(tx: Tx, name: str) -> Row | None:
    """The pool with this name, with the columns the wire does not show; None when there is none."""
    return tx.one(_BY_NAME, pool_name=name)


def get_work_pool(tx: Tx, name: str) -> Row:
    """``find_work_pool``; ``NotFound`` when there is none."""
    pool = find_work_pool(tx, name)
    if pool is None:
        raise NotFound(f'Work pool "{name}" not found.')
    return pool


def as_answers(tx: Tx, pools: Sequence[Row]) -> list[Row]:
    """What the wire shows of pools; those with a limit say how many of their slots are in use."""
    limited = [pool["id"] for pool in pools if pool["concurrency_limit"] is not None]
    used = tx.all(_USED_SLOTS, pool_ids=limited) if limited else ()
    active = {**dict.fromkeys(limited, 0), **{row["work_pool_id"]: row["active"] for row in used}}
    return [
        {"active_slots": active.get(pool["id"])} | {name: value for name, value in pool.items() if name not in _HIDDEN}
        for pool in pools
    ]


def as_answer(tx: Tx, pool: Row) -> Row:
    """What the wire shows of a pool."""
    return as_answers(tx, [pool])[0]


def read_work_pool(tx: Tx, name: str) -> Row:
    """What the wire shows of the pool with this name; ``NotFound`` when there is none."""
    return as_answer(tx, get_work_pool(tx, name))


def list_work_pools(
    tx: Tx, where: Sequence[ColumnElement[bool]], limit: int | None = None, offset: int = 0
) -> list[Row]:
    """The pools that match, by name."""
    statement = select(*WORK_POOLS.columns).where(WORK_POOLS.mine, *where).order_by(work_pools.c.name)
    return as_answers(tx, tx.all(statement.limit(limit).offset(offset or None)))


def pool_of(queue: Row) -> Row | None:
    """The pool of a queue read with ``POOL_COLUMNS``: id, name and type."""
    if queue.get("work_pool_id") is None:
        return None
    return {"id": queue["work_pool_id"], "name": queue["work_pool_name"], "type": queue["work_pool_type"]}


POOL_COLUMNS: tuple[Any, ...] = (work_pools.c.name.label("work_pool_name"), work_pools.c.type.label("work_pool_type"))
"""What a queue is read with of its pool."""

IN_POOL = work_pools.c.id == work_queues.c.work_pool_id
