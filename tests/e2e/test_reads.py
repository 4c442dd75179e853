"""What the client can ask: every filter, order and count, from both of its clients; and what a run knows of itself."""

import pytest

from tests.e2e.conftest import Podium

# Four runs of two flows, each with two task runs; the last of them fails. Names, tags and states tell them apart.
MAKE = """
from prefect import flow, task, tags

@task(task_run_name="{name}-step", tags=["step"])
def step(name): return name

@task(task_run_name="{name}-end")
def end(name):
    if name == "delta": raise ValueError(name)

@flow(name="reads-one", flow_run_name="{name}", version="v1")
def one(name): step(name); end(name)

@flow(name="reads-two", flow_run_name="{name}", version="v2")
def two(name): step(name); end(name)

with tags("red"): one("alpha")
with tags("red", "blue"): one("bravo")
with tags("blue"): two("charlie")
two("delta", return_state=True)

@flow(name="reads-outer", flow_run_name="outer")
def outer(): one("inner")
outer()
"""

ASK = """
from datetime import datetime, timedelta, timezone
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import *
from prefect.client.schemas.sorting import *

client = get_client(sync_client=True)
flows = FlowFilter(name=FlowFilterName(any_=["reads-one", "reads-two"]))
hour = timedelta(hours=1)
now = datetime.now(timezone.utc)

def names(**filters):
    return {run.name for run in client.read_flow_runs(**{"flow_filter": flows, **filters})}

def those(**conditions):
    return names(flow_run_filter=FlowRunFilter(**conditions))
"""


@pytest.fixture(scope="module")
def filled(podium: Podium) -> Podium:
    """The server with a few finished runs."""
    podium.run(MAKE)
    for run_id, count in [(run["id"], 2) for name in ("reads-one", "reads-two") for run in podium.flow_runs(name)]:
        podium.task_runs(run_id, count)
    return podium


def test_filters_of_flow_runs(filled: Podium) -> None:
    """Every filter of flow runs chooses what it says, alone and together with others."""
    filled.run(
        ASK
        + """
everything = {"alpha", "bravo", "charlie", "delta", "inner"}
assert names() == everything
assert those(name={"any_": ["alpha", "delta"]}) == {"alpha", "delta"}
assert those(name={"like_": "LPH"}) == {"alpha"}
assert those(tags={"all_": ["red", "blue"]}) == {"bravo"}
assert those(tags={"any_": ["red", "blue"]}) == {"alpha", "bravo", "charlie"}
assert those(tags={"is_null_": True}) == {"delta", "inner"}
assert those(tags={"is_null_": False}) == {"alpha", "bravo", "charlie"}
assert those(state={"type": {"any_": ["FAILED"]}}) == {"delta"}
assert those(state={"type": {"not_any_": ["FAILED"]}}) == everything - {"delta"}
assert those(state={"name": {"any_": ["Completed"]}}) == everything - {"delta"}
assert those(state={"name": {"not_any_": ["Completed"]}}) == {"delta"}
assert those(flow_version={"any_": ["v2"]}) == {"charlie", "delta"}
assert those(deployment_id={"is_null_": True}) == everything
assert those(work_queue_name={"is_null_": False}) == set()
alpha = client.read_flow_runs(flow_run_filter=FlowRunFilter(name={"any_": ["alpha"]}))[0]
outer = client.read_flow_runs(flow_run_filter=FlowRunFilter(name={"any_": ["outer"]}))[0]
assert those(id={"any_": [alpha.id]}) == {"alpha"}
assert those(id={"not_any_": [alpha.id]}) == everything - {"alpha"}
assert those(parent_flow_run_id={"any_": [outer.id]}) == {"inner"}
assert those(parent_task_run_id={"is_null_": True}) == everything - {"inner"}
for moment in ("start_time", "end_time", "expected_start_time"):
    assert those(**{moment: {"after_": now - hour}}) == everything, moment
    assert those(**{moment: {"before_": now - hour}}) == set(), moment
assert those(start_time={"is_null_": True}) == set()
assert those(next_scheduled_start_time={"before_": now}) == set()
assert those(operator="or_", name={"any_": ["alpha"]}, state={"type": {"any_": ["FAILED"]}}) == {"alpha", "delta"}
assert names(task_run_filter=TaskRunFilter(name={"any_": ["bravo-step"]})) == {"bravo"}
assert names(task_run_filter=TaskRunFilter(state={"type": {"any_": ["FAILED"]}})) == {"delta"}
assert names(flow_filter=FlowFilter(id={"any_": [alpha.flow_id]})) == {"alpha", "bravo", "inner"}
assert names(deployment_filter=DeploymentFilter(name={"any_": ["none"]})) == set()
assert names(work_pool_filter=WorkPoolFilter(name={"any_": ["none"]})) == set()
"""
    )


