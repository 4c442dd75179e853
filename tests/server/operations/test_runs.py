"""Making and deleting runs: what they are made of, that asking twice makes one, and what goes with them."""

import asyncio
import re
from typing import Any

import pytest
from sqlalchemy import func, select

from podium.db.ids import new_id
from podium.db.tables.artifacts import artifacts
from podium.db.tables.events import events
from podium.db.tables.flow_runs import flow_run_states, flow_runs
from podium.db.tables.task_runs import task_runs
from podium.db.tables.work_pools import work_pools
from podium.server.errors import Conflict, NotFound
from podium.server.operations.flow_run_states import set_flow_run_state
from podium.server.operations.flow_runs import create_flow_run, delete_flow_run, queue_for
from podium.server.operations.task_runs import create_task_run, delete_task_run
from podium.server.queries.flow_runs import find_flow_run, read_flow_run
from podium.server.queries.task_runs import find_task_run, read_task_run
from tests.server.runs import Runs, plain, state


def test_the_answer_is_what_is_stored(runs: Runs) -> None:
    """Creation answers the run as reading it does, without reading it."""
    pool_id = runs.rows.pool()
    queue_id = runs.rows.queue(pool_id, "fast")
    values = {
        "flow_id": runs.flow_id,
        "deployment_id": runs.deployment(),
        "name": "mine",
        "flow_version": "1",
        "parameters": {"x": [1, None]},
        "context": {"a": "b"},
        "job_variables": {"cpu": 1},
        "empirical_policy": {"retries": 2},
        "tags": ["b", "a"],
        "labels": {"z": True},
        "work_queue_id": queue_id,
        "idempotency_key": new_id(),
        "created_by": {"id": new_id(), "type": "AUTOMATION", "display_value": "robot"},
    }
    row, made = runs.units.write(create_flow_run, values, state("SCHEDULED", message="soon"))
    assert made
    read = runs.units.read(read_flow_run, row["id"])
    for drifting in ("estimated_start_time_delta", "estimated_run_time"):
        assert row.pop(drifting) <= read.pop(drifting)
    assert plain(row) == plain(read)
    assert plain(read)["empirical_policy"]["retries"] == 2
    assert row["work_queue_name"] == "fast" and row["work_pool_id"] == pool_id


def test_task_runs_answer_what_is_stored(runs: Runs) -> None:
    """Creation of a task run answers it as reading it does."""
    values = {"flow_run_id": runs.make(), "task_key": "t", "dynamic_key": "0", "task_inputs": {"x": []}, "tags": ["a"]}
    row, made = runs.units.write(create_task_run, values, state("RUNNING"))
    assert made
    read = runs.units.read(read_task_run, row["id"])
    for drifting in ("estimated_start_time_delta", "estimated_run_time"):
        assert row.pop(drifting) <= read.pop(drifting)
    assert plain(row) == plain(read)


def test_names(runs: Runs) -> None:
    """A run without a name gets one of two words."""
    for name in (runs.read(runs.make())["name"], runs.read_task(runs.make_task())["name"]):
        assert re.fullmatch(r"[a-z]+-[a-z]+", name)


def test_labels(runs: Runs) -> None:
    """Labels come from the deployment or else the flow, then from the server, then from the request."""
    flow_id = runs.rows.flow(labels={"team": "flow", "a": 1})
    deployment_id = runs.rows.deployment(flow_id, labels={"team": "deployment"})
    given = {"prefect.flow.id": "mine", "b": 2}
    of_flow = runs.read(runs.make(flow_id=flow_id))["labels"]
    of_deployment = runs.read(runs.make(flow_id=flow_id, deployment_id=deployment_id, labels=given))["labels"]
    assert of_flow == {"team": "flow", "a": 1, "prefect.flow.id": flow_id}
    assert of_deployment == {
        "team": "deployment",
        "prefect.flow.id": "mine",
        "prefect.deployment.id": deployment_id,
        "b": 2,
    }
    flow_run_id = runs.make(flow_id=flow_id)
    task = runs.read_task(runs.make_task(flow_run_id=flow_run_id, labels={"b": 2}))
    assert task["labels"] == {**of_flow, "prefect.flow-run.id": flow_run_id, "b": 2}
    assert runs.read_task(runs.make_task())["labels"] == {}


