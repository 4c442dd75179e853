"""Every listing, inspecting and managing command of the `prefect` CLI."""

from tests.e2e.conftest import PREFECT, Podium

WORK = """
from prefect import flow

@flow(name="work", log_prints=True)
def work(seconds: float = 0.0, name: str = "nobody"):
    print("hello", name)
"""


def test_flows_and_runs(podium: Podium) -> None:
    """`flow`, `flow-run` and `task-run` list, filter, inspect, show logs from both ends, and delete."""
    podium.console(
        """
        import json
        from prefect import flow, task

        @task(task_run_name="one-run")
        def one(): return 1

        @flow(name="listed", flow_run_name="listed-run", log_prints=True)
        def listed():
            print("line one"); print("line two"); print("line three")
            one()

        @flow(name="broken", flow_run_name="broken-run")
        def broken(): raise ValueError("broken indeed")

        listed()
        broken(return_state=True)
        has(prefect("flow ls"), "listed", "broken")
        has(prefect("flow-run ls"), "listed-run", "broken-run", "COMPLETED", "FAILED")
        assert "broken-run" not in prefect("flow-run ls --flow-name listed")
        assert "listed-run" not in prefect("flow-run ls --state FAILED")
        runs = {run["name"]: run for run in json.loads(prefect("flow-run ls -o json"))}
        good, bad = runs["listed-run"]["id"], runs["broken-run"]["id"]
        has(prefect(f"flow-run inspect {good}"), "listed-run", "Completed")
        assert json.loads(prefect(f"flow-run inspect {bad} -o json"))["state"]["name"] == "Failed"
        has(prefect(f"flow-run watch {good}"), "already finished")
        has(prefect(f"flow-run cancel {good}", code=1), "unable to be cancelled")
        has(prefect(f"flow-run retry {bad}", code=1), "does not have an associated deployment")

        import time
        for _ in range(50):
            if "one-run" in prefect("task-run ls") and "Finished" in prefect(f"flow-run logs {good}"): break
            time.sleep(0.1)
        logs = prefect(f"flow-run logs {good}")
        assert logs.index("line one") < logs.index("line two") < logs.index("line three")
        head = prefect(f"flow-run logs {good} --head -n 4")
        assert "line two" in head and "Finished" not in head
        assert "Finished in state" in prefect(f"flow-run logs {good} --tail -n 1")
        backwards = prefect(f"flow-run logs {good} --reverse")
        assert backwards.index("line three") < backwards.index("line two")

        has(prefect("task-run ls --state-type COMPLETED"), "one-run")
        from prefect.client.orchestration import get_client
        with get_client(sync_client=True) as client:
            task_run = client.read_task_runs()[0].id
        has(prefect(f"task-run inspect {task_run}"), "one-run")
        has(prefect(f"task-run logs {task_run}"), "Finished in state Completed")

        prefect(f"flow-run delete {good}")
        has(prefect(f"flow-run logs {good}", code=1), "not found")
        for command in ("flow-run logs", "flow-run cancel", "flow-run delete", "task-run inspect"):
            has(prefect(f"{command} 00000000-0000-0000-0000-000000000000", code=1), "not found")
        """
    )


def test_concurrency_limits(podium: Podium) -> None:
    """`global-concurrency-limit` and `concurrency-limit` create, list, inspect, change, reset and delete."""
    podium.console(
        """
        import json

        has(prefect("gcl ls"), "No global concurrency limits")
        prefect("gcl create db --limit 2 --slot-decay-per-second 0.5")
        has(prefect("gcl create db --limit 3", code=1), "already exists")
        assert json.loads(prefect("gcl ls -o json"))[0]["slot_decay_per_second"] == 0.5
        prefect("gcl update db --limit 7")
        prefect("gcl update db --slot-decay-per-second 2 --active-slots 1")
        prefect("gcl disable db")
        prefect("gcl disable db", code=1)
        shown = json.loads(prefect("gcl inspect db -o json"))
        assert (shown["limit"], shown["slot_decay_per_second"], shown["active"]) == (7, 2.0, False)
        prefect("gcl enable db")
        prefect("gcl enable db", code=1)
        for command in ("inspect", "delete", "enable"):
            has(prefect(f"gcl {command} none", code=1), "not found")
        prefect("gcl delete db")

        prefect("concurrency-limit create small 2")
        prefect("concurrency-limit create small 3")
        has(prefect("concurrency-limit ls"), "small", "3")
        shown = json.loads(prefect("concurrency-limit inspect small -o json"))
        assert (shown["tag"], shown["concurrency_limit"], shown["active_slots"]) == ("small", 3, [])
        prefect("concurrency-limit reset small")
        prefect("concurrency-limit delete small")
        for command in ("inspect", "delete", "reset"):
            has(prefect(f"concurrency-limit {command} small", code=1), "small")
        """
    )


