"""How flows and tasks run: asynchronous, yielding, waiting, timed out, named, cached, retried, hooked, transacting."""

from typing import Any

from tests.e2e.conftest import Podium, wait_for


def test_asynchronous_flows_and_generators(podium: Podium) -> None:
    """Asynchronous flows and tasks, and those that yield, end Completed like all others."""
    podium.run(
        """
        import asyncio
        from prefect import flow, task

        @task
        async def add(x, y=1): await asyncio.sleep(0.01); return x + y
        @task
        def numbers():
            for number in range(3): yield number
        @task
        async def letters():
            for letter in "ab": yield letter

        @flow(name="yields")
        def yields():
            for number in numbers(): yield number * 10
        @flow(name="yields-async")
        async def yields_async():
            async for letter in letters(): yield letter

        @flow(name="asynchronous")
        async def asynchronous():
            together = await asyncio.gather(*[add(x) for x in range(3)])
            mapped = add.map([1, 2], y=10).result()
            submitted = add.submit(1, y=2)
            return together, mapped, submitted.result()

        assert asyncio.run(asynchronous()) == ([1, 2, 3], [11, 12], 3)
        assert list(yields()) == [0, 10, 20]
        async def collect(): return [letter async for letter in yields_async()]
        assert asyncio.run(collect()) == ["a", "b"]
        """
    )
    run = podium.flow_run("asynchronous")
    assert run["state_type"] == "COMPLETED"
    assert {task["state_type"] for task in podium.task_runs(run["id"], 6).values()} == {"COMPLETED"}
    for name in ("yields", "yields-async"):
        run = podium.flow_run(name)
        assert run["state_type"] == "COMPLETED"
        [task] = podium.task_runs(run["id"], 1).values()
        assert podium.states(task["id"], "task_run") == ["Pending", "Running", "Completed"]


def test_futures_wait_for_each_other(podium: Podium) -> None:
    """`submit`, `wait_for`, `unmapped`, `allow_failure` and `as_completed`: who waits for whom is on record."""
    podium.run(
        """
        from prefect import allow_failure, flow, task, unmapped
        from prefect.futures import as_completed, wait
        from prefect.states import State

        order = []
        @task(task_run_name="{name}")
        def step(name, fail=False):
            order.append(name)
            if fail: raise ValueError(name)
            return name
        @task(task_run_name="pair-{x}")
        def pair(x, all): return (x, all)

        @flow(name="waiting")
        def waiting():
            first = step.submit("first")
            second = step.submit("second", wait_for=[first])
            third = step.submit("third", wait_for=[second])
            done, open_ = wait([first, second, third])
            assert (len(done), len(open_)) == (3, 0) and order == ["first", "second", "third"]
            failed = step.submit("failed", fail=True)
            never = step.submit("never", wait_for=[failed])
            after = step.submit("after", wait_for=[allow_failure(failed)])
            assert after.result() == "after"
            never.wait()
            assert (never.state.name, never.state.type) == ("NotReady", "PENDING"), never.state
            assert pair.map([1, 2], unmapped([7, 8])).result() == [(1, [7, 8]), (2, [7, 8])]
            assert {future.result() for future in as_completed([step.submit("x"), step.submit("y")])} == {"x", "y"}
            assert isinstance(step("s", return_state=True), State)
            return "done"

        waiting()
        """
    )
    run = podium.flow_run("waiting")
    tasks = podium.post("/task_runs/filter", {"task_runs": {"flow_run_id": {"any_": [run["id"]]}}})
    by_name = {task["name"]: task for task in tasks}
    assert by_name["third"]["task_inputs"]["wait_for"][0]["id"] == by_name["second"]["id"]
    assert by_name["after"]["task_inputs"]["wait_for"][0]["id"] == by_name["failed"]["id"]
    [never] = [task for task in tasks if task["state_name"] == "NotReady"]
    assert never["state_type"] == "PENDING"
    assert run["state_type"] == "COMPLETED"


