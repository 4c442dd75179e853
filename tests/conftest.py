"""Fixtures for every test: the databases, Redis, and a home of its own."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests import backing, forking
from tests.order import spread
from tests.own_redis import OwnRedis

CI = os.environ.get("CI") == "true"


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts what runs in its background so, and what tests start and interrupt would ignore it as well.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        backing.open_session()


def pytest_unconfigure(config: pytest.Config) -> None:
    forking.stop()
    if not hasattr(config, "workerinput"):
        backing.close_session()


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Keeps what is collected from the garbage collector: it stays to the end, and walking it costs a second."""
    gc.disable()
    result = yield
    gc.freeze()
    gc.enable()
    return result


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The same list in each process that shares it."""
    if hasattr(config, "workerinput"):
        paths = [(item.nodeid.partition("::")[0], item) for item in items]
        items[:] = spread(paths, config.workerinput["workercount"])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """On CI everything runs: a skipped test fails."""
    report: pytest.TestReport = yield
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home for Podium, and no setting inherited from the caller's environment."""
    for name in list(os.environ):
        if name.startswith(("PODIUM_", "PREFECT_")) and name != backing.SHARED:
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PODIUM_HOME", str(home / ".podium"))
    monkeypatch.setenv("PREFECT_HOME", str(home / ".prefect"))
    return home


@pytest.fixture
def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    return backing.free_port()


@pytest.fixture(scope="session")
def postgres() -> backing.Postgres:
    """The PostgreSQL server; skips by name where there is none."""
    try:
        return backing.postgres()
    except backing.Absent as absent:
        pytest.skip(str(absent))


@pytest.fixture
def postgres_url(postgres: backing.Postgres) -> Iterator[str]:
    """The URL of a fresh, empty PostgreSQL database."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite file that does not exist yet."""
    return f"sqlite+aiosqlite:///{tmp_path / 'podium.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database: a test that takes it runs on both kinds."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture(scope="session")
def _redis_server(worker_id: str) -> Iterator[str]:
    worker = int(worker_id.removeprefix("gw")) if worker_id != "master" else 0
    try:
        with backing.redis_server(worker) as url:
            yield url
    except backing.Absent as absent:
        pytest.skip(str(absent))


@pytest.fixture
def redis_url(_redis_server: str) -> str:
    """The URL of an empty Redis database."""
    with redis.Redis.from_url(_redis_server) as client:
        client.flushdb()
    return _redis_server


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    """A Redis of the test's own, to stop, freeze and flush."""
    try:
        server = OwnRedis(tmp_path)
    except backing.Absent as absent:
        pytest.skip(str(absent))
    yield server
    server.stop()
