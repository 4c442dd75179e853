"""Creating, changing and deleting work queues."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from sqlalchemy import bindparam, select, update

from podium.db.tables.work_pools import work_pools, work_queues
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import Conflict, Invalid
from podium.server.events.lifecycle import work_queue_event, work_queue_status_event, work_queue_updated
from podium.server.queries.generic import add_if_absent, change, remove
from podium.server.queries.work_pools import get_work_pool, pool_of
from podium.server.queries.work_queues import (
    WORK_QUEUES,
    as_answer,
    find_queue_in_pool,
    get_queue_in_pool,
    get_work_queue,
)
from podium.wire.scalars import LARGEST

_PRIORITIES = (
    select(work_queues.c.id, work_queues.c.priority)
    .where(work_queues.c.work_pool_id == bindparam("pool_id"), work_queues.c.workspace_id == WORKSPACE)
    .order_by(work_queues.c.priority, work_queues.c.updated)
)
_SET_PRIORITY = (
    update(work_queues).where(work_queues.c.id == bindparam("queue_id")).values(priority=bindparam("new_priority"))
)
_IS_DEFAULT = select(work_pools.c.id).where(work_pools.c.default_queue_id == bindparam("queue_id"))


def create_queue_in_pool(tx: Tx, pool_name: str, values: Mapping[str, Any]) -> Row:
    """Adds a queue to a pool and answers it; ``NotFound`` without the pool, ``Conflict`` when the name is taken."""
    return as_answer(tx, add_queue(tx, get_work_pool(tx, pool_name), values))


def add_queue(tx: Tx, pool: Row, values: Mapping[str, Any]) -> Row:
    """Adds a queue to a pool and answers it with the pool's name and type; without a priority it gets a free one."""
    wanted = values.get("priority")
    priority = wanted or _free_priority(tx, pool["id"])
    status = "PAUSED" if values.get("is_paused") else "NOT_READY"
    given = {name: value for name, value in values.items() if value is not None}
    queue = add_if_absent(
        tx,
        WORK_QUEUES,
        {"description": "", **given, "work_pool_id": pool["id"], "priority": priority, "status": status},
    )
    if queue is None:
        raise Conflict(f"A work queue with the name {values['name']!r} already exists in work pool {pool['name']!r}.")
    if wanted:
        _make_room(tx, pool["id"], queue["id"], wanted)
    tx.emit(work_queue_event("created", queue, pool, tx.now))
    return {**queue, "work_pool_name": pool["name"], "work_pool_type": pool["type"]}


def ensure_queue(tx: Tx, pool: Row, queue_name: str) -> Row:
    """The queue with this name in the pool, added when it is missing; with the pool's name and type."""
    return find_queue_in_pool(tx, pool["name"], queue_name) or add_queue(tx, pool, {"name": queue_name})


def change_queue(tx: Tx, queue_id: str, values: Mapping[str, Any]) -> None:
    """Sets columns of a queue; ``NotFound`` without it, ``Conflict`` when another of the pool has the new name."""
    _change(tx, get_work_queue(tx, queue_id), values)


def change_queue_in_pool(tx: Tx, pool_name: str, queue_name: str, values: Mapping[str, Any]) -> None:
    """``change_queue`` for the queue with this name in the pool."""
    _change(tx, get_queue_in_pool(tx, pool_name, queue_name), values)


def _change(tx: Tx, before: Row, values: Mapping[str, Any]) -> None:
    changes = {
        name: value for name, value in values.items() if value is not None or name in ("concurrency_limit", "filter")
    }
    name: str = changes.get("name") or before["name"]
    if name != before["name"] and find_queue_in_pool(tx, before["work_pool_name"], name):
        raise Conflict(f"A work queue with the name {name!r} already exists in work pool {before['work_pool_name']!r}.")
    paused = changes.get("is_paused")
    if paused is not None:
        changes["status"] = "PAUSED" if paused else _status_by_polling(tx, before)
    priority = changes.get("priority")
    after = change(tx, WORK_QUEUES, before["id"], changes)
    assert after is not None
    if priority is not None and priority != before["priority"]:
        _make_room(tx, before["work_pool_id"], before["id"], priority)
    pool = pool_of(before)
    updated = work_queue_updated(before, after, pool, tx.now)
    if updated:
        tx.emit(updated)
    if paused is not None:
        tx.emit(work_queue_status_event(after, after["status"], pool, tx.now))


def _status_by_polling(tx: Tx, queue: Row) -> str:
    """A queue that is not paused is ready while somebody asks it for work."""
    polled = queue["last_polled"]
    return "READY" if polled is not None and (tx.now - polled).total_seconds() <= 60 else "NOT_READY"


def _free_priority(tx: Tx, pool_id: str) -> int:
    """The first priority that no queue of the pool has."""
    taken = {queue["priority"] for queue in tx.all(_PRIORITIES, pool_id=pool_id)}
    return next(priority for priority in count(1) if priority not in taken)


def _make_room(tx: Tx, pool_id: str, queue_id: str, priority: int) -> None:
    """Moves the queues that follow on one that took a priority back by one, up to the first gap."""
    taken = priority
    moves = []
    for other in tx.all(_PRIORITIES, pool_id=pool_id):
        if other["id"] == queue_id or other["priority"] < taken:
            continue
        if other["priority"] > taken:
            break
        taken += 1
        if taken > LARGEST:
            raise Invalid(f"No priority after {priority} is left for the queues that follow; take a smaller number.")
        moves.append({"queue_id": other["id"], "new_priority": taken})
    tx.many(_SET_PRIORITY, moves)


def delete_queue(tx: Tx, queue_id: str) -> None:
    """Deletes a queue; ``NotFound`` without it, ``Conflict`` for the default queue of a pool."""
    _delete(tx, get_work_queue(tx, queue_id))


def delete_queue_in_pool(tx: Tx, pool_name: str, queue_name: str) -> None:
    """``delete_queue`` for the queue with this name in the pool."""
    _delete(tx, get_queue_in_pool(tx, pool_name, queue_name))


def _delete(tx: Tx, queue: Row) -> None:
    if tx.value(_IS_DEFAULT, queue_id=queue["id"]):
        raise Conflict(
            f"{queue['name']!r} is the default queue of work pool {queue['work_pool_name']!r}; it goes with it."
        )
    remove(tx, WORK_QUEUES, queue["id"])
    tx.emit(work_queue_event("deleted", queue, pool_of(queue), tx.now))