def test_retries_delays_and_timeouts(podium: Podium) -> None:
    """Retries with delays, jitter, a backoff and a condition, and timeouts of tasks and flows, show in the states."""
    podium.run(
        """
        import asyncio, time
        from prefect import flow, task
        from prefect.tasks import exponential_backoff

        tries = []
        @task(task_run_name="jittered", retries=2, retry_delay_seconds=[0.1, 0.2], retry_jitter_factor=0.5)
        def jittered():
            tries.append(1)
            if len(tries) < 3: raise ValueError("again")
        @task(task_run_name="conditioned", retries=3, retry_condition_fn=lambda task, run, state: False)
        def conditioned(): raise ValueError("never again")
        @task(task_run_name="backing", retries=1, retry_delay_seconds=exponential_backoff(backoff_factor=0))
        def backing(): raise ValueError("for ever")
        @task(task_run_name="slow", timeout_seconds=0.2)
        def slow(): time.sleep(5)
        @task(task_run_name="slow-async", timeout_seconds=0.2)
        async def slow_async(): await asyncio.sleep(5)

        @flow(name="trying")
        def trying():
            jittered()
            return [conditioned(return_state=True), backing(return_state=True), slow(return_state=True)][:0]
        @flow(name="slow-flow", timeout_seconds=0.3, retries=1)
        async def slow_flow(): await slow_async(return_state=True); await asyncio.sleep(5)

        trying()
        assert asyncio.run(slow_flow(return_state=True)).name == "TimedOut"
        """
    )
    run = podium.flow_run("trying")
    tasks = podium.task_runs(run["id"], 4)
    ends = {name: (task["state_name"], task["run_count"]) for name, task in tasks.items()}
    assert ends == {
        "jittered": ("Completed", 3),
        "conditioned": ("Failed", 1),
        "backing": ("Failed", 2),
        "slow": ("TimedOut", 1),
    }
    states = podium.states(tasks["jittered"]["id"], "task_run")
    assert states == ["Pending", "Running", *["AwaitingRetry", "Retrying"] * 2, "Completed"]
    policy = tasks["jittered"]["empirical_policy"]
    assert (policy["retries"], policy["retry_jitter_factor"]) == (2, 0.5)
    timed_out = podium.flow_run("slow-flow")
    assert (timed_out["state_name"], timed_out["state_type"]) == ("TimedOut", "FAILED")


def test_names_parameters_and_what_is_refused(podium: Podium) -> None:
    """Names from templates and functions, validated and converted parameters; a wrong one fails the run."""
    podium.run(
        """
        from datetime import datetime, timezone
        from typing import Literal
        from pydantic import BaseModel
        from prefect import flow, runtime, task
        from prefect.exceptions import ParameterTypeError

        class Person(BaseModel):
            name: str
            age: int = 3

        @flow(name="typed", flow_run_name=lambda: f"for-{runtime.flow_run.parameters['who'].name}",
              description="what it does", version="2.1")
        def typed(who: Person, when: datetime, kind: Literal["a", "b"] = "a"):
            return who.age, when.year, named.with_options(task_run_name=lambda: "by-function")()
        @task
        def named(): return runtime.task_run.name

        assert typed({"name": "Ada", "age": "36"}, "2030-01-02T03:04:05Z") == (36, 2030, "by-function")
        state = typed({"name": "Bob", "age": "old"}, "2030-01-02T03:04:05Z", return_state=True)
        assert state.is_failed() and "who.age" in state.message, state
        try: typed({"age": 1})
        except TypeError: pass
        else: raise AssertionError("a parameter is missing")

        @flow(name="loose", validate_parameters=False)
        def loose(x: int): return x
        assert loose("text") == "text"
        """
    )
    runs = podium.flow_runs("typed")
    assert [(run["state_type"], run["flow_version"]) for run in runs][:2] == [("COMPLETED", "2.1"), ("FAILED", "2.1")]
    assert runs[0]["name"] == "for-Ada"
    assert runs[0]["parameters"]["who"] == {"name": "Ada", "age": "36"}


