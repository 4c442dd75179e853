"""Starts a server process from its settings: checks, database, port, pid file, then serves until told to stop."""

import functools
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from podium.db.claim import services_claim
from podium.db.errors import DatabaseUnavailable
from podium.db.options import Options
from podium.db.urls import sync_url
from podium.profiles import Settings
from podium.server import main, pidfile
from podium.server.http.request_ids import note_request_id
from podium.server.listening import listen
from podium.server.metrics.board import Board, Figures
from podium.server.notify import tell_ready
from podium.server.supervisor import Run, Supervisor
from podium.server.web.bundles import INDEX, find_bundles

WAIT_SECONDS = 60.0
STOP_SECONDS = 15.0
"""What the processes of a server may take to stop beside the requests they finish."""

LOG_VARIABLE = "PODIUM_BACKGROUND_LOG"
LIBRARIES = ("docket", "sqlalchemy.pool")


class CannotStart(Exception):
    """The settings ask for something that would be wrong; the message names them and the fix."""


@dataclass(slots=True)
class Started:
    """A server as its user needs to know it."""

    url: str
    pid: int
    log: str | None


def check(settings: Settings) -> None:
    """Refuses combinations that would lose or repeat work."""
    workers = settings.server.workers
    if workers > 1:
        _check_sharing(settings, f"{workers} workers", "use --workers 1")


def check_services(settings: Settings) -> None:
    """Refuses a process for the background services alone where it could not meet those that answer requests."""
    _check_sharing(settings, "background services in a process of their own", "use `podium server start`")


def _check_sharing(settings: Settings, who: str, otherwise: str) -> None:
    if sync_url(settings.server.database.connection_url).startswith("sqlite"):
        raise CannotStart(
            f"{who} need PostgreSQL, since SQLite has one writer: set "
            f"PODIUM_SERVER_DATABASE_CONNECTION_URL to a postgresql:// URL, or {otherwise}"
        )
    alone = {
        "PODIUM_SERVER_EVENTS_MESSAGING_BROKER": settings.server.events.messaging_broker == "memory",
        "PODIUM_SERVER_DOCKET_URL": settings.server.docket.url.startswith("memory://"),
    }
    if any(alone.values()):
        names = [name for name, is_alone in alone.items() if is_alone]
        keep = "keep them" if len(names) > 1 else "keeps them"
        raise CannotStart(
            f"{who} need to share messages and work over Redis, and {' and '.join(names)} {keep} in memory: set "
            f"PODIUM_REDIS_URL to a redis:// URL, or {otherwise}"
        )


def check_ui(settings: Settings) -> None:
    """Refuses a directory of the UI that holds none."""
    ui = settings.server.ui
    if ui.enabled and ui.static_directory and not find_bundles(ui.static_directory, ui.serve_base):
        raise CannotStart(
            f"there is no built UI in {ui.static_directory}: neither an {INDEX} nor directories v1 and v2 with one each"
        )


def run(settings: Settings, with_services: bool, announce: Callable[[Started], None]) -> None:
    """Serves until SIGINT or SIGTERM; ``announce`` is called once requests are answered.

    Raises ``PortUnavailable``, ``CannotStart`` or an error of ``podium.db.errors`` before anything is served.
    """
    set_up_logging(settings)
    api = settings.server.api
    with listen(api.host, api.port) as listener:
        port = listener.getsockname()[1]
        main.prepare_database(settings)
        with _announced(settings, "server", port, api.local_url(port), announce) as ready:
            if settings.server.workers > 1:
                _supervise(settings, listener, with_services, ready)
            elif with_services:
                with _services_claimed(settings):
                    main.serve(settings, listener, ready, "all")
            else:
                main.serve(settings, listener, ready, "api")


def run_services(settings: Settings, announce: Callable[[Started], None]) -> None:
    """Runs the background services until SIGINT or SIGTERM, and tells how they are on a port of its own."""
    set_up_logging(settings)
    services = settings.server.services
    with listen(services.health_host, services.health_port) as listener:
        main.prepare_database(settings)
        host, port = listener.getsockname()[:2]
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}{settings.server.api.mount}"
        with _announced(settings, "services", port, url, announce) as ready:
            main.serve(settings, listener, ready, "services")


