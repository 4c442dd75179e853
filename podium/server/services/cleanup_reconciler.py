"""Offers cleanup work again whose worker did not finish it in time."""

from datetime import datetime, timedelta
from typing import Any

from podium.db.unit import Tx
from podium.profiles import Settings
from podium.server.operations.worker_cleanup import give_back_expired
from podium.server.queries.worker_cleanup import TO_RECONCILE, expired_messages, forget_finished
from podium.server.runtime import Runtime
from podium.server.services.glance import Look
from podium.server.services.sweep import for_each


def _values(settings: Settings, now: datetime) -> dict[str, Any]:
    channel = settings.server.worker_channel
    remembered = channel.cleanup_completed_idempotency_retention_seconds
    finished_by = None if remembered is None else now - timedelta(seconds=remembered)
    return {"most": channel.cleanup_max_delivery_attempts, "finished_by": finished_by}


LOOK = Look(TO_RECONCILE, _values)


async def reconcile_cleanup_delivery(runtime: Runtime) -> None:
    """Ends a batch of expired reservations, and forgets work that was finished long enough ago."""
    settings = runtime.settings.server
    most = settings.worker_channel.cleanup_max_delivery_attempts
    batch = settings.services.cleanup_reconciler.batch_size
    await for_each(runtime.database, await runtime.database.read(expired_messages, most, batch), give_back_expired)
    remembered = settings.worker_channel.cleanup_completed_idempotency_retention_seconds
    if remembered is not None:
        await runtime.database.write(forget, timedelta(seconds=remembered))


def forget(tx: Tx, remembered: timedelta) -> None:
    """Deletes finished work once its key need not be known any more."""
    forget_finished(tx, tx.now - remembered)
