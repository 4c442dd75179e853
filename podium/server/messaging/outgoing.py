"""What a process has still to send to Redis."""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

LARGEST_ENTRY = 256 * 1024
"""Bytes from which on messages that were published together travel apart."""

MOST_WAITING = 64 * 1024 * 1024
"""Bytes that wait for Redis to come back; beyond, the oldest are left out. Their numbers are missed by the readers."""

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Entry:
    """Messages of a topic; ``number`` counts the entries of this process in this topic."""

    topic: str
    number: int
    data: bytes


class Outgoing:
    """A bounded queue in the order of publishing."""

    def __init__(self, most_waiting: int = MOST_WAITING) -> None:
        self._most_waiting = most_waiting
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()
        self._sent = asyncio.Event()
        self.numbers: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, topic: str, messages: Sequence[Any]) -> None:
        """Adds the messages, together unless they are large."""
        data = _encode(messages)
        if len(data) > LARGEST_ENTRY and len(messages) > 1:
            half = len(messages) // 2
            self.put(topic, messages[:half])
            self.put(topic, messages[half:])
            return
        self.numbers[topic] += 1
        self._entries.append(Entry(topic, self.numbers[topic], data))
        self._bytes += len(data)
        while self._bytes > self._most_waiting:
            self._bytes -= len(self._entries.popleft().data)
        self._filled.set()
        self._sent.clear()

    async def wait_until_sent(self, seconds: float) -> None:
        """Waits until nothing waits any longer, for so long at most."""
        if self._entries:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._sent.wait()

    async def wait(self, seconds: float) -> bool:
        """Waits until there is something to send; whether there is."""
        try:
            async with asyncio.timeout(seconds):
                await self._filled.wait()
        except TimeoutError:
            return False
        return True

    def first(self, count: int) -> list[Entry]:
        """The oldest entries, which stay until they are ``done``."""
        return [self._entries[place] for place in range(min(count, len(self._entries)))]

    def done(self, sent: Sequence[Entry]) -> None:
        """Forgets entries that were sent."""
        for entry in sent:
            if self._entries and self._entries[0] is entry:
                self._entries.popleft()
                self._bytes -= len(entry.data)
        if not self._entries:
            self._filled.clear()
            self._sent.set()