def test_unknown_flow(runs: Runs) -> None:
    """A run needs its flow."""
    with pytest.raises(Conflict):
        runs.make(flow_id=new_id())


def test_idempotency_key(runs: Runs) -> None:
    """The same key answers the same run, untouched; another flow has keys of its own."""
    key = new_id()
    first = runs.make("PENDING", idempotency_key=key, name="first")
    row, made = runs.units.write(
        create_flow_run, {"flow_id": runs.flow_id, "idempotency_key": key, "name": "second"}, state("RUNNING")
    )
    assert (row["id"], made, row["name"], row["state_type"]) == (first, False, "first", "PENDING")
    assert len(runs.states(first)) == 1
    assert runs.make(flow_id=runs.rows.flow(), idempotency_key=key) != first


def gathered(runs: Runs, unit: Any, times: int, *args: Any) -> list[Any]:
    """What a unit returns when it is asked for many times at once."""

    async def ask() -> list[Any]:
        return await asyncio.gather(*(runs.units.database.write(unit, *args) for _ in range(times)))

    results: list[Any] = runs.units.run(ask())
    return results


def test_the_same_run_asked_for_at_once(runs: Runs) -> None:
    """Of many requests with one key one makes the run, and all answer it, with one state and one event."""
    flow_values = {"flow_id": runs.flow_id, "idempotency_key": new_id()}
    task_values = {"flow_run_id": runs.make(), "task_key": "t", "dynamic_key": "0"}
    alone = {"flow_run_id": None, "task_key": "t", "dynamic_key": new_id()}
    for unit, values in ((create_flow_run, flow_values), (create_task_run, task_values), (create_task_run, alone)):
        results = gathered(runs, unit, 8, values)
        assert len({row["id"] for row, _ in results}) == 1
        assert sum(made for _, made in results) == 1
    run_id = runs.units.all(
        select(flow_runs.c.id).where(flow_runs.c.idempotency_key == flow_values["idempotency_key"])
    )[0]["id"]
    assert len(runs.states(run_id)) == 1
    told = select(func.count()).select_from(events).where(events.c.resource_id == f"prefect.flow-run.{run_id}")
    assert runs.units.read(lambda tx: tx.value(told)) == 1


def test_one_of_many_workers_gets_the_run(runs: Runs) -> None:
    """Of many who propose PENDING at the same moment one is accepted and the others are aborted."""
    run_id = runs.make("SCHEDULED")
    outcomes = gathered(runs, set_flow_run_state, 8, run_id, state("PENDING"))
    assert sorted(outcome.status for outcome in outcomes) == ["ABORT"] * 7 + ["ACCEPT"]
    assert len(runs.states(run_id)) == 2


def test_states_of_many_at_once(runs: Runs) -> None:
    """States proposed at the same moment follow each other: none is lost, each sees the one before."""
    run_id = runs.make("PENDING")
    outcomes = gathered(runs, set_flow_run_state, 8, run_id, state("RUNNING"))
    assert [outcome.status for outcome in outcomes] == ["ACCEPT"] * 8
    run = runs.read(run_id)
    assert run["run_count"] == 8
    stored = select(flow_run_states).where(flow_run_states.c.flow_run_id == run_id)
    assert len(runs.units.all(stored)) == 9
    assert runs.states(run_id)[-1]["id"] == run["state_id"]


def test_task_run_id(runs: Runs) -> None:
    """The client may choose the id of a task run, but not one that is taken."""
    task_run_id = new_id()
    assert runs.make_task(id=task_run_id) == task_run_id
    with pytest.raises(Conflict):
        runs.make_task(id=task_run_id)


