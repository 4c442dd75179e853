"""Handing out work: which runs a worker gets, in which order, and what its asking tells."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from podium.db.tables.deployments import deployments
from podium.db.tables.events import events
from podium.db.tables.work_pools import work_pools, work_queues
from podium.db.unit import Tx
from podium.server.errors import NotFound
from podium.server.operations.polling import mark_queues_polled, unmarked_queues
from podium.server.operations.workers import record_heartbeat
from podium.server.queries.scheduled_runs import read_pool_runs, read_queue_runs
from tests.server.conftest import Units
from tests.server.rows import START, Rows, at


class Pool:
    """A pool with two queues, ``high`` before ``low``, and a flow to make runs of."""

    def __init__(self, units: Units) -> None:
        self.units = units
        self.rows = Rows(units.write)
        self.flow_id = self.rows.flow()
        self.id = self.rows.pool()
        (pool,) = units.all(select(work_pools.c.name).where(work_pools.c.id == self.id))
        self.name: str = pool["name"]
        self.low = self.rows.queue(self.id, "low", priority=2)
        self.high = self.rows.queue(self.id, "high", priority=1)

    def run(self, queue_id: str, name: str, seconds: float, **values: Any) -> str:
        """A run scheduled so many seconds after ``START``."""
        given = {"state": "SCHEDULED", "next_scheduled_start_time": at(seconds), "work_queue_id": queue_id, **values}
        return self.rows.flow_run(self.flow_id, name, **given)

    def hand_out(self, *queues: str, limit: int = 200, before: float | None = None, after: float | None = None) -> Any:
        """The names of the runs that a worker gets."""
        times = [None if bound is None else at(bound) for bound in (before, after)]
        runs, _ = self.units.read(read_pool_runs, self.name, list(queues), *times, limit)
        return [run["flow_run"]["name"] for run in runs]

    def set(self, table: Any, row_id: str, **values: Any) -> None:
        self.units.write(lambda tx: tx.run(update(table).where(table.c.id == row_id).values(**values)))


@pytest.fixture
def pool(units: Units) -> Pool:
    """A pool of its own for each test."""
    return Pool(units)


def test_by_priority_then_time(pool: Pool) -> None:
    pool.run(pool.low, "low early", 1)
    pool.run(pool.high, "high late", 20)
    pool.run(pool.high, "high early", 10)
    assert pool.hand_out() == ["high early", "high late", "low early"]
    assert pool.hand_out(limit=2) == ["high early", "high late"]
    assert pool.hand_out("low") == ["low early"]
    assert pool.hand_out(before=10) == ["high early", "low early"]
    assert pool.hand_out(after=10) == ["high early", "high late"]


def test_queues_of_the_same_priority_share_by_time(pool: Pool) -> None:
    pool.set(work_queues, pool.low, priority=1)
    pool.run(pool.low, "first", 1)
    pool.run(pool.high, "second", 2)
    pool.run(pool.low, "third", 3)
    assert pool.hand_out() == ["first", "second", "third"]


def test_from_many_queues(pool: Pool) -> None:
    for number in range(120):
        pool.run(pool.rows.queue(pool.id, f"q{number}", priority=number + 3), f"{number}", 200 - number)
    assert pool.hand_out(limit=70) == [str(number) for number in range(70)]


def test_what_a_worker_gets(pool: Pool) -> None:
    run_id = pool.run(pool.high, "run", 1, deployment_version="v1")
    ((handed_out,), _) = pool.units.read(read_pool_runs, pool.name, None, None, None, 10)
    run = handed_out["flow_run"]
    assert (handed_out["work_pool_id"], handed_out["work_queue_id"]) == (pool.id, pool.high)
    assert (run["id"], run["state"], run["work_queue_name"]) == (run_id, None, None)
    assert (run["work_queue_id"], run["deployment_version"], run["state_type"]) == (pool.high, "v1", "SCHEDULED")


def test_only_what_may_start(pool: Pool) -> None:
    pool.run(pool.high, "in its own process", 1, empirical_policy={"retry_type": "in_process"})
    pool.run(pool.high, "rescheduled", 1, empirical_policy={"retry_type": "reschedule"}, state_name="AwaitingRetry")
    pool.run(pool.high, "late", 2, state_name="Late")
    pool.run(pool.high, "running", 1, state="RUNNING", next_scheduled_start_time=None)
    other = Pool(pool.units)
    other.run(other.high, "of another pool", 1)
    assert pool.hand_out() == ["rescheduled", "late"]


def test_slots_of_a_queue(pool: Pool) -> None:
    for number in range(4):
        pool.run(pool.high, f"high {number}", number)
        pool.run(pool.low, f"low {number}", number)
    pool.run(pool.high, "running", 0, state="RUNNING")
    pool.run(pool.high, "pending", 0, state="PENDING")
    pool.run(pool.high, "cancelling", 0, state="CANCELLING")
    pool.set(work_queues, pool.high, concurrency_limit=3)
    assert pool.hand_out() == ["high 0", "low 0", "low 1", "low 2", "low 3"]
    assert pool.hand_out(limit=2) == ["high 0", "low 0"]
    pool.set(work_queues, pool.high, concurrency_limit=2)
    assert pool.hand_out() == ["low 0", "low 1", "low 2", "low 3"]
    pool.set(work_queues, pool.low, concurrency_limit=0)
    assert pool.hand_out() == []


def test_slots_of_the_pool(pool: Pool) -> None:
    for number in range(3):
        pool.run(pool.high, f"high {number}", number)
        pool.run(pool.low, f"low {number}", number)
    pool.run(pool.low, "running", 0, state="RUNNING")
    pool.set(work_pools, pool.id, concurrency_limit=5)
    pool.set(work_queues, pool.high, concurrency_limit=2)
    assert pool.hand_out() == ["high 0", "high 1", "low 0", "low 1"]
    assert pool.hand_out("low") == ["low 0", "low 1", "low 2"]
    pool.set(work_pools, pool.id, concurrency_limit=1)
    assert pool.hand_out() == []


def test_what_is_paused_hands_out_nothing(pool: Pool) -> None:
    pool.run(pool.high, "high", 1)
    pool.run(pool.low, "low", 1)
    pool.set(work_queues, pool.high, is_paused=True)
    assert pool.hand_out() == ["low"]
    pool.set(work_pools, pool.id, is_paused=True)
    assert pool.hand_out() == []


def test_unknown_pools_and_queues(pool: Pool) -> None:
    with pytest.raises(NotFound):
        pool.hand_out("high", "none")
    with pytest.raises(NotFound):
        pool.units.read(read_pool_runs, "none", None, None, None, 10)


def test_an_agent_counts_runs_that_are_being_cancelled(pool: Pool) -> None:
    pool.run(pool.high, "waiting", 1)
    pool.run(pool.high, "cancelling", 0, state="CANCELLING")
    pool.set(work_queues, pool.high, concurrency_limit=1)
    assert pool.units.read(read_queue_runs, pool.high, None, 10)[0] == []
    pool.set(work_queues, pool.high, concurrency_limit=2)
    ((run,), _) = pool.units.read(read_queue_runs, pool.high, None, 10)
    assert (run["name"], run["state"]["type"]) == ("waiting", "SCHEDULED")


@pytest.fixture
def clock(units: Units) -> Iterator[list[float]]:
    """The seconds after ``START`` that the database takes for now."""
    seconds = [0.0]
    kept, units.database.clock = units.database.clock, lambda: at(seconds[0])
    yield seconds
    units.database.clock = kept


def polled(pool: Pool) -> tuple[Any, Any]:
    (queue,) = pool.units.all(select(work_queues).where(work_queues.c.id == pool.high))
    (deployment,) = pool.units.all(select(deployments).where(deployments.c.work_queue_id == pool.high))
    return queue, deployment


def poll(pool: Pool) -> int:
    """Asks for work as the endpoint does; how many queues were written to."""
    _, queues = pool.units.read(read_pool_runs, pool.name, ["high"], None, None, 10)
    unmarked: list[str] = pool.units.read(lambda tx: unmarked_queues(queues, tx.now))
    if unmarked:
        pool.units.write(mark_queues_polled, unmarked)
    return len(unmarked)


def told(pool: Pool, *ids: str) -> list[str]:
    """The names of the events about these objects, oldest first."""
    about = select(events.c.event).where(events.c.resource_id.in_(ids)).order_by(events.c.occurred, events.c.id)
    return [row["event"] for row in pool.units.all(about)]


def test_asking_wakes_the_queue_and_its_deployments(pool: Pool, clock: list[float]) -> None:
    deployment_id = pool.rows.deployment(pool.flow_id, work_queue_id=pool.high)
    assert poll(pool) == 1
    queue, deployment = polled(pool)
    assert (queue["status"], queue["last_polled"]) == ("READY", START)
    assert (deployment["status"], deployment["last_polled"]) == ("READY", START)
    assert told(pool, f"prefect.work-queue.{pool.high}") == ["prefect.work-queue.ready"]
    assert told(pool, f"prefect.deployment.{deployment_id}") == ["prefect.deployment.ready"]


def test_asking_again_writes_only_when_the_last_note_is_old(pool: Pool, clock: list[float]) -> None:
    pool.rows.deployment(pool.flow_id, work_queue_id=pool.high)
    assert poll(pool) == 1
    clock[0] = 4
    assert poll(pool) == 0
    clock[0] = 5
    assert poll(pool) == 1
    queue, deployment = polled(pool)
    assert (queue["last_polled"], deployment["last_polled"]) == (at(5), START)
    clock[0] = 31
    assert poll(pool) == 1
    assert polled(pool)[1]["last_polled"] == at(31)
    assert told(pool, f"prefect.work-queue.{pool.high}") == ["prefect.work-queue.ready"]


def test_a_paused_queue_that_is_asked_stays_paused(pool: Pool, clock: list[float]) -> None:
    pool.rows.deployment(pool.flow_id, work_queue_id=pool.high)
    pool.set(work_queues, pool.high, is_paused=True, status="PAUSED")
    assert poll(pool) == 1
    queue, _ = polled(pool)
    assert (queue["status"], queue["last_polled"]) == ("PAUSED", START)


def test_a_sign_of_life_makes_the_pool_ready_once(pool: Pool, clock: list[float]) -> None:
    def beat(tx: Tx) -> None:
        record_heartbeat(tx, pool.name, "w", 10)

    pool.set(work_pools, pool.id, status="NOT_READY")
    pool.units.write(beat)
    clock[0] = timedelta(seconds=30).total_seconds()
    pool.units.write(beat)
    assert told(pool, f"prefect.work-pool.{pool.id}") == ["prefect.work-pool.ready"]
