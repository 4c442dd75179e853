"""How a consumer gets its events: each exactly once, in their order, also when the process dies in between.

What a consumer has to do are rows of ``event_deliveries``. It takes them and deletes them in the transaction that does
the work. One that fails is put off, and given up after the last attempt. Every process with services runs every
consumer; only one of them works at a time, and when its process dies another goes on at once.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from time import monotonic
from typing import Any
from zlib import crc32

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, func, or_, select, update

from podium.db.errors import DatabaseUnavailable
from podium.db.prepared import Prepared
from podium.db.tables.events import event_deliveries, events
from podium.db.unit import Row, Tx
from podium.server.events.consumers import Consumer
from podium.server.runtime import Runtime
from podium.server.services.glance import Look

logger = logging.getLogger("podium.server.services")

BATCH = 200
LONGEST_WAIT = 5.0
STANDBY = 0.5
"""Seconds until a consumer that is at work in another process is tried again."""

ROUND = 30.0
ATTEMPTS = 5
RETRY_AFTER = timedelta(seconds=2)

CONSUMERS = 5150
"""Marks the advisory locks of consumers."""

LONGEST_SILENCE = 10_000
"""Milliseconds after which PostgreSQL lets go of a consumer whose process does not go on."""

Record = Callable[[Tx, int], int]
"""A unit of work: handles up to so many deliveries that are due, and returns how many it took."""

_DELIVERY = event_deliveries.c
_POSITIONS = _DELIVERY.position.in_(bindparam("positions", expanding=True))
_DONE = delete(event_deliveries).where(_POSITIONS)
_PUT_BACK = (
    update(event_deliveries)
    .where(_POSITIONS)
    .values(attempts=_DELIVERY.attempts + 1, not_before=bindparam("retry_at", type_=_DELIVERY.not_before.type))
)


class AtWork(Exception):
    """Another process handles deliveries of the consumer just now."""


def with_events(columns: Sequence[ColumnElement[object]]) -> Select[Any]:
    """Deliveries, each with these columns of its event and the resource's id; null where the event is gone."""
    its_event = and_(events.c.id == _DELIVERY.event_id, events.c.occurred == _DELIVERY.occurred)
    return select(
        _DELIVERY.position,
        _DELIVERY.workspace_id,
        _DELIVERY.event_id,
        _DELIVERY.attempts,
        _DELIVERY.occurred,
        events.c.resource_id,
        *columns,
    ).join_from(event_deliveries, events, its_event, isouter=True)


class Deliveries:
    """The deliveries of one consumer, as a unit of work sees them.

    ``columns`` are those of the event that the consumer reads, beside its resource.
    """

    def __init__(self, consumer: Consumer, columns: Sequence[ColumnElement[object]]) -> None:
        self.name = consumer.name
        due = (
            _DELIVERY.consumer == consumer.name,
            or_(_DELIVERY.not_before.is_(None), _DELIVERY.not_before <= bindparam("now")),
        )
        self.look = Look((select(_DELIVERY.position).where(*due),))
        """Whether any is due, for the service that is the consumer."""
        self._lock = Prepared(
            select(
                func.pg_try_advisory_xact_lock(CONSUMERS, crc32(consumer.name.encode()) - 2**31),
                func.set_config("idle_in_transaction_session_timeout", str(LONGEST_SILENCE), True),
            )
        )
        self._due = Prepared(with_events(columns).where(*due).order_by(_DELIVERY.position).limit(bindparam("batch")))

    def due(self, tx: Tx, batch: int) -> list[Row]:
        """Up to ``batch`` deliveries that are due, oldest first, each with its event, whose columns are null where it
        is gone. No other process gets any until the unit ends: raises ``AtWork`` where another is at it."""
        if tx.dialect == "postgresql" and not tx.value(self._lock):
            raise AtWork(self.name)
        return tx.all(self._due, now=tx.now, batch=batch)

    @staticmethod
    def done(tx: Tx, positions: Sequence[int]) -> None:
        """Deletes the deliveries: their work is done in this unit."""
        if positions:
            tx.run(_DONE, positions=positions)

    def put_back(self, tx: Tx, rows: Sequence[Row], reason: str) -> None:
        """Tries these again later, or gives them up after the last attempt, with a line of the log each."""
        hopeless = [row for row in rows if row["attempts"] + 1 >= ATTEMPTS]
        for row in hopeless:
            logger.error("Gave up event %s of %s: %s", row["event_id"], row["resource_id"], reason)
        self.done(tx, [row["position"] for row in hopeless])
        again = [row["position"] for row in rows if row["attempts"] + 1 < ATTEMPTS]
        if again:
            tx.run(_PUT_BACK, positions=again, retry_at=tx.now + RETRY_AFTER)

    def put_back_first(self, tx: Tx, reason: str) -> None:
        """Puts off the first delivery that is due."""
        self.put_back(tx, self.due(tx, 1), reason)


async def consume(runtime: Runtime, deliveries: Deliveries, record: Record) -> None:
    """One round of a consumer: handles what is due until nothing came for a while; it may be cancelled anywhere.

    When ``record`` fails, nothing of its batch is done. Smaller ones tell which delivery it is, and that is put off.
    """
    name = deliveries.name
    nothing_waits = runtime.glance is not None and not await runtime.glance.may_find(name)
    if nothing_waits and not await runtime.bus.wait(name, LONGEST_WAIT):
        return
    batch = BATCH
    end = monotonic() + ROUND
    while monotonic() < end:
        try:
            taken = await runtime.database.write(record, batch)
        except DatabaseUnavailable:
            raise
        except AtWork:
            await runtime.bus.wait(name, STANDBY)
            continue
        except Exception as error:
            if batch == 1:
                logger.exception("The consumer %s cannot handle an event", name)
                await runtime.database.write(deliveries.put_back_first, str(error))
            batch = 1
            continue
        batch = min(BATCH, batch * 2) if taken else BATCH
        if taken == 0 and not await runtime.bus.wait(name, LONGEST_WAIT):
            return
