"""What deploy/ describes serves the unmodified client: two API servers behind nginx, two processes of services."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests import backing
from tests.chaos.api import Api
from tests.chaos.history import History
from tests.chaos.topology import Topology, until

CLIENT = Path(__file__).parents[2] / ".venv-prefect" / "bin" / "python"
FLOW = """
import sys
from prefect import flow, get_run_logger, task

@task
def water(bed):
    get_run_logger().info("watering %s", bed)
    return bed

@flow(name="garden")
def garden():
    return [water.submit(bed) for bed in ("roses", "herbs")]

garden()
"""


@pytest.fixture(scope="module")
def topology(own_postgres: backing.OwnPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Topology]:
    try:
        described = Topology(tmp_path_factory.mktemp("topology"), own_postgres)
    except backing.Absent as absent:
        pytest.skip(str(absent))
    with described:
        yield described


def test_every_process_is_well_by_its_own_health_check(topology: Topology) -> None:
    """The one of the compose file, run beside each process; it fails once the process is gone."""
    for name in topology.podium:
        result = topology.health(name)
        assert (result.returncode, result.stdout.strip()) == (0, f"{topology.api_of(name)} is ready."), result.stderr
    api = topology.processes["api-2"]
    api.send(signal.SIGSTOP)
    try:
        assert topology.health("api-2").returncode != 0
    finally:
        api.send(signal.SIGCONT)
    until(lambda: topology.is_ready("api-2"), 20, "api-2 does not go on")


def test_the_unmodified_client_runs_a_flow_through_the_proxy(topology: Topology, tmp_path: Path) -> None:
    """Its task runs and logs arrive, over WebSockets as well: what it reports, and what others watch."""
    if not CLIENT.exists():
        pytest.skip("the unmodified client is not installed in .venv-prefect")
    watched: dict[str, list[Any]] = {"events": [], "logs": []}
    closing = threading.Event()
    threads = [
        threading.Thread(target=_watch, args=(topology, path, watched[path], closing), daemon=True) for path in watched
    ]
    for thread in threads:
        thread.start()
    until(lambda: all(watched.values()), 20, "not admitted")
    (tmp_path / "garden.py").write_text(FLOW)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PREFECT_API_URL": f"{topology.url}/api",
        "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.2",
    }
    result = subprocess.run(
        [CLIENT, tmp_path / "garden.py"], env=environment, capture_output=True, text=True, timeout=90
    )
    assert result.returncode == 0, result.stderr

    def completed() -> bool:
        runs = httpx.post(f"{topology.url}/api/task_runs/filter", json={}).json()
        return sorted(run["state_type"] for run in runs) == ["COMPLETED", "COMPLETED"]

    until(completed, 30, "the task runs are not recorded", topology.said)
    names = {"prefect.flow-run.Completed", "prefect.task-run.Completed"}
    until(lambda: names <= set(watched["events"]), 20, f"events are missing: {watched['events']}")
    until(lambda: "watering roses" in watched["logs"], 20, f"log lines are missing: {watched['logs']}")
    closing.set()
    for thread in threads:
        thread.join(20)


def test_servers_are_restarted_one_by_one_and_no_client_notices(topology: Topology, tmp_path: Path) -> None:
    """A client that repeats as the SDK does sees no failure, and loses nothing that was acknowledged."""
    history, closing = History(tmp_path / "history.jsonl"), threading.Event()
    made: list[str] = []

    def use() -> None:
        api = Api(topology.ports["proxy"], history, threading.Event())
        while not closing.is_set():
            status, flow = api.call("POST", "/flows/", {"name": f"flow-{len(made)}"})
            assert status in (200, 201)
            made.append(flow["id"])
        api.close()

    user = threading.Thread(target=use, daemon=True)
    user.start()
    for name, process in topology.apis.items():
        starts = process.starts
        process.send(signal.SIGTERM)
        until(lambda process=process, starts=starts: process.starts > starts, 30, f"{name} does not end")  # type: ignore[misc]
        until(lambda name=name: topology.is_ready(name), 40, f"{name} does not come back", topology.said)  # type: ignore[misc]
        before = len(made)
        until(lambda before=before: len(made) > before + 5, 20, "the client does not go on")  # type: ignore[misc]
    closing.set()
    user.join(20)
    history.close()
    assert history.read()["bad"] == []
    assert [process.exits[-1].code for process in topology.apis.values()] == [0, 0]
    found = httpx.post(f"{topology.url}/api/flows/count", json={"flows": {"id": {"any_": made}}}).json()
    assert found == len(made)
    assert {request["status"] for request in topology.requests() if request["status"] >= 500} <= {502, 503}


def _watch(topology: Topology, path: str, found: list[Any], closing: threading.Event) -> None:
    """Subscribes through the proxy and gathers the names of events, the messages of log lines."""
    url = f"{topology.url.replace('http', 'ws')}/api/{path}/out"
    wanted: dict[str, Any] = {"events": {"event": {"prefix": ["prefect."]}}, "logs": {}}[path]
    with connect(url, subprotocols=["prefect"]) as peer:  # type: ignore[list-item]
        peer.send(json.dumps({"type": "auth", "token": None}))
        found.append(json.loads(peer.recv(10))["type"])
        if path == "events":
            wanted["occurred"] = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
        peer.send(json.dumps({"type": "filter", "filter": wanted}))
        while not closing.is_set():
            try:
                message = json.loads(peer.recv(0.5))
            except TimeoutError:
                continue
            found.append(message["event"]["event"] if path == "events" else message["log"]["message"])
