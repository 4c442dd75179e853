"""The bus of several processes: each of these has a bus of its own, as two processes would have."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
import redis

from podium.profiles.sections.redis import Messaging
from podium.server.events.event import Event, resource
from podium.server.messaging.bus import CLEANUP_MESSAGES, EVENTS, LOGS, SCHEDULED_TASK_RUNS, WORK_POOL_SNAPSHOTS, Mark
from podium.server.messaging.outgoing import Outgoing
from podium.server.messaging.redis import RedisBus
from podium.server.messaging.topics import TYPES
from podium.server.queries.logs import LogLine
from tests.own_redis import OwnRedis

SOON = 5.0


@asynccontextmanager
async def bus_at(url: str, **options: Any) -> AsyncIterator[RedisBus]:
    bus = RedisBus(Messaging(url=url, socket_timeout=1.5), TYPES, **options)
    await bus.start()
    try:
        await until(lambda: bus.is_connected)
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def two_at(url: str) -> AsyncIterator[tuple[RedisBus, RedisBus]]:
    async with bus_at(url) as one, bus_at(url) as other:
        yield one, other


async def until(true: Any, seconds: float = SOON) -> None:
    end = monotonic() + seconds
    while not true():
        assert monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


def event(number: int) -> Event:
    return Event(
        event=f"number.{number}",
        occurred=datetime(2026, 1, 1, tzinfo=UTC),
        resource=resource("flow-run", number),
        payload={"n": number},
    )


async def test_what_one_process_publishes_all_get_once(redis_url: str) -> None:
    """In its order, with its types, the sender's own listeners included."""
    sent = [event(number) for number in range(3)]
    async with (
        two_at(redis_url) as (one, other),
        one.subscribe(EVENTS, 10) as own,
        other.subscribe(EVENTS, 10) as others,
    ):
        one.publish(EVENTS, sent[:2])
        one.publish(EVENTS, sent[2:])
        assert [await own.get() for _ in sent] == sent
        assert [await asyncio.wait_for(others.get(), SOON) for _ in sent] == sent
        await asyncio.sleep(0.2)
        assert own.take() == others.take() == []


async def test_messages_of_every_topic_keep_their_shape(redis_url: str) -> None:
    """A listener cannot tell which process a message comes from."""
    moment = datetime(2026, 1, 1, 12, tzinfo=UTC)
    messages = {
        LOGS: ("workspace", LogLine("a", "n", 20, "m", moment, UUID(int=7), None)),
        SCHEDULED_TASK_RUNS: ("workspace", "key"),
        WORK_POOL_SNAPSHOTS: ("workspace", "pool"),
        CLEANUP_MESSAGES: ("workspace", "pool"),
    }
    async with two_at(redis_url) as (one, other):
        for topic, message in messages.items():
            async with other.subscribe(topic, 10) as listener:
                one.publish(topic, [message])
                received = await asyncio.wait_for(listener.get(), SOON)
                assert received == message
                assert [type(part) for part in received] == [type(part) for part in message]


async def test_a_call_wakes_the_other_process(redis_url: str) -> None:
    """A consumer elsewhere need not wait for its next look."""
    async with two_at(redis_url) as (one, other):
        waiting = asyncio.create_task(other.wait("recorder", SOON))
        await asyncio.sleep(0.05)
        one.wake("recorder")
        assert await waiting


async def test_the_filter_holds_for_what_comes_from_elsewhere(redis_url: str) -> None:
    """And what is not accepted takes no room."""
    async with (
        two_at(redis_url) as (one, other),
        other.subscribe(EVENTS, 1, lambda each: each.event == "number.50") as choosy,
    ):
        one.publish(EVENTS, [event(number) for number in range(100)])
        assert (await asyncio.wait_for(choosy.get(), SOON)).event == "number.50"


