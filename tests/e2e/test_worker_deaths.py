"""The unmodified worker killed at every point of a run's life: all runs end in time, no slot stays, none runs twice.

``make worker-deaths`` does each death ten times, in an order made from a seed that it prints.
"""

import random
import signal
import subprocess
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from tests import backing
from tests.e2e.conftest import PREFECT, Podium, wait_for
from tests.e2e.deaths import Proxy, family, kill

TIMES = int(backing.CONFIGURED.get("PODIUM_TEST_DEATHS", "1"))
SEED = int(backing.CONFIGURED.get("PODIUM_TEST_SEED") or time.time())

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600 + 240 * TIMES)]

HEARTBEAT = 30
"""The shortest interval of the client."""

PENDING = 30
CANCELLING = 25
SLACK = 30.0
SURVIVES = 3 * HEARTBEAT + 25
"""How long a run goes on whose worker died alone: longer than it might be silent."""

SERVER_SETTINGS = {
    "PODIUM_SERVER_SERVICES_ZOMBIES_LOOP_SECONDS": "2",
    "PODIUM_SERVER_SERVICES_ZOMBIES_HEARTBEAT_INTERVAL_SECONDS": str(HEARTBEAT),
    "PODIUM_SERVER_SERVICES_ZOMBIES_SILENCE_SECONDS": "60",
    "PODIUM_SERVER_SERVICES_ZOMBIES_PENDING_SECONDS": str(PENDING),
    "PODIUM_SERVER_SERVICES_ZOMBIES_PENDING_WITH_WORKER_SECONDS": "200",
    "PODIUM_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS": "2",
    "PODIUM_SERVER_SERVICES_CANCELLATION_CLEANUP_CANCELLING_TIMEOUT_SECONDS": str(CANCELLING),
    "PODIUM_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": "2",
    "PODIUM_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "2",
}
CLIENT_SETTINGS = {
    "PREFECT_WORKER_HEARTBEAT_SECONDS": "2",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT),
}

FLOW = """
import os, time
from pathlib import Path
from prefect import flow, runtime, task

@task
def nap(seconds): time.sleep(seconds)

@flow(name="mortal")
def mortal(seconds: float = 0.0):
    with (Path(os.environ["MARKS"])).open("a") as marks:
        marks.write(f"{runtime.flow_run.id} {os.getpid()}\\n")
    nap(seconds)
"""
TERMINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@dataclass(frozen=True)
class Death:
    """A point of a run's life, what dies there, how the run ends, within which time and how often its body runs.

    ``at`` is a proposal of the worker or its flow run's process and whether the server has answered it; or the state
    in which the run is when all, or the worker alone, is killed. ``body`` is how often the flow begins.
    """

    name: str
    at: tuple[str, str]
    alone: bool
    ends: tuple[str, ...]
    within: float
    body: int
    seconds: float = 0.0


DEATHS = (
    Death("claiming", ("before", "PENDING Pending"), False, ("COMPLETED",), 0, 1),
    Death("claimed", ("after", "PENDING Pending"), False, ("CRASHED",), PENDING, 0),
    Death("submitting", ("after", "PENDING Submitting"), False, ("CRASHED",), PENDING, 0),
    Death("starting", ("before", "RUNNING Running"), False, ("CRASHED",), PENDING, 0),
    Death("starting, the worker alone", ("before", "RUNNING Running"), True, ("COMPLETED",), 0, 1, 1),
    Death("running", ("state", "RUNNING"), False, ("CRASHED",), 3 * HEARTBEAT, 1, 600),
    Death("running, the worker alone", ("state", "RUNNING"), True, ("COMPLETED",), 0, 1, SURVIVES),
    Death("cancelling", ("before", "CANCELLED Cancelled"), False, ("CANCELLED",), CANCELLING, 1, 600),
    Death("cancelling, the worker alone", ("state", "CANCELLING"), True, ("CANCELLED", "COMPLETED"), 0, 1, 50),
    Death("asleep while claiming", ("sleep", "PENDING Pending"), True, ("COMPLETED",), 0, 1),
)


