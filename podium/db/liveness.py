"""Whether PostgreSQL still answers: a server that is frozen or cut off neither answers nor refuses."""

import asyncio
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import monotonic
from typing import Any

from sqlalchemy import Engine

ANSWER_SECONDS = 1.5
"""How long a server may take to let a connection in, or to refuse it."""

GOOD_FOR = 0.5
"""Seconds for which an answer is taken for one of now."""


class Liveness:
    """Asks the server by a connection of its own, one at a time, for all who want to know."""

    def __init__(self, engine: Engine, tls: dict[str, str] | None = None) -> None:
        self._engine = engine
        self._tls = tls or {}
        self._raw: Any = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="podium-db-liveness")
        self._asking: asyncio.Future[bool] | None = None
        self._since = 0.0
        self._answers = True
        self._known_until = 0.0

    async def ask(self) -> bool:
        """Whether the server answered within the last half second, or does within the next one and a half."""
        now = monotonic()
        if now < self._known_until:
            return self._answers
        if self._asking is None:
            self._since = now
            self._asking = asyncio.get_running_loop().run_in_executor(self._thread, self._knock)
            self._asking.add_done_callback(self._told)
        done, _ = await asyncio.wait((self._asking,), timeout=max(0.0, self._since + ANSWER_SECONDS - now))
        if not done:
            self.cut(self._raw)
        return bool(done) and self._answers

    def _told(self, asked: asyncio.Future[bool]) -> None:
        self._asking = None
        self._known_until = monotonic() + GOOD_FOR
        self._answers = not asked.cancelled() and asked.exception() is None and asked.result()

    def _knock(self) -> bool:
        """True also for a server that lets nobody in: who says so is there."""
        dialect = self._engine.dialect
        arguments, parameters = dialect.create_connect_args(self._engine.url)
        parameters = {**parameters, "connect_timeout": 2, "application_name": "podium-liveness"}
        try:
            self._raw = dialect.loaded_dbapi.connect(*arguments, **parameters, **self._tls)
            self._raw.execute("SELECT 1")
            self._raw.close()
        except dialect.loaded_dbapi.Error as error:
            return "FATAL" in str(error)
        finally:
            self._raw = None
        return True

    def cut(self, raw: Any) -> None:
        """Ends the wait of a thread for an answer on this connection, as if the server had hung up."""
        if raw is None or raw.closed:
            return
        with suppress(OSError, raw.OperationalError), socket.socket(fileno=os.dup(raw.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Asks no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
