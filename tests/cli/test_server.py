"""`podium server`: what starting, looking at and stopping a server promise its user."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from podium import __version__
from podium.server import pidfile
from tests import backing
from tests.cli.conftest import Podium
from tests.cli.processes import FreshServer, ServerProcess
from tests.migrated import migrate

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@pytest.fixture
def place(home: Path) -> Path:
    """Where a server's process lives; its home is the folder `.podium` in it."""
    return home


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Keeps everybody else from writing to a SQLite database."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


class Request(threading.Thread):
    """A request under way; ``status`` is that of its answer, None when it got none."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self.status: int | None = None
        self.start()
        time.sleep(0.5)

    def run(self) -> None:
        try:
            self.status = httpx.post(f"{self._url}/api/flows/", json={"name": "slow"}, timeout=30).status_code
        except httpx.HTTPError:
            self.status = None

    def answered(self) -> int | None:
        self.join(30)
        return self.status


def test_the_banner_tells_what_one_needs(place: Path, free_port: int) -> None:
    """URL, database, profile, log place, process and how to point a client; then requests are answered."""
    with FreshServer(place, free_port) as server:
        server.until_ready()
        assert server.row("API") == f"{server.url}/api"
        assert server.row("Database") == f"sqlite+aiosqlite:///{place}/.podium/podium.db"
        assert server.row("Profile").startswith("ephemeral (")
        assert server.row("Log") == "this terminal, from level WARNING"
        assert server.row("Process") == str(server.process.pid)
        assert f"export PREFECT_API_URL={server.url}/api" in server.said
        assert httpx.get(f"{server.url}/api/health").json() is True
        assert httpx.get(f"{server.url}/api/podium/version").json() == {"version": __version__}


def test_the_banner_hides_credentials(place: Path, free_port: int, postgres_url: str) -> None:
    """Neither the password of the database nor the auth string is shown."""
    url = postgres_url.replace("postgres@", "postgres:canary@")
    options = {"PODIUM_SERVER_DATABASE_CONNECTION_URL": url, "PODIUM_SERVER_API_AUTH_STRING": "me:canary"}
    with ServerProcess(place, free_port, **options) as server:
        server.until_ready()
        assert "********@" in server.row("Database")
        assert "PREFECT_API_AUTH_STRING" in server.said
        assert "canary" not in server.said + server.errors


@BOTH
def test_a_signal_ends_it_well(place: Path, free_port: int, number: int) -> None:
    """Ctrl+C and SIGTERM end an idle server with its services at once, with exit code 0, and nothing stays behind."""
    with FreshServer(place, free_port) as server:
        server.until_ready()
        began = time.monotonic()
        server.signal(number)
        assert server.ended() == 0
        assert time.monotonic() - began < 15
        assert server.errors == ""
        assert list((place / ".podium" / "run").iterdir()) == []


def test_a_stop_right_after_the_start_is_a_success(place: Path, free_port: int) -> None:
    """A server that is told to stop while its services still start ends as well as any other."""
    with FreshServer(place, free_port) as server:
        server.until_ready()
        server.signal()
        assert server.ended() == 0
        assert server.errors == ""


@BOTH
def test_requests_under_way_are_answered(place: Path, free_port: int, number: int) -> None:
    """A server that is told to stop finishes what it has begun, and takes nothing new."""
    with ServerProcess(place, free_port, "--no-services") as server:
        server.until_ready()
        with locked(place / ".podium" / "podium.db"):
            request = Request(server.url)
            server.signal(number)
            time.sleep(1)
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"{server.url}/api/health")
            assert server.process.poll() is None
        assert request.answered() == 201
        assert server.ended() == 0


@BOTH
def test_a_second_signal_does_not_wait(place: Path, free_port: int, number: int) -> None:
    """Whoever asks twice gets a server that is gone, whatever it was doing."""
    with ServerProcess(place, free_port, "--no-services") as server:
        server.until_ready()
        with locked(place / ".podium" / "podium.db"):
            request = Request(server.url)
            server.signal(number)
            time.sleep(1)
            server.signal(number)
            assert server.ended(3) == 0
        assert request.answered() == 503


def test_open_streams_do_not_keep_it(place: Path, free_port: int) -> None:
    """A stop closes WebSockets with a code that tells the client to come back."""
    with ServerProcess(place, free_port) as server:
        server.until_ready()
        with connect(f"ws://127.0.0.1:{free_port}/api/events/out", subprotocols=["prefect"]) as stream:  # type: ignore[list-item]
            stream.send(json.dumps({"type": "auth", "token": None}))
            assert json.loads(stream.recv()) == {"type": "auth_success"}
            stream.send(json.dumps({"type": "filter", "filter": {}}))
            with connect(f"ws://127.0.0.1:{free_port}/api/events/in"):
                server.signal()
                with pytest.raises(ConnectionClosed) as closed:
                    while True:
                        stream.recv(10)
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code in (1001, 1012)
        assert server.ended(5) == 0
        assert server.errors == ""


def test_a_taken_port_says_who_holds_it(place: Path, podium: Podium, free_port: int) -> None:
    """The second server on a port names the first one's process, and does not touch its database."""
    with ServerProcess(place, free_port, "--no-services") as server:
        server.until_ready()
        result = podium("server", "start", "--port", str(free_port))
        assert (result.code, result.out) == (1, "")
        assert f"port {free_port} of 127.0.0.1 is taken by" in result.err
        assert f"(pid {server.process.pid})" in result.err
        assert result.err.count("\n") == 1