def test_caches(podium: Podium) -> None:
    """Cache policies, keys, expiry and refresh decide between Cached and Completed, also from one run to the next."""
    podium.run(
        """
        from datetime import timedelta
        from prefect import flow, task
        from prefect.cache_policies import INPUTS, NO_CACHE, RUN_ID, TASK_SOURCE

        calls = []
        def make(name, **options):
            @task(name=name, task_run_name=name, persist_result=True, **options)
            def work(x, y=0): calls.append(name); return x
            return work
        keyed = make("keyed", cache_key_fn=lambda context, parameters: f"key-{parameters['x']}")
        some = make("some", cache_policy=INPUTS - "y")
        per_run = make("per-run", cache_policy=RUN_ID + INPUTS)
        never = make("never", cache_policy=NO_CACHE)
        short = make("short", cache_policy=INPUTS, cache_expiration=timedelta(seconds=-1))
        fresh = make("fresh", cache_policy=INPUTS + TASK_SOURCE, refresh_cache=True)
        tasks = (keyed, some, per_run, never, short, fresh)

        @flow(name="caching")
        def caching(y):
            for work in tasks: assert work(1, y) == 1
            for work in tasks: assert work(1, y) == 1
        caching(1); caching(2)
        count = {work.name: calls.count(work.name) for work in tasks}
        assert count == {"keyed": 1, "some": 1, "per-run": 2, "never": 4, "short": 4, "fresh": 4}, count
        """
    )

    def cached(run: Any) -> list[str] | None:
        tasks = podium.post("/task_runs/filter", {"task_runs": {"flow_run_id": {"any_": [run["id"]]}}})
        ended = all(task["state_type"] == "COMPLETED" for task in tasks) and len(tasks) == 12
        return sorted(task["name"] for task in tasks if task["state_name"] == "Cached") if ended else None

    first, second = podium.flow_runs("caching")
    assert wait_for(lambda: cached(first)) == ["keyed", "per-run", "some"]
    assert wait_for(lambda: cached(second)) == ["keyed", "keyed", "per-run", "some", "some"]


def test_hooks(podium: Podium) -> None:
    """Hooks of flows and tasks are called with the run and the state that the server has accepted."""
    podium.run(
        """
        from prefect import flow, task
        from prefect.states import Cancelled

        seen = []
        def hook(name): return lambda what, run, state: seen.append((name, what.name, state.name))
        def hooks(*names): return {f"on_{name}": [hook(name)] for name in names}

        @task(name="task", **hooks("completion", "failure", "running"))
        def work(fail):
            if fail: raise ValueError()
        @flow(name="hooks", **hooks("completion", "failure", "running", "cancellation", "crashed"))
        def hooked(how):
            if how == "crash": raise KeyboardInterrupt()
            if how == "cancel": return Cancelled()
            work(how == "fail")

        hooked("well")
        assert seen == [("running", "hooks", "Running"), ("running", "task", "Running"),
                        ("completion", "task", "Completed"), ("completion", "hooks", "Completed")], seen
        seen.clear(); hooked("fail", return_state=True)
        assert seen[2:] == [("failure", "task", "Failed"), ("failure", "hooks", "Failed")], seen
        assert hooked("cancel", return_state=True).is_cancelled()
        seen.clear()
        try: hooked("crash")
        except KeyboardInterrupt: pass
        assert seen[1:] == [("crashed", "hooks", "Crashed")], seen
        """
    )
    assert [run["state_name"] for run in podium.flow_runs("hooks")] == ["Completed", "Failed", "Cancelled", "Crashed"]


