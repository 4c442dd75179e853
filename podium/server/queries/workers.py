"""Reading workers."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement

from podium.db.tables.work_pools import workers
from podium.db.unit import Row, Tx
from podium.server.queries.generic import Entity, page
from podium.server.queries.work_pools import get_work_pool
from podium.wire.workers import Worker

WORKERS = Entity(workers, Worker, "Worker")


def list_workers(tx: Tx, pool_name: str, where: Sequence[ColumnElement[bool]], limit: int, offset: int) -> list[Row]:
    """The workers of a pool that match, the latest to call first; ``NotFound`` without the pool."""
    pool = get_work_pool(tx, pool_name)
    mine = workers.c.work_pool_id == pool["id"]
    return page(tx, WORKERS, [mine, *where], [workers.c.last_heartbeat_time.desc(), workers.c.id], limit, offset)