def test_an_address_of_another_machine(podium: Podium, free_port: int) -> None:
    """A host that cannot be listened on is one line."""
    result = podium("server", "start", "--host", "192.0.2.1", "--port", str(free_port))
    assert result.code == 1
    assert "cannot listen on 192.0.2.1" in result.err
    assert podium("server", "start", "--host", "no.such.host.invalid").code == 1


@pytest.mark.parametrize(
    ("url", "code", "reason"),
    [
        ("postgresql://postgres@127.0.0.1:1/podium", 1, "check that PostgreSQL runs there"),
        ("postgresql://postgres@127.0.0.1:{port}/no_such_database", 1, "create it with createdb"),
        ("postgresql://no_such_user:canary@127.0.0.1:{port}/postgres", 4, "check user and password"),
        ("sqlite+aiosqlite:////proc/nowhere/podium.db", 1, "check that"),
        ("mysql://somewhere/podium", 2, "PODIUM_SERVER_DATABASE_CONNECTION_URL"),
    ],
)
def test_a_database_that_cannot_be_used(
    podium: Podium, free_port: int, postgres: Any, monkeypatch: pytest.MonkeyPatch, url: str, code: int, reason: str
) -> None:
    """One line that names the database and the fix, an exit code, and no password."""
    monkeypatch.setenv("PODIUM_SERVER_DATABASE_CONNECTION_URL", url.format(port=_port_of(postgres.url)))
    result = podium("server", "start", "--port", str(free_port))
    assert (result.code, result.out) == (code, "")
    assert reason in result.err
    assert result.err.count("\n") == 1
    assert "canary" not in result.err


def _port_of(url: str) -> int:
    return int(psycopg.conninfo.conninfo_to_dict(url).get("port") or 5432)


def test_a_newer_schema_is_left_alone(podium: Podium, free_port: int, tmp_path: Path, monkeypatch: Any) -> None:
    """A database of a newer Podium is refused in one line, and not changed."""
    path = tmp_path / "newer.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = path.read_bytes()
    monkeypatch.setenv("PODIUM_SERVER_DATABASE_CONNECTION_URL", f"sqlite+aiosqlite:///{path}")
    result = podium("server", "start", "--port", str(free_port))
    assert result.code == 1
    assert "newer" in result.err
    assert result.err.count("\n") == 1
    assert path.read_bytes() == before


def test_in_memory(place: Path, free_port: int) -> None:
    """A database in memory works, and the banner says what that means."""
    url = "sqlite+aiosqlite:///:memory:"
    with ServerProcess(place, free_port, PODIUM_SERVER_DATABASE_CONNECTION_URL=url) as server:
        server.until_ready()
        assert "everything is gone when the server stops" in server.row("Database")
        assert httpx.post(f"{server.url}/api/flows/", json={"name": "a"}).status_code == 201
        assert len(httpx.post(f"{server.url}/api/flows/filter").json()) == 1
        server.signal()
        assert server.ended() == 0


def test_in_the_background(podium: Podium, place: Path, free_port: int) -> None:
    """`--background` returns when requests are answered; `status` and `stop` find the server by themselves."""
    started = podium("server", "start", "--background", "--port", str(free_port))
    try:
        assert started.code == 0
        log = place / ".podium" / "logs" / f"server-{free_port}.log"
        assert str(log) in started.out
        assert "`podium server stop` stops it." in started.out
        assert log.exists()

        status = podium("server", "status", "-o", "json")
        shown = json.loads(status.out)
        assert status.code == 0
        assert shown["url"] == f"http://127.0.0.1:{free_port}/api"
        assert shown["answers"] is shown["ready"] is True
        assert (shown["version"], shown["database"]) == (__version__, "sqlite")
    finally:
        stopped = podium("server", "stop")
    assert stopped.code == 0
    assert f"http://127.0.0.1:{free_port}/api" in stopped.out
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{free_port}/api/health")
    assert podium("server", "stop").code == 3


