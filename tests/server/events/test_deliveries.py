"""Deliveries: a consumer gets its events in order, each once, and one process at a time."""

import asyncio
import threading
from contextlib import suppress

import pytest
from sqlalchemy import Connection, select, text, update

from podium.db.ids import new_id
from podium.db.tables.events import event_deliveries, events
from podium.db.unit import Row, Tx
from podium.server.events import deliveries
from podium.server.events.consumers import TASK_RUN_RECORDER
from podium.server.events.deliveries import AtWork, Deliveries, consume
from podium.server.events.outbox import store_client_events
from tests.server.conftest import Units
from tests.server.events.samples import task_run_event

OURS = Deliveries(TASK_RUN_RECORDER, (events.c.event, events.c.payload))


def waiting(units: Units) -> list[Row]:
    return units.all(select(event_deliveries).order_by(event_deliveries.c.position))


@pytest.fixture
def sent(units: Units) -> list[str]:
    """The ids of five events that wait for the consumer, in their order."""
    made = [task_run_event(new_id(), None, "RUNNING", number, new_id()) for number in range(5)]
    units.write(lambda tx: tx.run(event_deliveries.delete()))
    units.write(store_client_events, made)
    return [each.id for each in made]


def test_they_come_in_order_and_are_gone_once_done(units: Units, sent: list[str]) -> None:
    """With what the consumer reads of the event."""

    def take(tx: Tx) -> list[Row]:
        rows = OURS.due(tx, 3)
        OURS.done(tx, [row["position"] for row in rows])
        return rows

    first, second = units.write(take), units.write(take)
    assert [row["event_id"] for row in (*first, *second)] == sent
    assert first[0]["event"] == "prefect.task-run.Running"
    assert first[0]["resource_id"].startswith("prefect.task-run.")
    assert waiting(units) == []


def test_one_that_fails_is_put_off_and_given_up_in_the_end(
    units: Units, sent: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The others of its batch are handled meanwhile."""
    handled: list[str] = []

    def handle(tx: Tx, batch: int) -> int:
        rows = OURS.due(tx, batch)
        if any(row["event_id"] == sent[2] for row in rows):
            raise LookupError("a stone")
        tx.after_commit(lambda: handled.extend(row["event_id"] for row in rows))
        OURS.done(tx, [row["position"] for row in rows])
        return len(rows)

    monkeypatch.setattr(deliveries, "LONGEST_WAIT", 0.02)
    for attempt in range(1, deliveries.ATTEMPTS + 1):
        units.run(consume(units.runtime, OURS, handle))
        assert handled == [each for each in sent if each != sent[2]]
        left = [(row["event_id"], row["attempts"]) for row in waiting(units)]
        assert left == ([(sent[2], attempt)] if attempt < deliveries.ATTEMPTS else [])
        units.write(lambda tx: tx.run(update(event_deliveries).values(not_before=None)))
    assert f"Gave up event {sent[2]}" in caplog.text
    assert "a stone" in caplog.text


@pytest.mark.parametrize("module_database_url", ["postgresql"], indirect=True, scope="module")
class TestSeveralProcesses:
    """On PostgreSQL, where there may be some."""

    def test_only_one_works_at_a_time(self, units: Units, sent: list[str]) -> None:
        """So that no event overtakes an older one; the other has its turn as soon as the first is done, or dead."""
        with units.database.engine.connect() as other:
            assert len(OURS.due(Tx(other), 2)) == 2
            with pytest.raises(AtWork):
                units.write(OURS.due, 2)
            other.invalidate()
        for _ in range(500):
            with suppress(AtWork):
                assert [row["event_id"] for row in units.write(OURS.due, 9)] == sent
                return
            threading.Event().wait(0.01)
        raise AssertionError("the lock of a lost connection was kept")

    def test_one_that_finds_another_at_work_tries_again_soon(
        self, units: Units, sent: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It does not wait for the next event: the other one may die."""
        taken = threading.Event()

        def handle(tx: Tx, batch: int) -> int:
            rows = OURS.due(tx, batch)
            OURS.done(tx, [row["position"] for row in rows])
            taken.set()
            return len(rows)

        async def beside(connection: Connection) -> None:
            round_ = asyncio.create_task(consume(units.runtime, OURS, handle))
            await asyncio.sleep(0.2)
            assert not taken.is_set()
            await asyncio.to_thread(connection.rollback)
            await asyncio.wait_for(round_, 10)

        monkeypatch.setattr(deliveries, "LONGEST_WAIT", 0.02)
        monkeypatch.setattr(deliveries, "STANDBY", 0.05)
        with units.database.engine.connect() as connection:
            OURS.due(Tx(connection), 1)
            units.run(beside(connection))
        assert taken.is_set()
        assert waiting(units) == []

    def test_a_process_that_does_not_go_on_loses_its_turn(
        self, units: Units, sent: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """PostgreSQL ends its session after a while."""
        monkeypatch.setattr(deliveries, "LONGEST_SILENCE", 100)
        ours = Deliveries(TASK_RUN_RECORDER, ())
        with units.database.engine.connect() as frozen:
            ours.due(Tx(frozen), 1)
            threading.Event().wait(0.3)
            assert len(units.write(ours.due, 9)) == len(sent)
            frozen.invalidate()
        silence = units.write(lambda tx: tx.value(text("SHOW idle_in_transaction_session_timeout")))
        assert silence == "0"
