"""What every released client has to find: the basic journey with prefect 3.0, 3.2, 3.4, 3.6 and 3.8.

`make e2e-matrix` makes an environment for each, from the lock files beside this one, and names this file; the suite
does not collect it.
"""

import dataclasses
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import PREFECT, ROOT, Podium, wait_for

pytestmark = pytest.mark.timeout(300)

ENVIRONMENTS = {
    "3.0": ROOT / ".venv-prefect-3.0" / "bin",
    "3.2": ROOT / ".venv-prefect-3.2" / "bin",
    "3.4": ROOT / ".venv-prefect-3.4" / "bin",
    "3.6": ROOT / ".venv-prefect-3.6" / "bin",
    "3.8": PREFECT,
}
TERMINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@pytest.fixture(params=ENVIRONMENTS)
def version(request: pytest.FixtureRequest) -> str:
    """The release of the client: its first two numbers."""
    release: str = request.param
    return release


@pytest.fixture
def client(podium: Podium, version: str) -> Iterator[Podium]:
    """The server of the module, with a client of that release and a home of its own."""
    assert (ENVIRONMENTS[version] / "prefect").exists(), "make e2e-matrix makes the environments"
    home = podium.home / version
    home.mkdir(exist_ok=True)
    client = dataclasses.replace(podium, home=home, bin=ENVIRONMENTS[version], clients=[], starter=None)
    yield client
    client.stop_clients()
    client.stop_starter()


def script(client: Podium, name: str, text: str) -> str:
    """The path of a script of that name."""
    path = client.home / name
    path.write_text(text)
    return str(path)


def finished(client: Podium, run_id: str) -> Any:
    """The run, once it is terminal."""
    run = client.get(f"/flow_runs/{run_id}")
    return run if run["state_type"] in TERMINAL else None


def test_a_flow_with_tasks_logs_and_a_subflow(client: Podium, version: str) -> None:
    """States, task runs, retries, logs and the subflow's link to its parent are there as with the newest client."""
    printed = client.command(
        str(client.bin / "python"),
        script(
            client,
            "simple.py",
            f"""
import prefect
from prefect import flow, get_run_logger, task

assert prefect.__version__.startswith("{version}."), prefect.__version__
tries = []

@task(retries=1)
def double(x):
    tries.append(x)
    if len(tries) == 1: raise ValueError("once")
    return 2 * x

@flow(name="child-{version}")
def child(x):
    get_run_logger().info("in the child")
    return double(x)

@flow(name="parent-{version}")
def parent(x: int):
    get_run_logger().info("in the parent")
    futures = double.map([1, 2])
    return child(x) + sum(future.result() for future in futures)

print("result", parent(18))
""",
        ),
    )
    assert "result 42" in printed, printed
    parent, child = client.flow_run(f"parent-{version}"), client.flow_run(f"child-{version}")
    for run in (parent, child):
        assert (run["state_type"], run["run_count"]) == ("COMPLETED", 1)
        assert client.states(run["id"]) == ["Pending", "Running", "Completed"]
    assert parent["parameters"] == {"x": 18}
    tracking = client.get(f"/task_runs/{child['parent_task_run_id']}")
    assert (tracking["flow_run_id"], tracking["state_type"]) == (parent["id"], "COMPLETED")
    tasks = client.task_runs(parent["id"], 3)
    retried = [run for run in tasks.values() if run["run_count"] == 2]
    assert len(retried) == 1
    states = client.states(retried[0]["id"], "task_run")
    assert states[:2] == ["Pending", "Running"] and states[-2:] == ["Retrying", "Completed"], states
    assert len(client.task_runs(child["id"], 1)) == 1
    wait_for(lambda: "in the parent" in client.messages(parent["id"]), 10)
    wait_for(lambda: "in the child" in client.messages(child["id"]), 10)


