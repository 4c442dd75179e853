"""Following what happens to a run: its states and log lines, each once and in order, over restarts of the server."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from podium.client.api import Client
from podium.client.errors import ClientError, Refused, Unreachable, Unreadable
from podium.client.sockets import Bell
from podium.wire import flow_runs, logs, states
from podium.wire.flow_runs import FlowRun
from podium.wire.logs import Log
from podium.wire.states import TERMINAL, State

T = TypeVar("T")

LOOK_EVERY = 1.0
"""Seconds between looks at the most."""
LISTEN_EVERY = 5.0
"""The same where a WebSocket tells of states."""
SETTLED_AFTER = 1.5
"""Seconds without a line after the end of a run: clients send their last lines after its last state."""
REMEMBERED = timedelta(minutes=5)
"""Lines that come this much later than others with a later time are still seen, ..."""
MOST_REMEMBERED = 5_000
"""... unless so many have a later time: what is remembered of a log stays small, however fast it grows."""
PAGE = 200
PATIENCE = 600.0
"""Seconds without an answer after which following ends with the error."""
PASSING = frozenset({408, 429, 500, 502, 503, 504})

Told = Callable[[str], None]


class Steady:
    """Calls a server that may be away for a while. The first call must succeed."""

    def __init__(self, client: Client, told: Told, deadline: float | None = None) -> None:
        self.client = client
        self._told = told
        self._deadline = deadline
        self._answered = False

    def call(self, function: Callable[[], T]) -> T:
        """What the function returns, called again while the server is away. Raises ClientError."""
        first_failure, pause, noted = time.monotonic(), 0.2, False
        while True:
            try:
                result = function()
            except ClientError as error:
                now = time.monotonic()
                if not self._answered or not _passes(error) or now - first_failure > PATIENCE:
                    raise
                if self._deadline is not None and now > self._deadline:
                    raise
                if not noted and now - first_failure > 2:
                    noted = True
                    self._told("The server does not answer; trying again until it does.")
                time.sleep(pause)
                pause = min(pause * 1.5, 2.0)
            else:
                self._answered = True
                if noted:
                    self._told("The server answers again.")
                return result


def _passes(error: ClientError) -> bool:
    """Whether an error may go by itself: a restart, a proxy without its server."""
    if isinstance(error, Refused):
        return error.status in PASSING
    return isinstance(error, Unreachable | Unreadable)


class LogTail:
    """The lines of a run that were not read yet, each once.

    The server sorts lines by their time, and late ones come between those already read. So the last line read is read
    again each time: where another stands in its place, everything of the last minutes is compared.
    """

    def __init__(self, steady: Steady, wanted: dict[str, Any], after: datetime | None = None) -> None:
        self._steady = steady
        self._wanted = wanted
        self._anchor = after
        self._read: list[Log] = []
        self._ids: set[str] = set()

    def last(self, number: int) -> list[Log]:
        """The last lines there are; only what comes after them is read then."""
        body = {"logs": self._wanted, "sort": "TIMESTAMP_DESC"}
        read = self._steady.call(lambda: list(self._steady.client.pages(logs.FILTER, body, number)))
        found = list({line.id: line for line in read[::-1]}.values())  # a page repeats lines where others came before
        if found:
            self._anchor = found[0].timestamp
            self._keep(found)
            at = 0
            while page := [line for line in self._page(at) if line.timestamp == self._anchor]:
                self._keep(page)  # those of the same moment as the first of them are not new
                at += len(page)
        return found

    def poll(self) -> Iterator[Log]:
        """The lines that are new."""
        at = len(self._read) - 1
        if at >= 0:
            again = self._page(at)
            if again and again[0].id == self._read[-1].id:
                yield from self._keep(again[1:])
                if len(again) < PAGE:
                    self._forget()
                    return
                at = len(self._read)
            else:
                at = 0
        at = max(at, 0)
        while page := self._page(at):
            yield from self._keep(page)
            at = at + len(page) - self._forget()
            if len(page) < PAGE:
                return

    def _keep(self, lines: list[Log]) -> list[Log]:
        """Remembers lines in the server's order; those that are new."""
        new = [line for line in lines if line.id not in self._ids]
        in_order = not new or not self._read or _place(self._read[-1]) <= _place(new[0])
        self._ids.update(line.id for line in new)
        self._read += new
        if not in_order:
            self._read.sort(key=_place)
        return new

    def _page(self, at: int) -> list[Log]:
        wanted = dict(self._wanted)
        if self._anchor is not None:
            wanted["timestamp"] = {"after_": self._anchor}
        body = {"logs": wanted, "sort": "TIMESTAMP_ASC", "offset": at, "limit": PAGE}
        page: list[Log] = self._steady.call(lambda: self._steady.client.call(logs.FILTER, body))
        return page

    def _forget(self) -> int:
        """Keeps the memory short; how many lines were forgotten."""
        last = self._read[-1].timestamp
        if last - self._read[0].timestamp > 2 * REMEMBERED:
            self._anchor = last - REMEMBERED
        elif len(self._read) > 2 * MOST_REMEMBERED:
            self._anchor = self._read[-MOST_REMEMBERED].timestamp
        else:
            return 0
        kept = [line for line in self._read if line.timestamp >= self._anchor]
        gone = len(self._read) - len(kept)
        self._read, self._ids = kept, {line.id for line in kept}
        return gone


