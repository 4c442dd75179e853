"""Fixtures for tests of the server: a migrated database of each kind, and a server process' worth of it over HTTP."""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from podium.db.engine import Database
from podium.db.unit import Tx
from podium.profiles import Settings, load_settings
from podium.server import main
from podium.server.app import create_runtime
from podium.server.runtime import Runtime
from tests import backing, migrated

KINDS = ["sqlite", "postgresql"]


@pytest.fixture(scope="session")
def migrated_sqlite() -> Path:
    """A SQLite file with the newest schema, to be copied."""
    return migrated.sqlite_file()


@pytest.fixture(scope="session")
def migrated_postgres(postgres: backing.Postgres) -> str:
    """The URL of a PostgreSQL database with the newest schema, to be used as a template."""
    return f"{postgres.url.rpartition('/')[0]}/{migrated.postgres_template(postgres)}"


@pytest.fixture(scope="module", params=KINDS)
def module_database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a migrated database that the tests of a module share, once for each kind."""
    if request.param == "sqlite":
        yield migrated.sqlite(tmp_path_factory.mktemp("database"))
    else:
        postgres: backing.Postgres = request.getfixturevalue("postgres")
        with postgres.database(migrated.postgres_template(postgres)) as url:
            yield url


def settings_for(database_url: str, **flags: Any) -> Settings:
    """Settings of a server on this database, other sources left out."""
    given = {"PODIUM_SERVER_DATABASE_CONNECTION_URL": database_url, **flags}
    return load_settings(flags=given, environ={})


class Units:
    """Runs units of work from a test that is not async."""

    def __init__(self, runtime: Runtime, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self.runtime = runtime
        self.database: Database = runtime.database
        self._run = run

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What a coroutine that uses ``database`` returns."""
        return self._run(work)

    def write(self, unit: Callable[..., Any], *args: Any) -> Any:
        """The result of ``unit(tx, *args)`` after its commit."""
        return self._run(self.database.write(unit, *args))

    def read(self, unit: Callable[..., Any], *args: Any) -> Any:
        """The result of ``unit(tx, *args)``; nothing it writes stays."""
        return self._run(self.database.read(unit, *args))

    def all(self, statement: Any, **params: Any) -> list[dict[str, Any]]:
        """The rows of a query."""

        def rows(tx: Tx) -> list[dict[str, Any]]:
            return tx.all(statement, **params)

        found: list[dict[str, Any]] = self.read(rows)
        return found


@pytest.fixture(scope="module")
def units(module_database_url: str) -> Iterator[Units]:
    """The way to a migrated database, shared by a module, once for each kind."""
    loop = asyncio.new_event_loop()
    runtime = create_runtime(settings_for(module_database_url))
    try:
        yield Units(runtime, loop.run_until_complete)
    finally:
        loop.run_until_complete(runtime.database.close())
        loop.close()


class LiveServer:
    """A server on a free port in a thread of the test, on its own database."""

    def __init__(self, settings: Settings, with_services: bool) -> None:
        self.settings = settings
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/api"
        self._ready = threading.Event()
        self._server: Any = None
        self._thread = threading.Thread(target=self._serve, args=(with_services,), daemon=True)

    def _serve(self, with_services: bool) -> None:
        self._server = main.build(self.settings, self._ready.set, "all" if with_services else "api")
        self._server.run(sockets=[self._listener])

    def __enter__(self) -> "LiveServer":
        self._thread.start()
        assert self._ready.wait(20), "the server did not start"
        return self

    def __exit__(self, *error: object) -> None:
        self._server.should_exit = True
        self._thread.join(20)


@pytest.fixture(scope="module")
def server(module_database_url: str) -> Iterator[LiveServer]:
    """A live server without background services, shared by a module, once for each kind of database."""
    with LiveServer(settings_for(module_database_url), with_services=False) as live:
        yield live


@pytest.fixture(scope="module")
def api(server: LiveServer) -> Iterator[httpx.Client]:
    """HTTP against the live server: ``api.post("/flows/", json={...})``."""
    with httpx.Client(base_url=server.url, timeout=20, follow_redirects=True) as client:
        yield client


def decode(response: httpx.Response, kind: Any) -> Any:
    """The answer of a call, read as a wire type; anything it does not describe fails."""
    return msgspec.json.decode(response.content, type=kind)
