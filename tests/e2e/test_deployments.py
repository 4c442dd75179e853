"""Deployments: served, scheduled, run by a worker, triggered, cancelled."""

import textwrap
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.conftest import PREFECT, Podium, wait_for

TERMINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")

WORK = """
import time
from prefect import flow

@flow(name="greeting", log_prints=True)
def work(seconds: float = 0.0, name: str = "nobody"):
    print(f"hello {name}")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.1)
"""


@pytest.fixture(scope="module")
def worker(podium: Podium) -> Podium:
    """The server, with a process worker for the pool ``processes``."""
    podium.prefect("work-pool", "create", "processes", "--type", "process")
    podium.start(str(PREFECT / "prefect"), "worker", "start", "--pool", "processes", "--name", "one")
    return podium


def _deploy(podium: Podium, pool: str, deployment: str, **schedule: object) -> str:
    (podium.home / "work.py").write_text(textwrap.dedent(WORK))
    if podium.api.get(f"/work_pools/{pool}").status_code == 404:
        podium.prefect("work-pool", "create", pool, "--type", "process")
    podium.run(
        f"""
        from prefect import flow
        flow.from_source(source={str(podium.home)!r}, entrypoint="work.py:work").deploy(
            name={deployment!r}, work_pool_name={pool!r}, parameters={{"name": "Ada"}}, tags=["deployed"],
            **{schedule!r})
        """
    )
    found: str = podium.get(f"/deployments/name/greeting/{deployment}")["id"]
    return found


def _finished(podium: Podium, run_id: str) -> dict[str, object] | None:
    run: dict[str, object] = podium.get(f"/flow_runs/{run_id}")
    return run if run["state_type"] in TERMINAL else None


def test_a_worker_runs_a_deployment(worker: Podium) -> None:
    """`prefect deployment run` makes a run that a process worker picks up, with parameters, tags, labels and logs."""
    deployment_id = _deploy(worker, "processes", "by-worker")
    worker.prefect("deployment", "run", "greeting/by-worker", "--param", "name=Grace")
    [run] = worker.post("/flow_runs/filter", {"deployments": {"id": {"any_": [deployment_id]}}})
    done = wait_for(lambda: _finished(worker, run["id"]), 60)
    assert done["state_type"] == "COMPLETED"
    assert done["parameters"] == {"seconds": 0.0, "name": "Grace"} or done["parameters"] == {"name": "Grace"}
    assert "deployed" in done["tags"]
    assert done["labels"]["prefect.worker.name"] == "one"
    assert done["work_pool_name"] == "processes"
    assert done["run_count"] == 1
    states = worker.states(run["id"])
    assert states[0] == "Scheduled" and states[-2:] == ["Running", "Completed"]
    wait_for(lambda: "hello Grace" in worker.messages(run["id"]), 10)
    workers = worker.post("/work_pools/processes/workers/filter")
    assert [each["status"] for each in workers if each["name"] == "one"] == ["ONLINE"]
    assert worker.get("/work_pools/processes")["status"] == "READY"


def test_run_deployment_waits_and_links_to_its_parent(worker: Podium) -> None:
    """`run_deployment` inside a flow waits for the run, which is a subflow of the caller."""
    _deploy(worker, "processes", "called")
    worker.run(
        """
        from prefect import flow
        from prefect.deployments import run_deployment

        @flow(name="caller")
        def caller():
            run = run_deployment("greeting/called", timeout=60, poll_interval=0.5, parameters={"name": "Bob"})
            assert run.state.is_completed(), run.state

        caller()
        """
    )
    caller = worker.flow_run("caller")
    [called] = worker.post("/flow_runs/filter", {"flow_runs": {"parent_flow_run_id": {"any_": [caller["id"]]}}})
    assert called["state_type"] == "COMPLETED"
    assert worker.get(f"/task_runs/{called['parent_task_run_id']}")["flow_run_id"] == caller["id"]


