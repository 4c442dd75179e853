"""The bus of several processes: what one publishes, the others read from Redis streams.

Nothing durable goes this way, so a stream is short and a lost one harms nobody: each entry carries a number of its
sender, and a reader that misses one, or that was cut off, marks a gap in its subscriptions, which then look at what is
stored. A process gives its own messages to its own listeners itself.
"""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, cast
from uuid import uuid4

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from podium.profiles.sections.redis import Messaging
from podium.server.messaging.bus import Subscription
from podium.server.messaging.connection import connect, place_of
from podium.server.messaging.memory import MemoryBus
from podium.server.messaging.outgoing import Entry, Outgoing

logger = logging.getLogger("podium.server.messaging")

PREFIX = "podium:messages:"
WAKES = "wakes"
MOST_STORED = 5000
"""Entries a stream keeps, about; a reader that is further behind finds a gap."""

FORGOTTEN_AFTER = 3600
"""Seconds after its last entry until Redis drops a stream."""

SENT_AT_ONCE = 200
READ_AT_ONCE = 500
BLOCK_MILLISECONDS = 1000
TICK_EVERY = 5.0
"""Seconds after which a sender that fell silent repeats its last numbers, so that a lost last entry is noticed."""

PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)
MOST_SENDERS = 1000
LAST_WORDS = 2.0

TROUBLE = (RedisError, OSError, TimeoutError)


