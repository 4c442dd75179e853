"""Every noun of the SDK that is not a flow, a task or a deployment, and what flows do with each other."""

from threading import Thread

from tests.e2e.conftest import Podium, wait_for


def test_blocks_keep_secrets_and_each_other(podium: Podium) -> None:
    """Blocks are saved, loaded with their secrets and nested blocks, overwritten and deleted; they store results."""
    podium.run(
        """
        from prefect import flow, task
        from prefect.blocks.core import Block
        from prefect.blocks.notifications import SlackWebhook
        from prefect.blocks.system import Secret
        from prefect.filesystems import LocalFileSystem
        from pydantic import SecretStr

        class Key(Block):
            key: SecretStr

        class Door(Block):
            key: Key
            text: str = "t"

        def raises(kind, function, *arguments):
            try: function(*arguments)
            except kind as error: return str(error)
            raise AssertionError("nothing raised")

        key = Key(key="hush")
        key.save("front")
        Door(key=Key.load("front")).save("house")
        Door(key=Key(key="nameless")).save("shed")
        assert Door.load("house").key.key.get_secret_value() == "hush"
        assert Door.load("shed").key.key.get_secret_value() == "nameless"
        assert Block.load("door/house").text == "t"
        Key(key="changed").save("front", overwrite=True)
        assert Door.load("house").key.key.get_secret_value() == "changed"
        assert "already in use" in raises(ValueError, Key(key="x").save, "front")
        raises(ValueError, Key.load, "nowhere")

        Secret(value={"a": 1}).save("mine")
        assert Secret.load("mine").get() == {"a": 1}
        Secret(value="text").save("mine", overwrite=True)
        assert Secret.load("mine").get() == "text"
        Secret.delete("mine")
        raises(ValueError, Secret.load, "mine")
        SlackWebhook(url="https://hooks.slack.com/x").save("slack")
        assert SlackWebhook.load("slack").url.get_secret_value().endswith("/x")

        LocalFileSystem(basepath="results").save("results")
        @task(persist_result=True)
        def five(): return 5
        @flow(persist_result=True, result_storage="local-file-system/results")
        def stores(): return five()
        assert stores() == 5
        """
    )
    assert list((podium.home / "results").iterdir())
    listed = podium.post("/block_documents/filter", {"block_documents": {"name": {"any_": ["front"]}}})
    assert listed[0]["data"] == {"key": "********"}


def test_concurrency_and_rate_limits(podium: Podium) -> None:
    """`concurrency()` holds slots for as long as its block, `rate_limit()` spaces calls."""
    for limit in ({"name": "one", "limit": 1}, {"name": "rate", "limit": 2, "slot_decay_per_second": 2.0}):
        podium.post("/v2/concurrency_limits/", limit)
    podium.run(
        """
        import asyncio, os, threading, time
        import httpx
        from prefect.concurrency.asyncio import concurrency as async_concurrency
        from prefect.concurrency.sync import concurrency, rate_limit
        from prefect.concurrency._asyncio import AcquireConcurrencySlotTimeoutError, ConcurrencySlotAcquisitionError

        def limit(name, **changes):
            url = f"{os.environ['PREFECT_API_URL']}/v2/concurrency_limits/{name}"
            if changes: httpx.patch(url, json=changes).raise_for_status()
            return httpx.get(url).json()

        inside = []
        def hold():
            with concurrency("one"):
                assert limit("one")["active_slots"] == 1
                inside.append("in"); time.sleep(0.3); inside.append("out")
        threads = [threading.Thread(target=hold) for _ in range(2)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert inside == ["in", "out", "in", "out"], inside
        assert limit("one")["active_slots"] == 0

        with concurrency("one"):
            try:
                with concurrency("one", timeout_seconds=0.5): raise AssertionError("two slots of one")
            except AcquireConcurrencySlotTimeoutError: pass
        with concurrency("unknown"): pass
        try:
            with concurrency("unknown", strict=True): raise AssertionError("a slot of a limit that is not there")
        except ConcurrencySlotAcquisitionError: pass
        limit("one", active=False)
        with concurrency("one", occupy=5): pass
        limit("one", active=True)
        async def hold_async():
            async with async_concurrency("one"): assert limit("one")["active_slots"] == 1
        asyncio.run(hold_async())

        started = time.monotonic()
        for _ in range(4): rate_limit("rate")
        assert 0.5 < time.monotonic() - started < 10
        try:
            rate_limit("one")
            raise AssertionError("a rate of a limit without decay")
        except ConcurrencySlotAcquisitionError: pass
        """
    )


