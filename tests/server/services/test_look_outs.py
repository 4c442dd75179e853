"""Services that look before they run, where processes share a Docket: what one finds is done by one, once."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import delete, insert, select

from podium.db.tables.flows import flows
from podium.db.unit import Tx
from podium.server.app import create_runtime
from podium.server.queries.generic import new_row
from podium.server.runtime import Runtime
from podium.server.services import docket_worker
from podium.server.services.glance import Look
from podium.server.services.registry import Service
from podium.server.services.runner import Services
from tests.server.conftest import settings_for
from tests.server.services.test_runner import until

EVERY = 0.2
LOOK = Look((select(flows.c.id).where(flows.c.name == "work"),))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Docket looks at Redis more often than a server needs."""
    monkeypatch.setattr(docket_worker, "CHECK_EVERY", timedelta(seconds=0.05))


@pytest.fixture
async def runtimes(migrated_sqlite: Path, tmp_path: Path, redis_url: str) -> AsyncIterator[list[Runtime]]:
    """Two processes' worth, on one database and one Docket."""
    path = tmp_path / "podium.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    shared = {
        "PODIUM_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": str(EVERY),
        "PODIUM_SERVER_DOCKET_NAME": tmp_path.name,
        "PODIUM_SERVER_DOCKET_URL": redis_url,
    }
    made = [create_runtime(settings_for(f"sqlite+aiosqlite:///{path}", **shared)) for _ in range(2)]
    yield made
    for each in made:
        await each.database.close()


def _take(tx: Tx) -> int:
    return tx.run(delete(flows))


class Together:
    """The same service in every process; its round does what its look finds."""

    def __init__(self, runtimes: list[Runtime]) -> None:
        self.rounds: list[Runtime] = []
        service = Service("sample", "Does something.", "late_runs", self._round, "loop_seconds", look=LOOK)
        self.processes = [Services(each, [service]) for each in runtimes]
        self._database = runtimes[0].database

    async def _round(self, runtime: Runtime) -> None:
        self.rounds.append(runtime)
        await runtime.database.write(_take)

    async def __aenter__(self) -> "Together":
        for each in self.processes:
            await each.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        for each in self.processes:
            await each.stop()

    async def find_some(self) -> None:
        """Makes work."""

        def unit(tx: Tx) -> Any:
            return tx.run(insert(flows).values(new_row(tx, flows, {"name": "work"})))

        await self._database.write(unit)

    async def looked(self, times: int = 3) -> None:
        """Waits until they looked so many times more."""
        beats = [each.heartbeats.of["sample"] for each in self.processes]
        for _ in range(times):
            before = [beat.last_finished for beat in beats]

            def again(before: list[Any] = before) -> bool:
                return [beat.last_finished for beat in beats] != before

            await until(again)

    async def ran(self, times: int) -> None:
        """Waits until so many rounds began."""
        await until(lambda: len(self.rounds) == times)


async def test_a_look_that_finds_nothing_counts_as_a_round(runtimes: list[Runtime]) -> None:
    """The service is seen to tick, and nothing was run."""
    async with Together(runtimes) as together:
        await together.looked()
    assert together.rounds == []


async def test_what_is_found_is_done_once(runtimes: list[Runtime]) -> None:
    """By one of them, each time there is some."""
    async with Together(runtimes) as together:
        for times in (1, 2, 3):
            await together.find_some()
            await together.ran(times)
            await together.looked()
            assert len(together.rounds) == times


async def test_one_that_stopped_leaves_the_looking_to_the_other(runtimes: list[Runtime]) -> None:
    """It goes on with the next period."""
    async with Together(runtimes) as together:
        await together.looked(1)
        await together.processes[0].stop()
        await together.find_some()
        await together.ran(1)
    assert together.rounds == [runtimes[1]]


async def test_looking_goes_on_after_redis_lost_everything(
    runtimes: list[Runtime], redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looks is sown again."""
    monkeypatch.setattr(docket_worker, "SOW_EVERY", 0.5)
    async with Together(runtimes) as together:
        await together.looked(1)
        with redis.Redis.from_url(redis_url) as client:
            client.flushdb()
        await together.find_some()
        await together.ran(1)
        await together.looked()
    assert len(together.rounds) == 1
