"""Rows of the cleanup work that is offered to workers.

A message that is not finished is open: reserved by one worker until its lease expires, or free. Each reservation counts
as a delivery, also one that was given back.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, case, delete, or_, select, update

from podium.db.tables.work_pools import worker_cleanup_messages as messages
from podium.db.types import Timestamp
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.queries.generic import insert_or_ignore, new_row

_IS_OPEN = messages.c.finished.is_(None)
_NOW = bindparam("now", type_=Timestamp())
_HAS_EXPIRED = messages.c.lease_expires_at <= _NOW
_IS_EXHAUSTED = messages.c.delivery_count >= bindparam("most")
_MINE = (messages.c.id == bindparam("message_id"), messages.c.workspace_id == WORKSPACE)

_LOCK = select(messages).where(*_MINE, _IS_OPEN).with_for_update()
_RETURNED = update(messages).where(*_MINE)
_EXPIRED = (
    select(messages.c.id, messages.c.workspace_id)
    .where(_IS_OPEN, or_(_HAS_EXPIRED, and_(messages.c.reservation_token.is_(None), _IS_EXHAUSTED)))
    .order_by(messages.c.lease_expires_at, messages.c.id)
    .limit(bindparam("page"))
)
TO_RECONCILE = (
    _EXPIRED.limit(1),
    select(messages.c.id).where(messages.c.finished <= bindparam("finished_by", type_=Timestamp())),
)
"""With ``now``, ``most`` and ``finished_by``: open messages to be offered again, and finished ones to be forgotten."""

_LONG_FINISHED = delete(messages).where(messages.c.finished <= bindparam("until", type_=Timestamp()))


def add_message(tx: Tx, values: Mapping[str, Any]) -> bool:
    """Inserts a message unless there is one with its ``idempotency_key``, finished or not; whether it did."""
    statement = insert_or_ignore(tx, messages).returning(messages.c.id)
    return tx.one(statement, new_row(tx, messages, values)) is not None


def take_message(
    tx: Tx, pool_id: str, queue_ids: Sequence[str], kinds: Sequence[str], most: int, values: Mapping[str, Any]
) -> Row | None:
    """Sets ``values`` on a message of these kinds that is free, or whose lease expired, and counts the delivery.

    Messages of these queues go first, then the older ones; those that were delivered ``most`` times are left out.
    """
    own_first = case((messages.c.work_queue_id.in_(queue_ids), 0), else_=1)
    chosen = (
        select(messages.c.id)
        .where(
            _IS_OPEN,
            messages.c.workspace_id == WORKSPACE,
            messages.c.work_pool_id == bindparam("pool_id"),
            messages.c.kind.in_(kinds),
            messages.c.delivery_count < bindparam("most"),
            or_(messages.c.reservation_token.is_(None), _HAS_EXPIRED),
        )
        .order_by(own_first, messages.c.created, messages.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    taken = update(messages).where(messages.c.id == chosen).returning(*messages.c)
    return tx.one(
        taken.values(**values, delivery_count=messages.c.delivery_count + 1, updated=tx.now),
        pool_id=pool_id,
        most=most,
        now=tx.now,
    )


def lock_message(tx: Tx, message_id: str) -> Row | None:
    """The open message with this id, which nobody else changes until the unit ends; None when there is none."""
    return tx.one(_LOCK, message_id=message_id)


def set_message(tx: Tx, message_id: str, values: Mapping[str, Any]) -> None:
    """Sets columns of a message."""
    tx.run(_RETURNED.values({**values, "updated": tx.now}), message_id=message_id)


def expired_messages(tx: Tx, most: int, page: int) -> list[Row]:
    """Ids and workspaces of a page of open messages whose lease expired, or that were delivered ``most`` times."""
    return tx.all(_EXPIRED, now=tx.now, most=most, page=page)


def forget_finished(tx: Tx, until: datetime) -> int:
    """Deletes the messages of every workspace that were finished by then; how many."""
    return tx.run(_LONG_FINISHED, until=until)