def test_limits_of_tags(podium: Podium) -> None:
    """Of the tasks with a tag no more run at once than its limit says."""
    podium.post("/concurrency_limits/", {"tag": "narrow", "concurrency_limit": 1})
    podium.run(
        """
        import time
        from prefect import flow, task
        from prefect.task_runners import ThreadPoolTaskRunner

        running, most = [], []
        @task(tags=["narrow"])
        def narrow(number):
            running.append(number); most.append(len(running)); time.sleep(0.1); running.pop()
        @flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
        def tagged(): narrow.map([1, 2]).wait()
        tagged()
        assert most == [1, 1], most
        """
    )
    assert podium.get("/concurrency_limits/tag/narrow")["active_slots"] == []


def test_automations(podium: Podium) -> None:
    """Automations of every kind of trigger are created, read, changed, switched off and on, and deleted."""
    podium.run(
        """
        from uuid import uuid4
        from prefect.automations import Automation
        from prefect.events.actions import CancelFlowRun, DoNothing, RunDeployment, SuspendFlowRun
        from prefect.events.schemas.automations import CompoundTrigger, EventTrigger, SequenceTrigger

        one = EventTrigger(expect={"animal.walked"}, match={"genus": "Canis"}, threshold=3, within=10)
        late = EventTrigger(expect={"beat"}, after={"start"}, for_each=["prefect.resource.id"], posture="Proactive",
                            within=30)
        made = Automation(name="dogs", description="d", tags=["x"], trigger=one, actions=[CancelFlowRun()]).create()
        for name, trigger in (
            ("late", late),
            ("both", CompoundTrigger(require="all", within=60, triggers=[one, EventTrigger(expect={"b"})])),
            ("order", SequenceTrigger(within=60, triggers=[one, EventTrigger(expect={"b"})])),
        ):
            Automation(name=name, trigger=trigger, actions=[DoNothing()], actions_on_resolve=[SuspendFlowRun()],
                       enabled=False).create()
            again = Automation.read(name=name)
            assert (again.enabled, again.trigger.within, again.actions_on_resolve) == (
                False, trigger.within, [SuspendFlowRun()])
        again = Automation.read(name="dogs")
        assert again.trigger.match.root == {"genus": "Canis"}
        assert (again.trigger.threshold, again.actions) == (3, [CancelFlowRun()])
        again.name, again.description = "cats", "changed"
        again.update()
        again = Automation.read(id=made.id)
        assert (again.name, again.description) == ("cats", "changed")
        again.disable()
        assert not Automation.read(id=made.id).enabled
        again.enable()
        assert Automation.read(id=made.id).enabled
        again.delete()
        for wanted in ({"id": made.id}, {"name": "cats"}):
            try: Automation.read(**wanted)
            except ValueError: pass
            else: raise AssertionError(wanted)
        """
    )


def test_results_of_listed_runs(podium: Podium) -> None:
    """Runs in a list know where their results are; a parent that runs again takes up its finished subflow."""
    podium.run(
        """
        from prefect import flow, get_client, task
        from prefect.client.schemas.filters import FlowFilter
        from prefect.context import get_run_context

        calls = []
        @task(persist_result=True, task_run_name="answering")
        def answer(): return 42
        @flow(name="asked", persist_result=True)
        def asked():
            calls.append(1)
            return answer()
        @flow(name="asking", retries=1, persist_result=True)
        def asking():
            found = asked()
            if get_run_context().flow_run.run_count == 1: raise ValueError("once more")
            return found
        assert asking() == 42
        assert len(calls) == 1, "the finished subflow ran again"
        with get_client(sync_client=True) as client:
            runs = client.read_flow_runs(flow_filter=FlowFilter(name={"any_": ["asked", "asking"]}))
        assert [run.state.result() for run in runs] == [42, 42]
        """
    )
    [answering] = podium.task_runs(podium.flow_run("asked")["id"], 1).values()
    listed = podium.post("/task_runs/filter", {"task_runs": {"name": {"any_": ["answering"]}}})
    assert [run["state"]["data"] for run in listed] == [answering["state"]["data"]] != [None]