def test_cancelling_a_running_run(worker: Podium) -> None:
    """A running run that is cancelled stops its process and ends Cancelled; a scheduled one is Cancelled at once."""
    _deploy(worker, "processes", "long")
    run_id = worker.post(
        f"/deployments/{worker.get('/deployments/name/greeting/long')['id']}/create_flow_run",
        {"parameters": {"seconds": 80}},
    )["id"]
    wait_for(lambda: worker.get(f"/flow_runs/{run_id}")["state_type"] == "RUNNING", 60)
    worker.prefect("flow-run", "cancel", run_id)
    done = wait_for(lambda: _finished(worker, run_id), 60)
    assert done["state_type"] == "CANCELLED"
    assert worker.states(run_id)[-2:] == ["Cancelling", "Cancelled"]

    tomorrow = (datetime.now().astimezone() + timedelta(days=1)).isoformat()
    later = worker.post(
        f"/deployments/{worker.get('/deployments/name/greeting/long')['id']}/create_flow_run",
        {"state": {"type": "SCHEDULED", "state_details": {"scheduled_time": tomorrow}}},
    )["id"]
    worker.prefect("flow-run", "cancel", later)
    assert worker.get(f"/flow_runs/{later}")["state_type"] == "CANCELLED"


def test_served_flows_run_on_their_schedule(clients: Podium) -> None:
    """`.serve()` with an interval runs at each slot exactly once; stopping it pauses the deployment."""
    path = clients.home / "served.py"
    path.write_text(
        textwrap.dedent(
            """
            from prefect import flow

            @flow(name="served")
            def served(): pass

            if __name__ == "__main__":
                served.serve(name="every-two-seconds", interval=2, limit=1)
            """
        )
    )
    others = len(clients.clients)
    clients.start(str(PREFECT / "python"), str(path))

    def completed() -> list[dict[str, object]] | None:
        runs = [run for run in clients.flow_runs("served") if run["state_type"] == "COMPLETED"]
        return runs if len(runs) >= 2 else None

    runs = wait_for(completed, 90)
    slots = [run["expected_start_time"] for run in runs]
    assert len(slots) == len(set(slots))
    assert all(run["auto_scheduled"] for run in runs)
    clients.stop_clients(others)
    wait_for(lambda: clients.get("/deployments/name/served/every-two-seconds")["paused"], 60)
    # One that was due already, and that a busy machine had not started yet, stays.
    now = datetime.now(UTC).isoformat()
    scheduled = [run for run in clients.flow_runs("served") if run["state_name"] == "Scheduled"]
    assert not [run for run in scheduled if run["expected_start_time"] > now]


def test_schedules_of_every_kind_make_runs(clients: Podium) -> None:
    """Interval, cron and rrule schedules each have their next runs waiting, in their own time zone."""
    (clients.home / "work.py").write_text(textwrap.dedent(WORK))
    clients.prefect("work-pool", "create", "schedules", "--type", "process")
    clients.run(
        f"""
        from datetime import timedelta
        from prefect import flow
        from prefect.schedules import Cron, Interval, RRule
        flow.from_source(source={str(clients.home)!r}, entrypoint="work.py:work").deploy(
            name="scheduled", work_pool_name="schedules",
            schedules=[
                Interval(timedelta(hours=2), slug="interval"),
                Cron("30 4 * * *", timezone="Europe/Paris", slug="cron"),
                RRule("FREQ=DAILY;BYHOUR=7;BYMINUTE=15;BYSECOND=0", timezone="America/New_York", slug="rrule"),
            ])
        """
    )
    deployment_id = clients.get("/deployments/name/greeting/scheduled")["id"]

    def made() -> list[dict[str, object]] | None:
        runs = clients.post("/flow_runs/filter", {"deployments": {"id": {"any_": [deployment_id]}}})
        by = {run["created_by"]["display_value"] for run in runs if run["created_by"]}
        return runs if {"interval", "cron", "rrule"} <= by else None

    runs = wait_for(made, 30)
    crons = [run["expected_start_time"] for run in runs if run["created_by"]["display_value"] == "cron"]
    assert all(time_[14:16] == "30" for time_ in crons)
    assert len(crons) == len(set(crons)) >= 3