def _supervise(settings: Settings, listener: socket.socket, with_services: bool, ready: Callable[[], None]) -> None:
    names = [f"api-{number}" for number in range(1, settings.server.workers + 1)]
    board = Board([*names, "services"] if with_services else names)
    members: dict[str, Run] = {
        name: functools.partial(_serve_as_member, settings, listener, "api", board.member(name)) for name in names
    }
    if with_services:
        services = board.member("services")
        members["services"] = functools.partial(_serve_as_member, settings, None, "services", services)
    Supervisor(members, ready, settings.server.shutdown_timeout + STOP_SECONDS).run()


def _serve_as_member(
    settings: Settings,
    listener: socket.socket | None,
    role: main.Role,
    figures: Figures,
    ready: Callable[[], None],
) -> None:
    if listener is None:
        services = settings.server.services
        with listen(services.health_host, services.health_port) as own:
            main.serve(settings, own, ready, role, figures)
    else:
        main.serve(settings, listener, ready, role, figures)


@contextmanager
def _announced(
    settings: Settings, kind: str, port: int, url: str, announce: Callable[[Started], None]
) -> Iterator[Callable[[], None]]:
    """The function to call when the process is ready; its file in the home is there until the end."""
    path = pidfile.path_of(settings.home, port, kind)
    log = os.environ.get(LOG_VARIABLE)

    def ready() -> None:
        pidfile.write(path, url, log)
        announce(Started(url, os.getpid(), log))
        tell_ready()

    try:
        yield ready
    finally:
        pidfile.remove(path)


@contextmanager
def _services_claimed(settings: Settings) -> Iterator[None]:
    """Holds the claim on the background services where two processes that run them could not share the work."""
    database = settings.server.database
    on_sqlite = sync_url(database.connection_url).startswith("sqlite")
    if not on_sqlite and not settings.server.docket.url.startswith("memory://"):
        yield
        return
    claim = services_claim(database.connection_url, Options.of(database))
    if not claim.take():
        fix = "PostgreSQL and PODIUM_REDIS_URL" if on_sqlite else "PODIUM_REDIS_URL"
        raise CannotStart(
            "another process runs the background services of this database, and the two could not share the work: "
            f"use --no-services, or set {fix} for both"
        )
    try:
        yield
    finally:
        claim.release()


def run_in_background(settings: Settings, arguments: Sequence[str]) -> Started:
    """Runs ``podium`` with these arguments as a process of its own and waits until it answers."""
    port = settings.server.api.port
    if port == 0:
        raise CannotStart("a server in the background needs a port that can be named: give --port")
    log = settings.home / "logs" / f"server-{port}.log"
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with log.open("ab") as output:
        start = output.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "podium", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PODIUM_HOME": str(settings.home), LOG_VARIABLE: str(log)},
        )
    try:
        return _wait_for(process, settings, log, start)
    except BaseException:
        process.terminate()
        raise


def _wait_for(process: subprocess.Popen[bytes], settings: Settings, log: Path, start: int) -> Started:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        found = find(settings)
        if found is not None and found.pid == process.pid:
            return Started(found.url, found.pid, str(log))
        if process.poll() is not None:
            raise CannotStart(_last_words(log, start))
        time.sleep(0.02)
    raise CannotStart(f"it did not answer within {WAIT_SECONDS:.0f} s; see {log}")


def _last_words(log: Path, start: int) -> str:
    said = log.read_bytes()[start:].decode(errors="replace").strip().splitlines()
    if not said:
        return f"it stopped at once; see {log}"
    return said[-1].removeprefix("Error: ").removeprefix("The server does not start: ")


def find(settings: Settings) -> pidfile.ServerProcess | None:
    """The server that runs on the settings' port from the settings' home."""
    return pidfile.read(pidfile.path_of(settings.home, settings.server.api.port))


def set_up_logging(settings: Settings) -> None:
    """The server's log goes to stderr, a line each: time, level, logger, the request it is about, message."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s  %(request)s%(message)s"))
    handler.addFilter(note_request_id)
    handler.addFilter(_shorten)
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.WARNING)
    for name in ("podium", "uvicorn"):
        logging.getLogger(name).setLevel(settings.server.logging_level)
    logging.getLogger("docket").setLevel(logging.ERROR)


def _shorten(record: logging.LogRecord) -> bool:
    """A database or a Redis that is gone gets a line: where in the code that was noticed helps nobody."""
    error = record.exc_info[1] if record.exc_info else None
    of_library = record.name.startswith(LIBRARIES) and type(error).__module__.partition(".")[0] in ("redis", "psycopg")
    if of_library or isinstance(error, DatabaseUnavailable):
        record.msg, record.args, record.exc_info = f"{record.getMessage()}: {error}", (), None
    return True