def test_variables_and_artifacts(podium: Podium) -> None:
    """`variable` and `artifact` list, show and remove what there is, and say what there is not."""
    podium.console(
        """
        import json
        from prefect.artifacts import create_markdown_artifact, create_table_artifact

        prefect("variable set number 1")
        has(prefect("variable set number 2", code=1), "already exists")
        prefect("variable set number 3 --overwrite")
        prefect("variable set town Oslo --tag north --tag cold")
        prefect("variable set nested", '{"a": [1, null, true]}')
        assert prefect("variable get number").strip() == "3"
        assert json.loads(prefect("variable inspect nested -o json"))["value"] == {"a": [1, None, True]}
        has(prefect("variable ls"), "number", "town", "nested")
        prefect("variable unset town")
        for command in ("unset", "get", "inspect"):
            has(prefect(f"variable {command} town", code=1), "not found")

        create_markdown_artifact("# first", key="notes", description="one")
        create_markdown_artifact("# second", key="notes")
        create_table_artifact([{"a": 1, "b": None}], key="table")
        has(prefect("artifact ls"), "notes", "table")
        versions = json.loads(prefect("artifact inspect notes -o json"))
        assert [version["data"] for version in versions] == ["# second", "# first"]
        has(prefect("artifact inspect none", code=1), "not found")
        prefect("artifact delete notes")
        has(prefect("artifact delete notes", code=1), "notes")
        prefect(f"artifact delete --id {json.loads(prefect('artifact inspect table -o json'))[0]['id']}")
        has(prefect("artifact inspect table", code=1), "not found")
        """
    )


def test_blocks(podium: Podium) -> None:
    """`block` registers own types, lists and inspects types and documents with secrets masked, and deletes them."""
    podium.console(
        """
        from pathlib import Path
        Path("own_blocks.py").write_text('''
        from prefect.blocks.core import Block
        from pydantic import SecretStr

        class Inner(Block):
            _block_type_name = "Inner Thing"
            key: SecretStr

        class Outer(Block):
            _description = "holds another"
            inner: Inner
        '''.replace("\\n        ", "\\n"))
        has(prefect("block register -f own_blocks.py"), "Inner Thing", "Outer")
        prefect("block register -f own_blocks.py")
        has(prefect("block register -m prefect.blocks.system"), "Secret")
        has(prefect("block type ls"), "secret", "slack-webhook", "inner-thing", "outer")
        has(prefect("block type inspect outer"), "holds another", "inner")

        from own_blocks import Inner, Outer
        Outer(inner=Inner(key="canary-key")).save("one")
        from prefect.blocks.system import Secret
        Secret(value="canary-secret").save("mine")
        has(prefect("block ls"), "secret/mine", "outer/one")
        for name in ("secret/mine", "outer/one"):
            shown = prefect(f"block inspect {name}")
            assert "canary" not in shown and "***" in shown, shown
        prefect("block delete secret/mine")
        has(prefect("block delete secret/mine", code=1), "not found")
        has(prefect("block type delete secret", code=1), "is a protected block")
        prefect("block type delete outer")
        has(prefect("block type inspect outer", code=1), "not found")
        assert "outer/one" not in prefect("block ls")
        """
    )


