"""Creating, changing and deleting work pools, and their status."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, exists, literal_column, select, update

from podium.db.ids import new_id
from podium.db.tables.work_pools import work_pools, work_queues, workers
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import Conflict, Forbidden
from podium.server.events.lifecycle import (
    work_pool_event,
    work_pool_status_event,
    work_pool_updated,
    work_queue_event,
)
from podium.server.messaging.bus import WORK_POOL_SNAPSHOTS
from podium.server.messaging.signal import Signal
from podium.server.operations.job_variables import check_base_job_template
from podium.server.operations.work_queues import add_queue, ensure_queue
from podium.server.queries.generic import insert_or_ignore, new_row
from podium.server.queries.work_pools import as_answer, find_work_pool, get_work_pool
from podium.server.queries.work_queues import find_work_queue
from podium.wire.work_pools import StorageConfiguration

AGENT = "prefect-agent"
AGENT_POOL = "default-agent-pool"
TOLD_TO_WORKERS = {"base_job_template", "concurrency_limit", "is_paused", "storage_configuration"}
"""Columns whose change the connected workers of a pool are told at once."""

DEFAULT_QUEUE = {"name": "default", "description": "The work pool's default queue."}

_IS_SERVED = select(
    exists(literal_column("1"))
    .select_from(workers)
    .where(workers.c.work_pool_id == bindparam("pool_id"), workers.c.status == "ONLINE")
)
_QUEUES = select(work_queues).where(work_queues.c.work_pool_id == bindparam("pool_id"))
_SET_STATUS = (
    update(work_pools)
    .where(work_pools.c.id == bindparam("pool_id"), work_pools.c.workspace_id == WORKSPACE)
    .values(
        status=bindparam("new_status"),
        last_status_event_id=bindparam("event_id"),
        last_transitioned_status_at=bindparam("moment"),
        updated=bindparam("moment"),
    )
)


def create_work_pool(tx: Tx, values: Mapping[str, Any]) -> Row:
    """Stores a pool with its default queue and answers it.

    Raises ``Forbidden`` for a reserved name, ``Conflict`` for a taken one, ``Invalid`` for a template that is wrong.
    """
    if values["name"].lower().startswith("prefect"):
        raise Forbidden("Names of work pools that start with 'prefect' are reserved.")
    check_base_job_template(values.get("base_job_template") or {})
    pool = _add(tx, values)
    if pool is None:
        raise Conflict(f"A work pool with the name {values['name']!r} already exists.")
    return as_answer(tx, pool)


def ensure_agent_pool(tx: Tx) -> Row:
    """The pool of deployments that name a queue but no pool, made when it is missing."""
    pool = find_work_pool(tx, AGENT_POOL) or _add(tx, {"name": AGENT_POOL, "type": AGENT})
    return pool or get_work_pool(tx, AGENT_POOL)


def queue_for(tx: Tx, pool_name: str | None, queue_name: str | None) -> Row | None:
    """The queue that a deployment or run goes to, with its pool's name and type; made when the pool lacks it.

    No queue name is the default queue of the pool, no pool name the agents' pool, neither no queue. ``NotFound`` for an
    unknown pool.
    """
    if pool_name is None:
        return None if queue_name is None else ensure_queue(tx, ensure_agent_pool(tx), queue_name)
    pool = get_work_pool(tx, pool_name)
    if queue_name is None:
        return find_work_queue(tx, pool["default_queue_id"])
    return ensure_queue(tx, pool, queue_name)


def _add(tx: Tx, values: Mapping[str, Any]) -> Row | None:
    """Inserts a pool with its default queue; None when the name is taken."""
    given = {name: value for name, value in values.items() if value is not None}
    status = None if given["type"] == AGENT else "PAUSED" if given.get("is_paused") else "NOT_READY"
    queue_id = new_id()
    row = new_row(
        tx,
        work_pools,
        {
            "base_job_template": {},
            "storage_configuration": StorageConfiguration(),
            "is_paused": False,
            **given,
            "status": status,
            "default_queue_id": queue_id,
        },
    )
    pool = tx.one(insert_or_ignore(tx, work_pools).returning(*work_pools.c), row)
    if pool is None:
        return None
    add_queue(tx, pool, {**DEFAULT_QUEUE, "id": queue_id})
    tx.emit(work_pool_event("created", pool, tx.now))
    if status is not None:
        set_pool_status(tx, pool, status)
    return pool


def change_work_pool(tx: Tx, name: str, values: Mapping[str, Any]) -> None:
    """Sets columns of a pool; ``NotFound`` without it, ``Invalid`` for a template that does not fit."""
    before = get_work_pool(tx, name)
    changes = {
        column: value
        for column, value in values.items()
        if value is not None or column in ("description", "concurrency_limit")
    }
    if "base_job_template" in changes:
        check_base_job_template(changes["base_job_template"])
    statement = update(work_pools).where(work_pools.c.id == before["id"], work_pools.c.workspace_id == WORKSPACE)
    after = tx.one(statement.values({**changes, "updated": tx.now}).returning(*work_pools.c))
    assert after is not None
    updated = work_pool_updated(before, after, tx.now)
    if updated:
        tx.emit(updated)
    paused = changes.get("is_paused")
    if paused is not None and after["type"] != AGENT:
        set_pool_status(tx, after, "PAUSED" if paused else _status_by_workers(tx, after["id"]))
    if not TOLD_TO_WORKERS.isdisjoint(changes):
        tx.emit(Signal(WORK_POOL_SNAPSHOTS, (tx.workspace_id, name)))


def _status_by_workers(tx: Tx, pool_id: str) -> str:
    return "READY" if tx.value(_IS_SERVED, pool_id=pool_id) else "NOT_READY"


def set_pool_status(tx: Tx, pool: Row, status: str) -> None:
    """Gives a pool a status and tells so; ``pool`` is its whole row as it was."""
    event = work_pool_status_event(pool, status, tx.now)
    tx.emit(event)
    tx.run(_SET_STATUS, pool_id=pool["id"], new_status=status, event_id=event.id, moment=tx.now)


def delete_work_pool(tx: Tx, name: str) -> None:
    """Deletes a pool with its queues and workers; ``NotFound`` without it, ``Forbidden`` for a reserved name."""
    pool = get_work_pool(tx, name)
    if name.lower().startswith("prefect"):
        raise Forbidden("Work pools whose names start with 'prefect' cannot be deleted.")
    for queue in tx.all(_QUEUES, pool_id=pool["id"]):
        tx.emit(work_queue_event("deleted", queue, pool, tx.now))
    tx.run(work_pools.delete().where(work_pools.c.id == pool["id"], work_pools.c.workspace_id == WORKSPACE))
    tx.emit(work_pool_event("deleted", pool, tx.now))
    tx.emit(Signal(WORK_POOL_SNAPSHOTS, (tx.workspace_id, name)))
