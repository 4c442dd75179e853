"""A database that goes away and comes back: callers are told to come back too, and nobody has to restart the server."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy import make_url

from tests import backing
from tests.server.conftest import LiveServer, settings_for


@contextmanager
def closed(postgres: backing.Postgres, url: str) -> Iterator[None]:
    """Throws everybody out of a database and lets nobody in."""
    name = make_url(url).database
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        try:
            yield
        finally:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())


@pytest.fixture
def postgresql(postgres: backing.Postgres, migrated_postgres: str) -> Iterator[tuple[httpx.Client, str]]:
    """A server on PostgreSQL, and the URL of its database."""
    with (
        postgres.database(template=migrated_postgres.rpartition("/")[2]) as url,
        LiveServer(settings_for(url), with_services=False) as live,
        httpx.Client(base_url=live.url, timeout=20) as client,
    ):
        yield client, url


def refused(response: httpx.Response) -> bool:
    """Whether an answer is the contract's 503."""
    assert response.json() == {"exception_message": "Service Unavailable"}
    return response.status_code == 503 and float(response.headers["Retry-After"]) > 0


def test_postgresql_away(
    postgres: backing.Postgres, postgresql: tuple[httpx.Client, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Reads, writes and other workspaces are answered 503 with ``Retry-After``; then everything works again."""
    api, url = postgresql
    assert api.post("/flows/", json={"name": "before"}).status_code == 201
    with closed(postgres, url), caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert refused(api.post("/flows/", json={"name": "meanwhile"}))
            assert refused(api.post("/flows/filter"))
            assert refused(api.post("/workspaces/blue/flows/filter"))
        ready = api.get("/ready")
        assert ready.status_code == 503
        assert ready.json()["message"]
        assert api.get("/health").json() is True
        assert api.get("/version").status_code == 200
        page = httpx.get(str(api.base_url).removesuffix("api/"))
        assert page.status_code == 503
        assert "does not answer" in page.text
    said = [record for record in caplog.records if "not available" in record.getMessage()]
    assert len(said) == 1, "once, not for every request"
    assert all(record.levelno < logging.ERROR for record in caplog.records)
    names = [flow["name"] for flow in _until_it_works(api, "/flows/filter").json()]
    assert names == ["before"]
    assert api.get("/ready").json() == {"message": "OK"}


def _until_it_works(api: httpx.Client, path: str) -> httpx.Response:
    for _ in range(20):
        response = api.post(path)
        if response.status_code == 200:
            return response
        assert refused(response)
    raise AssertionError("it does not come back")


def test_every_refusal_can_be_logged(
    postgres: backing.Postgres, migrated_postgres: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With ``PODIUM_SERVER_LOG_RETRYABLE_ERRORS`` the log has the reason of each 503."""
    with postgres.database(template=migrated_postgres.rpartition("/")[2]) as url:
        settings = settings_for(url, PODIUM_SERVER_LOG_RETRYABLE_ERRORS="true")
        with (
            LiveServer(settings, with_services=False) as live,
            httpx.Client(base_url=live.url, timeout=20) as api,
            closed(postgres, url),
            caplog.at_level(logging.WARNING),
        ):
            assert refused(api.post("/flows/filter"))
            assert refused(api.post("/flows/count"))
    said = [record for record in caplog.records if "answers 503" in record.getMessage()]
    assert [record.exc_info is not None for record in said] == [True, True]


def test_a_locked_sqlite(migrated_sqlite: Path, tmp_path: Path) -> None:
    """Another program that keeps the lock for longer than the timeout makes writers wait, then 503; readers go on."""
    path = tmp_path / "podium.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    settings = settings_for(f"sqlite+aiosqlite:///{path}", PODIUM_SERVER_DATABASE_TIMEOUT="0.3")
    with LiveServer(settings, with_services=False) as live, httpx.Client(base_url=live.url, timeout=20) as api:
        assert api.post("/flows/", json={"name": "before"}).status_code == 201
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert refused(api.post("/flows/", json={"name": "meanwhile"}))
        assert [flow["name"] for flow in api.post("/flows/filter").json()] == ["before"]
        other.execute("ROLLBACK")
        other.close()
        assert api.post("/flows/", json={"name": "after"}).status_code == 201
        assert sorted(flow["name"] for flow in api.post("/flows/filter").json()) == ["after", "before"]
