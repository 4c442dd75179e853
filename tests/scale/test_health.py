"""What stops is named: by every process, by `podium server status` and by `podium healthcheck`, until it goes on.

Covered for an API process and a services process of their own, for `--workers 2`, and for one process that does both:
a frozen loop (where it is a process of its own), Redis stopped, the database stopped.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from podium.cli.app import main
from podium.db import commands
from tests import backing
from tests.backing import OwnPostgres
from tests.cli.conftest import Result
from tests.cli.processes import ServerProcess
from tests.own_redis import OwnRedis
from tests.scale.test_processes import FAST, Site, children, frozen, is_ready, last_round, ready, until
from tests.server.metrics.test_metrics import samples_of, value

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

Ask = Callable[..., Result]


@pytest.fixture
def postgres() -> Iterator[OwnPostgres]:
    """A PostgreSQL server of the test's own."""
    try:
        with backing.own_postgres() as server:
            yield server
    except backing.Absent as absent:
        pytest.skip(str(absent))


@pytest.fixture
def site(home: Path, postgres: OwnPostgres, own_redis: OwnRedis) -> Iterator[Site]:
    with ExitStack() as stack:
        database = postgres.url.rpartition("/")[0] + "/podium"
        postgres._run("CREATE DATABASE podium")
        commands.upgrade(database)
        yield Site(home, database, own_redis.url, stack)


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Runs a command that asks a process."""

    def ask(process: ServerProcess, *arguments: str) -> Result:
        monkeypatch.setenv("PODIUM_API_URL", f"{process.url}/api")
        capsys.readouterr()
        code = main(arguments)
        said = capsys.readouterr()
        return Result(code, said.out, said.err)

    return ask


def is_named(ask: Ask, process: ServerProcess, part: str) -> bool:
    """Whether readiness, `server status` and the health check all say that this part does not work."""
    answer = ready(process)
    if not any(name.startswith(part) for name in answer.get("troubles", {})):
        return False
    status = ask(process, "server", "status", "-o", "json")
    check = ask(process, "healthcheck", "--ready", "--timeout", "10")
    assert (status.code, json.loads(status.out)["ready"], check.code) == (1, False, 1)
    said = "Database is not available" if part == "database" else part
    assert said in json.loads(status.out)["message"]
    assert said in check.err
    assert ask(process, "healthcheck").code == 0
    return True


def is_green(ask: Ask, process: ServerProcess) -> bool:
    """Whether all of them say that it works."""
    if not is_ready(process):
        return False
    return ask(process, "server", "status").code == ask(process, "healthcheck", "--ready").code == 0


def metric(asked: ServerProcess, name: str, **labels: str) -> float | None:
    """A metric as the process tells it."""
    return value(samples_of(httpx.get(f"{asked.url}/metrics", timeout=20).text), name, **labels)


def go_through(
    ask: Ask, processes: list[ServerProcess], loop: int | None, redis: OwnRedis | None, database: OwnPostgres
) -> None:
    """Each fault is named by every process, and each is well again afterwards, none of them started again."""
    pids = [process.process.pid for process in processes]
    for process in processes:
        until(lambda process=process: last_round(process, "late-runs") and is_green(ask, process), 30)  # type: ignore[misc]
    if loop is not None:
        awake = [process for process in processes if process.process.pid != loop]
        with frozen([loop]):
            for process in awake:
                until(lambda process=process: is_named(ask, process, "service late-runs"), 60)  # type: ignore[misc]
                assert metric(process, "service_late", service="late-runs") == 1
        all_green(ask, processes)
    if redis is not None:
        redis.stop()
        for process in processes:
            until(lambda process=process: is_named(ask, process, "messages"), 30)  # type: ignore[misc]
            assert metric(process, "messages_up") == 0
        redis.start()
        all_green(ask, processes)
    database.stop()
    for process in processes:
        until(lambda process=process: is_named(ask, process, "database"), 30)  # type: ignore[misc]
        assert metric(process, "database_up") == 0
    database.start()
    all_green(ask, processes)
    assert [process.process.pid for process in processes] == pids
    assert all(process.process.poll() is None for process in processes)


def all_green(ask: Ask, processes: list[ServerProcess]) -> None:
    for process in processes:
        until(lambda process=process: is_green(ask, process), 60)  # type: ignore[misc]


def test_an_api_and_a_services_process(ask: Ask, site: Site, postgres: OwnPostgres, own_redis: OwnRedis) -> None:
    """Each says it of both, the services process on a port of its own."""
    server, services = site.server("--no-services"), site.services()
    go_through(ask, [server, services], services.process.pid, own_redis, postgres)
    assert metric(services, "process_open_fds", process="services") is not None
    assert metric(services, "http_requests_total", method="GET", path="/ready", status="5xx") is not None


def test_the_members_of_a_supervisor(ask: Ask, site: Site, postgres: OwnPostgres, own_redis: OwnRedis) -> None:
    """Whichever of them is asked, also about the one for the services; and their metrics are one whole."""
    site.variables["PODIUM_SERVER_SERVICES_HEALTH_PORT"] = str(backing.free_port())
    server = site.server("--workers", "2")
    services = children(server.process.pid)[-1]
    go_through(ask, [server], services, own_redis, postgres)
    before = metric(server, "http_requests_total", method="GET", path="/hello", status="2xx") or 0
    for _ in range(40):
        httpx.get(f"{server.url}/api/hello", timeout=20)
    told = {metric(server, "http_requests_total", method="GET", path="/hello", status="2xx") for _ in range(10)}
    assert told == {before + 40}
    assert all(metric(server, "process_open_fds", process=name) for name in ("api-1", "api-2", "services"))


@pytest.mark.parametrize("with_redis", [False, True])
def test_one_process(ask: Ask, home: Path, postgres: OwnPostgres, own_redis: OwnRedis, with_redis: bool) -> None:
    """A server as most people run it, on PostgreSQL."""
    postgres._run("CREATE DATABASE podium")
    variables = {"PODIUM_SERVER_DATABASE_CONNECTION_URL": postgres.url.rpartition("/")[0] + "/podium", **FAST}
    if with_redis:
        variables |= {"PODIUM_REDIS_URL": own_redis.url, "PODIUM_REDIS_MESSAGING_SOCKET_TIMEOUT": "2"}
    with ServerProcess(home, backing.free_port(), **variables) as server:
        go_through(ask, [server.until_ready()], None, own_redis if with_redis else None, postgres)