def test_transactions_and_results(podium: Podium) -> None:
    """Transactions share values, keep results under their key and roll back; results are read where they are kept."""
    podium.run(
        """
        import json
        from pathlib import Path
        from prefect import flow, task
        from prefect.results import ResultStore
        from prefect.transactions import IsolationLevel, get_transaction, transaction

        seen = []
        @task
        def write(x): seen.append(f"write {x}"); return x
        @write.on_rollback
        def unwrite(txn): seen.append(f"undo {txn.get('path')}")
        @write.on_commit
        def written(txn): seen.append("commit")
        @flow(name="transacting")
        def transacting(fail):
            with transaction() as outer:
                outer.set("path", "here")
                write(1)
                assert get_transaction().get("path") == "here"
                if fail: raise ValueError("back")
        transacting(False)
        assert seen == ["write 1", "commit"], seen
        seen.clear(); transacting(True, return_state=True)
        assert seen == ["write 1", "undo here"], seen

        runs = []
        def once(store=ResultStore()):
            with transaction(key="only-once", store=store) as txn:
                if not txn.is_committed():
                    runs.append(1); txn.stage("made")
            return txn.read().result
        assert [once(), once()] == ["made", "made"] and len(runs) == 1

        @task(persist_result=True, result_serializer="json", result_storage_key="{parameters[x]}.json")
        def kept(x): return {"x": x}
        @flow(name="keeping", persist_result=True, result_serializer="pickle")
        def keeping(): return kept("one"), kept("two")
        state = keeping(return_state=True)
        assert state.result() == ({"x": "one"}, {"x": "two"})
        """
    )
    run = podium.flow_run("keeping")
    assert run["state"]["data"]["storage_key"]
    tasks = podium.task_runs(run["id"], 2).values()
    assert sorted(task["state"]["data"]["storage_key"].rsplit("/")[-1] for task in tasks) == ["one.json", "two.json"]


def test_states_of_ones_own(podium: Podium) -> None:
    """What a flow returns decides its state: states, lists of states, futures, failures."""
    podium.run(
        """
        from prefect import flow, get_client, task
        from prefect.states import AwaitingRetry, Completed, Crashed, Failed, Paused, Pending, Running, Scheduled

        @task(task_run_name="odd")
        def odd(): return Completed(name="Skipped", message="nothing to do")
        @task(task_run_name="bad")
        def bad(): return Failed(message="bad indeed")

        def of(make, **options):
            @flow(name="returning", **options)
            def returning(): return make()
            return returning(return_state=True)

        assert of(lambda: 1).name == "Completed"
        assert of(lambda: odd(return_state=True)).message == "All states completed."
        assert of(lambda: Completed(name="Skipped")).name == "Skipped"
        assert of(lambda: [odd(return_state=True), odd(return_state=True)]).type == "COMPLETED"
        failed = of(lambda: [odd(return_state=True), bad(return_state=True)])
        assert (failed.type, failed.message) == ("FAILED", "1/2 states failed."), failed
        assert of(lambda: bad.submit()).type == "FAILED"
        ended = of(lambda: Failed(message="mine"))
        assert (ended.name, ended.message) == ("Failed", "mine")
        with get_client(sync_client=True) as client:
            run = client.read_flow_runs(limit=1, sort="START_TIME_DESC")[0]
            assert run.state.message == "mine" and run.state.is_failed() and run.state.is_final()
        """
    )
    names = [run["state_name"] for run in podium.flow_runs("returning")]
    assert names == ["Completed", "Completed", "Skipped", "Completed", "Failed", "Failed", "Failed"]


def test_nested_subflows_and_runners(podium: Podium) -> None:
    """Subflows in subflows, in tasks and in threads have their parents on record; runners of every kind finish."""
    podium.run(
        """
        from prefect import flow, task
        from prefect.task_runners import ThreadPoolTaskRunner

        @flow(name="leaf", flow_run_name="leaf-{x}")
        def leaf(x): return x
        @task
        def through(x): return leaf(x)
        @flow(name="branch")
        def branch(): return leaf(1) + through(2)
        @flow(name="root", task_runner=ThreadPoolTaskRunner(max_workers=2))
        def root():
            futures = [through.submit(3), through.submit(4)]
            return branch() + sum(future.result() for future in futures)
        assert root() == 10
        """
    )
    root, branch = podium.flow_run("root"), podium.flow_run("branch")
    below = podium.post("/flow_runs/filter", {"flow_runs": {"parent_flow_run_id": {"any_": [root["id"]]}}})
    assert {run["name"] for run in below} >= {branch["name"], "leaf-3", "leaf-4"}
    below = podium.post("/flow_runs/filter", {"flow_runs": {"parent_flow_run_id": {"any_": [branch["id"]]}}})
    assert {run["name"] for run in below} == {"leaf-1", "leaf-2"}
    dependencies = podium.get(f"/flow_runs/{root['id']}/graph-v2")
    assert len(dependencies["nodes"]) >= 3
