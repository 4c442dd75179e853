"""The nouns beside flows and tasks, made, read, changed and deleted with the client's own functions."""

from tests.e2e.conftest import Podium


def test_artifacts_of_every_kind(podium: Podium) -> None:
    """Links, markdown, tables, images and progress are kept with their task, read latest first, changed and deleted."""
    podium.run(
        """
        import asyncio
        from prefect import flow, get_client, task
        from prefect.artifacts import (Artifact, acreate_link_artifact, create_image_artifact, create_link_artifact,
            create_markdown_artifact, create_progress_artifact, create_table_artifact, update_progress_artifact)
        from prefect.client.schemas.filters import ArtifactCollectionFilter, ArtifactFilter

        @task
        def makes():
            create_link_artifact("https://example.org/a", link_text="there", key="a-link", description="d")
            create_table_artifact([{"x": 1, "y": None}, {"x": 2, "y": float("nan")}], key="a-table")
            create_table_artifact({"x": [1, 2]}, key="a-table")
            create_image_artifact("https://example.org/i.png", key="an-image")
            create_markdown_artifact("# one", key="a-note")
            number = create_progress_artifact(10.0, key="a-progress")
            update_progress_artifact(number, 55.5)
            create_markdown_artifact("nameless")
        @flow(name="artist")
        def artist():
            makes()
            create_markdown_artifact("# two", key="a-note")
        artist()

        latest = Artifact.get("a-note")
        assert (latest.data, latest.type) == ("# two", "markdown")
        assert Artifact.get("a-progress").data == 55.5
        assert Artifact.get("none") is None
        made, new = Artifact.get_or_create("a-note", data="# three")
        assert (made.data, new) == ("# two", False)
        made, new = Artifact.get_or_create("fresh", data="x", type="markdown")
        assert new and Artifact.get("fresh").id == made.id
        keys = lambda found: sorted(each.key or "" for each in found)
        with get_client(sync_client=True) as client:
            run = client.read_flow_runs(limit=1)[0]
            own = client.read_artifacts(artifact_filter=ArtifactFilter(flow_run_id={"any_": [run.id]}))
            assert keys(own) == ["", "a-link", "a-note", "a-note", "a-progress", "a-table", "a-table", "an-image"]
            assert all(each.task_run_id for each in own if each.key != "a-note")
            tables = ArtifactFilter(type={"any_": ["table"]}, key={"like_": "a-t"})
            assert keys(client.read_artifacts(artifact_filter=tables)) == ["a-table"] * 2
            kept = ArtifactCollectionFilter(key={"exists_": True}, flow_run_id={"any_": [run.id]})
            newest = client.read_latest_artifacts(artifact_filter=kept, sort="KEY_ASC")
            assert keys(newest) == ["a-link", "a-note", "a-progress", "a-table", "an-image"]
            client.delete_artifact(latest.id)
        assert Artifact.get("a-note").data == "# one"
        """
    )
    assert podium.get("/artifacts/a-link/latest")["description"] == "d"


def test_variables_of_every_type(podium: Podium) -> None:
    """Variables hold any JSON, are filtered by name and tag, and are awaited, overwritten and removed."""
    podium.run(
        """
        import asyncio
        from prefect import get_client
        from prefect.client.schemas.filters import VariableFilter
        from prefect.variables import Variable

        for name, value in {"text": "a", "whole": 3, "real": 1.5, "yes": True, "none": None, "many": [1, [2]],
                            "nested": {"a": {"b": [None]}}}.items():
            Variable.set(f"v_{name}", value, tags=["v", name])
            assert Variable.get(f"v_{name}", default="missing") == value, name
        try: Variable.set("v_text", "b")
        except ValueError: pass
        else: raise AssertionError("it was there")
        Variable.set("v_text", "b", tags=["changed"], overwrite=True)
        async def later():
            assert await Variable.aget("v_text") == "b"
            await Variable.aset("v_async", {"x": 1})
            assert await Variable.aunset("v_async") is True
            assert await Variable.aunset("v_async") is False
            async with get_client() as client:
                assert (await client.read_variable_by_name("v_text")).tags == ["changed"]
                assert await client.read_variable_by_name("nowhere") is None
                assert len(await client.read_variables(limit=3)) == 3
        asyncio.run(later())
        try: Variable.set("Not A Name!", 1)
        except Exception: pass
        else: raise AssertionError("a name with blanks")
        """
    )
    found = podium.post("/variables/filter", {"variables": {"tags": {"all_": ["v", "whole"]}}})
    assert [(variable["name"], variable["value"]) for variable in found] == [("v_whole", 3)]


