"""A database that stops answering without hanging up, or is gone for a while: no caller waits for more than 5 s."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from podium.db import commands
from podium.db.engine import Database
from podium.db.unit import Tx
from tests import backing
from tests.server.conftest import LiveServer, settings_for

MOST = 5.0
CALLERS = 32
REQUESTS = (
    ("POST", "/flows/", {"name": "meanwhile"}),
    ("POST", "/flows/filter", {}),
    ("POST", "/logs/", [{"name": "x", "level": 20, "message": "m", "timestamp": "2026-01-01T00:00:00Z"}]),
    ("POST", "/workspaces/blue/flows/filter", {}),
)


@dataclass
class Answer:
    """What a caller got, and after how many seconds."""

    response: httpx.Response
    seconds: float

    def refused(self) -> bool:
        """Whether it is the contract's 503 with a time to come back."""
        assert self.seconds < MOST
        assert self.response.status_code == 503, self.response.text
        assert self.response.json() == {"exception_message": "Service Unavailable"}
        return float(self.response.headers["Retry-After"]) > 0


def ask(api: httpx.Client, number: int = 0) -> Answer:
    """One of the requests, read or write."""
    method, path, body = REQUESTS[number % len(REQUESTS)]
    start = time.monotonic()
    response = api.request(method, path, json=body)
    return Answer(response, time.monotonic() - start)


def ask_at_once(api: httpx.Client, callers: int = CALLERS) -> list[Answer]:
    """The answers of that many callers who come at the same time."""
    with ThreadPoolExecutor(callers) as pool:
        return list(pool.map(lambda number: ask(api, number), range(callers)))


def database_threads() -> int:
    """The threads of this process that wait for a database."""
    return sum(thread.name.startswith("podium-db") for thread in threading.enumerate())


def until_it_works(api: httpx.Client, seconds: float = 10.0) -> None:
    """Returns when every kind of request is answered well again; until then each is refused in the right way."""
    deadline = time.monotonic() + seconds
    while True:
        answers = [ask(api, number) for number in range(3)]
        if all(answer.response.is_success for answer in answers):
            return
        assert all(answer.response.is_success or answer.refused() for answer in answers)
        assert time.monotonic() < deadline, "it does not come back"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def postgres() -> Iterator[backing.OwnPostgres]:
    """A PostgreSQL server that may be stopped and frozen."""
    try:
        with backing.own_postgres() as server:
            commands.upgrade(server.create("migrated"))
            yield server
    except backing.Absent as absent:
        pytest.skip(str(absent))


@pytest.fixture
def api(postgres: backing.OwnPostgres) -> Iterator[httpx.Client]:
    """A live server on it; room for many callers at once."""
    limits = httpx.Limits(max_connections=2 * CALLERS)
    with (
        postgres.database("migrated") as url,
        LiveServer(settings_for(url), with_services=False) as live,
        httpx.Client(base_url=live.url, timeout=30, limits=limits) as client,
    ):
        until_it_works(client)
        yield client


def test_a_frozen_server(postgres: backing.OwnPostgres, api: httpx.Client) -> None:
    """Everybody is told within 5 s to come back, again and again; no thread is added, and then all goes on."""
    before = len(api.post("/flows/filter").json())
    with postgres.frozen():
        first = ask_at_once(api)
        threads = database_threads()
        second = ask_at_once(api)
        assert all(answer.refused() for answer in (*first, *second))
        assert database_threads() <= threads
        ready = api.get("/ready")
        assert ready.status_code == 503
        assert ready.elapsed.total_seconds() < MOST
        assert api.get("/health").elapsed.total_seconds() < 1
    until_it_works(api)
    assert all(answer.response.is_success for answer in ask_at_once(api) if "blue" not in str(answer.response.url))
    assert before == len(api.post("/flows/filter").json()), "a flow of this name was there before"


@contextmanager
def kept_asking(api: httpx.Client) -> Iterator[list[Answer]]:
    """Clients that ask one thing after the other; all their answers once it is left."""
    stop = threading.Event()
    answers: list[Answer] = []

    def ask_on(number: int) -> None:
        while not stop.is_set():
            answers.append(ask(api, number % 3))

    with ThreadPoolExecutor(8) as pool:
        for number in range(8):
            pool.submit(ask_on, number)
        try:
            yield answers
        finally:
            stop.set()


def test_a_server_that_freezes_amid_requests(postgres: backing.OwnPostgres, api: httpx.Client) -> None:
    """Those under way are answered in time like those that come later."""
    with kept_asking(api) as answers:
        for _ in range(2):
            time.sleep(0.5)
            with postgres.frozen():
                time.sleep(4)
        time.sleep(0.5)
    statuses = {answer.response.status_code for answer in answers}
    assert statuses <= {200, 201, 503}
    assert 503 in statuses
    assert max(answer.seconds for answer in answers) < MOST
    until_it_works(api)


def test_a_server_that_is_stopped_and_started(postgres: backing.OwnPostgres, api: httpx.Client) -> None:
    """Refused connections are answered at once; the server that comes back is found without help."""
    postgres.stop()
    try:
        answers = ask_at_once(api)
        assert all(answer.refused() for answer in answers)
    finally:
        postgres.start()
    until_it_works(api)


def test_connections_that_are_ended_amid_requests(postgres: backing.OwnPostgres, api: httpx.Client) -> None:
    """A connection that the database ends costs its request a 503 and never a 500."""
    with kept_asking(api) as answers:
        for _ in range(10):
            time.sleep(0.2)
            postgres.terminate_backends()
    statuses = [answer.response.status_code for answer in answers]
    assert set(statuses) <= {200, 201, 503}
    assert statuses.count(503) < len(statuses) / 2
    until_it_works(api)


async def test_a_slow_statement_is_not_a_frozen_server(postgres: backing.OwnPostgres) -> None:
    """As long as the server answers others, a statement may take the time that the settings give it."""

    def slow(tx: Tx) -> str:
        tx.connection.execute(text("SELECT pg_sleep(4.5)"))
        return "done"

    with postgres.database() as url:
        database = Database(url)
        try:
            assert await database.read(slow) == "done"
        finally:
            await database.close()


@pytest.mark.parametrize("lock", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_a_sqlite_file_that_another_process_locks(migrated_sqlite: Path, tmp_path: Path, lock: str) -> None:
    """Writers are told in time to come back, while readers go on; none of what was refused is stored later."""
    path = tmp_path / "podium.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    limits = httpx.Limits(max_connections=2 * CALLERS)
    with (
        LiveServer(settings_for(f"sqlite+aiosqlite:///{path}"), with_services=False) as live,
        httpx.Client(base_url=live.url, timeout=30, limits=limits) as api,
    ):
        assert api.post("/flows/", json={"name": "before"}).status_code == 201
        other = sqlite3.connect(path, isolation_level=None)
        other.execute(lock)
        start = time.monotonic()
        while time.monotonic() < start + 6:
            answers = ask_at_once(api)
            assert all(answer.refused() for answer in answers if answer.response.request.url.path.endswith("s/"))
            assert all(answer.seconds < MOST for answer in answers)
            assert {answer.response.status_code for answer in answers} == {200, 404, 503}
        other.execute("ROLLBACK")
        other.close()
        assert api.post("/flows/", json={"name": "after"}).status_code == 201
        assert sorted(flow["name"] for flow in api.post("/flows/filter").json()) == ["after", "before"]
        assert api.post("/logs/filter").json() == []
