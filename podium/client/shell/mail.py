"""Lines and signs of life on their way to the server, sent by a thread so that a command never waits for it.

While the server is away they are kept, up to a limit, and sent when it is back.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from podium.client.api import Client
from podium.client.errors import ClientError, Refused
from podium.client.shell.lines import Line
from podium.wire import events, logs

BATCH_LINES = 500
BATCH_BYTES = 1024 * 1024
EVERY = 0.5
"""Seconds that a line waits for others to come along."""
MOST = 64 * 1024 * 1024
"""Bytes of lines that are kept; beyond, a slow server is waited for, and lines for one that is away are dropped."""
HEARTBEAT = 30.0
LONGEST_PAUSE = 5.0
A_MOMENT = 3.0
SAID_AFTER = 2.0
UNREADABLE = frozenset({400, 413, 422})
"""The server answers so where it is for the lines and not for the moment."""


class Mail:
    """What a run has to tell besides its states."""

    def __init__(
        self, client: Client, run_id: str, heartbeat: Mapping[str, Any], told: Callable[[str], None], every: float
    ) -> None:
        """``heartbeat`` is the event without its id and time, sent ``every`` so many seconds."""
        self._client, self._run_id, self._heartbeat, self._told, self._every = client, run_id, heartbeat, told, every
        self._lines: deque[Line] = deque()
        self._bytes = 0
        self.dropped = 0
        self._changed = threading.Condition()
        self._doubtful = 0
        self._over = self._hurry = self._is_away = False
        self._beats = False
        self._thread = threading.Thread(target=self._send_all, name=f"mail {run_id}", daemon=True)
        self._thread.start()

    @property
    def is_away(self) -> bool:
        """Whether the server did not answer when it was last spoken to."""
        return self._is_away

    def beat(self) -> None:
        """Send signs of life from now on."""
        with self._changed:
            self._beats = True
            self._changed.notify_all()

    def put(self, lines: Iterable[Line]) -> None:
        """Keep lines to be sent; waits while there are too many of them, unless the server is away."""
        with self._changed:
            for line in lines:
                while self._bytes > MOST and not self._is_away and not self._over:
                    self._changed.wait(1.0)
                if self._bytes > MOST:
                    self.dropped += 1
                    continue
                self._lines.append(line)
                self._bytes += len(line.text) + 100
            self._changed.notify_all()

    def drain(self, seconds: float, wanted: Callable[[], bool] = lambda: True) -> int:
        """Waits until all lines are sent, so long at the most; how many are not.

        Where it is not ``wanted``, a server that answers has a moment yet.
        """
        began = time.monotonic()
        deadline, soon, noted = began + seconds, None, False
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            while self._lines and (now := time.monotonic()) < deadline:
                if not wanted():
                    soon = soon or now + A_MOMENT
                    if self._is_away or now > soon:
                        break
                if self._is_away and not noted and now - began > SAID_AFTER:
                    noted = True
                    self._told(f"The server does not answer; {len(self._lines):,} lines of the log wait for it.")
                self._changed.wait(0.2)
            self._hurry = False
            if noted and not self._lines:
                self._told("The server answers again.")
            return len(self._lines)

    def close(self) -> None:
        """Ends the thread; what was not sent is lost."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._thread.join(LONGEST_PAUSE)

    def _send_all(self) -> None:
        next_beat, pause = 0.0, 0.2
        while not self._over:
            batch = self._next_batch(next_beat)
            try:
                if self._beats and time.monotonic() >= next_beat:
                    self._client.call(events.CREATE, [self._beat()])
                    next_beat = time.monotonic() + self._every
                if batch:
                    self._send(batch)
            except ClientError:
                self._is_away = True
                self._pause(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self._is_away = False
                pause = 0.2

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        with self._changed:
            while not self._over and time.monotonic() < until:
                self._changed.wait(until - time.monotonic())

    def _next_batch(self, next_beat: float) -> list[Line]:
        """What is sent next, as soon as it is worth it or a sign of life is due."""
        with self._changed:
            due = time.monotonic() + EVERY
            while not self._over:
                now = time.monotonic()
                if self._lines and (self._hurry or now >= due or len(self._lines) >= BATCH_LINES):
                    break
                if self._beats and now >= next_beat:
                    break
                until = [due] if self._lines else []
                if self._beats:
                    until.append(next_beat)
                self._changed.wait(min(until) - now if until else None)
                if not self._lines:
                    due = time.monotonic() + EVERY
            batch: list[Line] = []
            size = 0
            for line in self._lines:
                size += len(line.text) + 100
                if batch and (size > BATCH_BYTES or len(batch) == BATCH_LINES):
                    break
                batch.append(line)
            return batch

    def _send(self, batch: list[Line]) -> None:
        """Sends lines, each once: a batch of which nothing is known was stored whole or not at all."""
        batch = batch[: self._doubtful or None]
        if not (self._doubtful and self._has(batch[0])):
            try:
                self._client.call(logs.CREATE, [self._body(line) for line in batch])
            except ClientError as error:
                if not isinstance(error, Refused) or error.status not in UNREADABLE:
                    self._doubtful = len(batch)
                    raise
                if len(batch) > 1:
                    self._send(batch[: len(batch) // 2])
                    return
                self.dropped += 1
                self._told(f"A line of the log was refused: {error}")
        self._doubtful = 0
        with self._changed:
            for _ in batch:
                self._bytes -= len(self._lines.popleft().text) + 100
            self._changed.notify_all()

    def _has(self, line: Line) -> bool:
        moment = {"after_": line.at, "before_": line.at}
        wanted = {"flow_run_id": {"any_": [self._run_id]}, "timestamp": moment}
        return bool(self._client.call(logs.FILTER, {"logs": wanted, "limit": 1}))

    def _body(self, line: Line) -> dict[str, Any]:
        return {
            "name": line.stream,
            "level": line.level,
            "message": line.text,
            "timestamp": line.at,
            "flow_run_id": self._run_id,
        }

    def _beat(self) -> dict[str, Any]:
        return {**self._heartbeat, "id": str(uuid4()), "occurred": datetime.now(UTC)}


def heartbeat_of(run: Any, flow_name: str) -> dict[str, Any]:
    """The sign of life of a run, as the `prefect` client sends it."""
    related = [{"prefect.resource.id": f"prefect.flow.{run.flow_id}", "prefect.resource.role": "flow"}]
    if flow_name:
        related[0]["prefect.resource.name"] = flow_name
    if run.deployment_id:
        deployment = f"prefect.deployment.{run.deployment_id}"
        related.append({"prefect.resource.id": deployment, "prefect.resource.role": "deployment"})
    related += [{"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"} for tag in run.tags]
    return {
        "event": "prefect.flow-run.heartbeat",
        "resource": {"prefect.resource.id": f"prefect.flow-run.{run.id}", "prefect.resource.name": run.name or ""},
        "related": related,
    }
