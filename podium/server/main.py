"""The entry of a server process: prepares the database, then serves until it is told to stop."""

import asyncio
import contextlib
import functools
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Generator
from types import FrameType
from typing import Any, Literal

import uvicorn

from podium.db import commands
from podium.db.options import Options
from podium.db.urls import is_in_memory
from podium.profiles import Settings
from podium.server.app import create_app, create_health_app, create_runtime
from podium.server.metrics.board import Board, Figures
from podium.server.operations.block_catalogue import bring_block_types
from podium.server.operations.block_keys import use_first_key
from podium.server.presence import keep_noting
from podium.server.runtime import Runtime
from podium.server.services.retention import prepare_partitions
from podium.server.services.runner import Services
from podium.server.sockets.pings import SocketProtocol

logger = logging.getLogger("podium.server")

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Server(uvicorn.Server):
    """uvicorn that, told to stop by a signal, drains and returns: a stop that was asked for is a success.

    A second signal ends the wait for what still runs.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told_to_exit = asyncio.Event()
        super().__init__(config)
        self._ready = ready

    @property
    def should_exit(self) -> bool:
        """Whether the server was told to stop; may be set by a signal or another thread."""
        return self._should_exit

    @should_exit.setter
    def should_exit(self, value: bool) -> None:
        self._should_exit = value
        if value and self._loop is not None:
            self._loop.call_soon_threadsafe(self._told_to_exit.set)

    async def main_loop(self) -> None:
        """Waits until it is told to stop; uvicorn would look ten times a second, and an idle server do little else."""
        self._loop = asyncio.get_running_loop()
        if not await self.on_tick(0):
            await self._told_to_exit.wait()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Lifespan:
    """The application with its background services: they start once the server listens, and stop before it leaves.

    ``answers`` tells whether the process answers the requests of clients.
    """

    def __init__(
        self, app: Any, runtime: Runtime, services: Services | None, answers: bool, loaded: Callable[[], object]
    ) -> None:
        self._app = app
        self._loaded = loaded
        self._runtime = runtime
        self._services = services
        self._notes_presence = answers and runtime.settings.server.services.zombies.enabled
        self._starting: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await self._serve(scope, receive, send)
            return
        await receive()
        await self._runtime.bus.start()
        # Before the first client: one that found none would register its own at the same moment.
        await _prepare_blocks(self._runtime)
        await _prepare_partitions(self._runtime)
        await send({"type": "lifespan.startup.complete"})
        if self._services is not None:
            self._starting = asyncio.create_task(self._services.start())
            self._starting.add_done_callback(_log_failure)
            self._starting.add_done_callback(lambda _: self._loaded())
        noting = asyncio.create_task(keep_noting(self._runtime)) if self._notes_presence else None
        await receive()
        if noting is not None:
            noting.cancel()
        if self._services is not None and self._starting is not None:
            with contextlib.suppress(Exception):
                await self._starting
            await self._services.stop()
        await self._runtime.bus.close()
        await self._runtime.database.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            # The server does not wait for it any longer; a client comes back after this answer, and not after a 500.
            if scope["type"] != "http":
                raise
            headers = [(b"retry-after", b"1"), (b"content-length", b"0")]
            with contextlib.suppress(RuntimeError):
                await send({"type": "http.response.start", "status": 503, "headers": headers})
                await send({"type": "http.response.body"})


async def _prepare_blocks(runtime: Runtime) -> None:
    """Stores the block types clients expect, and encrypts with a new key; where all is done, two reads."""
    try:
        if runtime.settings.server.register_blocks_on_start:
            await bring_block_types(runtime.database)
        await use_first_key(runtime.database)
    except Exception:
        logger.exception("The blocks that the server brings along, or the key of their secrets, were not stored")


async def _prepare_partitions(runtime: Runtime) -> None:
    """Makes the partitions of these days, where a server that was off did not."""
    try:
        await prepare_partitions(runtime)
    except Exception:
        logger.exception("Partitions for the time to come were not made; what comes is stored in those for the rest")


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.error("The background services did not start", exc_info=task.exception())


def prepare_database(settings: Settings) -> None:
    """Migrates when asked to by the settings; raises a ``podium.db.errors`` error when the schema is not usable."""
    database = settings.server.database
    if is_in_memory(database.connection_url):
        return
    url, options = database.connection_url, Options.of(database)
    ensure = functools.partial(commands.ensure_current, url, options=options, timeout=database.migration_timeout)
    if database.migrate_on_start and sys.platform == "linux" and commands.schema_state(url, options) != "current":
        _run_apart(functools.partial(ensure, migrate=True))
    ensure(migrate=database.migrate_on_start)


def _run_apart(work: Callable[[], None]) -> None:
    """Does it in a child, since what migrating loads would stay in the server's memory (15 MB).

    Errors are left to the next try, in this process.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    os.waitpid(child, 0)


Role = Literal["all", "api", "services"]
"""What a process does: answer requests, run the background services and then only tell how it is, or both."""


def build(
    settings: Settings,
    ready: Callable[[], None],
    role: Role = "all",
    figures: Figures | None = None,
    loaded: Callable[[], object] = lambda: None,
) -> uvicorn.Server:
    """A server that is ready to run on a bound socket; ``ready`` is called when the first request can come.

    ``figures`` is where the process counts for the metrics, if it is one of several. ``loaded`` is called when the
    services, which load more than all the rest, have started.
    """
    runtime = create_runtime(settings, figures or Board(("services" if role == "services" else "server",)).members[0])
    runtime.figures.begin()
    if runtime.database.options.in_memory:
        with runtime.database.engine.connect() as connection:
            commands.upgrade_connection(connection)
    services = Services(runtime) if role != "api" else None
    api = settings.server.api
    config = uvicorn.Config(
        _Lifespan(
            create_health_app(runtime) if role == "services" else create_app(runtime),
            runtime,
            services,
            answers=role != "services",
            loaded=loaded,
        ),
        loop="auto",
        http="httptools",
        ws=SocketProtocol,
        ws_ping_interval=api.websocket_ping_interval,
        ws_ping_timeout=api.websocket_ping_timeout,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=api.keepalive_timeout,
        timeout_graceful_shutdown=round(settings.server.shutdown_timeout),
    )
    return _Server(config, ready)


def serve(
    settings: Settings,
    listener: socket.socket,
    ready: Callable[[], None],
    role: Role = "all",
    figures: Figures | None = None,
) -> None:
    """Serves on the bound socket until SIGINT or SIGTERM.

    What is loaded by then stays to the end, and is kept from the garbage collector: walking it, in the middle of a
    request whose answer has many rows, takes 50 ms.
    """

    def begin() -> None:
        gc.freeze()
        ready()

    build(settings, begin, role, figures, loaded=gc.freeze).run(sockets=[listener])
