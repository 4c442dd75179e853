"""Who uses the server during a chaos run: deployers, workers, writers, senders of events, takers of slots."""

import heapq
import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.chaos.api import Api, GivenUp
from tests.chaos.history import History
from tests.chaos.schedules import Schedule, any_schedule

POOL = "chaos"
LIMIT = "chaos"
SLOTS = 2
TAKERS = 4
PREFETCH = 10.0
EACH_AGAIN = 40.0
"""Seconds after which a deployment that is deployed again and again has its next turn, about."""

LIFE = ("RUNNING", "COMPLETED")


class Load:
    """``stop`` ends what makes new work; the workers go on until ``close``."""

    def __init__(self, port: int, history: History, seed: int) -> None:
        self.port, self.history = port, history
        self.random = random.Random(seed)
        self.stopping, self.closing = threading.Event(), threading.Event()
        self.failures: list[str] = []
        self._threads: list[threading.Thread] = []
        self._makers: list[threading.Thread] = []

    def prepare(self, count: int, shortest: int) -> None:
        """Makes the flow, the pool, the limit and the deployments, each with a schedule."""
        api = self._api()
        self.flow = api.call("POST", "/flows/", {"name": "chaos"})[1]["id"]
        api.call("POST", "/work_pools/", {"name": POOL, "type": "process"})
        api.call("POST", "/v2/concurrency_limits/", {"name": LIMIT, "limit": SLOTS, "active": True})
        for number in range(count):
            deploy(api, self.flow, f"chaos-{number}", any_schedule(self.random, time.time(), shortest))
        api.close()

    def start(self, workers: int, writers: int, redeployed: list[str], shortest: int) -> None:
        for number in range(workers):
            self._run(self._threads, work, f"worker-{number}")
        for number in range(writers):
            self._run(self._makers, write, f"writer-{number}", self.flow)
        for number in range(TAKERS):
            self._run(self._makers, take_slots, f"taker-{number}")
        self._run(self._makers, send_events, "sender")
        self._run(self._makers, redeploy, "deployer", self.flow, redeployed, shortest)

    def stop(self) -> None:
        """No new work; returns when its makers are done."""
        self.stopping.set()
        for thread in self._makers:
            thread.join(60)

    def close(self) -> None:
        self.stopping.set()
        self.closing.set()
        for thread in self._threads + self._makers:
            thread.join(40)

    def _api(self) -> Api:
        return Api(self.port, self.history, self.closing, self.random.getrandbits(32))

    def _run(self, threads: list[threading.Thread], what: Callable[..., None], name: str, *arguments: Any) -> None:
        api = self._api()
        stop = self.closing if threads is self._threads else self.stopping

        def until_stopped() -> None:
            try:
                what(api, name, stop, *arguments)
            except GivenUp as error:
                if not self.closing.is_set():
                    self.failures.append(f"{name} gave up: {error}")
            except Exception as error:
                self.failures.append(f"{name} failed: {error!r}")
            finally:
                api.close()

        thread = threading.Thread(target=until_stopped, name=name, daemon=True)
        threads.append(thread)
        thread.start()


def deploy(api: Api, flow: str, name: str, schedule: Schedule) -> None:
    """What `flow.deploy` sends; the schedule takes the place of any other. Every second deployment catches up."""
    catches_up = int(name.rpartition("-")[2]) % 2 == 0
    body = {
        "tags": ["podium.catchup:all"] if catches_up else [],
        "name": name,
        "flow_id": flow,
        "work_pool_name": POOL,
        "schedules": [{"schedule": schedule.wire, "active": True}],
        "enforce_parameter_schema": False,
    }
    api.history.note("replacing", name=name)
    status, answer = api.call("POST", "/deployments/", body)
    assert status in (200, 201), answer
    api.history.note("schedule", name=name, id=answer["id"], catches_up=catches_up, **schedule.note())


def redeploy(api: Api, me: str, stopping: threading.Event, flow: str, names: list[str], shortest: int) -> None:
    """Deploys some again and again, in turn with the same schedule and with another."""
    schedules: dict[str, Schedule] = {}
    while True:
        for name in names:
            if name not in schedules or api.random.random() < 0.5:
                schedules[name] = any_schedule(api.random, time.time(), shortest)
            deploy(api, flow, name, schedules[name])
            if stopping.wait(api.random.uniform(0.5, 1.5) * EACH_AGAIN / len(names)):
                return


