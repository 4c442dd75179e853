"""The whole topology under load while its parts are killed, stopped and frozen. `make chaos` runs it for MINUTES=10."""

import os
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import backing
from tests.chaos import checker
from tests.chaos.faults import Faults, plan
from tests.chaos.history import History
from tests.chaos.load import Load
from tests.chaos.sampler import Sampler
from tests.chaos.topology import Topology, until

MINUTES = float(os.environ.get("PODIUM_TEST_MINUTES", "1.5"))
SEED = int(os.environ.get("PODIUM_TEST_SEED", time.time()))
FULL = MINUTES >= 5
DEPLOYMENTS = 200 if FULL else 40
SHORTEST = 20 if FULL else 10
DRAINED_WITHIN = 90.0

SETTINGS = {
    "PODIUM_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "10",
    # Ahead of every outage, and not so far that deploying means making thousands of runs.
    "PODIUM_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME": "300" if FULL else "120",
    "PODIUM_SERVER_SERVICES_SCHEDULER_MAX_RUNS": "30",
    "PODIUM_REDIS_MESSAGING_SOCKET_TIMEOUT": "5",
}

_RUNS = (
    "SELECT deployments.name, extract(epoch FROM flow_runs.expected_start_time)::float, flow_runs.state_type"
    " FROM flow_runs JOIN deployments ON deployments.id = flow_runs.deployment_id WHERE flow_runs.auto_scheduled"
)
_SILENT = (
    "SELECT name FROM service_heartbeats WHERE interval <= %s GROUP BY name"
    " HAVING coalesce(max(last_finished) < to_timestamp(%s), true)"
)


def runs(topology: Topology) -> list[tuple[str, float, str]]:
    with psycopg.connect(topology.database_url) as connection:
        return connection.execute(_RUNS.encode()).fetchall()  # type: ignore[return-value]


@pytest.mark.timeout(60 * MINUTES * 2 + 600)
def test_nothing_is_missed_doubled_or_lost(tmp_path: Path, own_postgres: backing.OwnPostgres) -> None:
    """Every slot of every schedule has one run that ends, every acknowledged write is kept, every loop goes on within
    30 seconds, nobody is told 500 and no process has to be restarted by hand."""
    print(f"SEED={SEED} MINUTES={MINUTES:g}")
    try:
        topology = Topology(tmp_path, own_postgres, SETTINGS)
    except backing.Absent as absent:
        pytest.skip(str(absent))
    stages = Stages()
    with closing(History(tmp_path / "history.jsonl")) as history, topology:
        report = run(topology, history, stages)
    stages.end("stopped")
    report.figures["seconds until"] = stages.seconds
    for name, value in report.figures.items():
        print(f"{name:52} {value}")
    assert not report.wrong, "\n".join([f"SEED={SEED}, history and logs in {tmp_path}", *report.wrong])


class Stages:
    """How long each part of the test took, by what it ended with."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self.seconds: dict[str, float] = {}

    def end(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name] = round(now - self._last, 1)
        self._last = now


def run(topology: Topology, history: History, stages: Stages) -> checker.Report:
    stages.end("started")
    load = Load(topology.ports["proxy"], history, SEED)
    load.prepare(DEPLOYMENTS, SHORTEST)
    until(lambda: len({name for name, _, _ in runs(topology)}) == DEPLOYMENTS, 60, "not all are scheduled")
    stages.end("scheduled")
    with Sampler(topology, history):
        start = time.time()
        load.start(3, 2, [f"chaos-{number}" for number in range(DEPLOYMENTS // 5)], SHORTEST)
        Faults(topology, history).run(plan(SEED, MINUTES * 60, sorted(topology.podium)))
        stages.end("healed")
        healed = time.time()
        load.stop()
        end = time.time()
        stages.end("no new work")
        drain(topology, end)
        stages.end("drained")
        wait_for_rounds(topology, healed)
        stages.end("all had a round")
        load.close()
    checked = time.time()
    stages.end("no load")
    report = check(topology, history, load, start, end, checked)
    stages.end("checked")
    return report


def drain(topology: Topology, end: float) -> None:
    """Waits while the workers end the runs that were due, as long as that may take."""
    give_up = time.time() + DRAINED_WITHIN
    while list(checker.check_ends(runs(topology), end)) and time.time() < give_up:
        time.sleep(1)


def wait_for_rounds(topology: Topology, healed: float) -> None:
    """Returns when every process is ready and every service had a round since, or should have had one."""
    give_up = healed + checker.RECOVERY + checker.NOTED_AFTER
    while time.time() < give_up:
        with psycopg.connect(topology.database_url) as connection:
            silent = connection.execute(_SILENT.encode(), (checker.OFTEN, healed)).fetchall()
        if not silent and all(topology.is_ready(name) for name in topology.podium):
            time.sleep(2)  # the sampler looks once more
            return
        time.sleep(1)


def check(topology: Topology, history: History, load: Load, start: float, end: float, checked: float) -> checker.Report:
    report, notes, made, requests = checker.Report(), history.read(), runs(topology), topology.requests()
    checker.check_slots(notes, made, start, end, report)
    report.add("every run that was due has ended", checker.check_ends(made, end))
    checker.check_workers(notes, report)
    report.add("every acknowledged write is kept", checker.check_writes(notes, topology.url, topology.database_url))
    checker.check_rounds(notes, checked, report)
    report.add("every process is ready", checker.check_ready(notes, topology.podium))
    report.add("no 500", checker.check_answers(notes, requests))
    report.add("no limit is exceeded", checker.check_slots_taken(notes))
    report.add("no process ends by itself", checker.check_processes(notes, topology.podium.values()))
    report.add("every client goes on", load.failures)
    report.figures |= figures(notes, requests, topology)
    return report


def figures(notes: checker.Notes, requests: list[dict[str, Any]], topology: Topology) -> dict[str, Any]:
    statuses: dict[int, int] = {}
    for request in requests:
        statuses[request["status"]] = statuses.get(request["status"], 0) + 1
    kept = {what: len(notes[what]) for what in ("run", "state", "log", "event", "started", "schedule", "got")}
    faults: dict[str, int] = {}
    for note in notes["fault"]:
        faults[note["what"]] = faults.get(note["what"], 0) + 1
    return {
        "acknowledged": kept,
        "faults": faults,
        "answers through the proxy": dict(sorted(statuses.items())),
        "longest until PostgreSQL's return is a client's, s": checker.first_success(notes, requests),
        "longest request, s": max(request["seconds"] for request in requests if "/in" not in request["path"]),
        "starts": {name: process.starts for name, process in topology.podium.items()},
    }