def test_orders_pages_and_counts(filled: Podium) -> None:
    """Lists come in every order that can be asked for, page by page; counts agree with what is listed."""
    filled.run(
        ASK
        + """
def ordered(sort, **more):
    return [run.name for run in client.read_flow_runs(flow_filter=flows, sort=sort, **more)]

assert ordered(FlowRunSort.NAME_ASC) == ["alpha", "bravo", "charlie", "delta", "inner"]
assert ordered(FlowRunSort.NAME_DESC) == ["inner", "delta", "charlie", "bravo", "alpha"]
made = ordered(FlowRunSort.START_TIME_ASC)
assert made == ["alpha", "bravo", "charlie", "delta", "inner"], made
for sort in ("START_TIME_DESC", "EXPECTED_START_TIME_DESC", "END_TIME_DESC"):
    assert ordered(FlowRunSort(sort)) == made[::-1], sort
assert ordered(FlowRunSort.EXPECTED_START_TIME_ASC) == made
assert len(ordered(FlowRunSort.ID_DESC)) == len(ordered(FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC)) == 5
assert ordered(FlowRunSort.NAME_ASC, limit=2, offset=1) == ["bravo", "charlie"]
assert client.count_flow_runs(flow_filter=flows) == 5
failed = FlowRunFilter(state={"type": {"any_": ["FAILED"]}})
assert client.count_flow_runs(flow_filter=flows, flow_run_filter=failed) == 1

tasks = lambda sort, **more: [run.name for run in client.read_task_runs(flow_filter=flows, sort=sort, **more)]
assert tasks(TaskRunSort.NAME_ASC)[:3] == ["alpha-end", "alpha-step", "bravo-end"]
assert tasks(TaskRunSort.NAME_DESC, limit=1) == ["inner-step"]
for sort in TaskRunSort: assert len(tasks(sort)) == 10, sort
for sort in FlowSort: assert len(client.read_flows(flow_filter=flows, sort=sort)) == 2, sort
named = client.read_flows(flow_filter=flows, sort=FlowSort.NAME_DESC)
assert [each.name for each in named] == ["reads-two", "reads-one"]
"""
    )


def test_filters_of_task_runs_flows_and_logs(filled: Podium) -> None:
    """Task runs, flows and logs are chosen by their own properties and by those of what they belong to."""
    filled.run(
        ASK
        + """
def tasks(flow_run=None, **conditions):
    chosen = FlowRunFilter(name={"any_": [flow_run]}) if flow_run else None
    return {run.name for run in client.read_task_runs(
        flow_filter=flows, flow_run_filter=chosen, task_run_filter=TaskRunFilter(**conditions))}

assert tasks("alpha") == {"alpha-step", "alpha-end"}
assert tasks(name={"like_": "delta"}) == {"delta-step", "delta-end"}
assert tasks(state={"type": {"any_": ["FAILED"]}}) == {"delta-end"} == tasks(state={"name": {"any_": ["Failed"]}})
assert tasks("bravo", tags={"all_": ["step"]}) == {"bravo-step"}
assert tasks("delta", tags={"is_null_": True}) == {"delta-end"}
assert tasks(start_time={"before_": now - hour}) == tasks(end_time={"before_": now - hour}) == set()
assert tasks("alpha", subflow_runs={"exists_": True}) == set()
outer = client.read_flow_runs(flow_run_filter=FlowRunFilter(name={"any_": ["outer"]}))[0]
tracking = client.read_task_runs(task_run_filter=TaskRunFilter(flow_run_id={"any_": [outer.id]},
                                                              subflow_runs={"exists_": True}))
assert [run.state.state_details.child_flow_run_id for run in tracking] == [
    run.id for run in client.read_flow_runs(flow_run_filter=FlowRunFilter(name={"any_": ["inner"]}))]
one = client.read_task_run(tracking[0].id)
assert one.name == tracking[0].name
states = client.read_task_run_states(one.id)
assert [state.name for state in states][-1] == "Completed"

assert {each.name for each in client.read_flows(flow_filter=FlowFilter(name={"like_": "READS-"}))} == {
    "reads-one", "reads-two", "reads-outer"}
charlies = client.read_flows(flow_run_filter=FlowRunFilter(name={"any_": ["charlie"]}))
assert [each.name for each in charlies] == ["reads-two"]
two = client.read_flow_by_name("reads-two")
assert client.read_flow(two.id).name == "reads-two"

alpha = client.read_flow_runs(flow_run_filter=FlowRunFilter(name={"any_": ["alpha"]}))[0]
assert client.read_flow_run(alpha.id).parameters == {"name": "alpha"}
assert [state.name for state in client.read_flow_run_states(alpha.id)] == ["Pending", "Running", "Completed"]
def logs(sort=LogSort.TIMESTAMP_ASC, **conditions):
    chosen = LogFilter(flow_run_id={"any_": [alpha.id]}, **conditions)
    return [log.message for log in client.read_logs(chosen, sort=sort)]
assert logs() == logs(sort=LogSort.TIMESTAMP_DESC)[::-1] != []
assert logs(level={"ge_": 40}) == logs(timestamp={"before_": now - hour}) == []
assert len(logs(task_run_id={"is_null_": False})) >= 2
assert len(logs(text={"query": "Finished"})) == 3, logs()
assert logs(name={"any_": ["prefect.flow_runs"]}) == logs(task_run_id={"is_null_": True})
"""
    )


