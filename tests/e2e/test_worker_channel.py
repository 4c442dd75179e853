"""A worker that uses its channel instead of heartbeats over HTTP."""

from tests.e2e.conftest import PREFECT, Podium, wait_for

WORK = """
import time
from prefect import flow

@flow(name="channelled")
def work(seconds: float = 0.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.1)
"""
NAME = "listener"


def test_a_worker_stays_on_its_channel(clients: Podium) -> None:
    """It makes its pool with its template, is online by the channel alone, runs what is deployed and cancels it."""
    verbose = {"PREFECT_LOGGING_ROOT_LEVEL": "INFO", "PREFECT_WORKER_HEARTBEAT_SECONDS": "1"}
    worker = clients.start(
        str(PREFECT / "prefect"), "worker", "start", "--pool", "p", "--type", "process", "--name", NAME, **verbose
    )
    log = clients.home / f"client-{len(clients.clients) - 1}.log"

    def seen() -> str | None:
        found = clients.api.post("/work_pools/p/workers/filter", json={})
        listed = [each for each in found.json() if each["name"] == NAME] if found.is_success else []
        assert worker.poll() is None, log.read_text()
        return listed[0]["last_heartbeat_time"] if listed and listed[0]["status"] == "ONLINE" else None

    def beats(times: int) -> None:
        for _ in range(times):
            last = seen()
            wait_for(lambda last=last: seen() != last, 15)

    wait_for(seen, 40)
    beats(2)
    template = clients.get("/work_pools/p")["base_job_template"]
    assert "command" in template["job_configuration"]
    (clients.home / "channelled.py").write_text(WORK)
    clients.run(
        f"""
        from prefect import flow
        flow.from_source(source={str(clients.home)!r}, entrypoint="channelled.py:work").deploy(
            name="d", work_pool_name="p")
        """
    )
    deployment_id = clients.get("/deployments/name/channelled/d")["id"]

    def start(seconds: float) -> str:
        run = clients.post(f"/deployments/{deployment_id}/create_flow_run", {"parameters": {"seconds": seconds}})
        return str(run["id"])

    def state(run_id: str) -> str:
        return str(clients.get(f"/flow_runs/{run_id}")["state_type"])

    short = start(0)
    wait_for(lambda: state(short) == "COMPLETED", 60)
    long = start(120)
    wait_for(lambda: state(long) == "RUNNING", 60)
    clients.prefect("flow-run", "cancel", long)
    wait_for(lambda: state(long) == "CANCELLED", 60)
    beats(2)
    printed = log.read_text()
    assert "/work_pools/p/get_scheduled_flow_runs" in printed
    assert "/workers/heartbeat" not in printed, printed