def _place(line: Log) -> tuple[datetime, str]:
    return line.timestamp, line.id


class Change(NamedTuple):
    """A line or a state that is new; ``run`` is the run as it is then."""

    run: FlowRun
    line: Log | None = None
    state: State | None = None


class OutOfTime(TimeoutError):
    """What was waited for did not happen in time."""


def follow(steady: Steady, run_id: str, tail: LogTail | None = None, timeout: float | None = None) -> Iterator[Change]:
    """What happens to a run until it is over. Raises OutOfTime after ``timeout`` seconds, ClientError."""
    client = steady.client
    deadline = None if timeout is None else time.monotonic() + timeout
    seen: set[str] = set()
    last_state, ended, quiet_since = "", False, time.monotonic()
    with _bell(client, run_id, tail is not None) as bell:
        while True:
            run: FlowRun = steady.call(lambda: client.call(flow_runs.READ, id=run_id))
            if run.state_id != last_state:
                last_state = run.state_id or ""
                for state in _new_states(steady, run_id, seen):
                    yield Change(run, state=state)
            came = False
            for line in tail.poll() if tail else ():
                came = True
                yield Change(run, line=line)
            now = time.monotonic()
            if came or (not ended and run.state_type in TERMINAL):
                quiet_since = now
            ended = run.state_type in TERMINAL
            if ended and (tail is None or _is_settled(run, now - quiet_since)):
                return
            if deadline is not None and now >= deadline:
                raise OutOfTime(f"flow run {run.name!r} is {run.state_name} after {timeout:g} seconds")
            pause = 0.3 if ended else LISTEN_EVERY if bell.is_listening and tail is None else LOOK_EVERY
            bell.wait(pause if deadline is None else max(0.0, min(pause, deadline - now)))


def _is_settled(run: FlowRun, quiet: float) -> bool:
    """Whether the last lines of a run that ended must be there."""
    over = run.state.timestamp if run.state else None
    if over is not None and datetime.now(over.tzinfo) - over > timedelta(seconds=30):
        return True
    return quiet >= SETTLED_AFTER


def _bell(client: Client, run_id: str, with_logs: bool) -> Bell:
    """Rings for a line of the run, or for its states where lines are not asked for."""
    if with_logs:
        return Bell(client, "/logs/out", lambda: {"flow_run_id": {"any_": [run_id]}})
    resource = {"id": [f"prefect.flow-run.{run_id}"]}
    return Bell(client, "/events/out", lambda: {"event": {"prefix": ["prefect.flow-run."]}, "resource": resource})


def _new_states(steady: Steady, run_id: str, seen: set[str]) -> list[State]:
    history: list[State] = steady.call(
        lambda: steady.client.call(states.LIST_FLOW_RUN_STATES, query={"flow_run_id": run_id})
    )
    new = [state for state in history if state.id not in seen]
    seen.update(state.id for state in new)
    return new
