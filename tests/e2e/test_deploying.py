"""`prefect deploy`, workers and task workers at length: files of deployments, hooks, versions, background tasks."""

import json
import textwrap

import pytest

from tests.e2e.conftest import PREFECT, Podium, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TERMINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")

FLOWS = """
import os, time
from pathlib import Path
from prefect import flow, runtime
from prefect.runtime import deployment

def note(name): return lambda flow, flow_run, state: (Path.home() / name).write_text(state.name)

@flow(name="yard", log_prints=True, on_cancellation=[note("cancelled")], on_crashed=[note("crashed")])
def yard(how: str = "well", number: int = 1):
    print("where", os.environ.get("YARD", "nowhere"), runtime.deployment.name, runtime.deployment.version)
    if how == "fail": raise ValueError("as asked")
    if how == "die": os._exit(3)
    if how == "long":
        for _ in range(2000): time.sleep(0.1)
    return number
"""


@pytest.fixture
def yard(clients: Podium) -> Podium:
    """The server, with the flow's file in the home and a pool of the kind ``process``."""
    (clients.home / "yard.py").write_text(textwrap.dedent(FLOWS))
    if clients.api.get("/work_pools/yard").status_code == 404:
        clients.prefect("--no-prompt", "work-pool", "create", "yard", "--type", "process")
    return clients


def deploy(podium: Podium, name: str, **options: object) -> str:
    """The id of a deployment of the flow, made with ``deploy()``."""
    podium.run(
        f"""
        import json, os
        from prefect import flow
        flow.from_source(source=os.getcwd(), entrypoint="yard.py:yard").deploy(
            name={name!r}, work_pool_name="yard", print_next_steps=False, **json.loads({json.dumps(options)!r}))
        """
    )
    deployment_id: str = podium.get(f"/deployments/name/yard/{name}")["id"]
    return deployment_id


def run(podium: Podium, deployment_id: str, **parameters: object) -> str:
    """The id of a new run of a deployment."""
    run_id: str = podium.post(f"/deployments/{deployment_id}/create_flow_run", {"parameters": parameters})["id"]
    return run_id


def end(podium: Podium, run_id: str) -> str:
    """The type of the state that a run ends in."""

    def ended() -> str | None:
        state: str = podium.get(f"/flow_runs/{run_id}")["state_type"]
        return state if state in TERMINAL else None

    found: str = wait_for(ended, 120)
    return found