def test_queue_of_a_run(runs: Runs) -> None:
    """A run for a pool goes to the named queue or to the pool's default one; either must exist."""
    pool_id = runs.rows.pool("pool-of-runs")
    default, fast = (runs.rows.queue(pool_id, name) for name in ("default", "fast"))
    pools = work_pools.update().where(work_pools.c.id == pool_id).values(default_queue_id=default)
    runs.units.write(lambda tx: tx.run(pools))
    assert runs.units.read(queue_for, "pool-of-runs", None)["work_queue_id"] == default
    assert runs.units.read(queue_for, "pool-of-runs", "fast")["work_queue_id"] == fast
    assert "work_queue_id" not in runs.units.read(queue_for, None, "fast")
    for pool, queue in (("nowhere", None), ("nowhere", "fast"), ("pool-of-runs", "slow")):
        with pytest.raises(NotFound):
            runs.units.read(queue_for, pool, queue)


def test_deleting_a_flow_run(runs: Runs) -> None:
    """Its states, task runs and results go with it; a subflow stays."""
    run_id = runs.make("RUNNING")
    task_run_id = runs.make_task("RUNNING", flow_run_id=run_id)
    runs.set_task(task_run_id, "COMPLETED", data={"type": "x"})
    subflow = runs.make(parent_task_run_id=task_run_id)
    runs.set(run_id, "COMPLETED", data={"type": "x"})
    assert runs.units.write(delete_flow_run, run_id)
    assert not runs.units.write(delete_flow_run, run_id)
    assert runs.units.read(find_flow_run, run_id) is None
    assert runs.units.read(find_task_run, task_run_id) is None
    assert runs.states(run_id) == runs.task_states(task_run_id) == []
    left = select(artifacts).where((artifacts.c.flow_run_id == run_id) | (artifacts.c.task_run_id == task_run_id))
    assert runs.units.all(left) == []
    assert runs.read(subflow)["parent_task_run_id"] is None


def test_deleting_a_task_run(runs: Runs) -> None:
    """Its states and results go with it."""
    task_run_id = runs.make_task("RUNNING")
    runs.set_task(task_run_id, "COMPLETED", data={"type": "x"})
    assert runs.units.write(delete_task_run, task_run_id)
    assert not runs.units.write(delete_task_run, task_run_id)
    assert runs.task_states(task_run_id) == []
    assert runs.units.all(select(artifacts).where(artifacts.c.task_run_id == task_run_id)) == []
    assert runs.units.all(select(task_runs.c.id).where(task_runs.c.id == task_run_id)) == []


def test_the_event_names_what_is_around_the_run(runs: Runs) -> None:
    """The event of a state is related to flow, deployment, queue, pool, parent task run and all their tags."""
    flow_id = runs.rows.flow("around", tags=["f"])
    deployment_id = runs.rows.deployment(flow_id, "nightly", tags=["d"])
    queue_id = runs.rows.queue(runs.rows.pool("around-pool"), "around-queue")
    parent = runs.make_task("RUNNING", tags=["p"], name="calls")
    run_id = runs.make(
        "PENDING",
        flow_id=flow_id,
        deployment_id=deployment_id,
        work_queue_id=queue_id,
        parent_task_run_id=parent,
        tags=["r"],
    )
    runs.set(run_id, "RUNNING")
    stored = runs.units.all(
        select(events).where(events.c.resource_id == f"prefect.flow-run.{run_id}").order_by(events.c.occurred)
    )
    assert [event["event"] for event in stored] == ["prefect.flow-run.Pending", "prefect.flow-run.Running"]
    for event in stored:
        related = plain(event["related"])
        named = {label["prefect.resource.role"]: label.get("prefect.resource.name") for label in related}
        assert named.pop("tag", None) is None
        assert named == {
            "flow": "around",
            "deployment": "nightly",
            "work-queue": "around-queue",
            "work-pool": "around-pool",
            "task-run": "calls",
        }
        tags = [each["prefect.resource.id"] for each in related if each["prefect.resource.role"] == "tag"]
        assert tags == [f"prefect.tag.{tag}" for tag in "dfpr"]