@dataclass
class Life:
    """A run with a worker of its own, which dies."""

    death: Death
    run_id: str
    worker: subprocess.Popen[str] | None = None
    proxy: Proxy | None = None
    died: threading.Event = field(default_factory=threading.Event)
    died_at: datetime | None = None
    awake: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)

    def seen(self, when: str, proposal: str) -> bool:
        """What the proxy asks at every proposal; false where the one that made it is dead."""
        at, what = self.death.at
        if at == "sleep" and proposal == what:
            if when == "before" and not self.died.is_set():
                self.end(signal.SIGSTOP)
                self.awake.wait()
            elif when == "after":
                self.answered.set()
        elif (at, what) == (when, proposal) and not self.died.is_set():
            self.end()
            return self.death.alone
        return True

    def end(self, number: int = signal.SIGKILL) -> None:
        """Kills the worker, and unless it dies alone all that it started."""
        assert self.worker is not None
        kill([self.worker.pid] if self.death.alone else family(self.worker.pid), number)
        self.died_at = datetime.now(UTC)
        self.died.set()


class Graveyard:
    """The pool, the deployment and the lives of one server."""

    def __init__(self, podium: Podium, times: int) -> None:
        self.podium = podium
        self.port = int(podium.url.rpartition(":")[2].partition("/")[0])
        self.marks = podium.home / "marks"
        self.marks.touch()
        self.environment = {**CLIENT_SETTINGS, "MARKS": str(self.marks)}
        (podium.home / "mortal.py").write_text(textwrap.dedent(FLOW))
        podium.prefect("work-pool", "create", "deaths", "--type", "process")
        slots = times * len(DEATHS) + 5
        podium.run(
            f"""
            from prefect import flow
            flow.from_source(source={str(podium.home)!r}, entrypoint="mortal.py:mortal").deploy(
                name="d", work_pool_name="deaths", concurrency_limit={slots}, print_next_steps=False)
            """
        )
        self.limit(slots)
        self.deployment = podium.get("/deployments/name/mortal/d")
        self.lives: list[Life] = []

    def limit(self, slots: int) -> None:
        """Lets so many runs of the pool be under way."""
        assert self.podium.api.patch("/work_pools/deaths", json={"concurrency_limit": slots}).is_success

    def make(self, queue: str = "default", seconds: float = 0.0, survives: bool = False) -> str:
        """A new run in a queue; its id. One that is to survive its worker must not print what that would read."""
        body: dict[str, Any] = {"parameters": {"seconds": seconds}, "work_queue_name": queue}
        if survives:
            body["job_variables"] = {"stream_output": False}
        run_id: str = self.podium.post(f"/deployments/{self.deployment['id']}/create_flow_run", body)["id"]
        return run_id

    def start_worker(self, name: str, *options: str, **environment: str) -> subprocess.Popen[str]:
        command = (str(PREFECT / "prefect"), "worker", "start", "--pool", "deaths", "--name", name)
        return self.podium.start(*command, *options, **self.environment, **environment)

    def read(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.podium.get(f"/flow_runs/{run_id}")
        return found

    def bury(self, death: Death, number: int) -> None:
        """Makes a run, gives it to a worker of its own and kills that at the point."""
        name = f"{death.name.replace(', ', '-').replace(' ', '-')}-{number}"
        life = Life(death, self.make(name, death.seconds, death.alone))
        self.lives.append(life)
        life.proxy = Proxy(self.port, life.seen)
        life.worker = self.start_worker(name, "--work-queue", name, PREFECT_API_URL=life.proxy.url)
        at, what = death.at
        if at == "state" or what.startswith("CANCELLED"):
            wait_for(lambda: self.beats(life.run_id), 120)
        if what == "CANCELLING":
            # It must not get to cancel the run before it dies.
            kill([life.worker.pid], signal.SIGSTOP)
        if what.startswith("CANCEL"):
            state = {"state": {"type": "CANCELLING"}}
            assert self.podium.post(f"/flow_runs/{life.run_id}/set_state", state)["status"] == "ACCEPT"
        if at == "state":
            life.end()
        assert life.died.wait(120), f"{name} did not come to its end: {self.read(life.run_id)['state']}"

    def beats(self, run_id: str) -> bool:
        """Whether a run has sent a heartbeat."""
        chosen = {"event": {"name": ["prefect.flow-run.heartbeat"]}, "resource": {"id": [f"prefect.flow-run.{run_id}"]}}
        return bool(self.podium.post("/events/filter", {"filter": chosen})["total"])

    def begun(self) -> Counter[str]:
        """How often the flow of each run began."""
        return Counter(line.split()[0] for line in self.marks.read_text().splitlines())

    def clear(self) -> None:
        """Ends what survived."""
        kill([int(line.split()[1]) for line in self.marks.read_text().splitlines()])
        for life in self.lives:
            life.awake.set()
            if life.worker is not None:
                kill(family(life.worker.pid))
            if life.proxy is not None:
                life.proxy.close()


def failures(yard: Graveyard) -> list[str]:
    """What did not come as it has to: ends, times, and how often each flow began."""
    begun, found = yard.begun(), []
    for life in yard.lives:
        run, death = yard.read(life.run_id), life.death
        assert life.died_at is not None
        took = (datetime.fromisoformat(run["state"]["timestamp"]) - life.died_at).total_seconds()
        line = f"{death.name}: {run['state_type']} {took:.0f} s after the death, begun {begun[life.run_id]} times"
        print(line, "|", run["state"]["message"])
        late = death.within and took > death.within + SLACK
        if run["state_type"] not in death.ends or begun[life.run_id] != death.body or late:
            found.append(f"{line}: {yard.podium.states(life.run_id)} {run['state']['message']}")
    return found


def all_of(yard: Graveyard, done: Callable[[dict[str, Any]], bool]) -> bool:
    """Whether something holds for each run."""
    chosen = {"id": {"any_": [life.run_id for life in yard.lives]}}
    return all(done(run) for run in yard.podium.post("/flow_runs/filter", {"flow_runs": chosen, "limit": 200}))


def test_runs_whose_worker_dies_end_once(clients: Podium) -> None:
    """In time, with every slot free and with tasks that ended; what was not taken is taken by the next worker, once."""
    print(f"PODIUM_TEST_SEED={SEED}")
    yard = Graveyard(clients, TIMES)
    todo = [(death, number) for number in range(TIMES) for death in DEATHS]
    random.Random(SEED).shuffle(todo)
    pool = ThreadPoolExecutor(3)
    try:
        for done in [pool.submit(yard.bury, *each) for each in todo]:
            done.result()
        yard.start_worker("next", "--limit", "3")
        wait_for(lambda: all_of(yard, lambda run: run["state_type"] in TERMINAL), 300 + 10 * len(todo), 1)
        sleepers = [life for life in yard.lives if life.death.at[0] == "sleep"]
        for life in sleepers:
            assert life.worker is not None
            kill([life.worker.pid], signal.SIGCONT)
            life.awake.set()
        for life in sleepers:
            assert life.answered.wait(30)
        time.sleep(10)
        assert not failures(yard)

        limit = yard.deployment["concurrency_limit"]
        used = clients.get(f"/v2/concurrency_limits/deployment:{yard.deployment['id']}")
        assert (used["limit"], used["active_slots"]) == (limit or used["limit"], 0)
        chosen = {"flow_run_id": {"any_": [life.run_id for life in yard.lives]}}
        unfinished = {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING", "PAUSED"]}}}
        wait_for(lambda: not clients.post("/task_runs/filter", {"task_runs": {**chosen, **unfinished}}), 120, 1)
        yard.limit(1)
        last = yard.make()
        wait_for(lambda: yard.read(last)["state_type"] == "COMPLETED", 120)
    finally:
        pool.shutdown(cancel_futures=True)
        yard.clear()
