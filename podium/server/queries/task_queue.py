"""The hand-over of background task runs to task workers.

A run that waits is a row. It is offered to one connection at a time for a limited while, so that it is offered again
when that connection, or its server, is gone; it leaves when a worker said that it has it.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import bindparam, case, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from podium.db.ids import new_id
from podium.db.tables.task_queue import task_run_deliveries, task_workers
from podium.db.tables.task_runs import task_runs
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.messaging.bus import SCHEDULED_TASK_RUNS
from podium.server.messaging.signal import Signal
from podium.server.queries.task_runs import find_task_run

OFFER = timedelta(seconds=60)
"""How long an offer stands without a sign of life from its server."""

_DELIVERY = task_run_deliveries.c
_WORKER = task_workers.c

_ENQUEUE = {
    name: make(task_run_deliveries).on_conflict_do_update(
        index_elements=[_DELIVERY.task_run_id],
        set_={"urgent": bindparam("again"), "task_worker_id": None, "offered_until": None},
    )
    for name, make in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
_FREE = (
    _DELIVERY.workspace_id == WORKSPACE,
    or_(_DELIVERY.offered_until.is_(None), _DELIVERY.offered_until < bindparam("now")),
)
_OFFERED = (_DELIVERY.task_run_id == bindparam("run_id"), _DELIVERY.task_worker_id == bindparam("worker_id"))
_FINISH = delete(task_run_deliveries).where(*_OFFERED)
_PUT_BACK = update(task_run_deliveries).where(*_OFFERED).values(urgent=True, task_worker_id=None, offered_until=None)
_EXTEND = (
    update(task_run_deliveries)
    .where(_DELIVERY.task_worker_id == bindparam("worker_id"))
    .values(offered_until=bindparam("until"))
)
_CONNECT = insert(task_workers)
_KEEP = update(task_workers).where(_WORKER.id == bindparam("worker_id")).values(alive_until=bindparam("until"))
_DISCONNECT = delete(task_workers).where(
    or_(_WORKER.id == bindparam("worker_id"), _WORKER.alive_until < bindparam("now"))
)
_WORKERS = (
    select(_WORKER.identifier, _WORKER.task_keys, _WORKER.timestamp)
    .where(_WORKER.workspace_id == WORKSPACE, _WORKER.alive_until >= bindparam("now"))
    .order_by(_WORKER.timestamp)
)


def enqueue_task_run(tx: Tx, task_run_id: str, task_key: str, urgent: bool = False) -> None:
    """Offers a background run to the workers of its task; ``urgent`` ones (retries) go first."""
    tx.run(
        _ENQUEUE[tx.dialect],
        workspace_id=tx.workspace_id,
        task_run_id=task_run_id,
        task_key=task_key,
        urgent=urgent,
        again=urgent,
    )
    tx.emit(Signal(SCHEDULED_TASK_RUNS, (tx.workspace_id, task_key)))


def offer_task_run(tx: Tx, worker_id: str, keys: Sequence[str]) -> Row | None:
    """The next run for a worker of these tasks as the wire shows it, None when there is none.

    Urgent ones go first, then those of an earlier key, then the older. Rows whose run is no longer SCHEDULED are
    dropped on the way.
    """
    order = case({key: place for place, key in enumerate(keys)}, value=_DELIVERY.task_key)
    next_one = (
        select(_DELIVERY.position)
        .where(*_FREE, _DELIVERY.task_key.in_(keys))
        .order_by(_DELIVERY.urgent.desc(), order, _DELIVERY.position)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    claim = (
        update(task_run_deliveries)
        .where(_DELIVERY.position == next_one)
        .values(task_worker_id=worker_id, offered_until=tx.now + OFFER)
        .returning(_DELIVERY.task_run_id)
    )
    while (claimed := tx.one(claim, now=tx.now)) is not None:
        run = find_task_run(tx, claimed["task_run_id"])
        if run is not None and run["state_type"] == "SCHEDULED":
            return run
        tx.run(_FINISH, run_id=claimed["task_run_id"], worker_id=worker_id)
    return None


def finish_offer(tx: Tx, worker_id: str, task_run_id: str) -> None:
    """The worker has the run: nobody else gets it."""
    tx.run(_FINISH, run_id=task_run_id, worker_id=worker_id)


def put_back(tx: Tx, worker_id: str, task_run_id: str) -> None:
    """The worker does not take the run: the next one gets it first."""
    tx.run(_PUT_BACK, run_id=task_run_id, worker_id=worker_id)
    key = tx.value(select(task_runs.c.task_key).where(task_runs.c.id == task_run_id))
    if key is not None:
        tx.emit(Signal(SCHEDULED_TASK_RUNS, (tx.workspace_id, key)))


def connect_worker(tx: Tx, identifier: str, keys: Sequence[str]) -> str:
    """Notes that a task worker listens; returns the id of its connection."""
    worker_id = new_id()
    tx.run(
        _CONNECT,
        id=worker_id,
        workspace_id=tx.workspace_id,
        identifier=identifier,
        task_keys=list(keys),
        timestamp=tx.now,
        alive_until=tx.now + OFFER,
    )
    return worker_id


def keep_worker(tx: Tx, worker_id: str) -> None:
    """The connection still stands, and so does its offer."""
    tx.run(_KEEP, worker_id=worker_id, until=tx.now + OFFER)
    tx.run(_EXTEND, worker_id=worker_id, until=tx.now + OFFER)


def disconnect_worker(tx: Tx, worker_id: str) -> None:
    """The connection is closed; forgets those of lost servers as well."""
    tx.run(_DISCONNECT, worker_id=worker_id, now=tx.now)


def list_task_workers(tx: Tx) -> list[Row]:
    """The task workers that listen, the longest connected first: identifier, task_keys, timestamp."""
    return tx.all(_WORKERS, now=tx.now)
