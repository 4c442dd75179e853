"""The background services run, are reported, survive their own errors and end with the server."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from podium.db.tables.services import service_heartbeats
from podium.profiles import Settings
from podium.server.app import create_runtime
from podium.server.runtime import Runtime
from podium.server.services import runner
from podium.server.services.heartbeats import forget_heartbeats
from podium.server.services.registry import SERVICES, Service
from podium.server.services.runner import Services
from tests.server.conftest import settings_for


@pytest.fixture
def settings(migrated_sqlite: Path, tmp_path: Path) -> Settings:
    path = tmp_path / "podium.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    quick = {"PODIUM_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "0.2", "PODIUM_SERVER_DOCKET_NAME": tmp_path.name}
    return settings_for(f"sqlite+aiosqlite:///{path}", **quick)


@pytest.fixture
async def runtime(settings: Settings) -> AsyncIterator[Runtime]:
    made = create_runtime(settings)
    yield made
    await made.database.close()


def service(run: Callable[[Runtime], Awaitable[None]], name: str = "sample", consumer: bool = False) -> Service:
    return Service(name, "Does something.", "late_runs", run, None if consumer else "loop_seconds")


async def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_service_runs_again_and_again(runtime: Runtime) -> None:
    """And says when it last finished, in memory and in the database."""
    rounds: list[Runtime] = []

    async def count(given: Runtime) -> None:
        rounds.append(given)

    services = Services(runtime, [service(count)])
    await services.start()
    await until(lambda: len(rounds) >= 3)
    assert rounds[0] is runtime
    beat = services.heartbeats.of["sample"]
    assert beat.last_started is not None
    assert beat.interval == 0.2
    [row] = await runtime.database.read(lambda tx: tx.all(select(service_heartbeats)))
    assert (row["name"], row["interval"]) == ("sample", 0.2)
    await services.stop()
    assert beat.last_finished is not None
    seen = len(rounds)
    await asyncio.sleep(0.5)
    assert len(rounds) == seen
    assert await runtime.database.read(lambda tx: tx.all(select(service_heartbeats))) == []


async def test_the_heartbeats_of_a_lost_process_are_forgotten(runtime: Runtime) -> None:
    """A day after it died."""
    now = runtime.database.clock()
    for process, age in (("lost:1", 2), ("near:2", 0)):
        values = {"name": "sample", "process": process, "interval": 5.0, "last_started": now - timedelta(days=age)}
        await runtime.database.write(lambda tx, values=values: tx.run(service_heartbeats.insert().values(values)))
    await runtime.database.write(forget_heartbeats)
    left = await runtime.database.read(lambda tx: tx.column(select(service_heartbeats.c.process)))
    assert left == ["near:2"]


async def test_an_error_ends_a_round_and_not_the_service(runtime: Runtime, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged with the service's name, and noted for those who ask."""
    rounds = 0

    async def stumble(_: Runtime) -> None:
        nonlocal rounds
        rounds += 1
        raise LookupError(f"stone {rounds}")

    services = Services(runtime, [service(stumble)])
    with caplog.at_level(logging.ERROR):
        await services.start()
        await until(lambda: rounds >= 2)
    await services.stop()
    beat = services.heartbeats.of["sample"]
    assert beat.last_finished is None
    assert (beat.last_error or "").startswith("LookupError: stone")
    assert "sample" in caplog.text


async def test_a_round_under_way_ends_before_the_server_does(runtime: Runtime) -> None:
    """Nothing is cut off in the middle."""
    started, ended = asyncio.Event(), asyncio.Event()

    async def slow(_: Runtime) -> None:
        started.set()
        await asyncio.sleep(0.3)
        ended.set()

    services = Services(runtime, [service(slow)])
    await services.start()
    await asyncio.wait_for(started.wait(), 15)
    await services.stop()
    assert ended.is_set()


async def test_a_consumer_that_waits_ends_at_once(runtime: Runtime) -> None:
    """However long it would have waited for work."""
    waiting = asyncio.Event()

    async def wait(given: Runtime) -> None:
        waiting.set()
        await given.bus.wait("nothing", 60)

    services = Services(runtime, [service(wait, consumer=True)])
    await services.start()
    await asyncio.wait_for(waiting.wait(), 15)
    async with asyncio.timeout(5):
        await services.stop()


async def test_a_service_that_hangs_does_not_hold_the_server(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is given some time, then left, with a warning."""
    started = asyncio.Event()
    monkeypatch.setattr(runner, "DRAIN", 0.2)

    async def hang(_: Runtime) -> None:
        started.set()
        await asyncio.Event().wait()

    services = Services(runtime, [service(hang)])
    await services.start()
    await asyncio.wait_for(started.wait(), 15)
    async with asyncio.timeout(10):
        await services.stop()
    assert "did not end" in caplog.text


async def test_what_is_switched_off_does_not_run(settings: Settings, migrated_sqlite: Path) -> None:
    """Each row names the variable that switches it."""
    off = {each.switch: "false" for each in SERVICES}
    off["PODIUM_SERVER_SERVICES_DB_VACUUM_ENABLED"] = "none"
    url = str(settings.server.database.connection_url)
    runtime = create_runtime(settings_for(url, **off))
    services = Services(runtime)
    await services.start()
    assert services.heartbeats.of == {}
    await services.stop()
    await runtime.database.close()


def test_every_service_has_a_row_that_can_be_read(settings: Settings) -> None:
    """A name of its own, a sentence, a setting that exists and an interval."""
    assert len({each.name for each in SERVICES}) == len(SERVICES)
    for each in SERVICES:
        assert each.is_enabled(settings) or each.word in ("flow_runs", "orphans")
        assert each.interval(settings) > 0
        assert each.what.endswith(".")
