"""What would lose or repeat work does not start; each refusal word by word, with the settings to change."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from podium.profiles.masking import mask_url
from tests import backing
from tests.cli.conftest import Podium
from tests.cli.processes import ServerProcess

DATABASE = "PODIUM_SERVER_DATABASE_CONNECTION_URL"

WORKERS_ON_SQLITE = (
    "2 workers need PostgreSQL, since SQLite has one writer: set PODIUM_SERVER_DATABASE_CONNECTION_URL to a "
    "postgresql:// URL, or use --workers 1"
)
WORKERS_WITHOUT_REDIS = (
    "2 workers need to share messages and work over Redis, and PODIUM_SERVER_EVENTS_MESSAGING_BROKER and "
    "PODIUM_SERVER_DOCKET_URL keep them in memory: set PODIUM_REDIS_URL to a redis:// URL, or use --workers 1"
)
WORKERS_WITH_LONELY_WORK = (
    "2 workers need to share messages and work over Redis, and PODIUM_SERVER_DOCKET_URL keeps them in memory: set "
    "PODIUM_REDIS_URL to a redis:// URL, or use --workers 1"
)
SERVICES_ON_SQLITE = (
    "background services in a process of their own need PostgreSQL, since SQLite has one writer: set "
    "PODIUM_SERVER_DATABASE_CONNECTION_URL to a postgresql:// URL, or use `podium server start`"
)
SERVICES_WITHOUT_REDIS = (
    "background services in a process of their own need to share messages and work over Redis, and "
    "PODIUM_SERVER_EVENTS_MESSAGING_BROKER and PODIUM_SERVER_DOCKET_URL keep them in memory: set PODIUM_REDIS_URL to a "
    "redis:// URL, or use `podium server start`"
)
SECOND_SERVICES = (
    "another process runs the background services of this database, and the two could not share the work: use "
    "--no-services, or set {} for both"
)


def test_several_workers(podium: Podium, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite, and on PostgreSQL with anything that is kept in memory; `check` says the same before."""

    def refusal() -> str:
        refused = podium("server", "start", "--port", "0", "--workers", "2")
        assert (refused.code, refused.out) == (1, "")
        said = refused.err.removeprefix("Error: The server does not start: ").removesuffix("\n")
        monkeypatch.setenv("PODIUM_SERVER_WORKERS", "2")
        checked = podium("server", "check", "-o", "json")
        monkeypatch.delenv("PODIUM_SERVER_WORKERS")
        assert checked.code == 1
        assert said in checked.out
        return said

    assert refusal() == WORKERS_ON_SQLITE
    monkeypatch.setenv(DATABASE, postgres_url)
    assert refusal() == WORKERS_WITHOUT_REDIS
    monkeypatch.setenv("PODIUM_REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("PODIUM_SERVER_DOCKET_URL", "memory://")
    assert refusal() == WORKERS_WITH_LONELY_WORK


def test_services_in_a_process_of_their_own(
    podium: Podium, postgres_url: str, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where they could not meet the processes that answer requests."""
    for url, reason in ((sqlite_url, SERVICES_ON_SQLITE), (postgres_url, SERVICES_WITHOUT_REDIS)):
        monkeypatch.setenv(DATABASE, url)
        refused = podium("server", "services", "start", "--health-port", "0")
        assert (refused.code, refused.out) == (1, "")
        assert refused.err == f"Error: The services do not start: {reason}\n"


def test_a_second_process_with_services(
    podium: Podium, home: Path, database_url: str, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Redis; after the first one is gone, however it went, the second starts."""
    fix = "PostgreSQL and PODIUM_REDIS_URL" if database_url.startswith("sqlite") else "PODIUM_REDIS_URL"
    monkeypatch.setenv(DATABASE, database_url)
    with ServerProcess(home, free_port, **{DATABASE: database_url}) as first:
        first.until_ready()
        refused = podium("server", "start", "--port", "0")
        assert (refused.code, refused.out) == (1, "")
        assert refused.err == f"Error: The server does not start: {SECOND_SERVICES.format(fix)}\n"
    with ServerProcess(home, backing.free_port(), **{DATABASE: database_url}) as second:
        second.until_ready()


def test_an_old_postgresql(podium: Podium, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older than 14.9: no command that needs it starts, nothing is made in it, and `check` says the same."""
    with _as_version(postgres_url, "14.8") as old:
        monkeypatch.setenv(DATABASE, old)
        monkeypatch.setenv("PODIUM_REDIS_URL", "redis://127.0.0.1:1")
        reason = f"{mask_url(old)}: PostgreSQL 14.8 is too old; Podium needs 14.9 or newer"
        for command in (("server", "start", "--port", "0"), ("server", "services", "start", "--health-port", "0")):
            refused = podium(*command)
            assert (refused.code, refused.out) == (2, "")
            assert refused.err == f"Error: {reason}\n"
        checked = podium("server", "check", "-o", "json")
        assert checked.code == 1
        assert reason in checked.out
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


@contextmanager
def _as_version(url: str, version: str) -> Iterator[str]:
    """The URL of a relay to this database that says it is of another version, where it says which one it is."""
    parts = psycopg.conninfo.conninfo_to_dict(url)
    with psycopg.connect(url) as connection:
        shown = connection.execute("SELECT version()").fetchone()
    found = re.search(r"PostgreSQL ([\d.]+)", shown[0] if shown else "")
    assert found
    major, minor = version.split(".")
    false = f"PostgreSQL {major}.{minor.zfill(len(found[1]) - len(major) - 1)}".encode()
    listener = socket.create_server(("127.0.0.1", 0))
    target = (str(parts["host"]), int(parts.get("port") or 5432))
    threading.Thread(target=_relay, args=(listener, target, found[0].encode(), false), daemon=True).start()
    try:
        user = parts.get("user", "postgres")
        yield f"postgresql://{user}@127.0.0.1:{listener.getsockname()[1]}/{parts['dbname']}?sslmode=disable"
    finally:
        listener.close()


def _relay(listener: socket.socket, target: tuple[str, int], true: bytes, false: bytes) -> None:
    def pump(source: socket.socket, sink: socket.socket, change: bool) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data.replace(true, false) if change else data)
        except OSError:
            pass
        finally:
            source.close()
            sink.close()

    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        server = socket.create_connection(target)
        for source, sink, change in ((client, server, False), (server, client, True)):
            threading.Thread(target=pump, args=(source, sink, change), daemon=True).start()
