"""Who holds the slots of limits of every kind, and who waits for one."""

from datetime import timedelta
from typing import Any

from podium.db.ids import new_id
from podium.server.operations.concurrency import acquire_named, release
from podium.server.operations.deployment_limits import own_limit
from podium.server.operations.slots import list_slots
from podium.wire.slots import LimitSlots, SlotQuery
from podium.wire.states import StateCreate
from tests.server.runs import Runs, state


def told(runs: Runs, **query: Any) -> dict[str, LimitSlots]:
    """The limits by name."""
    found: list[LimitSlots] = runs.units.read(list_slots, SlotQuery(**query), 200)
    return {each.name: each for each in found}


def ahead(runs: Runs, seconds: float) -> StateCreate:
    """A run to start in so many seconds."""
    return state("SCHEDULED", scheduled_time=runs.now + timedelta(seconds=seconds))


def held(limit: LimitSlots) -> list[tuple[str, str | None, str | None, int]]:
    return [(each.kind, each.name, each.state, each.slots) for each in limit.holders]


def test_a_global_limit_tells_its_leases(runs: Runs) -> None:
    """Holders are named with their state and age, the longest first; slots without a lease are nobody's."""
    run_id = runs.make("RUNNING", name="calm-otter")
    task_id = runs.make_task("RUNNING", name="load-0")
    name = f"database-{run_id}"
    limit_id = runs.limit(5, name)
    lease = runs.units.write(acquire_named, [name], 2, "concurrency", 60.0, ("flow_run", run_id)).lease_id
    runs.wait(10)
    runs.units.write(acquire_named, [name], 1, "concurrency", 300.0, ("task_run", task_id))
    runs.units.write(acquire_named, [name], 1, "concurrency", 300.0, None)
    runs.units.write(acquire_named, [name], 1)
    [limit] = told(runs, ids=[limit_id]).values()
    assert (limit.kind, limit.name, limit.used, limit.limit, limit.anonymous) == ("global", name, 5, 5, 1)
    assert held(limit) == [
        ("flow_run", "calm-otter", "Running", 2),
        ("task_run", "load-0", "Running", 1),
        ("unknown", None, None, 1),
    ]
    first = limit.holders[0]
    assert first.id == run_id and first.since and first.expires
    assert first.expires - first.since == timedelta(seconds=60)
    assert (limit.waiting, limit.denied) == (0, 0)
    runs.units.write(acquire_named, [name], 3)
    assert told(runs, ids=[limit_id])[name].denied == 3
    runs.units.write(release, lease)
    assert told(runs, ids=[limit_id])[name].used == 3
    assert [each.slots for each in told(runs, ids=[limit_id], holders=1)[name].holders] == [1]


def test_a_deployment_tells_its_runs_and_those_that_wait(runs: Runs) -> None:
    """The limit goes by the deployment's name; runs that were refused a slot, or are late, wait."""
    deployment_id = new_id()
    limit_id = runs.units.write(own_limit, deployment_id, 1)
    runs.rows.deployment(runs.flow_id, "nightly", id=deployment_id, concurrency_limit_id=limit_id)
    first, second = (runs.make("SCHEDULED", name=name, deployment_id=deployment_id) for name in ("first", "second"))
    later = runs.make(ahead(runs, 3600), name="later", deployment_id=deployment_id)
    assert runs.set(first, "PENDING").status == "ACCEPT"
    assert runs.set(second, "PENDING").state["name"] == "AwaitingConcurrencySlot"
    [limit] = told(runs, ids=[limit_id]).values()
    assert (limit.kind, limit.deployment_id, limit.used, limit.waiting) == ("deployment", deployment_id, 1, 1)
    assert limit.name.endswith("/nightly")
    assert held(limit) == [("flow_run", "first", "Pending", 1)]
    assert [(each.id, each.state) for each in limit.waiters] == [(second, "AwaitingConcurrencySlot")]
    assert later not in [each.id for each in limit.waiters]


def test_a_tag_tells_its_task_runs_and_those_that_wait(runs: Runs) -> None:
    """Task runs hold slots of their tags; those of flow runs that go on and have not begun wait for one."""
    flow_run, over = runs.make("RUNNING"), runs.make("COMPLETED")
    tag = f"tag-{flow_run}"
    limit_id = runs.limit(1, f"tag:{tag}")
    holder, waiter = (runs.make_task("PENDING", flow_run_id=flow_run, name=name, tags=[tag]) for name in ("a", "b"))
    runs.make_task("PENDING", flow_run_id=flow_run, name="of another tag", tags=[f"{tag}s"])
    runs.make_task("PENDING", flow_run_id=over, name="left behind", tags=[tag])
    assert runs.set_task(holder, "RUNNING").status == "ACCEPT"
    assert runs.set_task(waiter, "RUNNING").status == "WAIT"
    [limit] = told(runs, ids=[limit_id], kinds=["tag"]).values()
    assert (limit.kind, limit.name, limit.used, limit.waiting) == ("tag", tag, 1, 1)
    assert held(limit) == [("task_run", "a", "Running", 1)]
    assert limit.holders[0].flow_run_id == flow_run
    assert [(each.kind, each.name) for each in limit.waiters] == [("task_run", "b")]


def test_pools_and_queues_tell_their_runs(runs: Runs) -> None:
    """Runs under way hold slots of their queue and of its pool; due ones wait where there is none free."""
    pool_id = runs.rows.pool("slots-pool" + runs.flow_id, concurrency_limit=2)
    queue_id = runs.rows.queue(pool_id, "fast", concurrency_limit=1)
    other_id = runs.rows.queue(pool_id, "slow")
    runs.make("RUNNING", name="a", work_queue_id=queue_id)
    runs.make("PENDING", name="b", work_queue_id=other_id)
    due = runs.make("SCHEDULED", name="c", work_queue_id=queue_id)
    runs.make(ahead(runs, 60), name="d", work_queue_id=queue_id)
    found = {each.kind: each for each in told(runs, ids=[pool_id, queue_id]).values()}
    pool, queue = found["work_pool"], found["work_queue"]
    assert (pool.used, pool.limit, queue.used, queue.limit) == (2, 2, 1, 1)
    assert queue.name == f"{pool.name}/fast"
    assert [each.name for each in pool.holders] == ["a", "b"]
    assert [each.name for each in queue.holders] == ["a"]
    assert [each.id for each in pool.waiters] == [each.id for each in queue.waiters] == [due]


def test_the_fullest_come_first_and_free_ones_may_be_left_out(runs: Runs) -> None:
    """Full limits, then those with the largest share taken, then the rest; switched off ones last."""
    names = [f"{name}-{runs.flow_id}" for name in ("free", "half", "off", "full", "closed")]
    free, half, off, full, closed = (
        runs.limit(limit, name, anonymous_slots=used, active=active)
        for name, limit, used, active in zip(
            names, (4, 4, 1, 1, 0), (0, 2, 1, 1, 0), (True, True, False, True, True), strict=True
        )
    )
    every = [free, half, off, full, closed]
    assert list(told(runs, ids=every)) == [names[4], names[3], names[1], names[0], names[2]]
    assert list(told(runs, ids=every, in_use=True)) == [names[4], names[3], names[1], names[2]]
    assert list(told(runs, ids=every, offset=1)) == [names[3], names[1], names[0], names[2]]
    assert told(runs, ids=[]) == {}
