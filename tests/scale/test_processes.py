"""One server as several processes, on PostgreSQL and Redis."""

import asyncio
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from tests import backing
from tests.cli.processes import ServerProcess, ServicesProcess
from tests.own_redis import OwnRedis

FAST = {
    "PODIUM_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "1",
    "PODIUM_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "1",
    "PODIUM_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": "1",
    "PODIUM_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "1",
}


class Site:
    """Processes that share a PostgreSQL and a Redis."""

    def __init__(self, home: Path, database: str, redis: str, stack: ExitStack) -> None:
        self.home = home
        self.variables = {
            "PODIUM_SERVER_DATABASE_CONNECTION_URL": database,
            "PODIUM_REDIS_URL": redis,
            "PODIUM_REDIS_MESSAGING_SOCKET_TIMEOUT": "2",
            **FAST,
        }
        self._stack = stack

    def server(self, *options: str) -> ServerProcess:
        process = ServerProcess(self.home, backing.free_port(), *options, **self.variables)
        return self._stack.enter_context(process).until_ready()

    def services(self) -> ServicesProcess:
        process = ServicesProcess(self.home, backing.free_port(), **self.variables)
        self._stack.enter_context(process).until_ready()
        return process


@pytest.fixture
def site(home: Path, postgres_url: str, own_redis: OwnRedis) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(home, postgres_url, own_redis.url, stack)


def until(true: Callable[[], Any], seconds: float = 20.0) -> Any:
    end = monotonic() + seconds
    while not (found := true()):
        assert monotonic() < end, "it did not happen in time"
        sleep(0.1)
    return found


def ready(process: ServerProcess) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(f"{process.url}/api/ready", timeout=10).json()
    return answer


def is_ready(process: ServerProcess) -> bool:
    return ready(process)["message"] == "OK"


def last_round(process: ServerProcess, service: str) -> str | None:
    services = httpx.get(f"{process.url}/api/podium/status", timeout=10).json()["services"]
    return next((each["last_finished"] for each in services if each["name"] == service), None)


@contextmanager
def frozen(pids: list[int]) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_what_a_service_does_is_seen_by_clients_of_any_process(site: Site) -> None:
    """A run that the services mark late comes as an event to a subscriber of an API process."""
    server = site.server("--no-services")
    site.services()

    async def watch() -> dict[str, Any]:
        url = f"{server.url.replace('http', 'ws')}/api/events/out"
        async with connect(url, subprotocols=["prefect"]) as socket:  # type: ignore[list-item]
            await socket.send(json.dumps({"type": "auth", "token": None}))
            assert json.loads(await socket.recv())["type"] == "auth_success"
            wanted = {"event": {"name": ["prefect.flow-run.Late"]}, "occurred": {"until": "2100-01-01T00:00:00Z"}}
            await socket.send(json.dumps({"type": "filter", "filter": wanted}))
            async with httpx.AsyncClient(base_url=f"{server.url}/api") as api:
                flow = (await api.post("/flows/", json={"name": "f"})).json()["id"]
                state = {"type": "SCHEDULED", "name": "Scheduled"}
                await api.post("/flow_runs/", json={"flow_id": flow, "name": "tardy", "state": state})
            async with asyncio.timeout(20):
                found: dict[str, Any] = json.loads(await socket.recv())["event"]
                return found

    assert asyncio.run(watch())["resource"]["prefect.resource.name"] == "tardy"


def test_a_worker_process_that_dies_is_started_again(site: Site) -> None:
    """Two that answer and one for the services; the supervisor's end is theirs."""
    server = site.server("--workers", "2")
    before = children(server.process.pid)
    assert len(before) == 3
    os.kill(before[0], signal.SIGKILL)
    until(lambda: len(children(server.process.pid)) == 3 and before[0] not in children(server.process.pid))
    until(lambda: is_ready(server))
    assert "died; it is started again" in server.errors
    members = children(server.process.pid)
    server.process.kill()
    server.process.wait()
    until(lambda: not any(Path(f"/proc/{pid}").exists() and _lives(pid) for pid in members))


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_another_process_goes_on_with_the_services_of_one_that_died(site: Site) -> None:
    """Within half a minute, and its rounds are not lost."""
    server = site.server("--no-services")
    first, _ = site.services(), site.services()
    until(lambda: last_round(server, "late-runs"))
    first.process.kill()
    first.process.wait()
    noted = {name: last_round(server, name) for name in ("late-runs", "foreman")}
    for name, moment in noted.items():
        until(lambda name=name, moment=moment: last_round(server, name) != moment, 30)  # type: ignore[misc]
    until(lambda: is_ready(server), 60)


@pytest.mark.slow
def test_a_frozen_services_process_is_named_and_comes_back(site: Site) -> None:
    """Those that answer requests say which loop stopped, until it goes on."""
    server, services = site.server("--no-services"), site.services()
    until(lambda: last_round(server, "late-runs"))
    with frozen([services.process.pid]):
        trouble = until(lambda: ready(server).get("troubles", {}).get("service late-runs"), 60)
        assert "should every 1 s" in trouble
    until(lambda: is_ready(server), 30)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["stop", "flush"])
def test_redis_is_named_while_it_is_away_and_the_loops_go_on_afterwards(
    site: Site, own_redis: OwnRedis, fault: str
) -> None:
    """Without a restart of any process, also when Redis forgot everything."""
    server, services = site.server("--no-services"), site.services()
    until(lambda: last_round(server, "late-runs"))
    if fault == "stop":
        own_redis.stop()
        for process in (server, services):
            assert "messages" in until(lambda process=process: ready(process).get("troubles"))  # type: ignore[misc]
        own_redis.start()
    else:
        own_redis.flush()
    for name in ("late-runs", "foreman", "pause-expirations"):
        moment = last_round(server, name)
        until(lambda name=name, moment=moment: last_round(server, name) != moment, 40)  # type: ignore[misc]
    until(lambda: is_ready(server) and is_ready(services), 30)
