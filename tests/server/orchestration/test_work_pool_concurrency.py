"""Work pools and queues with a concurrency limit: no more of their runs become pending than there are slots."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from podium.db.tables.work_pools import work_pools
from podium.server.operations.flow_run_states import set_flow_run_state
from podium.server.queries.scheduled_runs import read_pool_runs
from tests.server.rows import at
from tests.server.runs import NEW_CLIENT, Runs, state


@pytest.fixture
def pool(runs: Runs) -> str:
    """A pool with a limit of 3, without queues; its id."""
    return runs.rows.pool(concurrency_limit=3)


def due(runs: Runs, queue_id: str, seconds: float = 0) -> str:
    """A run of the queue, scheduled so many seconds after the start."""
    return runs.make(state("SCHEDULED", scheduled_time=at(seconds)), work_queue_id=queue_id)


def polled(runs: Runs, pool: str) -> list[str]:
    """The ids of the runs that a worker of the pool gets."""
    (row,) = runs.units.all(select(work_pools.c.name).where(work_pools.c.id == pool))
    found, _ = runs.units.read(read_pool_runs, row["name"], None, None, None, 200)
    return [each["flow_run"]["id"] for each in found]


def test_an_earlier_run_between_two_polls(runs: Runs, pool: str) -> None:
    """Two workers got different runs for the same slot: one of them is told to leave its run."""
    queue = runs.rows.queue(pool, concurrency_limit=1)
    late = due(runs, queue, 10)
    assert polled(runs, pool) == [late]
    early = due(runs, queue, 5)
    assert polled(runs, pool) == [early]
    assert runs.set(early, "PENDING").status == "ACCEPT"
    refused = runs.set(late, "PENDING")
    assert (refused.status, refused.stored) == ("ABORT", False)
    assert runs.read(late)["state_type"] == "SCHEDULED"
    runs.set(early, "RUNNING")
    assert runs.set(late, "PENDING").status == "ABORT"
    runs.set(early, "COMPLETED")
    assert runs.set(late, "PENDING").status == "ACCEPT"


def test_the_slots_of_a_pool_are_those_of_all_its_queues(runs: Runs, pool: str) -> None:
    """Only what a worker takes is limited: a run that holds a slot goes on, and force is force."""
    one, two = runs.rows.queue(pool, "one"), runs.rows.queue(pool, "two")
    taken = [due(runs, queue) for queue in (one, two, one)]
    assert [runs.set(run_id, "PENDING").status for run_id in taken] == ["ACCEPT"] * 3
    other = due(runs, two)
    assert runs.set(other, "PENDING").status == "ABORT"
    assert runs.set(taken[0], "PENDING", "Submitting").status == "ACCEPT"
    assert runs.set(other, "PENDING", force=True).status == "ACCEPT"


def test_many_workers_at_once(runs: Runs, pool: str) -> None:
    """Of all that are proposed at the same moment exactly as many are accepted as there are slots."""
    queue = runs.rows.queue(pool)
    waiting = [due(runs, queue) for _ in range(20)]

    async def propose() -> list[Any]:
        write = runs.units.database.write
        proposals = (
            lambda tx, run_id=run_id: set_flow_run_state(
                tx, run_id, state("PENDING"), False, client_version=NEW_CLIENT, api_version=(0, 8, 4)
            )
            for run_id in waiting
        )
        return await asyncio.gather(*(write(proposal) for proposal in proposals))

    outcomes = runs.units.run(propose())
    assert sorted(outcome.status for outcome in outcomes) == ["ABORT"] * 17 + ["ACCEPT"] * 3
    assert polled(runs, pool) == []
