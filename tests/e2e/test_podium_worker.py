"""Deployments of the unmodified client, run by the worker of Podium."""

import json
import signal
import sys
import textwrap

import pytest

from tests.e2e.conftest import PREFECT, ROOT, Podium, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FLOW = """
import os, time
from prefect import flow, task

@task
def double(number): return 2 * number

@flow(name="guest", log_prints=True)
def guest(how: str = "well", number: int = 1):
    print("doubled", double(number), os.environ.get("YARD"))
    if how == "fail": raise ValueError("as asked")
    if how == "die": os._exit(3)
    if how == "long": time.sleep(200)
"""
ENDS = {"well": "COMPLETED", "fail": "FAILED", "die": "CRASHED", "long": "CANCELLED"}


@pytest.mark.parametrize("kind", ["podium", "process"])
def test_a_prefect_deployment_is_run(clients: Podium, kind: str) -> None:
    """In a pool of either type: it completes, fails, crashes and is cancelled as with the client's own worker."""
    pool = f"guests-{kind}"
    (clients.home / "guest.py").write_text(textwrap.dedent(FLOW))
    clients.post("/work_pools/", {"name": pool, "type": kind})
    options = json.dumps({"job_variables": {"env": {"YARD": "green"}}})
    clients.run(
        f"""
        import json, os
        from prefect import flow
        flow.from_source(source=os.getcwd(), entrypoint="guest.py:guest").deploy(
            name={kind!r}, work_pool_name={pool!r}, print_next_steps=False, **json.loads({options!r}))
        """
    )
    deployment = clients.get(f"/deployments/name/guest/{kind}")["id"]
    runs = {
        how: clients.post(f"/deployments/{deployment}/create_flow_run", {"parameters": {"how": how, "number": 21}})[
            "id"
        ]
        for how in ENDS
    }
    worker = clients.start(
        *(sys.executable, "-m", "podium", "worker", "start", "--pool", pool, "--every", "0.5s"),
        *("--prefect", str(PREFECT / "prefect")),
        PODIUM_API_URL=clients.url,
        PYTHONPATH=str(ROOT),
    )
    wait_for(lambda: clients.get(f"/flow_runs/{runs['long']}")["state_type"] == "RUNNING", 100)
    clients.post(f"/flow_runs/{runs['long']}/set_state", {"state": {"type": "CANCELLING"}})
    for how, end in ENDS.items():
        wait_for(lambda run_id=runs[how], end=end: clients.get(f"/flow_runs/{run_id}")["state_type"] == end, 100)
    assert "doubled 42 green" in clients.messages(runs["well"])
    assert any("as asked" in message for message in clients.messages(runs["fail"]))
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
