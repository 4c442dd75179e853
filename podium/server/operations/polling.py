"""What asking for work tells about queues and deployments: that somebody serves them.

Many workers ask every few seconds, so a fact that is fresh enough is not written again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, select, update

from podium.db.tables.deployments import deployments
from podium.db.tables.work_pools import work_queues
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.events.lifecycle import deployment_status_event, work_queue_status_event
from podium.server.queries.deployments import event_contexts
from podium.server.queries.work_pools import pool_of
from podium.server.queries.work_queues import find_work_queue

QUEUE_FRESHNESS = timedelta(seconds=5)
"""How old the note of a queue's last poll may be before it is renewed."""

DEPLOYMENT_FRESHNESS = timedelta(seconds=30)
"""The same for deployments; the foreman looks at their queue first, so that this may be longer."""


def unmarked_queues(queues: Sequence[Row], now: datetime) -> list[str]:
    """The ids of the queues whose poll is worth a write."""
    return [queue["id"] for queue in queues if queue["status"] == "NOT_READY" or _is_old(queue["last_polled"], now)]


def _is_old(polled: datetime | None, now: datetime) -> bool:
    return polled is None or now - polled >= QUEUE_FRESHNESS


def mark_queues_polled(tx: Tx, queue_ids: Sequence[str]) -> None:
    """Notes that the queues are asked for work: they are ready unless paused, and so are their deployments."""
    mine = and_(work_queues.c.id.in_(queue_ids), work_queues.c.workspace_id == WORKSPACE)
    woken = tx.column(
        update(work_queues)
        .where(mine, work_queues.c.status == "NOT_READY")
        .values(status="READY", last_polled=tx.now, updated=tx.now)
        .returning(work_queues.c.id)
    )
    old = or_(work_queues.c.last_polled.is_(None), work_queues.c.last_polled <= tx.now - QUEUE_FRESHNESS)
    tx.run(update(work_queues).where(mine, old).values(last_polled=tx.now))
    for queue_id in woken:
        queue = find_work_queue(tx, queue_id)
        if queue is not None:
            tx.emit(work_queue_status_event(queue, "READY", pool_of(queue), tx.now))
    _mark_deployments(tx, deployments.c.work_queue_id.in_(queue_ids))


def need_marking(tx: Tx, deployment_ids: Sequence[str]) -> bool:
    """Whether the poll of one of these deployments is worth a write."""
    found = select(deployments.c.id).where(_chosen(deployment_ids), or_(_asleep(), _stale(tx.now))).limit(1)
    return tx.value(found) is not None


def mark_deployments_polled(tx: Tx, deployment_ids: Sequence[str]) -> None:
    """Notes that the deployments' runs are asked for: they are ready."""
    _mark_deployments(tx, _chosen(deployment_ids))


def _chosen(deployment_ids: Sequence[str]) -> ColumnElement[bool]:
    return and_(deployments.c.id.in_(deployment_ids), deployments.c.workspace_id == WORKSPACE)


def _asleep() -> ColumnElement[bool]:
    return deployments.c.status == "NOT_READY"


def _stale(now: datetime) -> ColumnElement[bool]:
    return or_(deployments.c.last_polled.is_(None), deployments.c.last_polled <= now - DEPLOYMENT_FRESHNESS)


def _mark_deployments(tx: Tx, which: ColumnElement[bool]) -> None:
    """``updated`` stays as it is: it tells the scheduler of changes by users."""
    waking = update(deployments).where(which, _asleep()).values(status="READY", last_polled=tx.now)
    woken = tx.column(waking.returning(deployments.c.id))
    tx.run(update(deployments).where(which, _stale(tx.now)).values(last_polled=tx.now))
    for deployment, context in event_contexts(tx, woken):
        tx.emit(deployment_status_event(deployment, "READY", context, tx.now))
