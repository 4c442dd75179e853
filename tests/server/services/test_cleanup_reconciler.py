"""Cleanup work that a worker did not finish in time comes back, and finished work is remembered as long as wanted."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from podium.db.ids import new_id
from podium.db.tables.work_pools import worker_cleanup_messages as messages
from podium.server.operations.worker_cleanup import enqueue_cleanup, operate_on_cleanup, reserve_cleanup
from podium.server.services.cleanup_reconciler import reconcile_cleanup_delivery
from podium.wire.worker_channel import CANCELLING_TIMEOUT
from tests.server.conftest import Units, settings_for
from tests.server.rows import Rows


@pytest.fixture
def pool_id(units: Units) -> str:
    return Rows(units.write).pool()


def enqueue(units: Units, pool_id: str, key: str | None = None) -> None:
    units.write(enqueue_cleanup, pool_id, None, CANCELLING_TIMEOUT, {"flow_run_id": new_id()}, key or new_id())


def reserve(units: Units, pool_id: str) -> Any:
    return units.write(reserve_cleanup, pool_id, [], [CANCELLING_TIMEOUT], new_id())


def operate(units: Units, pool_id: str, message: Any, operation: str) -> tuple[Any, ...]:
    token = message["reservation_token"]
    return tuple(units.write(operate_on_cleanup, pool_id, message["id"], token, operation))[:2]


def expire(units: Units, message: Any) -> None:
    past = units.database.clock() - timedelta(seconds=1)
    units.write(lambda tx: tx.run(update(messages).where(messages.c.id == message["id"]).values(lease_expires_at=past)))


def rows(units: Units, pool_id: str) -> list[dict[str, Any]]:
    return units.all(select(messages).where(messages.c.work_pool_id == pool_id).order_by(messages.c.created))


def test_expired_work_comes_back_and_is_put_aside_in_the_end(units: Units, pool_id: str) -> None:
    """Three reservations are enough; who had it is told that it is nobody's now."""
    enqueue(units, pool_id)
    for count in (1, 2, 3):
        message = reserve(units, pool_id)
        assert message["delivery_count"] == count
        assert reserve(units, pool_id) is None
        units.run(reconcile_cleanup_delivery(units.runtime))
        assert operate(units, pool_id, message, "renew") == ("accepted", None)
        expire(units, message)
        units.run(reconcile_cleanup_delivery(units.runtime))
        expected = ("not_current", "no_active_reservation") if count < 3 else ("not_found", "message_not_found")
        assert operate(units, pool_id, message, "ack") == expected
    assert reserve(units, pool_id) is None
    assert [row["dead_letter_reason"] for row in rows(units, pool_id)] == ["max_delivery_attempts_reached"]


def test_a_batch_is_the_most_of_a_round(units: Units, pool_id: str) -> None:
    """The rest is for the next one."""
    settings = settings_for("sqlite://", PODIUM_SERVER_SERVICES_CLEANUP_RECONCILER_BATCH_SIZE="2")
    for _ in range(3):
        enqueue(units, pool_id)
    for message in [reserve(units, pool_id) for _ in range(3)]:
        expire(units, message)
    for held in (1, 0):
        units.run(reconcile_cleanup_delivery(replace(units.runtime, settings=settings)))
        assert sum(row["reservation_token"] is not None for row in rows(units, pool_id)) == held


def test_finished_work_is_remembered_as_long_as_wanted(units: Units, pool_id: str) -> None:
    """For good, if nothing is said; so it is not done twice."""
    key = new_id()
    enqueue(units, pool_id, key)
    assert operate(units, pool_id, reserve(units, pool_id), "ack") == ("accepted", None)
    units.run(reconcile_cleanup_delivery(units.runtime))
    enqueue(units, pool_id, key)
    assert reserve(units, pool_id) is None
    retention = {"PODIUM_SERVER_WORKER_CHANNEL_CLEANUP_COMPLETED_IDEMPOTENCY_RETENTION_SECONDS": "0"}
    units.run(reconcile_cleanup_delivery(replace(units.runtime, settings=settings_for("sqlite://", **retention))))
    enqueue(units, pool_id, key)
    assert reserve(units, pool_id) is not None