def test_work_pools_and_queues(podium: Podium) -> None:
    """`work-pool` and `work-queue` create, list, change, limit, pause, preview and delete."""
    podium.console(
        """
        import json

        prefect("work-pool create managed --type process")
        has(prefect("work-pool create managed --type process", code=1), "already exists")
        prefect("work-pool create paused --type process --paused")
        has(prefect("work-pool create odd --type nonsense", code=1), "Unknown work pool type")
        has(prefect("work-pool ls"), "managed", "paused")
        prefect("work-pool update managed --description hello --concurrency-limit 5")
        prefect("work-pool pause managed")
        shown = json.loads(prefect("work-pool inspect managed -o json"))
        assert (shown["description"], shown["concurrency_limit"], shown["active_slots"]) == ("hello", 5, 0)
        assert (shown["is_paused"], shown["status"]) == (True, "PAUSED")
        prefect("work-pool resume managed")
        prefect("work-pool set-concurrency-limit managed 3")
        has(prefect("work-pool slots managed"), "3")
        prefect("work-pool clear-concurrency-limit managed")
        assert json.loads(prefect("work-pool inspect managed -o json"))["concurrency_limit"] is None
        prefect("work-pool preview managed")
        json.loads(prefect("work-pool get-default-base-job-template --type process"))
        for command in ("inspect", "pause", "delete", "clear-concurrency-limit"):
            prefect(f"work-pool {command} none", code=1)

        prefect("work-queue create fast --pool managed --limit 2 --priority 3")
        has(prefect("work-queue create fast --pool managed", code=1), "already exists")
        prefect("work-queue create next --pool managed")
        has(prefect("work-queue ls --pool managed"), "default 1", "next 2", "fast 3 2")
        has(prefect("work-queue ls"), "fast", "managed")
        prefect("work-queue pause fast --pool managed")
        shown = json.loads(prefect("work-queue inspect fast --pool managed -o json"))
        assert (shown["status"], shown["concurrency_limit"], shown["active_slots"]) == ("PAUSED", 2, 0)
        prefect("work-queue resume fast --pool managed")
        prefect("work-queue set-concurrency-limit fast 4 --pool managed")
        has(prefect("work-queue slots fast --pool managed"), "4")
        prefect("work-queue clear-concurrency-limit fast --pool managed")
        prefect("work-queue preview fast --pool managed")
        has(prefect("work-queue read-runs fast --pool managed"), "Read 0 runs")
        prefect("work-queue delete fast --pool managed")
        prefect("work-queue delete fast --pool managed", code=1)
        prefect("work-queue delete default --pool managed", code=1)
        prefect("work-pool delete managed")
        assert "managed" not in prefect("work-pool ls")
        """
    )


def test_deployments_and_schedules(podium: Podium) -> None:
    """`deployment` lists, inspects, schedules, runs and deletes; its runs can be previewed, cancelled and executed."""
    (podium.home / "work_module.py").write_text(WORK)
    podium.console(
        """
        import json, os, re
        from prefect import flow

        prefect("work-pool create pool --type process")
        flow.from_source(source=os.getcwd(), entrypoint="work_module.py:work").deploy(
            name="one", work_pool_name="pool", work_queue_name="queue", parameters={"name": "Ada"}, tags=["x"],
            cron="0 4 * * *", print_next_steps=False)
        has(prefect("deployment ls"), "work/one")
        shown = json.loads(prefect("deployment inspect work/one -o json"))
        assert (shown["parameters"], shown["work_queue_name"]) == ({"name": "Ada"}, "queue")
        has(prefect("deployment inspect work/none", code=1), "not found")

        prefect("deployment schedule create work/one --interval 3600")
        prefect("deployment schedule create work/one --rrule FREQ=DAILY --timezone Europe/Paris")
        has(prefect("deployment schedule create work/one --cron nonsense", code=1), "cron")
        has(prefect("deployment schedule ls work/one"), "cron: 0 4 * * *", "interval: 1:00:00s", "rrule: ")
        def schedules():
            return json.loads(prefect("deployment inspect work/one -o json"))["schedules"]
        first = schedules()[0]["id"]
        prefect(f"deployment schedule pause work/one {first}")
        assert [schedule["active"] for schedule in schedules() if schedule["id"] == first] == [False]
        prefect(f"deployment schedule resume work/one {first}")
        prefect("deployment schedule pause --all")
        assert not any(schedule["active"] for schedule in schedules())
        prefect("deployment schedule resume --all")
        prefect(f"deployment schedule delete work/one {first} -y")
        has(prefect(f"deployment schedule delete work/one {first} -y", code=1), "not found")
        prefect("deployment schedule create work/one --interval 60 --replace -y")
        assert [schedule["schedule"]["interval"] for schedule in schedules()] == [60.0]
        prefect("deployment schedule clear work/one -y")
        assert schedules() == []

        def run(options, *further, **how):
            return prefect(f"deployment run work/one {options}", *further, **how)
        def id_of(printed):
            return re.search(r"UUID: (\\S+)", printed).group(1)
        later = id_of(run("--start-in '2 hours' --flow-run-name later"))
        due = id_of(run("-p name=Bob --tag k --flow-run-name due --job-variable env.X=1"))
        has(run("--params", '{"name": 3}', code=1), "name", "string")
        has(run("-p nope=1", code=1), "not found on the deployment")
        has(prefect("work-queue read-runs queue --pool pool"), "due")
        has(prefect("work-queue preview queue --pool pool --hours 5"), "due", "later")
        has(prefect("work-pool preview pool --hours 5"), "due", "later")
        prefect(f"flow-run cancel {later}")
        assert json.loads(prefect(f"flow-run inspect {later} -o json"))["state"]["type"] == "CANCELLED"
        prefect(f"flow-run execute {due}")
        shown = json.loads(prefect(f"flow-run inspect {due} -o json"))
        assert (shown["state"]["type"], shown["parameters"], shown["run_count"]) == ("COMPLETED", {"name": "Bob"}, 1)
        has(prefect(f"flow-run retry {later}"), "scheduled for retry")
        assert json.loads(prefect(f"flow-run inspect {later} -o json"))["state"]["type"] == "SCHEDULED"

        prefect("deployment delete work/one")
        has(prefect("deployment delete work/one", code=1), "not found")
        """
    )