def test_limits_by_hand(podium: Podium) -> None:
    """Global limits and limits of tags are made, upserted, taken from, given back, listed and deleted."""
    podium.run(
        """
        import asyncio
        from prefect import get_client
        from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
        from prefect.concurrency.asyncio import concurrency, rate_limit
        from prefect.exceptions import ObjectNotFound

        async def main():
            async with get_client() as client:
                await client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="g", limit=2))
                await client.upsert_global_concurrency_limit_by_name("g", 3)
                await client.upsert_global_concurrency_limit_by_name("h", 1)
                await client.update_global_concurrency_limit("h", GlobalConcurrencyLimitUpdate(slot_decay_per_second=9))
                named = {each.name: each for each in await client.read_global_concurrency_limits()}
                assert (named["g"].limit, named["h"].slot_decay_per_second) == (3, 9.0)
                async with concurrency("g", occupy=2):
                    assert (await client.read_global_concurrency_limit_by_name("g")).active_slots == 2
                    async with concurrency(["g", "h"], occupy=1, timeout_seconds=10): pass
                assert (await client.read_global_concurrency_limit_by_name("g")).active_slots == 0
                await rate_limit("h")
                answer = await client.increment_concurrency_slots(["g"], 2, "concurrency")
                assert [each["name"] for each in answer.json()] == ["g"]
                await client.release_concurrency_slots(["g"], 2, 0.1)
                for name in ("g", "h"): await client.delete_global_concurrency_limit_by_name(name)
                try: await client.read_global_concurrency_limit_by_name("g")
                except ObjectNotFound: pass
                else: raise AssertionError("it is deleted")

                await client.create_concurrency_limit("tagged", 2)
                assert (await client.read_concurrency_limit_by_tag("tagged")).concurrency_limit == 2
                await client.reset_concurrency_limit_by_tag("tagged")
                assert [each.tag for each in await client.read_concurrency_limits(limit=10, offset=0)] == ["tagged"]
                await client.delete_concurrency_limit_by_tag("tagged")
                assert await client.read_concurrency_limits(limit=10, offset=0) == []
        asyncio.run(main())
        """
    )


def test_pools_queues_and_workers(podium: Podium) -> None:
    """Pools and queues are made and changed, workers report themselves, and what is due is told with its queue."""
    podium.run(
        """
        import asyncio
        from datetime import datetime, timedelta, timezone
        from prefect import flow, get_client
        from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
        from prefect.client.schemas.filters import WorkPoolFilter, WorkQueueFilter, WorkerFilter
        from prefect.states import Scheduled

        async def main():
            async with get_client() as client:
                pool = await client.create_work_pool(WorkPoolCreate(name="hands", type="process", concurrency_limit=4))
                again = await client.create_work_pool(WorkPoolCreate(name="hands", type="process"), overwrite=True)
                assert again.id == pool.id
                await client.update_work_pool("hands", WorkPoolUpdate(description="x", is_paused=True))
                read = await client.read_work_pool("hands")
                assert (read.description, read.is_paused, read.status.value) == ("x", True, "PAUSED")
                await client.update_work_pool("hands", WorkPoolUpdate(is_paused=False))
                queue = await client.create_work_queue("left", work_pool_name="hands", priority=5, concurrency_limit=1)
                await client.update_work_queue(queue.id, description="the left one")
                queue = await client.read_work_queue_by_name("left", work_pool_name="hands")
                assert (queue.description, queue.priority) == ("the left one", 5)
                assert (await client.read_work_queue(queue.id)).name == "left"
                assert (await client.read_work_queue_status(queue.id)).healthy in (True, False)
                named = await client.read_work_queues("hands", WorkQueueFilter(name={"startswith_": ["le"]}))
                assert [each.name for each in named] == ["left"]
                matched = await client.match_work_queues(["lef"], work_pool_name="hands")
                assert [each.name for each in matched] == ["left"]
                chosen = WorkPoolFilter(type={"any_": ["process"]})
                assert "hands" in {each.name for each in await client.read_work_pools(work_pool_filter=chosen)}

                flow_id = await client.create_flow_from_name("handed")
                deployment = await client.create_deployment(flow_id, "by-hand", work_pool_name="hands",
                    work_queue_name="left", tags=["d"], parameters={"x": 1}, job_variables={"env": {"A": "1"}})
                due = datetime.now(timezone.utc) - timedelta(seconds=5)
                run = await client.create_flow_run_from_deployment(deployment, state=Scheduled(scheduled_time=due))
                await client.send_worker_heartbeat("hands", "thumb", heartbeat_interval_seconds=30)
                workers = await client.read_workers_for_work_pool("hands", WorkerFilter(status={"any_": ["ONLINE"]}))
                assert [each.name for each in workers] == ["thumb"]
                [given] = await client.get_scheduled_flow_runs_for_work_pool(
                    "hands", ["left"], scheduled_before=due + timedelta(1))
                assert (given.flow_run.id, given.work_queue_id) == (run.id, queue.id)
                assert [each.id for each in await client.get_runs_in_work_queue(queue.id)] == [run.id]
                served = await client.get_scheduled_flow_runs_for_deployments([deployment])
                assert [each.id for each in served] == [run.id]
                assert (await client.read_work_pool("hands")).status.value == "READY"
                await client.delete_work_queue_by_id(queue.id)
                await client.delete_work_pool("hands")
                assert "hands" not in {each.name for each in await client.read_work_pools()}
                assert (await client.read_deployment(deployment)).work_pool_name is None
        asyncio.run(main())
        """
    )


