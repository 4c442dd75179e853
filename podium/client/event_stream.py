"""Events as they happen, each once, over restarts of the server and without WebSockets if need be."""

import queue
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from podium.client.following import Steady
from podium.client.sockets import Bell
from podium.wire import events
from podium.wire.events import ReceivedEvent

OVERLAP = timedelta(seconds=30)
"""How far back is asked for again after a gap: events arrive later than they happen."""
REMEMBERED = 20_000
LOOK_EVERY = 1.0


class _Frame(msgspec.Struct):
    type: str
    event: ReceivedEvent | None = None


def stream_events(steady: Steady, wanted: dict[str, Any], since: datetime | None = None) -> Iterator[ReceivedEvent]:
    """Events that match a filter, from ``since`` or now on, without an end."""
    frames: queue.SimpleQueue[str] = queue.SimpleQueue()
    stream = _Stream(steady, wanted, since or datetime.now(UTC))
    with Bell(steady.client, "/events/out", stream.filter, frames.put) as bell:
        looked = time.monotonic() - LOOK_EVERY
        while True:
            try:
                frame = frames.get(timeout=LOOK_EVERY)
            except queue.Empty:
                now = time.monotonic()
                if not bell.is_listening and now - looked >= LOOK_EVERY:
                    looked = now
                    yield from stream.look()
                continue
            yield from stream.fresh(_read(frame))


def _read(frame: str) -> list[ReceivedEvent]:
    try:
        event = msgspec.json.decode(frame, type=_Frame).event
    except msgspec.DecodeError:
        return []
    return [event] if event else []


class _Stream:
    """What was seen so far."""

    def __init__(self, steady: Steady, wanted: dict[str, Any], since: datetime) -> None:
        self._steady = steady
        self._wanted = wanted
        self._start = self._since = since
        self._seen: OrderedDict[str, None] = OrderedDict()

    def filter(self) -> dict[str, Any]:
        """The filter for all that may not have been seen."""
        since = max(self._start, self._since - OVERLAP)
        occurred = {"since": since.isoformat(), "until": (datetime.now(UTC) + timedelta(days=365)).isoformat()}
        return {**self._wanted, "occurred": occurred}

    def look(self) -> Iterator[ReceivedEvent]:
        """What is stored and new."""
        wanted = {**self.filter(), "order": "ASC"}
        call: Callable[[], Any] = lambda: self._steady.client.call(events.FILTER, {"filter": wanted, "limit": 50})  # noqa: E731
        page = self._steady.call(call)
        while True:
            yield from self.fresh(page.events)
            if not page.next_page:
                return
            token = _token(page.next_page)
            page = self._steady.call(lambda token=token: self._next(token))  # type: ignore[misc]

    def _next(self, token: str) -> Any:
        return self._steady.client.call(events.NEXT, query={"page-token": token})

    def fresh(self, found: list[ReceivedEvent]) -> Iterator[ReceivedEvent]:
        """Those not seen yet."""
        for event in found:
            if event.id in self._seen:
                continue
            self._seen[event.id] = None
            self._since = max(self._since, min(event.occurred, datetime.now(UTC)))
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
            yield event


def _token(next_page: str) -> str:
    from urllib.parse import parse_qs, urlsplit

    return parse_qs(urlsplit(next_page).query)["page-token"][0]
