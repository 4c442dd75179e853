"""``/task_runs/subscriptions/scheduled``: hands background task runs to task workers, each to one of them."""

import asyncio
import contextlib
from typing import Any

import msgspec
from falcon.asgi import Request, WebSocket

from podium.server.http.guard import Guard
from podium.server.http.workspaces import workspace_of
from podium.server.messaging.bus import SCHEDULED_TASK_RUNS, Subscription
from podium.server.queries import task_queue
from podium.server.runtime import Runtime
from podium.server.sockets.peer import TASK_PROTOCOL_ERROR, BadFrame, Disconnected, admit, close, receive
from podium.server.sockets.pings import pings_of

KEEP_EVERY = 20.0
LOOK_EVERY = 5.0

_encode = msgspec.json.Encoder().encode


class _Subscribe(msgspec.Struct):
    type: str = ""
    keys: list[str] = []
    client_id: str | None = None


class _Reply(msgspec.Struct):
    type: str = ""


class _Over(Exception):
    """The conversation ends; closed with a reason if the client broke the protocol."""

    def __init__(self, complaint: str | None = None) -> None:
        self.complaint = complaint


class TaskSubscriptions:
    """Accepts the connections."""

    def __init__(self, runtime: Runtime, guard: Guard) -> None:
        self._runtime = runtime
        self._guard = guard

    async def on_websocket(self, request: Request, ws: WebSocket) -> None:
        """Offers runs one by one until the client leaves; one it did not take goes to the next client."""
        pings = pings_of(request)
        try:
            if not await admit(ws, self._guard, pings):
                return
            wanted = await _subscription(ws)
        except Disconnected:
            return
        if wanted is None:
            return
        database, workspace_id = self._runtime.database, workspace_of(request.scope)

        async def write(unit: Any, *args: Any) -> Any:
            return await database.write(unit, *args, workspace_id=workspace_id)

        keys = frozenset(wanted.keys)
        worker_id = await write(task_queue.connect_worker, wanted.client_id, wanted.keys)
        try:
            async with self._runtime.bus.subscribe(
                SCHEDULED_TASK_RUNS, 1, lambda message: message[0] == workspace_id and message[1] in keys
            ) as news:
                pings.release()
                await _Conversation(ws, write, worker_id, wanted.keys, news).run()
        finally:
            await write(task_queue.disconnect_worker, worker_id)


async def _subscription(ws: WebSocket) -> _Subscribe | None:
    """What the client wants to run; None after a refusal that closed."""
    try:
        wanted: _Subscribe = await receive(ws, _Subscribe)
    except BadFrame:
        wanted = _Subscribe()
    if wanted.type != "subscribe":
        complaint = "Expected a 'subscribe' message."
    elif not wanted.keys:
        complaint = "Expected 'keys', a list of task keys."
    elif not wanted.client_id:
        complaint = "Expected a 'client_id'."
    else:
        return wanted
    await close(ws, TASK_PROTOCOL_ERROR, complaint)
    return None


class _Conversation:
    """Offers and answers of one connection."""

    def __init__(self, ws: WebSocket, write: Any, worker_id: str, keys: list[str], news: Subscription) -> None:
        self._ws = ws
        self._write = write
        self._worker_id = worker_id
        self._keys = keys
        self._news = news
        self._reply: asyncio.Task[_Reply] | None = None

    async def run(self) -> None:
        """Until the client leaves, quits or breaks the protocol."""
        keeper = asyncio.create_task(self._keep())
        try:
            while True:
                run = await self._write(task_queue.offer_task_run, self._worker_id, self._keys)
                if run is None:
                    await self._idle()
                else:
                    await self._hand_over(run)
        except Disconnected:
            pass
        except _Over as over:
            if over.complaint is None:
                await close(self._ws, 1000, "")
            else:
                await close(self._ws, TASK_PROTOCOL_ERROR, over.complaint)
        finally:
            for task in (keeper, self._reply):
                if task is not None:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError, Exception):
                        await task

    async def _hand_over(self, run: dict[str, Any]) -> None:
        try:
            await self._ws.send_text(_encode(run).decode())
            await self._answer()
        except BaseException:
            await self._write(task_queue.put_back, self._worker_id, run["id"])
            raise
        await self._write(task_queue.finish_offer, self._worker_id, run["id"])

    async def _answer(self) -> None:
        """Waits for the ``ack``; anything else ends the conversation."""
        reply = self._reply or asyncio.create_task(receive(self._ws, _Reply))
        self._reply = reply
        try:
            answer = await asyncio.shield(reply)
        except BadFrame:
            answer = _Reply()
        self._reply = None
        if answer.type == "quit":
            raise _Over()
        if answer.type != "ack":
            raise _Over("Expected an 'ack' message.")

    async def _idle(self) -> None:
        """Waits for news, for a while; a client that says something now can only quit."""
        if self._reply is None:
            self._reply = asyncio.create_task(receive(self._ws, _Reply))
        news = asyncio.create_task(self._news.get())
        done, _ = await asyncio.wait((news, self._reply), timeout=LOOK_EVERY, return_when=asyncio.FIRST_COMPLETED)
        news.cancel()
        if self._reply in done:
            await self._answer()
            raise _Over("Expected nothing before a task run was sent.")

    async def _keep(self) -> None:
        """Keeps the worker's entry and its offer alive while the connection stands."""
        while True:
            await asyncio.sleep(KEEP_EVERY)
            await self._write(task_queue.keep_worker, self._worker_id)