def test_deployments_by_hand(podium: Podium) -> None:
    """Deployments are made, found by name, tag and flow, paused, rescheduled, changed and deleted."""
    podium.run(
        """
        from datetime import timedelta
        from prefect import get_client
        from prefect.client.schemas.actions import DeploymentUpdate
        from prefect.client.schemas.filters import DeploymentFilter, FlowFilter
        from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
        from prefect.exceptions import ObjectNotFound

        with get_client(sync_client=True) as client:
            flow_id = client.create_flow_from_name("deployed-by-hand")
            made = [client.create_deployment(flow_id, name, tags=[name], description=name) for name in "ab"]
            client.create_deployment_schedules(made[0], [
                (CronSchedule(cron="0 4 * * *", timezone="Europe/Paris", day_or=False), True),
                (IntervalSchedule(interval=timedelta(hours=1)), False),
                (RRuleSchedule(rrule="FREQ=DAILY"), True)])
            schedules = client.read_deployment_schedules(made[0])
            assert len(schedules) == 3 and sum(each.active for each in schedules) == 2
            client.update_deployment_schedule(made[0], schedules[0].id, active=False)
            client.delete_deployment_schedule(made[0], schedules[1].id)
            left = {each.id: each.active for each in client.read_deployment_schedules(made[0])}
            assert left.get(schedules[0].id) is False and schedules[1].id not in left
            client.pause_deployment(made[0]); assert client.read_deployment(made[0]).paused
            client.resume_deployment(made[0]); assert not client.read_deployment(made[0]).paused
            update = DeploymentUpdate(description="changed", parameters={"y": 2}, tags=["new"])
            client.update_deployment(made[1], update)
            changed = client.read_deployment_by_name("deployed-by-hand/b")
            assert (changed.description, changed.parameters, changed.tags) == ("changed", {"y": 2}, ["new"])
            def names(**conditions):
                return [each.name for each in client.read_deployments(
                    flow_filter=FlowFilter(name={"any_": ["deployed-by-hand"]}),
                    deployment_filter=DeploymentFilter(**conditions), sort="NAME_ASC")]
            assert names() == ["a", "b"] == names(id={"any_": made})
            assert names(tags={"all_": ["new"]}) == names(name={"like_": "B"}) == ["b"]
            client.delete_deployment(made[1])
            assert names() == ["a"]
            for what in (lambda: client.read_deployment(made[1]), lambda: client.read_deployment_by_name("no/no")):
                try: what()
                except ObjectNotFound: pass
                else: raise AssertionError("it is not there")
        """
    )


