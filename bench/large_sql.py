"""The server's application in this process, watched: which statements a request sends, and what CPU time they take.

CPU time is what a statement takes on a machine with nothing else to do and its data in memory. On PostgreSQL it is that
of the session's process (Linux), without parallel workers.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import httpx
from sqlalchemy import Engine, event

from bench.large_calls import Call
from podium.db.prepared import Form
from podium.db.unit import Tx
from podium.profiles import load_settings
from podium.server.app import create_app, create_runtime


@dataclass(slots=True)
class Sent:
    """What one request sent to the database: (statement, parameters) as the driver gets them, and CPU seconds."""

    statements: list[tuple[str, Any]] = field(default_factory=list)
    seconds: float = 0.0


class Watched:
    """Podium without a socket: `async with Watched(url) as app: sent = await app.request(call, turn)`."""

    def __init__(self, url: str) -> None:
        flags = {"PODIUM_SERVER_DATABASE_CONNECTION_URL": url}
        self.runtime = create_runtime(load_settings(flags=flags, environ={}))
        if self.runtime.database.dialect == "postgresql":
            event.listen(self.runtime.database.engine, "connect", _work_alone)
        transport = httpx.ASGITransport(app=create_app(self.runtime))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://podium")

    async def __aenter__(self) -> "Watched":
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.aclose()
        await self.runtime.database.close()

    async def request(self, call: Call, turn: int = 0) -> Sent:
        """Makes the request; raises RuntimeError where it is refused."""
        body = None if call.body is None else json.dumps(call.body(turn))
        headers = {"Content-Type": "application/json"}
        with _watching(self.runtime.database.engine) as sent:
            answer = await self._client.request(call.method, f"/api{call.path(turn)}", content=body, headers=headers)
        if answer.status_code >= 300:
            raise RuntimeError(f"{call.name}: {answer.status_code} {answer.text[:300]}")
        return sent

    async def milliseconds(self, call: Call, turns: int) -> float:
        """The middle of the CPU times that the statements of a request take together."""
        return median([(await self.request(call, turn)).seconds for turn in range(turns)]) * 1000


@contextmanager
def _watching(engine: Engine) -> Iterator[Sent]:
    sent = Sent()

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        sent.statements.append((statement, parameters))

    def arguments(form: Form, values: Any, original: Callable[..., Any] = Form.arguments) -> Any:
        found = original(form, values)
        sent.statements.append((form.sql, found))
        return found

    event.listen(engine, "before_cursor_execute", note)
    try:
        with (
            mock.patch.object(Form, "arguments", arguments),
            mock.patch.object(Tx, "all", _timed(Tx.all, sent)),
            mock.patch.object(Tx, "one", _timed(Tx.one, sent)),
        ):
            yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _timed(original: Callable[..., Any], sent: Sent) -> Callable[..., Any]:
    def timed(tx: Tx, *args: Any, **named: Any) -> Any:
        began = _cpu_seconds(tx)
        try:
            return original(tx, *args, **named)
        finally:
            sent.seconds += _cpu_seconds(tx) - began

    return timed


def _cpu_seconds(tx: Tx) -> float:
    """What this thread, and on PostgreSQL the session, have used so far."""
    here = time.thread_time()
    if tx.dialect == "sqlite":
        return here
    driver: Any = tx.connection.connection.driver_connection
    return here + int(Path(f"/proc/{driver.info.backend_pid}/schedstat").read_text().split()[0]) / 1e9


def _work_alone(connection: Any, record: object) -> None:
    connection.execute("SET max_parallel_workers_per_gather = 0")
    connection.commit()
