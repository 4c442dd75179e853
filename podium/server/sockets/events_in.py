"""``/events/in``: clients push events; nothing is ever sent back but pongs."""

import asyncio
import contextlib
import logging
from collections import deque

import falcon
from falcon.asgi import Request, WebSocket

from podium.db.engine import Database
from podium.db.errors import DatabaseUnavailable
from podium.server.events.event import Event
from podium.server.events.intake import BadEvent, Limits, parse_event
from podium.server.events.outbox import store_client_events
from podium.server.http.guard import Guard
from podium.server.http.problems import INTERNAL_ERROR
from podium.server.http.workspaces import workspace_of
from podium.server.runtime import Runtime
from podium.server.sockets.peer import Disconnected, admit, close
from podium.server.sockets.pings import Pings, pings_of

logger = logging.getLogger("podium.server.sockets")

BATCH = 200
MOST_WAITING = 1000
ATTEMPTS = 5
FIRST_PAUSE = 0.1


class EventsIn:
    """Accepts the connections."""

    def __init__(self, runtime: Runtime, guard: Guard) -> None:
        self._database = runtime.database
        self._guard = guard
        self._limits = Limits.of(runtime.settings)

    async def on_websocket(self, request: Request, ws: WebSocket) -> None:
        """Takes events until the client leaves; what it sent before it left is stored."""
        pings = pings_of(request)
        try:
            if not await admit(ws, self._guard, pings):
                return
        except Disconnected:
            return
        intake = _Intake(self._database, self._limits, workspace_of(request.scope), pings)
        await intake.run(ws)


class _Intake:
    """One connection: a reader that keeps up with the client, and a writer that stores all that waits at once."""

    def __init__(self, database: Database, limits: Limits, workspace_id: str, pings: Pings) -> None:
        self._database = database
        self._limits = limits
        self._workspace_id = workspace_id
        self._pings = pings
        self._frames: deque[str] = deque()
        self._filled = asyncio.Event()
        self._behind: deque[str] | None = None
        self._holds = False
        self._over = False

    async def run(self, ws: WebSocket) -> None:
        writer = asyncio.create_task(self._write())
        reader = asyncio.create_task(self._read(ws))
        await asyncio.wait((reader, writer), return_when=asyncio.FIRST_COMPLETED)
        if not reader.done():
            reader.cancel()
            await close(ws, INTERNAL_ERROR, "The events could not be stored.")
        self._over = True
        self._filled.set()
        await asyncio.gather(reader, writer, return_exceptions=True)

    async def _read(self, ws: WebSocket) -> None:
        """Has the frames given to ``_take``, once those that came before are there; returns when the client left."""
        behind = self._behind = deque()
        with contextlib.suppress(Disconnected):
            for _ in range(self._pings.divert(self._take)):
                self._frames.append(await _text(ws))
        self._behind = None
        for frame in behind:
            self._take(frame)
        self._filled.set()
        with contextlib.suppress(Disconnected):
            while True:
                await _text(ws)

    def _take(self, frame: str) -> None:
        if self._behind is not None:
            self._behind.append(frame)
            return
        self._frames.append(frame)
        self._filled.set()
        if len(self._frames) >= MOST_WAITING and not self._holds:
            self._holds = True
            self._pings.hold()

    async def _write(self) -> None:
        while True:
            await self._filled.wait()
            if not self._frames:
                if self._over:
                    return
                self._filled.clear()
                continue
            frames = [self._frames.popleft() for _ in range(min(BATCH, len(self._frames)))]
            await self._store([event for frame in frames if (event := self._parse(frame))])
            self._pings.handled(len(frames))
            if self._holds and len(self._frames) < MOST_WAITING:
                self._holds = False
                self._pings.go_on()

    def _parse(self, frame: str) -> Event | None:
        try:
            return parse_event(frame, self._limits)
        except BadEvent as error:
            logger.warning("Skipped a frame of %d characters that is no event: %s", len(frame), error)
            return None

    async def _store(self, events: list[Event]) -> None:
        """Stores the batch; when one of its events cannot be stored, all the others are.

        Raises ``DatabaseUnavailable`` after the last attempt: the client sends again what got no pong.
        """
        if not events:
            return
        for attempt in range(ATTEMPTS):
            try:
                await self._database.write(store_client_events, events, workspace_id=self._workspace_id)
                return
            except DatabaseUnavailable:
                if attempt == ATTEMPTS - 1:
                    raise
                await asyncio.sleep(FIRST_PAUSE * 2**attempt)
            except Exception:
                if len(events) == 1:
                    logger.exception("Skipped event %s (%s), which cannot be stored", events[0].event, events[0].id)
                    return
                break
        for event in events:
            await self._store([event])


async def _text(ws: WebSocket) -> str:
    """The next frame, empty where it is no text."""
    try:
        return await ws.receive_text()
    except falcon.PayloadTypeError:
        return ""
