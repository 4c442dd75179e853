"""Stores events in the transaction of the change they tell of, and announces them once that is committed."""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Table, bindparam, exists, func, insert, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite

from podium.db.bulk import insert_many, insert_new
from podium.db.prepared import Prepared
from podium.db.tables.events import event_deliveries, event_resources, events
from podium.db.types import Id, Json
from podium.db.unit import Row, Tx
from podium.server.automations.interest import NUMBER, Interest
from podium.server.events.consumers import AUTOMATIONS, CONSUMERS, Consumer
from podium.server.events.event import RESOURCE_ID, RESOURCE_ROLE, Event, Labels
from podium.server.messaging.bus import EVENTS, Bus
from podium.server.messaging.signal import Signal
from podium.server.queries.flow_run_heartbeats import note_heartbeats

logger = logging.getLogger("podium.server.events")

_encoder = msgspec.json.Encoder()

FEW = 3
"""Events of a unit that are stored one by one: almost every change has one or two."""

# What decides whether an automation wants the event comes along: how often the automations have changed, and whether an
# event that is to follow this one came before it.
_NUMBER = NUMBER.scalar_subquery().label("number")
# The column itself would make the subquery read the table.
_NEW = literal_column("events.id", Id())
_INSERT_ONE = {
    name: Prepared(
        make(events)
        .on_conflict_do_nothing()
        .returning(events.c.id, _NUMBER, exists().where(event_deliveries.c.leader == _NEW).label("awaited"))
    )
    for name, make in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
_IDS = func.json_each(bindparam("ids", type_=Json())).table_valued("value")
_KNOWN = Prepared(select(events.c.id).where(events.c.id.in_(select(_IDS.c.value))))
_AWAITED = select(event_deliveries.c.leader).where(
    event_deliveries.c.leader.in_(bindparam("ids", expanding=True)), event_deliveries.c.leader.is_not(None)
)
_INSERT_FEW = {table.name: Prepared(insert(table)) for table in (event_resources, event_deliveries)}

_RESOURCES = ("event_id", "position", "occurred", "workspace_id", "resource_id", "resource_role", "resource")
_DELIVERIES = ("workspace_id", "consumer", "event_id", "occurred")


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
        stored = [event for event in unique.values() if event.id in new.ids]
        _insert(tx, event_resources, _RESOURCES, [row for event in stored for row in _resources(event)])
        work = [
            (event, consumer)
            for event in stored
            for consumer in self._consumers
            if consumer.wants is not None and consumer.wants(event)
        ]
        if self._interest is not None and stored:
            catalogue = self._interest.catalogue
            if catalogue.number != new.number:
                catalogue = self._interest.current(tx, new.number)
            index = catalogue.indexes.get(tx.workspace_id)
            work.extend(
                (event, AUTOMATIONS)
                for event in stored
                if event.id in new.awaited or (index is not None and index.wants(event))
            )
        if work:
            deliveries = [(event.workspace_id, consumer.name, event.id, event.occurred) for event, consumer in work]
            _insert(tx, event_deliveries, _DELIVERIES, deliveries)
            for name in {consumer.name for _, consumer in work}:
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


class _New(NamedTuple):
    """The ids of the events that were new, those of them that others wait to follow, and how often the automations have
    changed."""

    ids: set[str]
    awaited: set[str]
    number: int


def _insert_new(tx: Tx, rows: list[Row]) -> _New:
    """Inserts the events that are not stored yet."""
    if len(rows) <= FEW:
        found = [one for row in rows if (one := tx.one(_INSERT_ONE[tx.dialect], row))]
        awaited = {one["id"] for one in found if one["awaited"]}
        return _New({one["id"] for one in found}, awaited, found[-1]["number"] if found else 0)
    if tx.dialect == "postgresql":
        ids = set(insert_new(tx, events, rows))
    else:
        known = set(tx.column(_KNOWN, ids=[row["id"] for row in rows]))
        new = [row for row in rows if row["id"] not in known]
        insert_many(tx, events, tuple(rows[0]), [tuple(row.values()) for row in new])
        ids = {row["id"] for row in new}
    return _New(ids, set(tx.column(_AWAITED, ids=list(ids))), tx.value(NUMBER))


def _insert(tx: Tx, table: Table, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    if len(rows) <= FEW * 4:
        tx.many(_INSERT_FEW[table.name], [dict(zip(columns, row, strict=True)) for row in rows])
    else:
        insert_many(tx, table, columns, rows)


def store_client_events(tx: Tx, received: Sequence[Event]) -> None:
    """The unit of work that takes in what clients sent, in their order; a known id is ignored."""
    note_heartbeats(tx, received)
    for event in received:
        event.received = tx.now
        tx.emit(event)


def _row(tx: Tx, event: Event) -> Row | None:
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


def _resources(event: Event) -> Iterator[tuple[Any, ...]]:
    """The values of ``_RESOURCES`` for the event's resource and each related one."""
    for position, labels in enumerate((event.resource, *event.related)):
        role = labels[RESOURCE_ROLE] if position else ""
        yield event.id, position, event.occurred, event.workspace_id, labels[RESOURCE_ID], role, _rest(labels)


def _rest(labels: Labels) -> Labels:
    return {label: value for label, value in labels.items() if label not in (RESOURCE_ID, RESOURCE_ROLE)}
