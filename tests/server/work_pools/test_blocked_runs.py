"""Runs that cannot start, however many and however early, do not keep one that can from being handed out."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, select

from podium.db.ids import new_id
from podium.db.tables.flow_runs import flow_runs
from podium.db.tables.work_pools import work_pools, work_queues
from podium.server.operations import concurrency
from podium.server.operations.concurrency_limits import create_limit
from podium.server.queries.scheduled_runs import read_deployment_runs, read_pool_runs, read_queue_runs
from tests.server.conftest import Units
from tests.server.rows import Rows, at

BLOCKED = 5000
BATCH = 200
SECONDS = 0.1


class Crowd:
    """A pool with two queues, and deployments whose concurrency limit is full or not."""

    def __init__(self, units: Units) -> None:
        self.units = units
        self.rows = Rows(units.write)
        self.flow_id = self.rows.flow()
        self.pool_id = self.rows.pool()
        (pool,) = units.all(select(work_pools.c.name).where(work_pools.c.id == self.pool_id))
        self.name: str = pool["name"]
        self.queue = self.rows.queue(self.pool_id, "default", priority=1)
        self.other = self.rows.queue(self.pool_id, "other", priority=2)

    def deployment(self, slots: int, used: int, seconds: float = 3600, **options: Any) -> str:
        """A deployment with a limit, so many slots of which a lease holds for so long."""
        name = f"limit-{new_id()}"
        limit_id = self.units.write(create_limit, {"name": name, "limit": slots})["id"]
        if used:
            self.units.write(concurrency.acquire_named, [name], used, "concurrency", seconds)
        return self.rows.deployment(self.flow_id, concurrency_limit_id=limit_id, concurrency_options=options or None)

    def runs(self, number: int, first: int, **values: Any) -> None:
        """Scheduled runs, a second apart, named by when they are due."""
        now = self.units.database.clock()
        common = {"state_type": "SCHEDULED", "state_name": "Scheduled", "state_timestamp": now, "flow_id": self.flow_id}
        common |= {"created": now, "updated": now, "work_queue_id": self.queue, **values}

        def unit(tx: Any, seconds: range) -> None:
            given = {**common, "workspace_id": tx.workspace_id, "parameters": {}, "context": {}, "tags": []}
            given |= {"labels": {}, "empirical_policy": {}, "job_variables": {}, "auto_scheduled": False}
            due = [(second, at(second)) for second in seconds]
            rows = [
                given | {"id": new_id(), "name": str(second), "next_scheduled_start_time": moment}
                for second, moment in due
            ]
            tx.many(insert(flow_runs), rows)

        # SQLite walks all that a savepoint has kept with each statement in it.
        for start in range(first, first + number, BATCH):
            self.units.write(unit, range(start, min(start + BATCH, first + number)))

    def hand_out(self, limit: int = 200) -> list[str]:
        """The names of the runs that a worker of the pool gets."""
        runs, _ = self.units.read(read_pool_runs, self.name, None, None, None, limit)
        return [run["flow_run"]["name"] for run in runs]

    def set(self, table: Any, row_id: str, **values: Any) -> None:
        self.units.write(lambda tx: tx.run(table.update().where(table.c.id == row_id).values(**values)))


def quickest(asked: Callable[[], Any]) -> float:
    """Seconds that a call takes when the machine has time for it: the best of ten."""
    took = []
    while len(took) < 10 and min(took, default=SECONDS) >= SECONDS:
        began = time.perf_counter()
        asked()
        took.append(time.perf_counter() - began)
    return min(took)


@pytest.fixture
def crowd(units: Units) -> Crowd:
    return Crowd(units)


def _by_deployment(crowd: Crowd) -> None:
    crowd.runs(BLOCKED, 0, deployment_id=crowd.deployment(2, used=2))


def _by_queue(crowd: Crowd) -> None:
    crowd.runs(BLOCKED, 0)
    crowd.runs(1, 0, state_type="RUNNING", name="running")
    crowd.set(work_queues, crowd.queue, concurrency_limit=1)


def _by_pause(crowd: Crowd) -> None:
    crowd.runs(BLOCKED, 0)
    crowd.set(work_queues, crowd.queue, is_paused=True)


@pytest.mark.parametrize("block", [_by_deployment, _by_queue, _by_pause])
def test_the_free_run_is_handed_out_at_once(crowd: Crowd, block: Callable[[Crowd], None]) -> None:
    """First in line within a tenth of a second, behind 5,000 blocked ones that are due earlier."""
    block(crowd)
    in_their_queue = block is _by_deployment
    crowd.runs(1, BLOCKED, work_queue_id=crowd.queue if in_their_queue else crowd.other)
    assert crowd.hand_out()[0] == str(BLOCKED)
    assert quickest(crowd.hand_out) < SECONDS


def test_a_full_pool_is_told_so_at_once(crowd: Crowd) -> None:
    """And its room goes to what can start."""
    crowd.runs(BLOCKED, 0, deployment_id=crowd.deployment(1, used=1))
    crowd.runs(2, BLOCKED)
    crowd.set(work_pools, crowd.pool_id, concurrency_limit=0)
    assert crowd.hand_out() == []
    crowd.set(work_pools, crowd.pool_id, concurrency_limit=2)
    assert crowd.hand_out() == [str(BLOCKED), str(BLOCKED + 1)]


def test_blocked_runs_fill_what_is_left(crowd: Crowd) -> None:
    """They are proposed, and the answer says that they wait or are cancelled; never more than there are slots."""
    crowd.runs(5, 0, deployment_id=crowd.deployment(1, used=1))
    crowd.runs(2, 10)
    assert crowd.hand_out() == ["10", "11", "0", "1", "2", "3", "4"]
    assert crowd.hand_out(limit=3) == ["10", "11", "0"]
    crowd.set(work_queues, crowd.queue, concurrency_limit=4)
    assert crowd.hand_out() == ["10", "11", "0", "1"]
    crowd.set(work_queues, crowd.queue, concurrency_limit=2)
    crowd.runs(2, 20, work_queue_id=crowd.other)
    assert crowd.hand_out() == ["10", "11", "20", "21"]


def test_what_can_start_is_not_blocked(crowd: Crowd) -> None:
    """A slot that is free, a lease that expired, a limit that is not active."""
    for deployment_id in (crowd.deployment(2, used=1), crowd.deployment(1, used=1, seconds=-1)):
        crowd.runs(1, 0, deployment_id=deployment_id)
    crowd.runs(1, 1)
    assert crowd.hand_out(limit=2) == ["0", "0"]


def test_agents_and_served_deployments(crowd: Crowd) -> None:
    """They get the free run first as well, as quickly."""
    full, free = crowd.deployment(1, used=1), crowd.deployment(1, used=0)
    crowd.runs(BLOCKED, 0, deployment_id=full)
    crowd.runs(1, BLOCKED, deployment_id=free)

    def of_queue() -> list[str]:
        return [run["name"] for run in crowd.units.read(read_queue_runs, crowd.queue, None, 10)[0]]

    def of_deployments() -> list[str]:
        return [run["name"] for run in crowd.units.read(read_deployment_runs, [full, free], None, 10)]

    for asked in (of_queue, of_deployments):
        assert asked() == [str(BLOCKED), *map(str, range(9))]
        assert quickest(asked) < SECONDS
