"""``/work_pools/{name}/workers/connect``: refused, upon which workers use heartbeats and polling."""

from typing import Any

from falcon.asgi import Request, WebSocket

from podium.server.http.guard import Guard
from podium.server.runtime import Runtime


class WorkerChannel:
    """Refuses the upgrade; for a worker that is the end of the channel, not of itself."""

    def __init__(self, runtime: Runtime, guard: Guard) -> None:
        pass

    async def on_websocket(self, request: Request, ws: WebSocket, **path: Any) -> None:
        """Closes before accepting: the client sees 403."""
        await ws.close()
