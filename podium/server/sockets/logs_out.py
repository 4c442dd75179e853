"""``/logs/out``: a filtered stream of new log lines."""

from collections.abc import Callable
from typing import Any

import msgspec
from falcon.asgi import Request, WebSocket

from podium.server.http.guard import Guard
from podium.server.http.workspaces import workspace_of
from podium.server.messaging.bus import LOGS, Mark
from podium.server.queries.logs import LogLine
from podium.server.runtime import Runtime
from podium.server.sockets.events_out import receive_filter
from podium.server.sockets.peer import Disconnected, admit, until_gone
from podium.server.sockets.pings import pings_of
from podium.wire.logs import LogFilter

MOST_WAITING = 256

_encode = msgspec.json.Encoder().encode


class LogsOut:
    """Accepts the connections."""

    def __init__(self, runtime: Runtime, guard: Guard) -> None:
        self._runtime = runtime
        self._guard = guard

    async def on_websocket(self, request: Request, ws: WebSocket) -> None:
        """Sends what matches until the client leaves; nothing where streaming is switched off."""
        pings = pings_of(request)
        try:
            if not await admit(ws, self._guard, pings):
                return
            frame = await receive_filter(ws, LogFilter)
        except Disconnected:
            return
        if frame is None:
            return
        matches = compile_log_filter(frame[0])
        workspace_id = workspace_of(request.scope)
        enabled = self._runtime.settings.server.logs.stream_out_enabled

        def accepts(message: tuple[str, LogLine]) -> bool:
            return enabled and message[0] == workspace_id and matches(message[1])

        async def stream() -> None:
            async with self._runtime.bus.subscribe(LOGS, MOST_WAITING, accepts) as subscription:
                pings.release()
                while True:
                    message = await subscription.get()
                    if message is Mark.GAP:
                        continue
                    _, line = message
                    log = {"created": None, "updated": None, **line._asdict()}
                    await ws.send_text(_encode({"type": "log", "log": log}).decode())

        await until_gone(ws, stream)


def compile_log_filter(wanted: LogFilter) -> Callable[[LogLine], bool]:
    """A function that tells whether a log line matches; text is not looked at in a stream."""
    checks: list[Callable[[LogLine], Any]] = []
    if wanted.flow_run_id is not None and wanted.flow_run_id.any_ is not None:
        flow_runs = set(wanted.flow_run_id.any_)
        checks.append(lambda line: line.flow_run_id in flow_runs)
    task = wanted.task_run_id
    if task is not None and task.any_ is not None:
        task_runs = set(task.any_)
        checks.append(lambda line: line.task_run_id in task_runs)
    if task is not None and task.is_null_ is not None:
        absent = task.is_null_
        checks.append(lambda line: (line.task_run_id is None) == absent)
    for bounds, name, low, high in (
        (wanted.level, "level", "ge_", "le_"),
        (wanted.timestamp, "timestamp", "after_", "before_"),
    ):
        checks.extend(_bounds(name, getattr(bounds, low, None), getattr(bounds, high, None)))
    return lambda line: all(check(line) for check in checks)


def _bounds(name: str, low: Any, high: Any) -> list[Callable[[LogLine], Any]]:
    checks: list[Callable[[LogLine], Any]] = []
    if low is not None:
        checks.append(lambda line: getattr(line, name) >= low)
    if high is not None:
        checks.append(lambda line: getattr(line, name) <= high)
    return checks
