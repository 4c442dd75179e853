"""The bus of a server that is one process."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from podium.server.messaging.bus import Mark

logger = logging.getLogger("podium.server.messaging")


class MemorySubscription:
    """A bounded queue of one listener."""

    def __init__(self, maxsize: int, accepts: Callable[[Any], bool] | None) -> None:
        self.dropped = 0
        self._maxsize = maxsize
        self._accepts = accepts
        self._messages: deque[Any] = deque()
        self._filled = asyncio.Event()

    def offer(self, messages: Sequence[Any]) -> None:
        """Keeps the messages that are accepted and for which there is room."""
        for message in messages:
            if self._accepts is not None and not self._accepts(message):
                continue
            if len(self._messages) >= self._maxsize:
                self.dropped += 1
                continue
            self._messages.append(message)
        if self._messages:
            self._filled.set()

    def mark_gap(self) -> None:
        """Notes that messages may be missing here; several gaps in a row are one."""
        if not self._messages or self._messages[-1] is not Mark.GAP:
            self._messages.append(Mark.GAP)
            self._filled.set()

    async def get(self) -> Any:
        await self._filled.wait()
        message = self._messages.popleft()
        if not self._messages:
            self._filled.clear()
        return message

    def take(self) -> list[Any]:
        taken = list(self._messages)
        self._messages.clear()
        self._filled.clear()
        return taken


class MemoryBus:
    """Implements ``Bus`` for the listeners and consumers of one event loop."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, set[MemorySubscription]] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._called: set[str] = set()

    @property
    def trouble(self) -> str | None:
        return None

    async def start(self) -> None:
        """There is nobody to reach."""

    async def close(self) -> None:
        """There is nothing to leave."""

    def has_listeners(self, topic: str) -> bool:
        """Whether anybody listens to a topic."""
        return bool(self._subscriptions.get(topic))

    def mark_gap(self) -> None:
        """Tells every listener that messages may be missing."""
        for listeners in self._subscriptions.values():
            for subscription in listeners:
                subscription.mark_gap()

    def publish(self, topic: str, messages: Sequence[Any]) -> None:
        for subscription in self._subscriptions.get(topic, ()):
            try:
                subscription.offer(messages)
            except Exception:
                logger.exception("A listener of %s could not be told", topic)

    @asynccontextmanager
    async def subscribe(
        self, topic: str, maxsize: int, accepts: Callable[[Any], bool] | None = None
    ) -> AsyncIterator[MemorySubscription]:
        subscription = MemorySubscription(maxsize, accepts)
        listeners = self._subscriptions.setdefault(topic, set())
        listeners.add(subscription)
        try:
            yield subscription
        finally:
            listeners.discard(subscription)

    def wake(self, name: str) -> None:
        waiting = self._waiting.get(name)
        while waiting:
            future = waiting.popleft()
            if not future.done():
                future.set_result(None)
                return
        self._called.add(name)

    async def wait(self, name: str, seconds: float) -> bool:
        if name in self._called:
            self._called.discard(name)
            return True
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(name, deque())
        waiting.append(future)
        try:
            async with asyncio.timeout(seconds):
                await future
        except TimeoutError:
            return False
        finally:
            if future in waiting:
                waiting.remove(future)
        return True
