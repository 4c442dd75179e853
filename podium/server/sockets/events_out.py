"""``/events/out``: a filtered stream of events, those of the last minutes first."""

from datetime import timedelta
from typing import Any

import msgspec
from falcon.asgi import Request, WebSocket

from podium.db.unit import Row
from podium.server.events.event import Event, as_received
from podium.server.events.matching import compile_filter
from podium.server.http.guard import Guard
from podium.server.http.workspaces import workspace_of
from podium.server.messaging.bus import EVENTS, Subscription
from podium.server.queries.events import read_events_after
from podium.server.runtime import Runtime
from podium.server.sockets.peer import PROTOCOL_ERROR, BadFrame, Disconnected, admit, close, receive, until_gone
from podium.server.sockets.pings import pings_of
from podium.wire.events import EventFilter

MOST_WAITING = 256

# An event may be stored this long before it is announced; backfill and stream overlap by that much.
OVERLAP = timedelta(minutes=1)

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
                sent = await self._backfill(ws, workspace_id, wanted) if backfill else set()
                if self._settings.stream_out_enabled:
                    await _follow(ws, subscription, sent)

        await until_gone(ws, stream)

    def _bound(self, wanted: EventFilter) -> None:
        """Nothing older than the backfill may go; a filter without an end never ends."""
        earliest = self._runtime.database.clock() - timedelta(seconds=self._settings.maximum_websocket_backfill)
        wanted.occurred.since = max(wanted.occurred.since or earliest, earliest)

    async def _backfill(self, ws: WebSocket, workspace_id: str, wanted: EventFilter) -> set[str]:
        """Sends the stored events that match; the ids of those that the subscription may hold as well."""
        database = self._runtime.database
        started = database.clock() - OVERLAP
        size = self._settings.websocket_backfill_page_size
        sent: set[str] = set()
        after = None
        while True:
            rows = await database.read(read_events_after, wanted, after, size, workspace_id=workspace_id)
            for row in rows:
                await _send(ws, row)
                if row["received"] >= started:
                    sent.add(row["id"])
            if len(rows) < size:
                return sent
            after = (rows[-1]["occurred"], rows[-1]["id"])


async def _follow(ws: WebSocket, subscription: Subscription, sent: set[str]) -> None:
    while True:
        event: Event = await subscription.get()
        if event.id in sent:
            sent.discard(event.id)
            continue
        await _send(ws, as_received(event))


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