def test_a_background_start_that_fails_says_why(podium: Podium, place: Path, free_port: int) -> None:
    """The reason the process gave is the reason the command gives."""
    with ServerProcess(place, free_port, "--no-services") as server:
        server.until_ready()
        result = podium("server", "start", "-b", "--port", str(free_port))
    assert result.code == 1
    assert result.err.startswith(f"Error: The server does not start: port {free_port}")
    assert result.err.count("\n") == 1


def test_stop_looks_twice_before_it_kills(podium: Podium, place: Path, free_port: int) -> None:
    """A pid file whose process is gone and whose pid is another's now stops nobody."""
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        path = pidfile.path_of(place / ".podium", free_port)
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"pid": bystander.pid, "started": "1", "url": "http://x/api", "log": None}))
        result = podium("server", "stop", "--port", str(free_port))
        assert result.code == 3
        assert "No server of" in result.err
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_stop_asks_which_of_several(podium: Podium, place: Path, free_port: int) -> None:
    """Two servers of a home are told apart by their port."""
    other_port = backing.free_port()
    with (
        ServerProcess(place, free_port, "--no-services") as one,
        ServerProcess(place, other_port, "--no-services") as other,
    ):
        one.until_ready()
        other.until_ready()
        result = podium("server", "stop")
        assert result.code == 2
        assert str(free_port) in result.err and str(other_port) in result.err
        assert podium("server", "stop", "--port", str(other_port)).code == 0
        assert other.ended() == 0
        assert one.process.poll() is None


def test_status_of_nothing(podium: Podium, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No server: said in a word, the exit code is 1; `--wait` gives up with the code of a timeout."""
    monkeypatch.setenv("PODIUM_API_URL", f"http://127.0.0.1:{free_port}/api")
    result = podium("server", "status")
    assert result.code == 1
    assert "answers:  no" in result.out
    waited = podium("server", "status", "--wait", "--timeout", "0.3")
    assert waited.code == 5
    assert "is not ready after 0.3 s" in waited.err


def test_status_waits_for_the_server(podium: Podium, place: Path, free_port: int, monkeypatch: Any) -> None:
    """`--wait` comes back once the server is ready, and `--no-services` shows."""
    monkeypatch.setenv("PODIUM_API_URL", f"http://127.0.0.1:{free_port}/api")
    with ServerProcess(place, free_port, "--no-services"):
        result = podium("server", "status", "--wait")
    assert result.code == 0
    assert "ready:    yes" in result.out
    assert "services: none run" in result.out


def test_status_names_a_service_that_stopped(podium: Podium, place: Path, free_port: int, monkeypatch: Any) -> None:
    """A loop that has not come round for long is late, and one that fails says why."""
    monkeypatch.setenv("PODIUM_API_URL", f"http://127.0.0.1:{free_port}/api")
    with ServerProcess(place, free_port, "--no-services") as server:
        server.until_ready()
        now = int(time.time() * 1e6)
        rows = [
            ("scheduler", "a:1", 60.0, now - 3600 * 10**6, None, None),
            ("late-runs", "a:1", 5.0, now, None, None),
            ("foreman", "a:1", 15.0, now - 10**6, "ValueError: no", now),
            ("repossessor", "dead:2", 15.0, now - 3600 * 10**6, None, None),
            ("repossessor", "a:1", 15.0, now, None, None),
        ]
        with sqlite3.connect(place / ".podium" / "podium.db") as connection:
            connection.executemany(
                "INSERT INTO service_heartbeats (name, process, interval, last_finished, last_error, last_failed) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )
        connection.close()
        result = podium("server", "status")
    assert "services: 2 running; failing: foreman (ValueError: no); late: scheduler" in result.out


def test_the_log_level(place: Path, free_port: int) -> None:
    """`--log-level` sets what the server's log tells."""
    with ServerProcess(place, free_port, "--no-services", "--log-level", "info") as server:
        server.until_ready()
        assert server.row("Log") == "this terminal, from level INFO"
        server.signal()
        server.ended()
        assert "INFO" in server.errors


def test_the_pid_of_a_process_that_has_exited(tmp_path: Path) -> None:
    """A process that nobody has waited for yet does not run any more."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    try:
        deadline = time.monotonic() + 10
        while pidfile.start_mark(child.pid):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        child.wait()
    assert pidfile.start_mark(os.getpid())
    path = pidfile.path_of(tmp_path, 1)
    assert pidfile.write(path, "http://x/api", None).alive()
    assert [process.url for process in pidfile.running(tmp_path)] == ["http://x/api"]
    pidfile.remove(path)
    assert pidfile.running(tmp_path) == []