class RedisBus:
    """Implements ``Bus`` across processes; ``types`` says what the messages of each topic are (a list type)."""

    def __init__(self, messaging: Messaging, types: dict[str, Any], outgoing: Outgoing | None = None) -> None:
        self._messaging = messaging
        self._local = MemoryBus()
        self._decoders = {topic: msgspec.json.Decoder(kind) for topic, kind in (*types.items(), (WAKES, list[str]))}
        self._streams = {topic: f"{PREFIX}{topic}" for topic in self._decoders}
        self._topics = {stream.encode(): topic for topic, stream in self._streams.items()}
        self._me = uuid4().hex
        self._outgoing = outgoing or Outgoing()
        self._wakes: set[str] = set()
        self._seen: OrderedDict[tuple[bytes, str], int] = OrderedDict()
        self._places: dict[str, bytes] | None = None
        self._troubles: dict[str, str] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False

    @property
    def trouble(self) -> str | None:
        return next(iter(self._troubles.values()), None)

    @property
    def is_connected(self) -> bool:
        """Whether messages of other processes arrive."""
        return self._places is not None and self.trouble is None

    async def start(self) -> None:
        loops = (("reading", self._read), ("writing", self._write))
        self._tasks = [asyncio.create_task(self._keep(name, loop)) for name, loop in loops]

    async def close(self) -> None:
        if self._tasks and self.trouble is None:
            await self._outgoing.wait_until_sent(LAST_WORDS)
        self._closing = True
        # The library may swallow a cancellation that meets an answer; every loop looks at the flag as well.
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def publish(self, topic: str, messages: Sequence[Any]) -> None:
        self._local.publish(topic, messages)
        self._outgoing.put(topic, messages)

    def subscribe(
        self, topic: str, maxsize: int, accepts: Callable[[Any], bool] | None = None
    ) -> AbstractAsyncContextManager[Subscription]:
        return self._local.subscribe(topic, maxsize, accepts)

    def wake(self, name: str) -> None:
        self._local.wake(name)
        if name not in self._wakes:
            self._wakes.add(name)
            asyncio.get_running_loop().call_later(0.005, self._send_wakes)

    def _send_wakes(self) -> None:
        names = sorted(self._wakes)
        self._wakes.clear()
        self._outgoing.put(WAKES, names)

    async def wait(self, name: str, seconds: float) -> bool:
        return await self._local.wait(name, seconds)

    async def _keep(self, name: str, loop: Callable[[Redis], Awaitable[None]]) -> None:
        """Runs a loop on a connection, and again on a new one whenever Redis was away."""
        failures = 0
        while not self._closing:
            client = connect(self._messaging)
            try:
                await loop(client)
            except TROUBLE as error:
                failures = 0 if name not in self._troubles else failures + 1
                if self.trouble is None:
                    logger.error("Redis at %s does not answer: %s", place_of(self._messaging), _reason(error))
                self._troubles[name] = f"Redis at {place_of(self._messaging)}: {_reason(error)}"
            except Exception:
                logger.exception("%s messages failed", name.capitalize())
                self._troubles[name] = f"{name} messages failed, see the log"
                failures += 1
            finally:
                with contextlib.suppress(*TROUBLE):
                    await client.aclose()
            await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])

    def _well(self, name: str) -> None:
        if self._troubles.pop(name, None) and not self._troubles:
            logger.warning("Redis at %s answers again", place_of(self._messaging))

    # Writing

    async def _write(self, client: Redis) -> None:
        told: dict[str, int] = {}
        await client.ping()
        self._well("writing")
        while not self._closing:
            if await self._outgoing.wait(TICK_EVERY):
                entries = self._outgoing.first(SENT_AT_ONCE)
                await self._send(client, entries)
                self._outgoing.done(entries)
            else:
                # Entries that were lost on the way are noticed by their number.
                numbers = dict(self._outgoing.numbers)
                silent = [Entry(topic, number, b"") for topic, number in numbers.items() if told.get(topic) != number]
                await self._send(client, silent)
                told = numbers
            self._well("writing")

    async def _send(self, client: Redis, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        async with client.pipeline(transaction=False) as pipeline:
            for entry in entries:
                fields: dict[Any, Any] = {b"f": self._me, b"n": entry.number, b"d": entry.data}
                pipeline.xadd(self._streams[entry.topic], fields, maxlen=MOST_STORED, approximate=True)
            for topic in {entry.topic for entry in entries}:
                pipeline.expire(self._streams[topic], FORGOTTEN_AFTER)
            await pipeline.execute()

    # Reading

    async def _read(self, client: Redis) -> None:
        places = await self._find_places(client)
        self._well("reading")
        while not self._closing:
            # The places are kept, so that a new connection goes on where this one ends.
            self._places = places
            found: Any = await client.xread(cast(Any, places), count=READ_AT_ONCE, block=BLOCK_MILLISECONDS)
            self._well("reading")
            for stream, entries in _pairs(found):
                topic = self._topics[stream]
                for place, fields in entries:
                    places[self._streams[topic]] = place
                    self._take(topic, fields)

    async def _find_places(self, client: Redis) -> dict[str, Any]:
        """From where to read on: the place of before, or the end where a stream was made anew."""
        before, places = self._places, {}
        for stream in self._streams.values():
            last: Any = await client.xrevrange(stream, count=1)
            end = last[0][0] if last else b"0-0"
            places[stream] = end if before is None or _order(end) < _order(before[stream]) else before[stream]
        if before is not None:
            self._local.mark_gap()
        return places

    def _take(self, topic: str, fields: dict[bytes, bytes]) -> None:
        sender, number, data = fields[b"f"], int(fields[b"n"]), fields[b"d"]
        if sender == self._me.encode():
            return
        known = self._seen.get((sender, topic), 0)
        self._seen[sender, topic] = max(number, known)
        self._seen.move_to_end((sender, topic))
        if len(self._seen) > MOST_SENDERS:
            self._seen.popitem(last=False)
        # A tick has the number of the last entry and no data. An entry comes twice when its sender lost the answer.
        if number > known + bool(data):
            self._local.mark_gap()
        if data and number > known:
            self._give(topic, data)

    def _give(self, topic: str, data: bytes) -> None:
        if topic == WAKES:
            for name in self._decoders[WAKES].decode(data):
                self._local.wake(name)
            return
        if self._local.has_listeners(topic):
            try:
                messages = self._decoders[topic].decode(data)
            except msgspec.DecodeError as error:
                logger.warning("A message of another process cannot be read: %s", error)
                return
            self._local.publish(topic, messages)


def _pairs(found: Any) -> Any:
    """The streams of an answer: a list of pairs, or a mapping with newer protocols."""
    if isinstance(found, dict):
        return [(stream, [entry for part in parts for entry in part]) for stream, parts in found.items()]
    return found or ()


def _order(place: bytes) -> tuple[int, ...]:
    return tuple(int(part) for part in place.split(b"-"))


def _reason(error: BaseException) -> str:
    return str(error).strip() or type(error).__name__