def work(api: Api, me: str, closing: threading.Event) -> None:
    """Polls the pool as a worker does, ten seconds ahead, and takes every run it gets through its life."""
    waiting: list[tuple[float, str, str]] = []
    while not closing.wait(api.random.uniform(0.3, 0.8)):
        until = (datetime.now(UTC) + timedelta(seconds=PREFETCH)).isoformat()
        body = {"scheduled_before": until, "limit": 20}
        status, found = api.call("POST", f"/work_pools/{POOL}/get_scheduled_flow_runs", body)
        assert status == 200, found
        for run in (each["flow_run"] for each in found):
            if propose(api, me, run["id"], "PENDING"):
                api.history.note("started", id=run["id"], by=me)
                due = datetime.fromisoformat(run["expected_start_time"]).timestamp()
                heapq.heappush(waiting, (due, run["id"], "RUNNING"))
        while waiting and waiting[0][0] <= time.time():
            _, run_id, state = heapq.heappop(waiting)
            if not propose(api, me, run_id, state) or state == "COMPLETED":
                api.history.note("ended", id=run_id, by=me, state=state)
            else:
                heapq.heappush(waiting, (time.time() + api.random.uniform(0.5, 3), run_id, "COMPLETED"))


def propose(api: Api, me: str, run: str, state: str) -> bool:
    """Whether the run is in the state by us; what was repeated may have been accepted the first time."""
    status, answer = api.call("POST", f"/flow_runs/{run}/set_state", {"state": {"type": state, "message": me}})
    if status == 404:  # a redeployment made it anew
        return False
    assert status in (200, 201), answer
    if answer["status"] == "ACCEPT":
        return True
    _, found = api.call("GET", f"/flow_runs/{run}")
    return bool(found["state"]["type"] == state and found["state"]["message"] == me)


def write(api: Api, me: str, stopping: threading.Event, flow: str) -> None:
    """Makes runs with states, a log line and an event, and notes each once it is acknowledged."""
    while not stopping.wait(api.random.uniform(0.1, 0.5)):
        key = str(uuid.uuid4())
        body = {"flow_id": flow, "state": {"type": "PENDING", "message": me}, "idempotency_key": key, "tags": [me]}
        status, run = api.call("POST", "/flow_runs/", body)
        assert status in (200, 201), run
        api.history.note("run", id=run["id"], key=key)
        for state in LIFE:
            if propose(api, me, run["id"], state):
                api.history.note("state", id=run["id"], state=state)
        line = {"name": "chaos", "level": 20, "message": key, "timestamp": _now(), "flow_run_id": run["id"]}
        status, answer = api.call("POST", "/logs/", [line])
        assert status == 201, answer
        api.history.note("log", run=run["id"], message=key)
        event = _event(me)
        status, answer = api.call("POST", "/events", [event])
        assert status == 204, answer
        api.history.note("event", id=event["id"])


def send_events(api: Api, me: str, stopping: threading.Event) -> None:
    """Streams events over a WebSocket; those before an answered ping are acknowledged, others are sent again."""
    waiting: list[dict[str, Any]] = []
    url = f"ws://127.0.0.1:{api.port}/api/events/in"
    while not stopping.is_set():
        with suppress(WebSocketException, OSError, TimeoutError), connect(url, open_timeout=5, close_timeout=1) as peer:
            while not stopping.wait(0.5):
                waiting += [_event(me) for _ in range(5 - len(waiting))]
                for event in waiting:
                    peer.send(json.dumps(event))
                if not peer.ping().wait(10):
                    break
                for event in waiting:
                    api.history.note("event", id=event["id"])
                waiting.clear()
        stopping.wait(0.5)


def take_slots(api: Api, me: str, stopping: threading.Event) -> None:
    """Takes a slot of the limit for a moment, and gives it back."""
    lease = {"names": [LIMIT], "slots": 1, "mode": "concurrency", "lease_duration": 60}
    while not stopping.wait(api.random.uniform(0.2, 0.6)):
        status, answer = api.call("POST", "/v2/concurrency_limits/increment-with-lease", lease)
        if status != 200:
            continue
        api.history.note("got", lease=answer["lease_id"])
        stopping.wait(0.3)
        api.history.note("gave", lease=answer["lease_id"])
        api.call("POST", "/v2/concurrency_limits/decrement-with-lease", {"lease_id": answer["lease_id"]})


def _event(me: str) -> dict[str, Any]:
    resource = {"prefect.resource.id": f"chaos.{me}"}
    return {"id": str(uuid.uuid4()), "occurred": _now(), "event": "chaos.happened", "resource": resource}


def _now() -> str:
    return datetime.now(UTC).isoformat()
