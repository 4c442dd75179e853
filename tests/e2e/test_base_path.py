"""The unmodified client on a server below a path."""

import os
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.backing import free_port
from tests.cli.processes import ServerProcess
from tests.e2e.conftest import PREFECT

FLOW = """
from prefect import flow, task

@task
def add(a, b):
    return a + b

@flow(log_prints=True)
def below_a_path():
    print("said below a path")
    return add(1, 2)

print("the result is", below_a_path())
"""


@pytest.mark.skipif(not (PREFECT / "python").exists(), reason="prefect client: .venv-prefect is not set up")
def test_a_flow_below_a_path(tmp_path: Path) -> None:
    """``PREFECT_API_URL`` with the path is all that the client needs; its logs and events arrive."""
    script = tmp_path / "below.py"
    script.write_text(FLOW)
    with ServerProcess(tmp_path, free_port(), PODIUM_SERVER_BASE_PATH="/podium") as server:
        server.until_ready()
        assert server.row("API") == f"{server.url}/podium/api"
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PREFECT_API_URL": f"{server.url}/podium/api"}
        done = subprocess.run(
            [str(PREFECT / "python"), str(script)],
            env=environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert "the result is 3" in done.stdout, done.stderr
        api = f"{server.url}/podium/api"
        [run] = httpx.post(f"{api}/flow_runs/filter", json={}).json()
        assert run["state_type"] == "COMPLETED"
        assert "said below a path" in httpx.get(f"{api}/flow_runs/{run['id']}/logs/download").text
        events = httpx.post(f"{api}/events/filter", json={}).json()["events"]
        assert {"prefect.task-run.Completed", "prefect.flow-run.Completed"} <= {event["event"] for event in events}
