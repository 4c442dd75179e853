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
    event: ReceivedEvent | None = None


class Head(msgspec.Struct):
    """What tells an event from others."""

    id: str
    occurred: datetime


class _FrameHead(msgspec.Struct):
    event: Head | None = None


_read_event = msgspec.json.Decoder(_Frame).decode
_read_head = msgspec.json.Decoder(_FrameHead).decode


def event_of(frame: str) -> ReceivedEvent | None:
    """The event that a frame of ``/events/out`` brings; None for another frame."""
    try:
        return _read_event(frame).event
    except msgspec.DecodeError:
        return None


def head_of(frame: str) -> Head | None:
    """Id and time of the event that a frame brings, without reading the rest."""
    try:
        return _read_head(frame).event
    except msgspec.DecodeError:
        return None


class Seen:
    """Which events of a stream were seen; those before a gap are asked for again, since some arrive late."""

    def __init__(self, since: datetime, overlap: timedelta = OVERLAP) -> None:
        self._start = self._last = since
        self._overlap = overlap
        self._ids: OrderedDict[str, None] = OrderedDict()

    def skip_to(self, moment: datetime) -> None:
        """Asks for nothing before this moment any more."""
        self._start = moment

    def during(self) -> dict[str, Any]:
        """The part of a filter for the time of all that may not have been seen."""
        since = max(self._start, self._last - self._overlap)
        return {"since": since.isoformat(), "until": (datetime.now(UTC) + timedelta(days=365)).isoformat()}

    def is_new(self, event: Head | ReceivedEvent) -> bool:
        """Whether it is seen for the first time; from now on it was seen."""
        if event.id in self._ids:
            return False
        self._ids[event.id] = None
        self._last = max(self._last, min(event.occurred, datetime.now(UTC)))
        if len(self._ids) > REMEMBERED:
            self._ids.popitem(last=False)
        return True


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
            event = event_of(frame)
            yield from stream.fresh([event] if event else [])


class _Stream:
    """What is asked for, and what was seen of it so far."""

    def __init__(self, steady: Steady, wanted: dict[str, Any], since: datetime) -> None:
        self._steady = steady
        self._wanted = wanted
        self._seen = Seen(since)

    def filter(self) -> dict[str, Any]:
        """The filter for all that may not have been seen."""
        return {**self._wanted, "occurred": self._seen.during()}

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
        return (event for event in found if self._seen.is_new(event))


def _token(next_page: str) -> str:
    from urllib.parse import parse_qs, urlsplit

    return parse_qs(urlsplit(next_page).query)["page-token"][0]