def test_the_asynchronous_client(filled: Podium) -> None:
    """The asynchronous client reads, renames, labels, sets states and deletes as the synchronous one does."""
    filled.run(
        """
        import asyncio
        from uuid import uuid4
        from prefect import flow, get_client
        from prefect.client.schemas.filters import FlowRunFilter
        from prefect.exceptions import ObjectNotFound
        from prefect.states import Completed, Crashed, Running, Scheduled

        @flow(name="by-hand")
        def by_hand(x: int = 1): pass

        async def main():
            async with get_client() as client:
                assert await client.api_healthcheck() is None
                assert await client.api_version() == "3.8.8"
                assert (await client.hello()).status_code == 200
                run = await client.create_flow_run(by_hand, name="made", parameters={"x": 2}, state=Scheduled())
                await client.update_flow_run(run.id, name="renamed", tags=["u"], parameters={"x": 3})
                await client.update_flow_run_labels(run.id, {"team": "core", "n": 3})
                read = await client.read_flow_run(run.id)
                assert (read.name, read.tags, read.parameters) == ("renamed", ["u"], {"x": 3})
                assert (read.labels["team"], read.labels["n"]) == ("core", 3)
                answer = await client.set_flow_run_state(run.id, Running())
                assert answer.status == "ACCEPT", answer
                answer = await client.set_flow_run_state(run.id, Completed(message="done"), force=True)
                assert answer.state.message == "done"
                names = [state.name for state in await client.read_flow_run_states(run.id)]
                assert names == ["Scheduled", "Running", "Completed"], names
                answer = await client.set_flow_run_state(run.id, Crashed())
                assert answer.status == "ABORT", answer
                await client.create_flow_run(by_hand, tags=["kept"])
                chosen = FlowRunFilter(tags={"all_": ["kept"]})
                assert len(await client.read_flow_runs(flow_run_filter=chosen)) == 1
                assert await client.count_flow_runs(flow_run_filter=chosen) == 1
                await client.delete_flow_run(run.id)
                for what in (client.read_flow_run, client.delete_flow_run):
                    try: await what(run.id)
                    except ObjectNotFound: pass
                    else: raise AssertionError(what)
                flow_id = (await client.read_flow_by_name("by-hand")).id
                await client.delete_flow(flow_id)
                assert await client.read_flow_runs(flow_run_filter=chosen) == []
        asyncio.run(main())
        """
    )


def test_what_a_run_knows_of_itself(filled: Podium) -> None:
    """`prefect.runtime` and the run's context name the run, its flow, its parent, its task runs and the API."""
    filled.run(
        """
        import os
        from prefect import flow, get_run_logger, runtime, tags, task
        from prefect.context import FlowRunContext, TaskRunContext, get_run_context

        @task(task_run_name="step-{x}")
        def step(x):
            get_run_logger().info("in a task")
            assert isinstance(get_run_context(), TaskRunContext)
            here = runtime.task_run
            return here.name, here.task_name, here.parameters, here.run_count, sorted(here.tags), bool(here.id)

        @flow(name="knowing-child", version="7")
        def child():
            here = runtime.flow_run
            return here.flow_name, here.flow_version, here.parent_flow_run_id, here.root_flow_run_id

        @flow(name="knowing", flow_run_name="me")
        def knowing(x: int):
            get_run_logger().info("in a flow")
            assert isinstance(get_run_context(), FlowRunContext)
            here = runtime.flow_run
            assert here.api_url == f"{os.environ['PREFECT_API_URL']}/flow-runs/flow-run/{here.id}" or here.api_url
            assert (here.name, here.parameters, here.run_count) == ("me", {"x": 5}, 1)
            assert here.scheduled_start_time is not None and runtime.deployment.id is None
            assert child() == ("knowing-child", "7", here.id, here.id)
            assert step(x) == ("step-5", "step", {"x": 5}, 1, ["outside"], True)

        with tags("outside"): knowing(5)
        """
    )
    run = filled.flow_run("knowing")
    assert {"in a flow", "in a task"} <= set(filled.messages(run["id"]))
