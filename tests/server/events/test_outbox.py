"""The outbox: an event is stored with its change or not at all, once, and announced when it is durable."""

import logging
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from podium.db.ids import new_id
from podium.db.tables.events import event_deliveries, event_resources, events
from podium.db.unit import Tx
from podium.server.events.event import Event
from podium.server.events.outbox import Outbox, store_client_events
from podium.server.messaging.bus import EVENTS
from podium.server.messaging.signal import Signal
from tests.server.conftest import Units
from tests.server.events.samples import event, related, task_run_event


def stored(units: Units, *ids: str) -> list[dict[str, Any]]:
    return units.all(select(events).where(events.c.id.in_(ids)).order_by(events.c.occurred))


class Listener:
    """Collects what is published while it listens."""

    def __init__(self, units: Units, topic: str = EVENTS) -> None:
        self._units, self._topic = units, topic

    def during(self, unit: Any, *args: Any) -> list[Any]:
        """What is heard while the unit runs."""

        async def listen() -> list[Any]:
            async with self._units.runtime.bus.subscribe(self._topic, 100) as heard:
                await self._units.database.write(unit, *args)
                return heard.take()

        heard: list[Any] = self._units.run(listen())
        return heard


def test_an_event_is_stored_with_its_resources(units: Units) -> None:
    """The primary one at position 0 without a role, the related ones in their order."""
    sent = event(
        labels={"prefect.resource.name": "the garden"},
        related=[related("person.1", "owner", age="40"), related("person.2", "guest")],
        payload={"litres": 3},
        follows=new_id(),
    )
    units.write(store_client_events, [sent])
    [row] = stored(units, sent.id)
    assert (row["event"], row["resource_id"], row["occurred"]) == ("garden.watered", "garden.1", sent.occurred)
    assert row["follows"] == sent.follows
    assert msgspec.json.decode(row["payload"]) == {"litres": 3}
    parts = units.all(
        select(event_resources).where(event_resources.c.event_id == sent.id).order_by(event_resources.c.position)
    )
    assert [(part["resource_id"], part["resource_role"]) for part in parts] == [
        ("garden.1", ""),
        ("person.1", "owner"),
        ("person.2", "guest"),
    ]
    assert [msgspec.json.decode(part["resource"]) for part in parts] == [
        {"prefect.resource.name": "the garden"},
        {"age": "40"},
        {},
    ]


def test_events_are_announced_after_the_commit(units: Units) -> None:
    """In the order they were emitted."""
    first, second = event("one"), event("two")
    heard = Listener(units).during(store_client_events, [first, second])
    assert [each.id for each in heard] == [first.id, second.id]
    assert all(each.received is not None for each in heard)


def test_a_change_that_fails_leaves_no_event(units: Units) -> None:
    """Neither stored nor heard."""
    lost = event()

    def fail(tx: Tx) -> None:
        tx.emit(lost)
        raise LookupError

    async def attempt() -> list[Event]:
        async with units.runtime.bus.subscribe(EVENTS, 10) as heard:
            with pytest.raises(LookupError):
                await units.database.write(fail)
            return heard.take()

    assert units.run(attempt()) == []
    assert stored(units, lost.id) == []


def test_an_event_counts_once_however_often_it_is_sent(units: Units) -> None:
    """In one batch or in several: one row, one announcement, one delivery."""
    sent = task_run_event(new_id(), None, "RUNNING", 1)
    assert len(Listener(units).during(store_client_events, [sent, sent])) == 1
    assert Listener(units).during(store_client_events, [sent]) == []
    assert len(stored(units, sent.id)) == 1
    deliveries = units.all(select(event_deliveries).where(event_deliveries.c.event_id == sent.id))
    assert [row["consumer"] for row in deliveries] == ["task-run-recorder"]


def test_an_event_that_is_too_large_is_dropped(units: Units, caplog: pytest.LogCaptureFixture) -> None:
    """With a line in the log; the others of its batch are kept."""
    large, small = event(payload={"text": "x" * 1_500_001}), event()
    with caplog.at_level(logging.WARNING):
        heard = Listener(units).during(store_client_events, [large, small])
    assert [each.id for each in heard] == [small.id]
    assert stored(units, large.id) == []
    assert large.id in caplog.text


def test_a_signal_is_heard_and_not_stored(units: Units) -> None:
    """It goes to its topic after the commit, beside events or alone."""

    def unit(tx: Tx) -> None:
        tx.emit(Signal("news", "something"))
        tx.emit(event())

    assert Listener(units, "news").during(unit) == ["something"]


def test_events_are_logged_where_that_is_wanted(units: Units, caplog: pytest.LogCaptureFixture) -> None:
    """By the process that stores them, once they are stored."""
    caplog.set_level(logging.INFO, "podium.server.events")
    said = Outbox(units.runtime.bus, log=True)
    one = event()
    units.run(_announce(said, one))
    assert [record.getMessage() for record in caplog.records] == [
        f"Event {one.event} of {one.resource['prefect.resource.id']} ({one.id})"
    ]
    caplog.clear()
    units.run(_announce(Outbox(units.runtime.bus), one))
    assert not caplog.records


async def _announce(outbox: Outbox, one: Event) -> None:
    outbox.announce([one])