def test_deploying_from_a_file(yard: Podium) -> None:
    """`prefect deploy --all` makes every deployment of prefect.yaml: schedules, parameters, tags, limits, versions."""
    (yard.home / "prefect.yaml").write_text(
        textwrap.dedent(
            """
            name: yard
            pull:
              - prefect.deployments.steps.set_working_directory: {directory: "HOME"}
            definitions:
              pool: &pool {name: yard, work_queue_name: yaml, job_variables: {env: {YARD: back}}}
            deployments:
              - name: often
                version: "2.0"
                entrypoint: yard.py:yard
                tags: [a, b]
                description: from a file
                parameters: {number: 5}
                work_pool: *pool
                concurrency_limit: {limit: 3, collision_strategy: CANCEL_NEW}
                schedules:
                  - {interval: 3600, timezone: Europe/Paris, active: false}
                  - {cron: "0 4 * * *", timezone: UTC, parameters: {number: 6}, slug: nightly}
                  - {rrule: "FREQ=WEEKLY;BYDAY=MO"}
              - name: seldom
                entrypoint: yard.py:yard
                work_pool: *pool
                schedule: null
                paused: true
            """
        ).replace("HOME", str(yard.home))
    )
    yard.prefect("--no-prompt", "deploy", "--all")
    often = yard.get("/deployments/name/yard/often")
    assert (often["version"], often["tags"], often["description"]) == ("2.0", ["a", "b"], "from a file")
    assert (often["parameters"], often["work_queue_name"]) == ({"number": 5}, "yaml")
    assert often["job_variables"] == {"env": {"YARD": "back"}}
    assert often["global_concurrency_limit"]["limit"] == 3
    assert often["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    kinds = [sorted(set(each["schedule"]) & {"interval", "cron", "rrule"}) for each in often["schedules"]]
    assert sorted(kinds) == [["cron"], ["interval"], ["rrule"]]
    [nightly] = [each for each in often["schedules"] if each["slug"] == "nightly"]
    assert nightly["parameters"] == {"number": 6}
    assert [each["active"] for each in often["schedules"] if "interval" in each["schedule"]] == [False]
    yard.prefect("--no-prompt", "deploy", "--name", "often")
    assert yard.get("/deployments/name/yard/often")["id"] == often["id"]

    yard.start(str(PREFECT / "prefect"), "worker", "start", "--pool", "yard", "--work-queue", "yaml")
    run_id = run(yard, often["id"])
    assert end(yard, run_id) == "COMPLETED"
    assert yard.get(f"/flow_runs/{run_id}")["parameters"] == {"number": 5}
    wait_for(lambda: "where back often 2.0" in yard.messages(run_id), 20)


def test_how_runs_of_a_worker_end(yard: Podium) -> None:
    """A run fails, dies with its process or is cancelled under a worker: its state says which, and its hooks ran."""
    deployment_id = deploy(yard, "ends", job_variables={"env": {"YARD": "front"}}, version="7")
    yard.start(str(PREFECT / "prefect"), "worker", "start", "--pool", "yard", "--limit", "3")
    failing, dying, long = (run(yard, deployment_id, how=how) for how in ("fail", "die", "long"))
    assert end(yard, failing) == "FAILED"
    assert "as asked" in yard.get(f"/flow_runs/{failing}")["state"]["message"]
    assert end(yard, dying) == "CRASHED"
    assert "3" in yard.get(f"/flow_runs/{dying}")["state"]["message"]
    wait_for((yard.home / "crashed").exists, 60)
    wait_for(lambda: yard.get(f"/flow_runs/{long}")["state_type"] == "RUNNING", 90)
    yard.prefect("flow-run", "cancel", long)
    assert end(yard, long) == "CANCELLED"
    wait_for((yard.home / "cancelled").exists, 60)
    wait_for(lambda: "where front ends 7" in yard.messages(failing), 20)


def test_several_flows_are_served_at_once(clients: Podium) -> None:
    """`serve()` of two deployments runs both, with parameters of a trigger and a limit of its own."""
    path = clients.home / "several.py"
    path.write_text(
        textwrap.dedent(
            """
            from prefect import flow, serve

            @flow(name="first-served")
            def first(x: int = 1): return x
            @flow(name="second-served")
            def second(): pass

            if __name__ == "__main__":
                serve(first.to_deployment("one", parameters={"x": 2}, tags=["s"]), second.to_deployment("two"), limit=2)
            """
        )
    )
    clients.start(str(PREFECT / "python"), str(path))
    wait_for(lambda: clients.api.get("/deployments/name/second-served/two").status_code == 200, 60)
    names = ("first-served/one", "second-served/two")
    runs = [run(clients, clients.get(f"/deployments/name/{name}")["id"]) for name in names]
    assert [end(clients, run_id) for run_id in runs] == ["COMPLETED", "COMPLETED"]
    assert clients.get(f"/flow_runs/{runs[0]}")["parameters"] == {"x": 2}
    assert clients.get(f"/flow_runs/{runs[0]}")["tags"] == ["s"]


def test_paused_deployments_and_versions(yard: Podium) -> None:
    """Saving again makes a new version; a paused deployment has no runs waiting, a resumed one has them again."""
    deployment_id = deploy(yard, "versions", version="1", interval=3600)
    scheduled = {"state": {"type": {"any_": ["SCHEDULED"]}}}
    chosen = {"deployments": {"id": {"any_": [deployment_id]}}, "flow_runs": scheduled}
    wait_for(lambda: yard.post("/flow_runs/count", chosen) > 1, 60)
    yard.post(f"/deployments/{deployment_id}/pause_deployment")
    assert yard.post("/flow_runs/count", chosen) == 0
    yard.post(f"/deployments/{deployment_id}/resume_deployment")
    wait_for(lambda: yard.post("/flow_runs/count", chosen) > 1, 90)
    assert deploy(yard, "versions", version="2", interval=7200, paused=True) == deployment_id
    saved = yard.get(f"/deployments/{deployment_id}")
    assert (saved["version"], saved["paused"]) == ("2", True)
    assert [each["schedule"]["interval"] for each in saved["schedules"]] == [7200]
    assert yard.post("/flow_runs/count", chosen) == 0


def test_task_workers(clients: Podium) -> None:
    """A task worker runs what `delay` and `apply_async` send, retries it, and takes what waited before it started."""
    path = clients.home / "sent.py"
    path.write_text(
        textwrap.dedent(
            """
            import sys
            from pathlib import Path
            from prefect import flow, task
            from prefect.task_worker import serve

            @task(name="sent", persist_result=True)
            async def sent(x, y=1): return x + y
            @task(name="flaky", retries=2, retry_delay_seconds=0)
            def flaky(name):
                path = Path(name); seen = path.exists(); path.touch()
                if not seen: raise ValueError("once")
            @flow(name="sender")
            def sender(): return [sent.delay(number).task_run_id for number in range(3)]

            if __name__ == "__main__":
                if sys.argv[1] == "serve": serve(sent, flaky, limit=1)  # several at once may deadlock in the client
                futures = [sent.delay(1), sent.apply_async((2,), {"y": 5}), flaky.delay(f"flaky-{sys.argv[1]}")]
                sender()
                print("sent", *[future.task_run_id for future in futures])
                if sys.argv[1] == "wait":
                    for future in futures: future.wait(timeout=90)
                    assert futures[1].result() == 7
            """
        )
    )
    printed = clients.command(str(PREFECT / "python"), str(path), "leave")
    waiting = printed.split("sent ")[1].split()
    assert {clients.get(f"/task_runs/{each}")["state_name"] for each in waiting} == {"Scheduled"}
    clients.start(str(PREFECT / "python"), str(path), "serve")
    clients.command(str(PREFECT / "python"), str(path), "wait")
    runs = {"task_runs": {"name": {"like_": "sent"}}}

    def all_done() -> bool:
        states = [each["state_type"] for each in clients.post("/task_runs/filter", runs)]
        return len(states) == 10 and set(states) == {"COMPLETED"}

    wait_for(all_done, 90)
    assert clients.get(f"/task_runs/{waiting[2]}")["run_count"] == 2
    assert clients.get(f"/task_runs/{waiting[0]}")["flow_run_id"] is None


def test_commands_that_follow_runs(yard: Podium) -> None:
    """`flow-run execute` and `logs`, `api` and `flow serve` work on what a deployment has made."""
    deployment_id = deploy(yard, "followed")
    run_id = run(yard, deployment_id, number=3)
    yard.prefect("flow-run", "execute", run_id)
    assert end(yard, run_id) == "COMPLETED"
    assert "where nowhere followed" in yard.prefect("flow-run", "logs", run_id)
    assert json.loads(yard.prefect("api", "GET", f"/flow_runs/{run_id}"))["id"] == run_id
    body = json.dumps({"flow_runs": {"id": {"any_": [run_id]}}})
    assert json.loads(yard.prefect("api", "POST", "/flow_runs/count", "--data", body)) == 1
    yard.start(str(PREFECT / "prefect"), "flow", "serve", "yard.py:yard", "--name", "by-command")
    wait_for(lambda: yard.api.get("/deployments/name/yard/by-command").status_code == 200, 60)
    served = yard.get("/deployments/name/yard/by-command")["id"]
    assert end(yard, run(yard, served, number=4)) == "COMPLETED"
