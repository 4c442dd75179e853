"""Tells which workers, work pools, deployments and work queues nobody serves any more."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Select, bindparam, exists, or_, select, update

from podium.db.tables.deployments import deployments
from podium.db.tables.work_pools import work_pools, work_queues, workers
from podium.db.types import Timestamp
from podium.db.unit import WORKSPACE, Row, Tx
from podium.profiles import Settings
from podium.profiles.sections.services import Foreman
from podium.server.events.lifecycle import deployment_status_event, work_queue_status_event
from podium.server.operations.work_pools import set_pool_status
from podium.server.queries.deployments import event_contexts
from podium.server.runtime import Runtime
from podium.server.services.glance import Look
from podium.server.services.sweep import for_each

_BEFORE = bindparam("before", type_=Timestamp())
_ROW_ID: BindParameter[str] = bindparam("row_id")

_ONLINE = select(
    workers.c.id, workers.c.workspace_id, workers.c.last_heartbeat_time, workers.c.heartbeat_interval_seconds
).where(workers.c.status == "ONLINE")
_GO_OFFLINE = update(workers).where(
    workers.c.id == _ROW_ID,
    workers.c.status == "ONLINE",
    workers.c.last_heartbeat_time == bindparam("seen", type_=Timestamp()),
)
_IS_SERVED = exists().where(workers.c.work_pool_id == work_pools.c.id, workers.c.status == "ONLINE")
_UNSERVED_POOLS = select(work_pools).where(work_pools.c.status == "READY", ~_IS_SERVED)
_UNSERVED_POOL = _UNSERVED_POOLS.where(work_pools.c.id == _ROW_ID, work_pools.c.workspace_id == WORKSPACE)


def _forgotten_deployments(before: BindParameter[datetime]) -> Select[Any]:
    return (
        select(deployments.c.id, deployments.c.workspace_id)
        .outerjoin(work_queues, work_queues.c.id == deployments.c.work_queue_id)
        .where(
            deployments.c.status == "READY",
            deployments.c.last_polled < before,
            or_(work_queues.c.last_polled.is_(None), work_queues.c.last_polled < before),
        )
    )


def _forgotten_queues(before: BindParameter[datetime]) -> Select[Any]:
    return select(work_queues.c.id, work_queues.c.workspace_id).where(
        work_queues.c.status == "READY", work_queues.c.last_polled < before
    )


_FORGOTTEN_DEPLOYMENTS = _forgotten_deployments(_BEFORE)
_FORGOTTEN_DEPLOYMENT = _FORGOTTEN_DEPLOYMENTS.where(deployments.c.id == _ROW_ID).with_for_update(of=deployments)
_REST_DEPLOYMENT = update(deployments).where(deployments.c.id == _ROW_ID).values(status="NOT_READY")

_FORGOTTEN_QUEUES = _forgotten_queues(_BEFORE)
_REST_QUEUE = (
    update(work_queues)
    .where(work_queues.c.id == _ROW_ID, work_queues.c.status == "READY", work_queues.c.last_polled < _BEFORE)
    .values(status="NOT_READY")
    .returning(*work_queues.c)
)
_POOL = select(work_pools.c.id, work_pools.c.name, work_pools.c.type).where(work_pools.c.id == _ROW_ID)


def _values(settings: Settings, now: datetime) -> dict[str, datetime]:
    foreman = settings.server.services.foreman
    return {
        "deployment_polled_before": now - timedelta(seconds=foreman.deployment_last_polled_timeout_seconds),
        "queue_polled_before": now - timedelta(seconds=foreman.work_queue_last_polled_timeout_seconds),
    }


LOOK = Look(
    (
        _ONLINE,
        _UNSERVED_POOLS.with_only_columns(work_pools.c.id),
        _forgotten_deployments(bindparam("deployment_polled_before", type_=Timestamp())),
        _forgotten_queues(bindparam("queue_polled_before", type_=Timestamp())),
    ),
    _values,
)


async def watch_workers(runtime: Runtime) -> None:
    """One round: workers that went silent, pools without workers, then deployments and queues nobody polls."""
    settings, database = runtime.settings.server.services.foreman, runtime.database
    await for_each(database, await database.read(silent_workers, settings), take_offline)
    await for_each(database, await database.read(unserved_pools), rest_pool)
    poll = timedelta(seconds=settings.deployment_last_polled_timeout_seconds)
    await for_each(database, await database.read(forgotten_deployments, poll), rest_deployment, poll)
    poll = timedelta(seconds=settings.work_queue_last_polled_timeout_seconds)
    await for_each(database, await database.read(forgotten_queues, poll), rest_queue, poll)


def silent_workers(tx: Tx, settings: Foreman) -> list[Row]:
    """The online workers of every workspace that missed too many heartbeats."""
    return [worker for worker in tx.all(_ONLINE) if _is_silent(tx, worker, settings)]


def _is_silent(tx: Tx, worker: Row, settings: Foreman) -> bool:
    interval = worker["heartbeat_interval_seconds"] or settings.fallback_heartbeat_interval_seconds
    patience = timedelta(seconds=interval * settings.inactivity_heartbeat_multiple)
    return worker["last_heartbeat_time"] is not None and tx.now - worker["last_heartbeat_time"] > patience


def take_offline(tx: Tx, worker: Row) -> None:
    """Marks a worker offline unless it called meanwhile."""
    seen = worker["last_heartbeat_time"]
    tx.run(_GO_OFFLINE.values(status="OFFLINE", updated=tx.now), row_id=worker["id"], seen=seen)


def unserved_pools(tx: Tx) -> list[Row]:
    """The ready pools of every workspace without an online worker."""
    return tx.all(_UNSERVED_POOLS)


def rest_pool(tx: Tx, pool: Row) -> None:
    """Marks a pool not ready unless a worker came meanwhile."""
    whole = tx.one(_UNSERVED_POOL, row_id=pool["id"])
    if whole is not None:
        set_pool_status(tx, whole, "NOT_READY")


def forgotten_deployments(tx: Tx, patience: timedelta) -> list[Row]:
    """The ready deployments of every workspace that nobody polls any more, directly or by their queue."""
    return tx.all(_FORGOTTEN_DEPLOYMENTS, before=tx.now - patience)


def rest_deployment(tx: Tx, deployment: Row, patience: timedelta) -> None:
    """Marks a deployment not ready unless it was polled meanwhile."""
    if tx.one(_FORGOTTEN_DEPLOYMENT, row_id=deployment["id"], before=tx.now - patience) is None:
        return
    tx.run(_REST_DEPLOYMENT, row_id=deployment["id"])
    for whole, context in event_contexts(tx, [deployment["id"]]):
        tx.emit(deployment_status_event(whole, "NOT_READY", context, tx.now))


def forgotten_queues(tx: Tx, patience: timedelta) -> list[Row]:
    """The ready queues of every workspace that nobody polls any more."""
    return tx.all(_FORGOTTEN_QUEUES, before=tx.now - patience)


def rest_queue(tx: Tx, queue: Row, patience: timedelta) -> None:
    """Marks a queue not ready unless it was polled meanwhile."""
    whole = tx.one(_REST_QUEUE, row_id=queue["id"], before=tx.now - patience)
    if whole is not None:
        pool = tx.one(_POOL, row_id=whole["work_pool_id"])
        tx.emit(work_queue_status_event(whole, "NOT_READY", pool, tx.now))
