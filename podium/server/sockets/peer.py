"""The other end of a WebSocket: the handshake of the contract, and closing with a reason that fits."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import falcon
import msgspec
from falcon.asgi import WebSocket

from podium.server.http.guard import Guard
from podium.server.sockets.pings import Pings

SUBPROTOCOL = "prefect"
LONGEST_REASON = 123

POLICY_VIOLATION = 1008
PROTOCOL_ERROR = 1002
TASK_PROTOCOL_ERROR = 4001

Disconnected = falcon.WebSocketDisconnected


class BadFrame(ValueError):
    """A frame that is not what the protocol asks for at this point."""


class _Auth(msgspec.Struct):
    type: str
    token: str | None = None


async def admit(ws: WebSocket, guard: Guard, pings: Pings, refusal: str | None = None) -> bool:
    """Accepts the connection and checks its credentials; False when it was refused and closed.

    A ``refusal`` is the reason that every one is told who is not let in; old clients are not, then.
    """
    if SUBPROTOCOL not in ws.subprotocols:
        if refusal is not None or not guard.knows(None):
            await ws.close()
            return False
        await ws.accept()
        return True
    await ws.accept(subprotocol=SUBPROTOCOL)
    try:
        auth = await receive(ws, _Auth)
        pings.handled()
    except BadFrame:
        auth = None
    if auth is None or auth.type != "auth":
        await close(ws, POLICY_VIOLATION, refusal or "Expected an 'auth' message.")
        return False
    if not guard.knows(auth.token):
        reason = "The auth token is wrong." if auth.token else "An auth token is required."
        await close(ws, POLICY_VIOLATION, refusal or reason)
        return False
    await ws.send_text('{"type":"auth_success"}')
    return True


async def receive(ws: WebSocket, kind: type[Any]) -> Any:
    """The next frame, decoded; ``BadFrame`` when it is not of that kind."""
    try:
        return msgspec.json.decode(await ws.receive_text(), type=kind)
    except (msgspec.DecodeError, falcon.PayloadTypeError, RecursionError) as error:
        raise BadFrame(str(error)) from None


async def close(ws: WebSocket, code: int, reason: str) -> None:
    """Closes with a reason, cut to what the protocol allows."""
    with contextlib.suppress(Disconnected):
        await ws.close(code, reason.encode()[:LONGEST_REASON].decode(errors="ignore"))


async def until_gone(ws: WebSocket, work: Callable[[], Awaitable[None]]) -> None:
    """Runs ``work`` until the client leaves; what it sends meanwhile is ignored."""
    task = asyncio.ensure_future(work())
    watch = asyncio.ensure_future(_drain(ws))
    try:
        await asyncio.wait((task, watch), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in (task, watch):
            each.cancel()
        results = await asyncio.gather(task, watch, return_exceptions=True)
    failure = results[0]
    if isinstance(failure, Exception) and not isinstance(failure, Disconnected):
        raise failure


async def _drain(ws: WebSocket) -> None:
    with contextlib.suppress(Disconnected):
        while True:
            with contextlib.suppress(falcon.PayloadTypeError):
                await ws.receive_text()