def test_automations_of_resources(podium: Podium) -> None:
    """Automations are listed, found by name and by the resource they are about, changed, switched off and deleted."""
    podium.run(
        """
        import asyncio
        from prefect import get_client
        from prefect.events.actions import DoNothing, PauseDeployment
        from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

        async def main():
            async with get_client() as client:
                trigger = EventTrigger(expect={"please.pause"}, posture=Posture.Reactive, threshold=1)
                automation = AutomationCore(name="listed", trigger=trigger, actions=[DoNothing()])
                number = await client.create_automation(automation)
                assert [each.id for each in await client.read_automations_by_name("listed")] == [number]
                await client.pause_automation(number)
                assert (await client.read_automation(number)).enabled is False
                await client.resume_automation(number)
                whole = {**automation.model_dump(), "description": "changed", "actions": [
                    PauseDeployment(type="pause-deployment", source="inferred").model_dump()]}
                await client.update_automation(number, AutomationCore(**whole))
                read = await client.read_automation(number)
                assert (read.description, read.actions[0].type, read.enabled) == ("changed", "pause-deployment", True)
                assert [each.id for each in await client.read_automations()] == [number]
                assert (await client.find_automation("listed")).id == number
                await client.delete_automation(number)
                assert await client.read_automations_by_name("listed") == []
                assert await client.read_automations() == []
        asyncio.run(main())
        """
    )


def test_events_are_read_back(podium: Podium) -> None:
    """What runs and automations emit can be asked for by name, resource and time, page by page."""
    podium.run(
        """
        import asyncio, time
        from datetime import datetime, timedelta, timezone
        from prefect import flow, get_client
        from prefect.events import emit_event
        from prefect.events.filters import (EventFilter, EventNameFilter, EventOccurredFilter, EventOrder,
                                            EventResourceFilter)

        @flow(name="emitting")
        def emitting():
            for number in range(7):
                emit_event("read.back", {"prefect.resource.id": f"n.{number}"}, payload={"n": number})
        emitting()
        now = datetime.now(timezone.utc)
        chosen = dict(occurred=EventOccurredFilter(since=now - timedelta(hours=1), until=now + timedelta(hours=1)))
        names = lambda *prefix: EventNameFilter(prefix=list(prefix))
        with get_client(sync_client=True) as client:
            for _ in range(100):
                page = client.read_events(EventFilter(event=names("read."), order=EventOrder.ASC, **chosen), limit=5)
                if page.total == 7: break
                time.sleep(0.1)
            assert [event.payload["n"] for event in page.events] == [0, 1, 2, 3, 4]
            page = client.read_events_page(page.next_page)
            assert [event.payload["n"] for event in page.events] == [5, 6] and page.next_page is None
            one = EventFilter(event=names("read."), resource=EventResourceFilter(id=["n.3"]), **chosen)
            [event] = client.read_events(one, limit=50).events
            roles = {each.role for each in event.related}
            assert {"flow-run", "flow"} <= roles, roles
            for _ in range(100):
                states = client.read_events(EventFilter(event=names("prefect.flow-run."), **chosen), limit=50).events
                if {"prefect.flow-run.Completed"} <= {each.event for each in states}: break
                time.sleep(0.1)
            assert {"prefect.flow-run.Pending", "prefect.flow-run.Running"} <= {each.event for each in states}
        """
    )


def test_inputs_of_a_run(podium: Podium) -> None:
    """Inputs of a run are made, read, filtered and deleted by key."""
    podium.run(
        """
        import asyncio
        from prefect import flow, get_client
        from prefect.input import (create_flow_run_input, delete_flow_run_input, filter_flow_run_input,
                                   read_flow_run_input)

        @flow(name="has-inputs")
        def has_inputs():
            create_flow_run_input("one-a", {"a": 1})
            create_flow_run_input("one-b", [1, None, "x"])
            create_flow_run_input("two", "text")
            assert read_flow_run_input("one-a") == {"a": 1} and read_flow_run_input("one-b") == [1, None, "x"]
            assert read_flow_run_input("none") is None
            assert sorted(each.key for each in filter_flow_run_input("one", limit=9)) == ["one-a", "one-b"]
            assert [each.key for each in filter_flow_run_input("one", 9, exclude_keys={"one-a"})] == ["one-b"]
            delete_flow_run_input("one-a")
            assert sorted(each.key for each in filter_flow_run_input("", limit=9)) == ["one-b", "two"]
        has_inputs()
        """
    )
    run = podium.flow_run("has-inputs")
    assert podium.api.get(f"/flow_runs/{run['id']}/input/one-a").status_code == 404
    assert podium.get(f"/flow_runs/{run['id']}/input/two") == "text"
