"""Runs a command as a flow run: its tries, what it says, its time, and its end."""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from podium.client.api import Client
from podium.client.errors import ClientError
from podium.client.shell.command import Command
from podium.client.shell.guard import Guard
from podium.client.shell.lines import Lines
from podium.client.shell.mail import HEARTBEAT, Mail, heartbeat_of
from podium.client.shell.process import Ending, Heard, Stop, run_process
from podium.client.shell.record import PATIENCE, Away, Record, reason_of, seconds_until, wait_of
from podium.client.shell.recording import retry_policy
from podium.client.shell.watching import Watch
from podium.wire.states import State

NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""Exit codes of shells for a command that cannot be started."""

CANCELLED_THERE = "somebody cancelled the run"


class Means(NamedTuple):
    """What the runs of a process share. ``told`` is called with what people should know."""

    client: Client
    guard: Guard
    watch: Watch
    told: Callable[[str], None]
    heartbeat: float = HEARTBEAT


class Proposal(NamedTuple):
    """A state to propose; ``due`` is when a run that is scheduled again may start."""

    kind: str
    message: str
    name: str | None = None
    data: Any = None
    due: datetime | None = None


class Outcome(NamedTuple):
    """How a run ended. ``exit_code`` is that of the command's last try, None where it was not started.

    ``name`` is that of the state where it is not the usual, ``unsaid`` what the server was not told, if anything.
    """

    state: str
    message: str = ""
    exit_code: int | None = None
    unsaid: str = ""
    name: str | None = None


class _Tried(NamedTuple):
    """A try that is over."""

    proposal: Proposal
    exit_code: int


class Execution:
    """A run that is PENDING and ours, about to run its command."""

    def __init__(
        self, means: Means, run: Any, command: Command, flow_name: str = "", shown: Heard | None = None
    ) -> None:
        """``run`` is the run as the server told it; ``shown`` gets what the command writes, as it comes."""
        self.run, self.command, self.stop = run, command, Stop()
        self.attempt = run.run_count
        """Which try this is, counted from 1."""
        self.is_waiting = True
        """Whether no command runs, nor is one about to: it may be handed back."""
        self.hand_back: Callable[[bool, State | None], Proposal | None] = lambda was_running, waited_in: None
        """What is proposed where somebody here stopped it, if the run is not simply cancelled; it is told whether the
        command ran, and the state in which the run waited to be tried again."""
        self._means, self._shown = means, shown
        self._lines, self._lines_lock = Lines(), threading.Lock()
        self.record = Record(means.client, run.id, means.told, self._hurries)
        self._mail = Mail(means.client, run.id, heartbeat_of(run, flow_name), means.told, means.heartbeat)
        self._state_there = ""
        self._after: State | None = None
        self._over_unasked = False

    def to_its_end(self, stdin: int | None = None) -> Outcome:
        """Runs the command, and again while the server has it retried; the outcome is told to the server."""
        self._means.watch.add(self.run.id, self._cancelled_there)
        try:
            return self._tries(stdin)
        finally:
            self._means.watch.remove(self.run.id)
            self._mail.close()

    def _hurries(self) -> bool:
        """Whether nobody wants to wait for the server: who asks for the end of what is over already."""
        return self.stop.is_urgent or (self._over_unasked and self.stop.is_asked)

    def _cancelled_there(self, state: str) -> None:
        self._state_there = state
        self.stop.ask(CANCELLED_THERE)

    def _tries(self, stdin: int | None) -> Outcome:
        tried = None
        while True:
            self.attempt += 1
            outcome = self._safely(self._begin, tried)
            if outcome is not None:
                return outcome
            tried = self._try(stdin)
            self._over_unasked = not self.stop.is_asked
            outcome = self._safely(self._finish, tried)
            if outcome is not None:
                return outcome
            self._over_unasked = False

    def _safely(self, step: Callable[[_Tried | None], Outcome | None], tried: _Tried | None) -> Outcome | None:
        """What a step returns; where the server cannot be told, how it ended here."""
        try:
            return step(tried)
        except (Away, ClientError) as error:
            unsaid = f"the server was not told how the run ended: {error.__cause__ or error}"
            if tried is None:
                return Outcome("", unsaid=unsaid)
            return Outcome(tried.proposal.kind, tried.proposal.message, tried.exit_code, unsaid, tried.proposal.name)

    def _begin(self, tried: _Tried | None) -> Outcome | None:
        """Makes the run RUNNING, once it is due; the outcome where it does not come to that."""
        exit_code = tried.exit_code if tried else None
        while not self.stop.is_asked:
            result = self.record.propose("RUNNING")
            state = result.state
            if result.status == "ACCEPT":
                self.is_waiting = False
                self._mail.beat()
                return None
            if result.status == "WAIT":
                self.stop.wait(max(0.1, min(wait_of(result), seconds_until(state))))
                continue
            if state is not None and state.type == "CANCELLING":
                self._cancelled_there(state.type)
                break
            return Outcome(state.type if state else "", reason_of(result), exit_code)
        return self._end(self._stopped("Its command was not running.", False), exit_code)

    def _finish(self, tried: _Tried | None) -> Outcome | None:
        """Tells the end of a try; the outcome, or None where there is another try."""
        assert tried is not None
        outcome = self._end(*tried)
        if outcome.state != "SCHEDULED" or tried.proposal.kind == "SCHEDULED":
            return outcome
        seconds = seconds_until(self._after)
        again = f"Trying again in {span(seconds)}." if seconds >= 1 else "Trying again."
        self._say(again, 30)
        self._means.told(f"{tried.proposal.message} {again}")
        self.is_waiting = True
        self.stop.wait(seconds)
        return None

    def _end(self, proposal: Proposal, exit_code: int | None) -> Outcome:
        """Sends what is left of the log, then the state; what the run is then."""
        if proposal.kind != "COMPLETED":
            self._say(proposal.message, 40 if proposal.kind in ("FAILED", "CRASHED") else 20)
        self._mail.drain(PATIENCE, self._waits)
        kind, message, name, data, due = proposal
        after: State | None = None
        if (self._state_there, kind) != ("CANCELLED", "CANCELLED"):
            if kind == "SCHEDULED":
                self.record.update(empirical_policy=retry_policy(self.command, self.run.empirical_policy))
            result = self.record.propose(kind, message, name=name, data=data, scheduled_time=due)
            after = result.state
            if result.status == "REJECT" and after is not None and after.type == "CANCELLING":
                kind, message = "CANCELLED", f"Cancelled. {message}"
                after = self.record.propose(kind, message, data=data).state
            elif result.status != "ACCEPT" and after is not None:
                kind = after.type
        self._after = after
        left = self._mail.drain(0.0) + self._mail.dropped
        unsaid = f"{left:,} lines of its log were not sent" if left else ""
        return Outcome(kind, message, exit_code, unsaid, name)

    def _waits(self) -> bool:
        return not self._hurries()

    def _try(self, stdin: int | None) -> _Tried:
        """Runs the command once; the state for how it ended."""
        environ = environment(self.run, self.attempt, self.command.env)
        try:
            ending = run_process(self.command, environ, self._heard, self.stop, self._means.guard, stdin)
        except OSError as error:
            code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
            return _Tried(Proposal("CRASHED", f"The command cannot be started: {_reason(error, self.command)}."), code)
        with self._lines_lock:
            self._mail.put(self._lines.end())
        stopped = self._stopped(f"The command {_told(ending)}.", True) if ending.stopped else None
        return _Tried(stopped or self._ended(ending), ending.exit_code)

    def _ended(self, ending: Ending) -> Proposal:
        command = self.command
        if ending.out_of_time:
            text = f"The command took longer than {span(command.timeout or 0)} and was stopped."
            return Proposal("FAILED", text, "TimedOut", {"exit_code": ending.exit_code})
        if ending.code == 0:
            return Proposal("COMPLETED", "The command ended with exit code 0.")
        text = f"The command {_told(ending)}."
        # What crashed is not tried again, so that this is its last word only.
        crashed = ending.code < 0 and self.attempt > command.retries
        return Proposal("CRASHED" if crashed else "FAILED", text, None, {"exit_code": ending.exit_code})

    def _stopped(self, text: str, was_running: bool) -> Proposal:
        handed = self.hand_back(was_running, self._after) if self.stop.reason != CANCELLED_THERE else None
        why = self.stop.reason[:1].upper() + self.stop.reason[1:]
        return handed or Proposal("CANCELLED", f"{why}. {text}")

    def _heard(self, stream: str, chunk: bytes) -> None:
        if self._shown is not None:
            self._shown(stream, chunk)
        with self._lines_lock:
            self._mail.put(self._lines.feed(stream, chunk))

    def _say(self, text: str, level: int = 20) -> None:
        with self._lines_lock:
            self._mail.put([self._lines.note(text, level)])


def environment(run: Any, attempt: int, env: Mapping[str, str]) -> dict[str, str]:
    """The environment of a command: ours, what tells of its run, and what was asked for."""
    own = {
        "PODIUM__FLOW_RUN_ID": run.id,
        "PODIUM__FLOW_RUN_NAME": run.name or "",
        "PODIUM__ATTEMPT": str(attempt),
        "PODIUM__PARAMETERS": msgspec.json.encode(run.parameters or {}).decode(),
    }
    for name, value in (run.parameters or {}).items():
        if name.isidentifier():
            text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            own[f"PODIUM__PARAMETER_{name.upper()}"] = text.replace("\0", "")
    return {**os.environ, **own, **env}


def span(seconds: float) -> str:
    """A span of time as people say it."""
    number = f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}".removesuffix(".0")
    return "1 second" if number == "1" else f"{number} seconds"


def _told(ending: Ending) -> str:
    if ending.code >= 0:
        return f"ended with exit code {ending.code}"
    try:
        name = signal.Signals(-ending.code).name
    except ValueError:
        name = f"signal {-ending.code}"
    return f"was killed by {name}"


def _reason(error: OSError, command: Command) -> str:
    if isinstance(error, FileNotFoundError):
        if command.cwd is not None and error.filename == command.cwd:
            return f"there is no folder {command.cwd}"
        return f"there is no {command.argv[0]!r}"
    if isinstance(error, PermissionError):
        return f"there is no permission to run {command.argv[0]!r}"
    return str(error.strerror or error)
