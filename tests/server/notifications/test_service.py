"""The service that delivers: its rounds, its end, several of it at a time, and trouble with the database."""

import asyncio
import re
import threading
from collections import defaultdict
from typing import Any

import pytest

from podium.db.errors import DatabaseUnavailable
from podium.db.unit import Tx, utc_now
from podium.server.notifications import claims
from podium.server.notifications.queue import DELIVERIES, Message, queue_delivery
from podium.server.services import deliveries
from podium.server.services.deliveries import deliver
from tests.server.notifications.conftest import Post
from tests.server.notifications.sinks import HttpSink, Reply, Request


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round ends soon after there is nothing to do."""
    monkeypatch.setattr(deliveries, "LONGEST_WAIT", 0.4)


def test_a_round_sends_what_waits_and_what_comes(post: Post, sink: HttpSink) -> None:
    """What fails is tried again when it is due; the round ends once there was nothing for a while."""
    statuses = iter([503, 200, 200])
    sink.answer = lambda _: Reply(next(statuses))
    post.units.database.clock = utc_now
    post.set(first_retry_delay=0.1)
    block = post.block("webhook", {"url": sink.url})
    post.queue(block, kind="webhook", payload="1")

    async def work() -> None:
        post.runtime.settings = post.settings
        round_ = asyncio.create_task(deliver(post.runtime))
        while len(sink.requests) < 2:
            await asyncio.sleep(0.01)
        await post.runtime.database.write(queue_delivery, "webhook", Message(payload="2"), "key", block)
        post.runtime.bus.wake(DELIVERIES)
        await asyncio.wait_for(round_, 10)

    post.units.run(work())
    assert sink.texts() == ["1", "1", "2"]


def test_what_is_being_sent_when_it_stops_is_marked(post: Post, sink: HttpSink) -> None:
    """And what is behind it waits, unclaimed, for the next process."""
    arrived, go_on = threading.Event(), threading.Event()

    def answer(_: Request) -> Reply:
        arrived.set()
        go_on.wait(5)
        return Reply()

    sink.answer = answer
    block = post.block("webhook", {"url": sink.url})
    first, second = (post.queue(block, kind="webhook", payload=text) for text in "12")

    async def work() -> None:
        round_ = asyncio.create_task(deliver(post.runtime))
        await asyncio.to_thread(arrived.wait, 5)
        round_.cancel()
        await asyncio.sleep(0.05)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await round_

    post.units.run(work())
    assert (post.row(first)["state"], sink.texts()) == ("delivered", ["1"])
    row = post.row(second)
    assert (row["state"], row["claimed_by"], row["attempts"]) == ("waiting", None, 0)


def test_several_processes_send_each_message_once_and_in_order(post: Post, sink: HttpSink) -> None:
    """Whichever of them claims it."""
    blocks = [post.block("webhook", {"url": f"{sink.url}/{number}"}) for number in range(3)]
    for number in range(12):
        for block in blocks:
            post.queue(block, kind="webhook", payload=str(number))

    async def work() -> None:
        processes = [post.deliverer(f"process-{number}") for number in range(3)]

        async def sends(process: Any) -> None:
            while await process.start() is not None or process.busy:
                await process.finish()

        await asyncio.gather(*map(sends, processes))

    post.units.run(work())
    assert post.deliver() is None
    arrived: defaultdict[str, list[str]] = defaultdict(list)
    for request in sink.requests:
        arrived[request.path].append(request.body.decode())
    assert arrived == {f"/{number}": [str(each) for each in range(12)] for number in range(3)}


def test_a_database_that_is_away_when_a_message_was_sent(
    post: Post, sink: HttpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is told as soon as it is back: the message is not sent again."""
    monkeypatch.setattr(deliveries, "AFTER_TROUBLE", 0.01)
    delivery = post.queue(post.block("webhook", {"url": sink.url}), kind="webhook", payload="x")
    write, failures = post.units.database.write, iter(range(3))

    async def troubled(unit: Any, *args: Any, **more: Any) -> Any:
        if unit is deliveries.settle and next(failures, None) is not None:
            raise DatabaseUnavailable("away")
        return await write(unit, *args, **more)

    monkeypatch.setattr(post.units.database, "write", troubled)
    post.deliver()
    assert (post.row(delivery)["state"], len(sink.requests)) == ("delivered", 1)


def test_the_first_of_each_channel_is_found_by_the_index_of_what_waits(post: Post) -> None:
    """However many wait, and however many were delivered before."""
    for number in range(50):
        post.queue(None, str(number), kind="email", emails=["a@example.com"])

    def plan(tx: Tx) -> str:
        statement = claims._HEADS.compile(dialect=tx.connection.dialect, compile_kwargs={"literal_binds": True})
        if tx.dialect == "postgresql":
            tx.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN QUERY PLAN" if tx.dialect == "sqlite" else "EXPLAIN"
        rows = tx.connection.exec_driver_sql(f"{explain} {statement}").fetchall()
        return "\n".join(str(row[-1]) for row in rows)

    shown: str = post.units.read(plan)
    assert len(re.findall(r"ix_notification_deliveries_waiting", shown)) == 2, shown
    assert not re.search(r"TEMP B-TREE|Sort|Seq Scan|ix_notification_deliveries_state", shown), shown