def test_late_runs_are_marked(clients: Podium) -> None:
    """A run that nobody picks up is named Late."""
    deployment_id = _deploy(clients, "nobody", "late")
    run_id = clients.post(
        f"/deployments/{deployment_id}/create_flow_run",
        {
            "state": {
                "type": "SCHEDULED",
                "state_details": {"scheduled_time": (datetime.now().astimezone() - timedelta(minutes=1)).isoformat()},
            }
        },
    )["id"]
    wait_for(lambda: clients.get(f"/flow_runs/{run_id}")["state_name"] == "Late", 30)
    assert clients.states(run_id) == ["Scheduled", "Late"]


def test_pausing_and_resuming_with_input(clients: Podium) -> None:
    """A flow pauses, waits for typed input given from outside, and goes on with it."""
    path = clients.home / "asks.py"
    path.write_text(
        textwrap.dedent(
            """
            from prefect import flow
            from prefect.flow_runs import pause_flow_run
            from prefect.input import RunInput

            class Answer(RunInput):
                number: int

            @flow(name="asks")
            def asks():
                answer = pause_flow_run(wait_for_input=Answer, timeout=60, poll_interval=1)
                assert answer.number == 42
                return answer.number

            asks()
            """
        )
    )
    process = clients.start(str(PREFECT / "python"), str(path))
    wait_for(lambda: [run for run in clients.flow_runs("asks") if run["state_name"] == "Paused"], 60)
    run = clients.flow_run("asks")
    wait_for(lambda: clients.post(f"/flow_runs/{run['id']}/input/filter", {"prefix": ""}))
    refused = clients.post(f"/flow_runs/{run['id']}/resume", {"run_input": {"number": "not a number"}})
    assert refused["status"] == "REJECT"
    accepted = clients.post(f"/flow_runs/{run['id']}/resume", {"run_input": {"number": 42}})
    assert accepted["status"] == "ACCEPT"
    assert process.wait(60) == 0
    done = clients.flow_run("asks")
    assert done["state_type"] == "COMPLETED"
    assert done["run_count"] == 2
    assert clients.states(run["id"]) == ["Pending", "Running", "Paused", "Running", "Completed"]


def test_suspending_and_resuming_under_a_worker(worker: Podium) -> None:
    """A suspended run leaves its process; resumed, a worker starts it again and the pause is passed."""
    (worker.home / "suspends.py").write_text(
        textwrap.dedent(
            """
            from prefect import flow
            from prefect.flow_runs import suspend_flow_run

            @flow(name="suspends")
            def suspends():
                suspend_flow_run(key="once", timeout=120)
            """
        )
    )
    worker.run(
        f"""
        from prefect import flow
        flow.from_source(source={str(worker.home)!r}, entrypoint="suspends.py:suspends").deploy(
            name="suspended", work_pool_name="processes")
        """
    )
    deployment_id = worker.get("/deployments/name/suspends/suspended")["id"]
    run_id = worker.post(f"/deployments/{deployment_id}/create_flow_run")["id"]
    wait_for(lambda: worker.get(f"/flow_runs/{run_id}")["state_name"] == "Suspended", 120)
    time.sleep(1)
    assert worker.post(f"/flow_runs/{run_id}/resume")["status"] == "ACCEPT"
    done = wait_for(lambda: _finished(worker, run_id), 60)
    assert done["state_type"] == "COMPLETED"
    assert done["run_count"] == 1
    names = worker.states(run_id)
    assert "Suspended" in names and "Resuming" in names and names[-1] == "Completed"


def test_background_tasks(clients: Podium) -> None:
    """A task sent off with `delay` is run by the process that serves it."""
    path = clients.home / "background.py"
    path.write_text(
        textwrap.dedent(
            """
            import sys
            from prefect import task
            from prefect.task_worker import serve

            @task(name="behind", persist_result=True)
            def behind(x): return x + 1

            if __name__ == "__main__":
                if sys.argv[1] == "serve":
                    serve(behind)
                else:
                    future = behind.delay(1)
                    future.wait(timeout=60)
                    print("state", future.state.name)
            """
        )
    )
    clients.start(str(PREFECT / "python"), str(path), "serve")
    printed = clients.command(str(PREFECT / "python"), str(path), "call")
    assert "state Completed" in printed, printed
