"""Watching runs from a terminal or a script: lines and states as they come, and an exit code for how it ended."""

import sys
import time
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from podium.cli.context import Invocation
from podium.cli.diagnostics import ExitCode
from podium.cli.formats import Stream
from podium.cli.output import Format
from podium.cli.run_logs import write_line
from podium.client.api import Client
from podium.client.following import LogTail, OutOfTime, Steady, follow
from podium.wire import flow_runs
from podium.wire.flow_runs import FlowRun
from podium.wire.logs import Log
from podium.wire.states import TERMINAL, State


def steady_client(invocation: Invocation) -> Steady:
    """A way to the server that outlasts its restarts."""
    client = Client.of(invocation.settings, invocation.api_url, timeout=10.0, patient=False)
    return Steady(client, invocation.diagnostics.note)


def exit_code_of(run: FlowRun) -> ExitCode:
    """Success for a run that completed."""
    return ExitCode.OK if run.state_type == "COMPLETED" else ExitCode.FAILURE


def follow_logs(
    invocation: Invocation, run: FlowRun, wanted: dict[str, Any], last: int | None, output: Format
) -> ExitCode:
    """Write the lines of a run until it is over; how the run ended is the exit code."""
    steady = steady_client(invocation)
    with steady.client:
        since = wanted.pop("timestamp", {}).get("after_")
        tail = LogTail(steady, wanted, since)
        journal = Journal(invocation, output, ("id",))
        if last is not None:
            for line in tail.last(last):
                journal.line(line)
        for change in follow(steady, run.id, tail):
            run = change.run
            if change.line:
                journal.line(change.line)
        run = steady.call(lambda: steady.client.call(flow_runs.READ, id=run.id))
    _tell_end(invocation, run)
    return exit_code_of(run)


def watch(
    invocation: Invocation, run: FlowRun, output: Format, timeout: float | None, *, with_logs: bool = False
) -> ExitCode:
    """Write the states of a run, and its lines if wanted, until it is over."""
    steady = steady_client(invocation)
    with steady.client:
        tail = LogTail(steady, {"flow_run_id": {"any_": [run.id]}}) if with_logs else None
        journal = Journal(invocation, output, ("name",))
        for change in follow(steady, run.id, tail, timeout):
            run = change.run
            if change.state:
                journal.state(change.state)
            elif change.line:
                journal.line(change.line)
        run = steady.call(lambda: steady.client.call(flow_runs.READ, id=run.id))
    _tell_end(invocation, run)
    return exit_code_of(run)


def wait(
    invocation: Invocation, runs: Sequence[FlowRun], wanted: frozenset[str], timeout: float | None
) -> list[FlowRun]:
    """The runs once each is in one of the states wanted, by name or type, or is over. Raises OutOfTime."""
    steady = steady_client(invocation)
    deadline = None if timeout is None else time.monotonic() + timeout
    reached: dict[str, FlowRun] = {}
    pause = 0.2
    with steady.client:
        while True:
            waiting = [run.id for run in runs if run.id not in reached]
            for run_id in waiting:
                run: FlowRun = steady.call(lambda run_id=run_id: steady.client.call(flow_runs.READ, id=run_id))  # type: ignore[misc]
                if is_in(run, wanted) or run.state_type in TERMINAL:
                    reached[run_id] = run
            if len(reached) == len({run.id for run in runs}):
                return [reached[run.id] for run in runs]
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                left = len({run.id for run in runs}) - len(reached)
                raise OutOfTime(f"{left} of {len(runs)} flow runs are not there after {timeout:g} seconds")
            time.sleep(pause if deadline is None else max(0.0, min(pause, deadline - now)))
            pause = min(pause * 1.5, 2.0)


def is_in(run: FlowRun, wanted: frozenset[str]) -> bool:
    """Whether a run is in one of these states, by name or type in small letters."""
    return bool({(run.state_name or "").lower(), (run.state_type or "").lower()} & wanted)


class Journal:
    """Writes what happens as it happens."""

    def __init__(self, invocation: Invocation, output: Format, names: Sequence[str]) -> None:
        self._invocation = invocation
        self._stream = None if output == "table" else Stream(invocation.output.raw, output, names)

    def line(self, line: Log) -> None:
        """A line of a log."""
        if self._stream is None:
            write_line(self._invocation, line)
        else:
            self._stream.record(line)
        sys.stdout.flush()

    def state(self, state: State) -> None:
        """A state a run came into."""
        if self._stream is None:
            stamp = state.timestamp.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
            more = f": {state.message}" if state.message else ""
            self._invocation.output.line(f"{stamp} {state.name or state.type}{more}")
        else:
            record = {"timestamp": state.timestamp, "type": state.type, "name": state.name, "message": state.message}
            self._stream.record(record)
        sys.stdout.flush()


def _tell_end(invocation: Invocation, run: FlowRun) -> None:
    if sys.stderr.isatty() and run.state_type != "COMPLETED":
        message = run.state.message if run.state else None
        why = f": {message.removesuffix('.')}" if message else ""
        invocation.diagnostics.note(f"Flow run {run.name!r} is {run.state_name}{why}.")
