"""``/events/out``: a filtered stream of events, those of the last minutes first."""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any

import msgspec
from falcon.asgi import Request, WebSocket

from podium.db.engine import Database
from podium.db.unit import Row
from podium.profiles.sections.events import Events
from podium.server.events.event import Event, as_received
from podium.server.events.matching import compile_filter
from podium.server.http.guard import Guard
from podium.server.http.workspaces import workspace_of
from podium.server.messaging.bus import EVENTS, Mark, Subscription
from podium.server.queries.events import read_events_after
from podium.server.runtime import Runtime
from podium.server.sockets.peer import PROTOCOL_ERROR, BadFrame, Disconnected, admit, close, receive, until_gone
from podium.server.sockets.pings import pings_of
from podium.wire.events import EventFilter

MOST_WAITING = 256

REMEMBERED = timedelta(minutes=15)
"""How far back a subscriber whose messages were lost between processes is sent what is stored."""

MOST_REMEMBERED = 5000
"""Ids of sent events that are known; a client drops what comes twice beyond them."""

_encode = msgspec.json.Encoder().encode


class FilterFrame(msgspec.Struct):
    """What a subscriber sends first; the filter is read on its own."""

    type: str
    filter: msgspec.Raw = msgspec.Raw(b"")
    backfill: bool | None = True


class EventsOut:
    """Accepts the connections."""

    def __init__(self, runtime: Runtime, guard: Guard) -> None:
        self._runtime = runtime
        self._guard = guard
        self._settings = runtime.settings.server.events

    async def on_websocket(self, request: Request, ws: WebSocket) -> None:
        """Sends what matches until the client leaves."""
        pings = pings_of(request)
        try:
            if not await admit(ws, self._guard, pings):
                return
            frame = await receive_filter(ws, EventFilter)
        except Disconnected:
            return
        if frame is None:
            return
        wanted, backfill = frame
        self._bound(wanted)
        workspace_id = workspace_of(request.scope)
        matches = compile_filter(wanted)

        def accepts(event: Event) -> bool:
            return event.workspace_id == workspace_id and matches(event)

        async def stream() -> None:
            async with self._runtime.bus.subscribe(EVENTS, MOST_WAITING, accepts) as subscription:
                pings.release()
                stream = _Stream(ws, self._runtime.database, workspace_id, wanted, self._settings)
                if backfill:
                    await stream.backfill()
                if self._settings.stream_out_enabled:
                    await stream.follow(subscription)

        await until_gone(ws, stream)

    def _bound(self, wanted: EventFilter) -> None:
        """Nothing older than the backfill may go; a filter without an end never ends."""
        earliest = self._runtime.database.clock() - timedelta(seconds=self._settings.maximum_websocket_backfill)
        wanted.occurred.since = max(wanted.occurred.since or earliest, earliest)


class _Stream:
    """What one subscriber was sent, so that it gets each event once."""

    def __init__(
        self, ws: WebSocket, database: Database, workspace_id: str, wanted: EventFilter, events: Events
    ) -> None:
        self._ws = ws
        self._database = database
        self._workspace_id = workspace_id
        self._wanted = wanted
        self._page_size = events.websocket_backfill_page_size
        self._sent: OrderedDict[str, datetime] = OrderedDict()

    async def backfill(self) -> None:
        """Sends the stored events that match and that it did not have yet."""
        after = None
        while True:
            rows = await self._database.read(
                read_events_after, self._wanted, after, self._page_size, workspace_id=self._workspace_id
            )
            for row in rows:
                await self._give(row)
            if len(rows) < self._page_size:
                return
            after = (rows[-1]["occurred"], rows[-1]["id"])

    async def follow(self, subscription: Subscription) -> None:
        """Sends what comes; where messages were lost on the way between processes, what is stored since then."""
        while True:
            event: Event | Mark = await subscription.get()
            if isinstance(event, Event):
                await self._give(as_received(event))
            else:
                since = self._database.clock() - REMEMBERED
                self._wanted.occurred.since = max(self._wanted.occurred.since or since, since)
                await self.backfill()

    async def _give(self, event: Row) -> None:
        if event["id"] in self._sent:
            return
        await _send(self._ws, event)
        recent = event["received"] - REMEMBERED
        self._sent[event["id"]] = event["received"]
        while self._sent and (next(iter(self._sent.values())) < recent or len(self._sent) > MOST_REMEMBERED):
            self._sent.popitem(last=False)


async def _send(ws: WebSocket, event: Row) -> None:
    await ws.send_text(_encode({"type": "event", "event": event}).decode())


async def receive_filter(ws: WebSocket, kind: type[Any]) -> tuple[Any, bool] | None:
    """The filter a subscriber asks for and whether it wants a backfill; None after a refusal that closed."""
    try:
        frame: FilterFrame = await receive(ws, FilterFrame)
    except BadFrame:
        frame = FilterFrame(type="")
    if frame.type != "filter":
        await close(ws, PROTOCOL_ERROR, "Expected a 'filter' message.")
        return None
    try:
        wanted = msgspec.json.decode(frame.filter, type=kind)
    except msgspec.DecodeError as error:
        await close(ws, PROTOCOL_ERROR, f"Invalid filter: {error}")
        return None
    return wanted, frame.backfill is not False
