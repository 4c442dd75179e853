"""Cleanup work for workers: each message is reserved by one worker at a time, for a limited while, until one is done.

Delivery is at least once: a worker that vanished may have done the work. Whoever has the token of a reservation may end
it; the lease starts anew with each renewal. A message that so many reservations did not finish is put aside.
"""

import hmac
import logging
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from podium.db.unit import Row, Tx
from podium.server.messaging.bus import CLEANUP_MESSAGES
from podium.server.messaging.signal import Signal
from podium.server.queries.worker_cleanup import add_message, lock_message, set_message, take_message
from podium.wire.worker_channel import Operation, Status

logger = logging.getLogger("podium.server.cleanup")

EXHAUSTED = "max_delivery_attempts_reached"
FREE: Mapping[str, Any] = {"reservation_token": None, "consumer_id": None, "lease_expires_at": None}


class Outcome(NamedTuple):
    """What became of an operation: its status, the reason unless it was accepted, the new end of a renewed lease."""

    status: Status
    reason: str | None = None
    lease_expires_at: datetime | None = None


def enqueue_cleanup(
    tx: Tx, pool_id: str, queue_id: str | None, kind: str, target: Mapping[str, Any], idempotency_key: str
) -> None:
    """Offers cleanup work to the workers of a pool, once for each key."""
    values = {
        "work_pool_id": pool_id,
        "work_queue_id": queue_id,
        "kind": kind,
        "target": target,
        "data": {},
        "delivery_count": 0,
        "idempotency_key": idempotency_key,
    }
    if add_message(tx, values):
        _tell(tx, pool_id)


def reserve_cleanup(
    tx: Tx, pool_id: str, queue_ids: Sequence[str], kinds: Sequence[str], consumer_id: str
) -> Row | None:
    """Reserves the next message of the pool for a consumer, those of its queues first; None when there is none."""
    settings = tx.settings.server.worker_channel
    reservation = {
        # Not a time-ordered id: the token is the authority over the message, so it must not be guessed.
        "reservation_token": str(uuid.uuid4()),
        "consumer_id": consumer_id,
        "lease_expires_at": _lease(tx),
    }
    return take_message(tx, pool_id, queue_ids, kinds, settings.cleanup_max_delivery_attempts, reservation)


def operate_on_cleanup(tx: Tx, pool_id: str, message_id: str, token: str, operation: Operation) -> Outcome:
    """Finishes, prolongs or gives back the reservation with this token, if it is the message's present one."""
    message = lock_message(tx, message_id)
    if message is None:
        return Outcome("not_found", "message_not_found")
    if message["work_pool_id"] != pool_id:
        return Outcome("unauthorized", "work_pool_mismatch")
    if message["reservation_token"] is None:
        return Outcome("not_current", "no_active_reservation")
    if not hmac.compare_digest(message["reservation_token"].encode(), token.encode()):
        return Outcome("invalid_token", "reservation_token_mismatch")
    if message["lease_expires_at"] <= tx.now:
        return Outcome("expired", "lease_expired")
    if operation == "release":
        return _give_back(tx, message)
    if operation == "renew":
        until = _lease(tx)
        set_message(tx, message_id, {"lease_expires_at": until})
        return Outcome("accepted", lease_expires_at=until)
    set_message(tx, message_id, {**FREE, "finished": tx.now})
    return Outcome("accepted")


def give_back_expired(tx: Tx, found: Row) -> None:
    """Ends a reservation whose lease expired, unless it was renewed or ended meanwhile."""
    message = lock_message(tx, found["id"])
    if message is None:
        return
    until = message["lease_expires_at"]
    if until is None or until <= tx.now:
        _give_back(tx, message)


def _give_back(tx: Tx, message: Row) -> Outcome:
    """Offers a message again, or puts it aside when it was reserved often enough."""
    if message["delivery_count"] < tx.settings.server.worker_channel.cleanup_max_delivery_attempts:
        set_message(tx, message["id"], FREE)
        _tell(tx, message["work_pool_id"])
        return Outcome("accepted")
    set_message(tx, message["id"], {**FREE, "finished": tx.now, "dead_letter_reason": EXHAUSTED})
    what = (message["kind"], message["id"], message["delivery_count"])
    tx.after_commit(lambda: logger.warning("No worker finished the cleanup %s (%s) in %d attempts", *what))
    return Outcome("dead_lettered", EXHAUSTED)


def _lease(tx: Tx) -> datetime:
    return tx.now + timedelta(seconds=tx.settings.server.worker_channel.cleanup_lease_seconds)


def _tell(tx: Tx, pool_id: str) -> None:
    tx.emit(Signal(CLEANUP_MESSAGES, (tx.workspace_id, pool_id)))