def test_a_served_flow_runs_on_its_schedule(client: Podium, version: str) -> None:
    """`.serve()` runs what is scheduled, each slot once, and pauses its deployment when it is stopped."""
    text = f"""
from datetime import datetime, timedelta, timezone
from prefect import flow

@flow(name="served-{version}", log_prints=True)
def served(): print("served indeed")

if __name__ == "__main__":
    soon = datetime.now(timezone.utc) + timedelta(seconds=8)
    served.serve(name="soon", rrule=f"DTSTART:{{soon:%Y%m%dT%H%M%S}}\\nRRULE:FREQ=MINUTELY")
"""
    client.start(str(client.bin / "python"), script(client, "served.py", text))

    def completed() -> list[Any] | None:
        return [run for run in client.flow_runs(f"served-{version}") if run["state_type"] == "COMPLETED"]

    run = wait_for(completed, 150)[0]
    assert run["auto_scheduled"]
    wait_for(lambda: "served indeed" in client.messages(run["id"]), 20)
    slots = [run["expected_start_time"] for run in client.flow_runs(f"served-{version}")]
    assert len(slots) == len(set(slots))
    client.stop_clients()
    wait_for(lambda: client.get(f"/deployments/name/served-{version}/soon")["paused"], 30)


def test_a_worker_runs_and_cancels(client: Podium, version: str) -> None:
    """A worker of a process pool runs a deployment; a running run that is cancelled is Cancelled, its process gone."""
    pool = f"pool-{version}"
    text = f"""
import os, time
from pathlib import Path
from prefect import flow

@flow(name="worked-{version}", log_prints=True)
def worked(seconds: float = 0.0, name: str = "nobody"):
    print("hello", name)
    Path({str(client.home)!r}, name).write_text(str(os.getpid()))
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline: time.sleep(0.1)

if __name__ == "__main__":
    flow.from_source(source={str(client.home)!r}, entrypoint="worked.py:worked").deploy(
        name="here", work_pool_name="{pool}", parameters={{"name": "Ada"}}, tags=["deployed"])
"""
    path = script(client, "worked.py", text)
    client.prefect("--no-prompt", "work-pool", "create", pool, "--type", "process")
    client.command(str(client.bin / "python"), path)
    client.start(str(client.bin / "prefect"), "worker", "start", "--pool", pool, "--name", f"worker-{version}")
    client.prefect("deployment", "run", f"worked-{version}/here", "--param", "name=Grace")
    run = client.flow_run(f"worked-{version}")
    done = wait_for(lambda: finished(client, run["id"]), 90)
    assert (done["state_type"], done["run_count"]) == ("COMPLETED", 1), client.states(run["id"])
    assert done["parameters"]["name"] == "Grace" and "deployed" in done["tags"]
    wait_for(lambda: "hello Grace" in client.messages(run["id"]), 10)
    workers = client.post(f"/work_pools/{pool}/workers/filter")
    assert [(worker["name"], worker["status"]) for worker in workers] == [(f"worker-{version}", "ONLINE")]

    deployment = client.get(f"/deployments/name/worked-{version}/here")
    body = {"parameters": {"seconds": 200, "name": "Long"}, "state": {"type": "SCHEDULED"}}
    long = client.post(f"/deployments/{deployment['id']}/create_flow_run", body)["id"]
    pid = Path(client.home, "Long")
    wait_for(pid.exists, 90)
    client.prefect("flow-run", "cancel", long)
    done = wait_for(lambda: finished(client, long), 90)
    assert done["state_type"] == "CANCELLED"
    names = list(dict.fromkeys(client.states(long)))  # both the worker and the runner of 3.2 may report it
    assert names[-2:] == ["Cancelling", "Cancelled"]
    time.sleep(0.5)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_the_clients_agree_on_the_server(client: Podium) -> None:
    """The client finds the server healthy and of a version that it takes."""
    done = subprocess.run(
        [str(client.bin / "prefect"), "version"], env=client.environment(), capture_output=True, text=True, check=True
    )
    assert "server" in done.stdout, done.stdout
    assert "warning" not in (done.stdout + done.stderr).lower()
