"""Clients that stream task-run events to a server that dies now and then, and what they were told of each event."""

import random
import threading
import time
from bisect import bisect_right
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from podium.server.events.event import Event
from tests.server.events.samples import START, frame, life_of_task_run

Row = dict[str, Any]

CHECKPOINT = 50
"""Events between two pings; the SDK sends one after 700 events or 30 seconds."""


def lives_of_task_runs(flow_run_id: str, events: int, chance: random.Random) -> list[list[Event]]:
    """The lives of task runs, so many events in all, some without a flow run, some not ended yet."""
    shift = datetime.now(UTC) - START - timedelta(minutes=10)
    lives = []
    left = events
    while left:
        life = life_of_task_run(None if chance.random() < 0.1 else flow_run_id, f"task-{left}")
        life = life[: min(left, chance.choice((2, 4, 5, 5)))]
        for each in life:
            each.occurred += shift
        lives.append(life)
        left -= len(life)
    return lives


def reference(life: list[Event]) -> Row:
    """What the task run of a life must be in the end: what its newest event says."""
    newest = max(life, key=lambda event: event.occurred)
    state, run = newest.payload["validated_state"], newest.payload["task_run"]
    return {
        "id": newest.resource_id.removeprefix("prefect.task-run."),
        "flow_run_id": next((each["prefect.resource.id"][-36:] for each in newest.related), None),
        "task_key": run["task_key"],
        "dynamic_key": run["dynamic_key"],
        "run_count": run["run_count"],
        "total_run_time": run.get("total_run_time", 0.0),
        "state_id": newest.id,
        "state_type": state["type"],
        "state_name": state["name"],
        "state_timestamp": newest.occurred,
    }


class UpTime:
    """The stretches in which a server was up; time that passes while it is down does not count."""

    def __init__(self) -> None:
        self._changes = [time.monotonic()]

    def went_down(self) -> None:
        self._changes.append(time.monotonic())

    def came_up(self) -> None:
        self._changes.append(time.monotonic())

    def between(self, start: float, end: float) -> float:
        """Seconds of being up between two moments."""
        return self._until(end) - self._until(start)

    def _until(self, moment: float) -> float:
        passed = [*self._changes[: bisect_right(self._changes, moment)], moment]
        return sum(passed[place + 1] - passed[place] for place in range(0, len(passed) - 1, 2))


@dataclass
class Told:
    """What clients learned together: when each event was acknowledged, and how long it took to be seen after that."""

    acknowledged: dict[str, float] = field(default_factory=dict)
    seen_after: list[float] = field(default_factory=list)
    sent: int = 0
    connections: int = 0


class Streamer(threading.Thread):
    """One client: sends its events in the given order, keeps those that no pong confirmed, and sends them again over
    the next connection, as the SDK does. It watches the last event of each confirmed stretch until its state can be
    read, which tells of the whole stretch."""

    def __init__(self, port: int, events: list[Event], pause: float, up: UpTime, told: Told) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._waiting = deque(events)
        self._unconfirmed: deque[Event] = deque()
        self._pause = pause
        self._up = up
        self._told = told
        self._to_watch: deque[tuple[str, float]] = deque()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def run(self) -> None:
        self._watcher.start()
        while self._waiting or self._unconfirmed:
            with suppress(WebSocketException, OSError, TimeoutError, EOFError):
                self._stream()
            time.sleep(0.05)
        self._to_watch.append(("", 0.0))
        self._watcher.join()

    def _stream(self) -> None:
        url = f"ws://127.0.0.1:{self._port}/api/events/in"
        with connect(
            url, subprotocols=[Subprotocol("prefect")], open_timeout=5, close_timeout=1, compression=None
        ) as ws:
            ws.send('{"type":"auth","token":null}')
            ws.recv(5)
            self._told.connections += 1
            self._waiting.extendleft(reversed(self._unconfirmed))
            self._unconfirmed.clear()
            while self._waiting:
                for _ in range(min(CHECKPOINT, len(self._waiting))):
                    self._unconfirmed.append(self._waiting.popleft())
                    ws.send(frame(self._unconfirmed[-1]))
                    self._told.sent += 1
                    time.sleep(self._pause)
                self._confirm(ws)

    def _confirm(self, ws: ClientConnection) -> None:
        pong = ws.ping()
        while not pong.wait(0.02):
            if ws.state.name != "OPEN":
                raise ConnectionError("no pong")
        now = time.monotonic()
        self._told.acknowledged.update((event.id, now) for event in self._unconfirmed)
        self._to_watch.append((self._unconfirmed[-1].id, now))
        self._unconfirmed.clear()

    def _watch(self) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{self._port}/api", timeout=5) as client:
            while True:
                while not self._to_watch:
                    time.sleep(0.01)
                event_id, since = self._to_watch.popleft()
                if not event_id:
                    return
                while not _is_seen(client, event_id):
                    time.sleep(0.02)
                self._told.seen_after.append(self._up.between(since, time.monotonic()))


def _is_seen(client: httpx.Client, state_id: str) -> bool:
    try:
        return client.get(f"/task_run_states/{state_id}").status_code == 200
    except httpx.TransportError:
        return False
