"""What a worker's channel does to its pool: opening it, and each sign of life."""

from typing import NamedTuple

import msgspec

from podium.db.tables.work_pools import work_queues
from podium.db.types import plain
from podium.db.unit import Row, Tx
from podium.server.errors import Conflict, NotFound
from podium.server.operations.work_pools import AGENT, change_work_pool, create_work_pool
from podium.server.operations.workers import record_heartbeat
from podium.server.queries.work_pools import as_answer, find_work_pool, get_work_pool, read_work_pool
from podium.server.queries.work_queues import list_work_queues
from podium.wire.decoding import decode, encode
from podium.wire.texts import check_texts
from podium.wire.work_pools import WorkPoolCreate
from podium.wire.worker_channel import HeartbeatPayload, HelloPayload


class Opening(NamedTuple):
    """The pool as the wire shows it, and the queues of it that the worker serves."""

    pool: Row
    queues: list[Row]


def open_channel(tx: Tx, pool_name: str, hello: HelloPayload) -> Opening:
    """Notes that a worker is there; makes the pool when it may, and gives one without a template that of the worker.

    Raises ``NotFound`` for an unknown pool or queue, ``Forbidden`` for a reserved name of a pool, ``BadBody`` or
    ``Invalid`` for a name or template that no pool can have.
    """
    pool = find_work_pool(tx, pool_name)
    if pool is None:
        _create(tx, pool_name, hello)
    elif hello.default_base_job_template and not plain(pool["base_job_template"]):
        change_work_pool(tx, pool_name, {"base_job_template": hello.default_base_job_template})
    queues = _queues(tx, get_work_pool(tx, pool_name), hello.work_queue_names)
    record_heartbeat(tx, pool_name, hello.worker_name, hello.heartbeat_interval_seconds)
    return Opening(read_work_pool(tx, pool_name), queues)


def _create(tx: Tx, pool_name: str, hello: HelloPayload) -> None:
    if not hello.create_pool_if_not_found:
        raise NotFound(f'Work pool "{pool_name}" not found.')
    given = encode({"name": pool_name, "type": hello.worker_type, "base_job_template": hello.default_base_job_template})
    values = decode(WorkPoolCreate, given)
    check_texts(WorkPoolCreate, values, given)
    try:
        create_work_pool(tx, msgspec.structs.asdict(values))
    except Conflict:
        """Another worker of the pool was quicker."""


def _queues(tx: Tx, pool: Row, names: list[str]) -> list[Row]:
    """The queues with these names, or all; in the order they are served."""
    conditions = [work_queues.c.work_pool_id == pool["id"]]
    if names:
        conditions.append(work_queues.c.name.in_(names))
    queues = list_work_queues(tx, conditions, [work_queues.c.priority, work_queues.c.name])
    missing = set(names).difference(queue["name"] for queue in queues)
    if missing:
        raise NotFound(f"Work queue {min(missing)!r} not found.")
    return queues


def beat(tx: Tx, pool_name: str, pool_id: str, heartbeat: HeartbeatPayload) -> Row:
    """``record_heartbeat``; the pool's whole row as it is then. ``NotFound`` when it is not the pool with that id."""
    pool = record_heartbeat(tx, pool_name, heartbeat.worker_name, heartbeat.heartbeat_interval_seconds)
    if pool["id"] != pool_id:
        raise NotFound(f'Work pool "{pool_name}" not found.')
    has_changed = pool["status"] == "NOT_READY" and pool["type"] != AGENT
    return get_work_pool(tx, pool_name) if has_changed else pool


def read_pool(tx: Tx, pool_name: str, pool_id: str) -> Row:
    """The pool as the wire shows it; ``NotFound`` when it is not the pool with that id."""
    pool = get_work_pool(tx, pool_name)
    if pool["id"] != pool_id:
        raise NotFound(f'Work pool "{pool_name}" not found.')
    return as_answer(tx, pool)
