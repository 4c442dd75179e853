"""A backup under full write load holds all that was acknowledged before it, and each change whole or not at all.

PODIUM_TEST_BACKUPS (1) says how many are made, PODIUM_TEST_BACKUP_RUNS (0) of how many runs more than the load makes.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from podium.db import commands
from podium.db.backup import restoring
from podium.db.connections import open_engine
from podium.db.options import Options
from tests import backing
from tests.cli.processes import ServerProcess
from tests.migrated import migrate

BACKUPS = int(os.environ.get("PODIUM_TEST_BACKUPS", "1"))
RUNS = int(os.environ.get("PODIUM_TEST_BACKUP_RUNS", "0"))
WRITERS = 16
STATES = ["PENDING", "RUNNING", "COMPLETED"]
LIFE = STATES[1:]


@dataclass
class Writer:
    """What one writer was told, and when: moments of `time.monotonic`; ``delays`` of its calls."""

    states: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    lines: list[tuple[float, str]] = field(default_factory=list)
    delays: list[tuple[float, float]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def write(self, url: str, flow_id: str, stop: threading.Event) -> None:
        """Makes runs and takes them through their lives until told to stop."""
        with httpx.Client(base_url=f"{url}/api", timeout=30) as client:
            while not stop.is_set():
                run = self._call(client, "/flow_runs/", {"flow_id": flow_id, "state": {"type": "PENDING"}})
                if not run:
                    continue
                self.states[run["id"]] = [(time.monotonic(), "PENDING")]
                for state in LIFE:
                    self._call(client, f"/flow_runs/{run['id']}/set_state", {"state": {"type": state}})
                    self.states[run["id"]].append((time.monotonic(), state))
                line = {"name": "load", "level": 20, "message": run["id"], "timestamp": "2026-11-20T00:00:00Z"}
                self._call(client, "/logs/", [{**line, "flow_run_id": run["id"]}])
                self.lines.append((time.monotonic(), run["id"]))

    def _call(self, client: httpx.Client, path: str, body: Any) -> Any:
        started = time.monotonic()
        answer = client.post(path, json=body)
        self.delays.append((started, time.monotonic() - started))
        if answer.status_code != 201:
            self.wrong.append(f"{path}: {answer.status_code} {answer.text}")
            return None
        return answer.json()


@pytest.fixture
def server(database_url: str, tmp_path: Path, free_port: int) -> Iterator[ServerProcess]:
    migrate(database_url)
    setting = {"PODIUM_SERVER_DATABASE_CONNECTION_URL": database_url}
    with ServerProcess(tmp_path, free_port, **setting) as process:
        yield process.until_ready()


def _backup(url: str, file: Path) -> float:
    """The moment when the command was started."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(file.parent), "PODIUM_SERVER_DATABASE_CONNECTION_URL": url}
    command = [sys.executable, "-m", "podium", "server", "database", "backup", str(file), "-o", "json"]
    started = time.monotonic()
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    answer = json.loads(done.stdout)
    print(f"{answer['database']}: {answer['rows']} rows, {answer['bytes']} bytes in {time.monotonic() - started:.1f} s")
    return started


def _rows(url: str, statement: str) -> list[Any]:
    engine = open_engine(url, Options())
    with engine.connect() as connection:
        found = connection.exec_driver_sql(statement).all()
    engine.dispose()
    return list(found)


def _check(url: str, writers: list[Writer], before: float) -> int:
    """Compares a restored database with what was acknowledged; how many runs it has."""
    stored: dict[str, list[str]] = {}
    for run_id, state in _rows(url, "SELECT flow_run_id, type FROM flow_run_states ORDER BY timestamp, id"):
        stored.setdefault(str(run_id), []).append(state)
    current = {str(run_id): state for run_id, state in _rows(url, "SELECT id, state_type FROM flow_runs")}
    lines = {message for (message,) in _rows(url, "SELECT message FROM logs")}
    events = Counter(
        resource.removeprefix("prefect.flow-run.")
        for (resource,) in _rows(url, "SELECT resource_id FROM events WHERE event LIKE 'prefect.flow-run.%%'")
    )
    for writer in writers:
        for run_id, acknowledged in writer.states.items():
            sure = [state for moment, state in acknowledged if moment < before]
            assert stored.get(run_id, [])[: len(sure)] == sure, f"run {run_id}"
        assert {run_id for moment, run_id in writer.lines if moment < before} <= lines
    for run_id, state in current.items():
        assert stored[run_id] == STATES[: len(stored[run_id])]
        assert state == stored[run_id][-1]
        assert events[run_id] == len(stored[run_id])
    assert set(stored) == set(current)
    return len(current)


def _restored(url: str, file: Path, postgres: backing.Postgres, writers: list[Writer], before: float) -> None:
    """Into the same kind of database, and into the other."""
    kinds = Counter[str]()
    with postgres.database() as other:
        for target in (f"sqlite:///{file.with_suffix('.db')}", other):
            restoring.restore(target, Options(), file)
            assert commands.check(target) == []
            for ask in ("integrity_check", "foreign_key_check") if target.startswith("sqlite") else ():
                assert [*_rows(target, f"PRAGMA {ask}")] == ([("ok",)] if ask == "integrity_check" else [])
            kinds[target.partition(":")[0]] = _check(target, writers, before)
    assert len(set(kinds.values())) == 1
    assert kinds["sqlite"] >= 10


def _p99(delays: list[float]) -> float:
    return sorted(delays)[int(len(delays) * 0.99)] if delays else 0.0


@pytest.mark.timeout(1800)
def test_a_backup_under_full_write_load(
    server: ServerProcess, database_url: str, tmp_path: Path, postgres: backing.Postgres
) -> None:
    """16 writers go on while it is made; nobody is refused, and what is restored elsewhere is whole."""
    with httpx.Client(base_url=f"{server.url}/api", timeout=30) as client:
        flow_id = client.post("/flows/", json={"name": "load"}).json()["id"]
    writers, stop = [Writer() for _ in range(WRITERS)], threading.Event()
    threads = [threading.Thread(target=each.write, args=(server.url, flow_id, stop), daemon=True) for each in writers]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 600
    while sum(len(each.states) for each in writers) < 100 + RUNS and time.monotonic() < deadline:
        time.sleep(0.2)
    begun, made = time.monotonic(), []
    for number in range(BACKUPS):
        file = tmp_path / f"{number}.zip"
        made.append((file, _backup(database_url, file)))
    ended = time.monotonic()
    time.sleep(0.3)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert [text for each in writers for text in each.wrong] == []
    delays = [each for writer in writers for each in writer.delays]
    calm, busy = (
        [delay for moment, delay in delays if (begun <= moment < ended) is during] for during in (False, True)
    )
    print(f"p99 of a write: {_p99(calm):.3f} s before, {_p99(busy):.3f} s during backups ({len(busy)} writes)")
    for file, before in made:
        restoring.verify(file)
        _restored(database_url, file, postgres, writers, before)