def test_what_flows_may_be(podium: Podium) -> None:
    """Async flows, timeouts, nested tags, the context of a run, odd values."""
    podium.run(
        """
        import asyncio, time
        from prefect import flow, runtime, tags, task

        @task
        async def element(x): return x
        @flow
        async def inner(x): return await element(x)
        @flow
        async def outer(): return await asyncio.gather(*[inner(x) for x in range(2)])
        assert asyncio.run(outer()) == [0, 1]

        @flow(name="slow", timeout_seconds=0.2)
        def slow(): time.sleep(5)
        assert slow(return_state=True).name == "TimedOut"

        @task(tags=["task"])
        def task_tags(): return sorted(runtime.task_run.tags)
        @flow
        def subflow_tags(): return sorted(runtime.flow_run.tags)
        @flow
        def tagged():
            with tags("inner"): return task_tags(), subflow_tags()
        with tags("outer"): assert tagged() == (["inner", "outer", "task"], ["inner", "outer"])

        @flow(flow_run_name="run-of-{x}")
        def context(x): return runtime.flow_run.name, runtime.flow_run.parameters, runtime.flow_run.run_count
        assert context(3) == ("run-of-3", {"x": 3}, 1)

        @flow(name="odd", log_prints=True)
        def odd(x, y=None): print("a NUL: \\x00, and then more"); print("x" * 50_000)
        with tags("a/b c"):
            odd("\\u2028 \\x01 ' \\"", {"a": [1, {"b": float("inf")}]})
            odd(list(range(20_000)))
        """
    )
    assert [run["state_name"] for run in podium.flow_runs("odd")] == ["Completed", "Completed"]
    assert len(podium.flow_runs("odd")[1]["parameters"]["x"]) == 20_000
    assert podium.flow_run("slow")["state_name"] == "TimedOut"


def test_how_flows_end(podium: Podium) -> None:
    """States of one's own, hooks, and transactions that are rolled back."""
    podium.run(
        """
        from prefect import flow, task
        from prefect.states import Cancelled, Completed, Failed
        from prefect.transactions import transaction

        @flow
        def ends(index): return states[index]
        states = (Completed(name="Splendid"), Failed(message="f"), Cancelled(message="c"))
        for index, state in enumerate(states):
            ended = ends(index, return_state=True)
            assert (ended.type, ended.name, ended.message) == (state.type, state.name, state.message)

        log = []
        @flow(on_running=[lambda *_: log.append("running")], on_failure=[lambda *_: log.append("failed")])
        def hooked(): raise ValueError()
        hooked(return_state=True)
        assert log == ["running", "failed"]

        kept = []
        @task
        def write(x): kept.append(x)
        @write.on_rollback
        def undo(txn): kept.append("undone")
        @flow
        def transacting():
            with transaction():
                write("a")
                raise ValueError("back")
        transacting(return_state=True)
        assert kept == ["a", "undone"], kept
        """
    )


def test_input_for_a_running_flow(podium: Podium) -> None:
    """A flow receives typed input and plain values that others send it while it runs, each once and in order."""
    printed: list[str] = []
    receiver = Thread(
        target=lambda: printed.append(
            podium.run(
                """
                from prefect import flow
                from prefect.input import RunInput, receive_input

                class Number(RunInput):
                    n: int

                @flow(name="receiving")
                def receiving():
                    numbers = []
                    for number in Number.receive(timeout=30, poll_interval=0.2):
                        numbers.append(number.n)
                        if len(numbers) == 3: break
                    for text in receive_input(str, timeout=30, poll_interval=0.2):
                        return numbers, text

                print("received", receiving())
                """
            )
        )
    )
    receiver.start()
    wait_for(lambda: any(run["state_type"] == "RUNNING" for run in podium.flow_runs("receiving")), 30)
    podium.run(
        """
        import sys
        from uuid import UUID
        from prefect.input import RunInput, send_input

        class Number(RunInput):
            n: int

        run = UUID(sys.argv[1])
        for n in range(3): Number(n=n).send_to(run)
        send_input("enough", flow_run_id=run)
        """,
        podium.flow_run("receiving")["id"],
    )
    receiver.join(40)
    assert "received ([0, 1, 2], 'enough')" in printed[0]


def test_own_events(podium: Podium) -> None:
    """Events of one's own are stored with resource, payload, related resources and what they follow."""
    podium.run(
        """
        from prefect.events import emit_event
        related = [{"prefect.resource.id": "owner.1", "prefect.resource.role": "owner"}]
        first = emit_event("own.first", {"prefect.resource.id": "thing.1"}, payload={"a": [1]}, related=related)
        emit_event("own.second", {"prefect.resource.id": "thing.1", "colour": "red"}, follows=first)
        """
    )

    def stored() -> dict[str, dict[str, object]] | None:
        found = podium.post("/events/filter", {"filter": {"event": {"prefix": ["own."]}}})["events"]
        return {event["event"]: event for event in found} if len(found) == 2 else None

    events = wait_for(stored, 10)
    first, second = events["own.first"], events["own.second"]
    assert first["payload"] == {"a": [1]}
    assert first["related"][0]["prefect.resource.id"] == "owner.1"
    assert second["follows"] == first["id"]
    assert second["resource"]["colour"] == "red"
