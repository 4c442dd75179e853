"""What the server answered is there after `kill -9`. PODIUM_TEST_KILLS (3) says how often it is killed."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.crash.server import Server
from tests.migrated import migrate

KILLS = int(os.environ.get("PODIUM_TEST_KILLS", "3"))
WRITERS = 16
LIFE = ["RUNNING", "COMPLETED"]


@dataclass
class History:
    """What one writer was told: the states each run was acknowledged to have, and those it only asked for."""

    acknowledged: dict[str, list[str]] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)


@pytest.fixture(params=["sqlite", "postgresql"])
def killable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    migrate(url)
    server = Server(tmp_path, url)
    server.start()
    yield server
    server.kill()


def _write(server: Server, flow_id: str, history: History, stopped: Callable[[], bool]) -> None:
    with httpx.Client(base_url=server.url, timeout=5) as client:
        while not stopped():
            try:
                _live_one_run(client, flow_id, history)
            except (httpx.TransportError, AssertionError):
                time.sleep(0.05)


def _live_one_run(client: httpx.Client, flow_id: str, history: History) -> None:
    created = client.post("/flow_runs/", json={"flow_id": flow_id, "state": {"type": "PENDING"}})
    assert created.status_code == 201
    run_id = created.json()["id"]
    history.acknowledged[run_id] = ["PENDING"]
    for state in LIFE:
        history.asked[run_id] = state
        answer = client.post(f"/flow_runs/{run_id}/set_state", json={"state": {"type": state}})
        assert answer.status_code == 201 and answer.json()["status"] == "ACCEPT"
        history.acknowledged[run_id].append(state)
    message = f"log of {run_id}"
    line = {
        "name": "crash",
        "level": 20,
        "message": message,
        "timestamp": "2026-01-01T00:00:00Z",
        "flow_run_id": run_id,
    }
    assert client.post("/logs/", json=[line]).status_code == 201
    history.logs.append(message)


def _check(client: httpx.Client, history: History) -> int:
    for run_id, acknowledged in history.acknowledged.items():
        run: dict[str, Any] = client.get(f"/flow_runs/{run_id}").json()
        states = [state["type"] for state in client.get(f"/flow_run_states/?flow_run_id={run_id}").json()]
        allowed = [acknowledged, [*acknowledged, history.asked.get(run_id, "")]]
        assert states in allowed, f"run {run_id}: stored {states}, acknowledged {acknowledged}"
        assert run["state_type"] == states[-1]
        assert run["state"]["type"] == states[-1]
    for message in random.Random(1).sample(history.logs, min(50, len(history.logs))):
        run_id = message.removeprefix("log of ")
        found = client.post("/logs/filter", json={"logs": {"flow_run_id": {"any_": [run_id]}}}).json()
        assert [line["message"] for line in found] == [message]
    return len(history.acknowledged)


@pytest.mark.timeout(1200)
def test_every_answered_write_survives_kill_9(killable: Server) -> None:
    """Under 16 writers the server is killed again and again: every acknowledged state and log line is kept, and no run
    is in a state it never had."""
    with httpx.Client(base_url=killable.url, timeout=10) as client:
        flow_id = client.post("/flows/", json={"name": "crash"}).json()["id"]
    stop = threading.Event()
    histories = [History() for _ in range(WRITERS)]
    writers = [
        threading.Thread(target=_write, args=(killable, flow_id, history, stop.is_set), daemon=True)
        for history in histories
    ]
    for writer in writers:
        writer.start()
    moments = random.Random(7)
    for _ in range(KILLS):
        time.sleep(moments.uniform(0.5, 1.5))
        killable.kill()
        killable.start()
    time.sleep(0.5)
    stop.set()
    for writer in writers:
        writer.join(30)
    with httpx.Client(base_url=killable.url, timeout=10) as client:
        checked = sum(_check(client, history) for history in histories)
    assert checked >= KILLS * 10