async def test_streams_are_bounded_and_forgotten(redis_url: str) -> None:
    """Redis keeps about the newest 5,000 entries of a topic, and nothing of a topic that fell silent for an hour."""
    async with bus_at(redis_url) as bus:
        for number in range(12_000):
            bus.publish(SCHEDULED_TASK_RUNS, [("workspace", str(number))])
        await until(lambda: not len(bus._outgoing), 20)
        with redis.Redis.from_url(redis_url) as client:
            name = "podium:messages:scheduled-task-runs"
            assert client.xlen(name) < 6_000
            assert 0 < client.ttl(name) <= 3600


async def test_flushing_redis_marks_a_gap(redis_url: str) -> None:
    """A reader notices by the sender's numbers that entries are missing."""
    async with two_at(redis_url) as (one, other), other.subscribe(EVENTS, 100) as listener:
        one.publish(EVENTS, [event(1)])
        assert (await asyncio.wait_for(listener.get(), SOON)).event == "number.1"
        # Two numbers go by which no reader ever sees.
        one._outgoing.numbers[EVENTS] += 2
        with redis.Redis.from_url(redis_url) as client:
            client.flushdb()
        one.publish(EVENTS, [event(4)])
        assert await asyncio.wait_for(listener.get(), SOON) is Mark.GAP
        assert (await asyncio.wait_for(listener.get(), SOON)).event == "number.4"


async def test_a_lost_last_message_is_noticed(redis_url: str) -> None:
    """Without waiting for another: the sender repeats its last number when it falls silent."""
    async with two_at(redis_url) as (one, other), other.subscribe(EVENTS, 100) as listener:
        one.publish(EVENTS, [event(1)])
        assert (await asyncio.wait_for(listener.get(), SOON)).event == "number.1"
        one._outgoing.numbers[EVENTS] += 1
        assert await asyncio.wait_for(listener.get(), 15) is Mark.GAP


@pytest.mark.parametrize("fault", ["restart", "freeze"])
async def test_it_recovers_by_itself(own_redis: OwnRedis, fault: str) -> None:
    """A restart and a freeze are told by ``trouble``; afterwards all goes on, what was published meanwhile included."""
    async with two_at(own_redis.url) as (one, other), other.subscribe(EVENTS, 100) as listener:
        if fault == "restart":
            own_redis.stop()
        else:
            own_redis.send(signal.SIGSTOP)
        await until(lambda: one.trouble and other.trouble, 10)
        assert "Redis at" in str(one.trouble)
        one.publish(EVENTS, [event(1)])
        if fault == "restart":
            own_redis.start()
        else:
            own_redis.send(signal.SIGCONT)
        await until(lambda: one.trouble is None and other.trouble is None, 15)
        got = [await asyncio.wait_for(listener.get(), SOON) for _ in range(2)]
        assert got[0] is Mark.GAP
        assert got[1].event == "number.1"


async def test_a_bus_starts_while_redis_is_away(own_redis: OwnRedis) -> None:
    """The process serves, says what is missing, and connects when it can."""
    own_redis.stop()
    bus = RedisBus(Messaging(url=own_redis.url), TYPES)
    await bus.start()
    await until(lambda: bus.trouble)
    own_redis.start()
    await until(lambda: bus.trouble is None and bus.is_connected, 10)
    await bus.close()


async def test_what_waits_for_redis_is_bounded() -> None:
    """The oldest go first, and their numbers with them, so that readers know."""
    outgoing = Outgoing(most_waiting=1000)
    for number in range(100):
        outgoing.put("topic", ["x" * 50, number])
    waiting = outgoing.first(100)
    assert sum(len(entry.data) for entry in waiting) <= 1000
    assert waiting[-1].number == 100
    assert waiting[0].number > 1


async def test_many_large_messages_travel_apart() -> None:
    """So that one entry does not hold all others back."""
    outgoing = Outgoing()
    outgoing.put("topic", ["x" * 100_000 for _ in range(10)])
    assert len(outgoing) > 3
    assert all(len(entry.data) < 300_000 for entry in outgoing.first(100))
