"""The metrics over HTTP: below the API where the contract's setting says so, and at the root of the server."""

import asyncio
import importlib
from typing import Any

from falcon.asgi import App, Request, Response

from podium.server.errors import NotFound
from podium.server.http.call import Call, Reply
from podium.server.http.guard import Guard
from podium.server.runtime import Runtime
from podium.wire import metrics as wire


async def read_metrics(call: Call) -> Reply:
    """Not found where the setting is off, as the contract says."""
    if not call.runtime.settings.server.metrics_enabled:
        raise NotFound("Not Found")
    content, media = await _expose(call.runtime, call.request.get_header("Accept") or "")
    return Reply(content=content, media=media)


async def _expose(runtime: Runtime, accept: str) -> tuple[bytes, str]:
    # Loaded on use: a server that nobody asks does without the library.
    exposition = await asyncio.to_thread(importlib.import_module, "podium.server.metrics.exposition")
    answers, state, counts = await runtime.gauges.read()
    database = runtime.database
    snapshot = exposition.Snapshot(
        board=runtime.figures.board,
        database="sqlite" if database.dialect == "sqlite" else "postgresql",
        connections=database.most_connections,
        messages=runtime.bus.trouble is None,
        answers=answers,
        state=state,
        counts=counts,
        now=database.clock(),
    )
    answer: tuple[bytes, str] = await asyncio.to_thread(exposition.expose, snapshot, accept)
    return answer


class _AtRoot:
    def __init__(self, runtime: Runtime, guard: Guard) -> None:
        self._runtime = runtime
        self._guard = guard

    async def on_get(self, request: Request, response: Response) -> None:
        await self._guard.check(wire.METRICS, request)
        response.data, response.content_type = await _expose(self._runtime, request.get_header("Accept") or "")

    on_head = on_get


def install(app: App[Any, Any], runtime: Runtime, guard: Guard, base_path: str) -> None:
    """Adds ``/metrics`` beside the API, unless the settings say no; an API at the root has it itself."""
    server = runtime.settings.server
    path = f"{server.root}/metrics"
    if server.metrics_at_root and path != f"{base_path}/metrics":
        app.add_route(path, _AtRoot(runtime, guard))


ROUTES = ((wire.METRICS, read_metrics),)