def test_automations(podium: Podium) -> None:
    """`automation` creates from files and JSON, lists, inspects, pauses, resumes, updates and deletes."""
    podium.console(
        """
        import json
        from pathlib import Path

        event = {"type": "event", "expect": ["x"], "posture": "Reactive", "threshold": 1, "within": 0}
        body = {"name": "by-json", "trigger": event, "actions": [{"type": "do-nothing"}]}
        prefect("automation create --from-json", json.dumps(body))
        Path("automations.json").write_text(json.dumps({**body, "name": "by-file", "enabled": False}))
        prefect("automation create --from-file automations.json")
        prefect("automation create --from-json", '{"name": "incomplete"}', code=1)
        has(prefect("automation ls"), "by-json", "by-file")
        def shown(name):
            return json.loads(prefect(f"automation inspect {name} --json"))[0]
        assert (shown("by-json")["enabled"], shown("by-file")["enabled"]) == (True, False)
        prefect("automation pause by-json")
        assert shown("by-json")["enabled"] is False
        prefect("automation resume by-json")
        number = shown("by-json")["id"]
        prefect(f"automation update --id {number} --from-json", json.dumps({**body, "description": "changed"}))
        assert shown("by-json")["description"] == "changed"
        prefect(f"automation pause --id {number}")
        prefect(f"automation delete --id {number}")
        for command in ("inspect", "pause", "delete"):
            has(prefect(f"automation {command} by-json", code=1), "not found")
        prefect("automation delete by-file")
        """
    )


def test_server_and_events(clients: Podium) -> None:
    """The server answers `server status`, `version` and `api`; `events stream` shows what `events emit` sends."""
    stream = clients.start(str(PREFECT / "prefect"), "events", "stream", "--format", "json")
    clients.console(
        """
        import sys, time
        from pathlib import Path

        has(prefect("server status"), "Server is available")
        has(prefect("version"), "3.8.8", "server")
        has(prefect("api POST /flows/filter --data", '{"limit": 1}'), "[")
        prefect("api GET /flows/nonsense", code=4)
        deadline = time.monotonic() + 20
        while "thing.1" not in Path(sys.argv[1]).read_text():
            assert time.monotonic() < deadline, "the stream shows nothing"
            prefect("events emit my.event -r prefect.resource.id=thing.1 --payload", '{"a": 1}')
            time.sleep(0.3)
        """,
        str(clients.home / f"client-{len(clients.clients) - 1}.log"),
    )
    assert stream.poll() is None
