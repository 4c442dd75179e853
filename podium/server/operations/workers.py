"""Workers: their signs of life, and what these say about their pool."""

from datetime import datetime

from sqlalchemy import bindparam, delete
from sqlalchemy.dialects import postgresql, sqlite

from podium.db.ids import new_id
from podium.db.tables.work_pools import workers
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import NotFound
from podium.server.operations.work_pools import AGENT, set_pool_status
from podium.server.queries.work_pools import get_work_pool


def record_heartbeat(
    tx: Tx, pool_name: str, worker_name: str, interval: int | None, moment: datetime | None = None
) -> Row:
    """Notes that a worker lives: it is online from then on, and its pool ready unless it is paused.

    The pool's whole row as it was. ``NotFound`` without the pool.
    """
    pool = get_work_pool(tx, pool_name)
    make = postgresql.insert if tx.dialect == "postgresql" else sqlite.insert
    fresh = {
        "last_heartbeat_time": moment or tx.now,
        "heartbeat_interval_seconds": interval,
        "status": "ONLINE",
        "updated": tx.now,
    }
    key = {"workspace_id": tx.workspace_id, "work_pool_id": pool["id"], "name": worker_name}
    statement = make(workers).on_conflict_do_update(index_elements=list(key), set_=fresh)
    tx.run(statement, {"id": new_id(), "created": tx.now, **key, **fresh})
    if pool["status"] == "NOT_READY" and pool["type"] != AGENT:
        set_pool_status(tx, pool, "READY")
    return pool


_DELETE = delete(workers).where(
    workers.c.work_pool_id == bindparam("pool_id"),
    workers.c.name == bindparam("worker_name"),
    workers.c.workspace_id == WORKSPACE,
)


def delete_worker(tx: Tx, pool_name: str, worker_name: str) -> None:
    """Forgets a worker; ``NotFound`` without it or its pool."""
    pool = get_work_pool(tx, pool_name)
    if not tx.run(_DELETE, pool_id=pool["id"], worker_name=worker_name):
        raise NotFound("Worker not found.")
