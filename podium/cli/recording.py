"""Running a command here, as a flow run that is made already: its output shown, and Ctrl+C passed on."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from podium.cli.context import Invocation
from podium.cli.diagnostics import ExitCode
from podium.client.api import Client
from podium.client.shell.command import Command
from podium.client.shell.execution import Execution, Means, Outcome
from podium.client.shell.guard import Guard
from podium.client.shell.process import Stop
from podium.client.shell.watching import Watch

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STEPS = 10.0
"""Seconds for a request; a server that takes longer is away."""


def record(
    invocation: Invocation, run: Any, command: Command, flow_name: str, heartbeat: float
) -> tuple[Outcome, int | None]:
    """Runs a command as this run; how it ended, and the signal that we were given, if any."""
    told = invocation.diagnostics.note
    with Client.of(invocation.settings, invocation.api_url, timeout=STEPS, patient=False) as client:
        watch, guard = Watch(client), Guard()
        watch.start()
        execution = Execution(Means(client, guard, watch, told, heartbeat), run, command, flow_name, show)
        try:
            with signals_to(execution.stop) as got:
                outcome = execution.to_its_end(_stdin())
        finally:
            watch.close()
            guard.close()
    return outcome, got[0] if got else None


def exit_code_of(outcome: Outcome, number: int | None) -> int:
    """What `podium run` exits with; ``number`` is the signal that ended it."""
    if number is not None and outcome.state != "COMPLETED":
        return 128 + number
    if outcome.name == "TimedOut":
        return ExitCode.TIMEOUT
    if outcome.exit_code is None or (outcome.state == "CANCELLED"):
        return ExitCode.FAILURE
    return outcome.exit_code


@contextmanager
def signals_to(stop: Stop) -> Iterator[list[int]]:
    """Passes the signals that end a program on to what goes on; those that came."""
    got: list[int] = []

    def passed_on(number: int, frame: FrameType | None) -> None:
        got.append(number)
        stop.ask(f"interrupted by {signal.Signals(number).name}", signal.Signals(number))

    before = {number: signal.signal(number, passed_on) for number in SIGNALS}
    try:
        yield got
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def show(stream: str, chunk: bytes) -> None:
    """Writes what a command wrote to the same stream of ours; a reader who left changes nothing for it."""
    out = sys.stdout if stream == "stdout" else sys.stderr
    with suppress(OSError, ValueError):
        out.flush()
        fd = out.fileno()
        while chunk:
            chunk = chunk[os.write(fd, chunk) :]


def _stdin() -> int | None:
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        return None
