"""Starts a server process from its settings: checks, database, port, pid file, then serves until told to stop."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from podium.db.urls import sync_url
from podium.profiles import Settings
from podium.server import main, pidfile
from podium.server.listening import listen
from podium.server.web.bundles import INDEX, find_bundles

WAIT_SECONDS = 60.0
LOG_VARIABLE = "PODIUM_BACKGROUND_LOG"


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
    if workers <= 1:
        return
    if sync_url(settings.server.database.connection_url).startswith("sqlite"):
        raise CannotStart(
            f"{workers} workers need PostgreSQL, since SQLite has one writer: set "
            "PODIUM_SERVER_DATABASE_CONNECTION_URL to a postgresql:// URL, or use --workers 1"
        )
    raise CannotStart(f"{workers} workers need shared messaging, which this version keeps in memory: use --workers 1")


def check_ui(settings: Settings) -> None:
    """Refuses a directory of the UI that holds none."""
    ui = settings.server.ui
    if ui.enabled and ui.static_directory and not find_bundles(ui.static_directory, ui.serve_base):
        raise CannotStart(
            f"there is no built UI in {ui.static_directory}: neither an {INDEX} nor directories v1 and v2 with one each"
        )


def run(settings: Settings, with_services: bool, announce: Callable[[Started], None]) -> None:
    """Serves until SIGINT or SIGTERM; ``announce`` is called once requests are answered.

    Raises ``PortUnavailable`` or an error of ``podium.db.errors`` before anything is served.
    """
    set_up_logging(settings)
    api = settings.server.api
    with listen(api.host, api.port) as listener:
        port = listener.getsockname()[1]
        main.prepare_database(settings)
        url = api.local_url(port)
        path = pidfile.path_of(settings.home, port)
        log = os.environ.get(LOG_VARIABLE)

        def ready() -> None:
            pidfile.write(path, url, log)
            announce(Started(url, os.getpid(), log))

        try:
            main.serve(settings, listener, ready, with_services)
        finally:
            pidfile.remove(path)


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
    """The server's log goes to stderr, a line each: time, level, logger, message."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s  %(message)s"))
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.WARNING)
    for name in ("podium", "uvicorn"):
        logging.getLogger(name).setLevel(settings.server.logging_level)
    logging.getLogger("docket").setLevel(logging.ERROR)
