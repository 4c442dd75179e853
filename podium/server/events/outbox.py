"""Stores events in the transaction of the change they tell of, and announces them once that is committed."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import exists, insert, literal_column
from sqlalchemy.dialects import postgresql, sqlite

from podium.db.prepared import Prepared
from podium.db.tables.events import event_deliveries, event_resources, events
from podium.db.types import Id
from podium.db.unit import Tx
from podium.server.automations.interest import NUMBER, Interest
from podium.server.events.consumers import AUTOMATIONS, CONSUMERS, Consumer
from podium.server.events.event import RESOURCE_ID, RESOURCE_ROLE, Event, Labels
from podium.server.messaging.bus import EVENTS, Bus
from podium.server.messaging.signal import Signal
from podium.server.queries.flow_run_heartbeats import note_heartbeats

logger = logging.getLogger("podium.server.events")

_encoder = msgspec.json.Encoder()

# The column itself would make the subquery read the table.
_NEW = literal_column("events.id", Id())
# What decides whether an automation wants the event comes along: how often the automations have changed, and whether an
# event that is to follow this one came before it.
_INSERT_NEW = {
    name: make(events)
    .on_conflict_do_nothing()
    .returning(
        events.c.id,
        NUMBER.scalar_subquery().label("number"),
        exists().where(event_deliveries.c.leader == _NEW).label("awaited"),
    )
    for name, make in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
_INSERT_ONE = {name: Prepared(statement) for name, statement in _INSERT_NEW.items()}
_INSERT_RESOURCES = Prepared(insert(event_resources))
_INSERT_DELIVERIES = Prepared(insert(event_deliveries))


class Outbox:
    """The one way events take, whoever emits them: a server's unit of work or a client; signals go with them."""

    def __init__(
        self,
        bus: Bus,
        consumers: Sequence[Consumer] = CONSUMERS,
        count: Callable[[Sequence[Event]], None] | None = None,
        log: bool = False,
        interest: Interest | None = None,
    ) -> None:
        """``count`` is told of the events that were stored; ``log``: each gets a line of the log; ``interest``: which
        ones automations want, None where nobody evaluates them."""
        self._bus = bus
        self._count = count
        self._log = log
        self._consumers = [consumer for consumer in consumers if consumer.wants is not None]
        self._interest = interest

    def store(self, tx: Tx) -> None:
        """Inserts the unit's events; those that are too large or stored already are taken off ``tx.events``."""
        signals = [each for each in tx.events if isinstance(each, Signal)]
        stored = self._store(tx, [each for each in tx.events if isinstance(each, Event)])
        tx.events[:] = [*stored, *signals]

    def _store(self, tx: Tx, emitted: Sequence[Event]) -> list[Event]:
        """Inserts the events, and returns those that are new."""
        unique: dict[str, Event] = {}
        for event in emitted:
            unique.setdefault(event.id, event)
        rows = [row for event in unique.values() if (row := _row(tx, event))]
        new = _insert_new(tx, rows)
        stored = [event for event in unique.values() if event.id in new]
        tx.many(_INSERT_RESOURCES, [row for event in stored for row in _resources(event)])
        work = [
            _delivery(consumer, event)
            for event in stored
            for consumer in self._consumers
            if consumer.wants is not None and consumer.wants(event)
        ]
        if self._interest is not None and stored:
            number, _ = new[stored[0].id]
            catalogue = self._interest.catalogue
            if catalogue.number != number:
                catalogue = self._interest.current(tx, number)
            index = catalogue.indexes.get(tx.workspace_id)
            work.extend(
                _delivery(AUTOMATIONS, event)
                for event in stored
                if new[event.id][1] or (index is not None and index.wants(event))
            )
        if work:
            tx.many(_INSERT_DELIVERIES, work)
            for name in {row["consumer"] for row in work}:
                tx.after_commit(partial(self._bus.wake, name))
        return stored

    def announce(self, emitted: Sequence[Event | Signal]) -> None:
        """Tells the present listeners."""
        events = [each for each in emitted if isinstance(each, Event)]
        for signal in emitted:
            if isinstance(signal, Signal):
                self._bus.publish(signal.topic, [signal.message])
        if not events:
            return
        if self._count is not None:
            self._count(events)
        if self._log:
            for event in events:
                logger.info("Event %s of %s (%s)", event.event, event.resource[RESOURCE_ID], event.id)
        self._bus.publish(EVENTS, events)


def _delivery(consumer: Consumer, event: Event) -> dict[str, Any]:
    return {
        "workspace_id": event.workspace_id,
        "consumer": consumer.name,
        "event_id": event.id,
        "occurred": event.occurred,
    }


def _insert_new(tx: Tx, rows: list[dict[str, Any]]) -> dict[str, tuple[int, bool]]:
    """Inserts the events that are not stored yet; for the id of each how often the automations have changed, and
    whether others wait to follow it."""
    if len(rows) == 1:
        # Almost every change has one event: worth the short way.
        row = tx.one(_INSERT_ONE[tx.dialect], rows[0])
        return {row["id"]: (row["number"], row["awaited"])} if row else {}
    if not rows:
        return {}
    return {row[0]: (row[1], row[2]) for row in tx.connection.execute(_INSERT_NEW[tx.dialect], rows)}


def store_client_events(tx: Tx, received: Sequence[Event]) -> None:
    """The unit of work that takes in what clients sent, in their order; a known id is ignored."""
    note_heartbeats(tx, received)
    for event in received:
        event.received = tx.now
        tx.emit(event)


def _row(tx: Tx, event: Event) -> dict[str, Any] | None:
    """The columns of an event; None when it is too large to keep."""
    event.workspace_id = tx.workspace_id
    event.received = event.received or tx.now
    payload = msgspec.Raw(_encoder.encode(event.payload))
    size = len(payload) + len(_encoder.encode(event.related)) + len(_encoder.encode(event.resource))
    largest = tx.settings.server.events.maximum_size_bytes
    if size > largest:
        logger.warning("Dropped event %s (%s): its %d bytes are more than %d", event.event, event.id, size, largest)
        return None
    event.payload = payload
    return {
        "id": event.id,
        "workspace_id": event.workspace_id,
        "occurred": event.occurred,
        "event": event.event,
        "resource_id": event.resource[RESOURCE_ID],
        "resource": event.resource,
        "related": event.related,
        "payload": payload,
        "follows": event.follows,
        "received": event.received,
        "recorded": tx.now,
    }


def _resources(event: Event) -> list[dict[str, Any]]:
    return [
        {
            "event_id": event.id,
            "position": position,
            "occurred": event.occurred,
            "workspace_id": event.workspace_id,
            "resource_id": labels[RESOURCE_ID],
            "resource_role": labels[RESOURCE_ROLE] if position else "",
            "resource": _rest(labels),
        }
        for position, labels in enumerate((event.resource, *event.related))
    ]


def _rest(labels: Labels) -> Labels:
    return {label: value for label, value in labels.items() if label not in (RESOURCE_ID, RESOURCE_ROLE)}
