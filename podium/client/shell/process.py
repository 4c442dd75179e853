"""The process of a command, and all that descend from it: started, listened to, and ended as one."""

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

from podium.client.shell.command import Command
from podium.client.shell.guard import Guard

CHUNK = 65536
LOOK_EVERY = 0.2
"""Seconds between looks whether somebody wants it to stop."""
LINGER = 2.0
"""Seconds that are waited for more output of processes that a command left behind."""

Heard = Callable[[str, bytes], None]


class Stop:
    """Asks for the end of what goes on, from any thread; the first reason stays, the second wish is urgent."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self.reason = ""
        self.number = signal.SIGTERM
        self.is_urgent = False

    def ask(self, reason: str, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask for the end, with this signal to begin with."""
        if self._asked.is_set():
            self.is_urgent = True
            return
        self.reason, self.number = reason, number
        self._asked.set()

    @property
    def is_asked(self) -> bool:
        """Whether anybody asked."""
        return self._asked.is_set()

    def wait(self, seconds: float) -> bool:
        """Waits so long for somebody to ask; whether anybody did."""
        return self._asked.wait(max(0.0, seconds))


class Ending(NamedTuple):
    """How a process ended: by itself, ``stopped`` by a wish, or out of time. A negative code is that of a signal."""

    code: int
    stopped: bool = False
    out_of_time: bool = False

    @property
    def exit_code(self) -> int:
        """The code that a shell would give."""
        return self.code if self.code >= 0 else 128 - self.code


def run_process(
    command: Command, environ: Mapping[str, str], heard: Heard, stop: Stop, guard: Guard, stdin: int | None = None
) -> Ending:
    """Runs a command to its end, with ``environ`` as its environment. Raises OSError when it cannot be started.

    ``heard`` gets what it writes, by the name of the stream. It has a session of its own, so that a Ctrl+C reaches it
    through ``stop`` alone. At the end of its time or when asked it gets a signal, with all its children, and after its
    grace is killed.
    """
    process = subprocess.Popen(
        command.argv,
        env=dict(environ),
        cwd=command.cwd,
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    guard.watch(process.pid)
    try:
        return _Run(process, command, heard, stop).to_its_end()
    finally:
        with suppress(OSError):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        guard.forget(process.pid)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


class _Run:
    """A process under way."""

    def __init__(self, process: "subprocess.Popen[bytes]", command: Command, heard: Heard, stop: Stop) -> None:
        self._process, self._command, self._heard, self._stop = process, command, heard, stop
        self._deadline = None if command.timeout is None else time.monotonic() + command.timeout
        self._kill_at: float | None = None
        self._out_of_time = self._stopped = False
        self._selector = selectors.DefaultSelector()
        for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            assert pipe is not None
            self._selector.register(pipe, selectors.EVENT_READ, name)

    def to_its_end(self) -> Ending:
        """Listens until the process and its output are over."""
        with self._selector:
            while self._process.poll() is None:
                self._look()
                self._listen(LOOK_EVERY)
            until = time.monotonic() + LINGER
            if self._is_ending():
                self._signal(signal.SIGTERM)  # what a shell puts into the background does not hear a Ctrl+C
            # Those that were asked to end have their grace, even if their parent was quicker.
            while self._is_ending() or (self._selector.get_map() and time.monotonic() < until):
                self._look()
                self._listen(LOOK_EVERY)
        return Ending(self._process.returncode, self._stopped, self._out_of_time)

    def _listen(self, seconds: float) -> None:
        if self._deadline is not None and self._kill_at is None:
            seconds = max(0.0, min(seconds, self._deadline - time.monotonic()))
        if not self._selector.get_map():
            # It writes nothing any more, and goes on or leaves others behind.
            if self._process.returncode is None:
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(seconds)
            else:
                time.sleep(min(seconds, 0.02))
            return
        for key, _ in self._selector.select(seconds):
            chunk = os.read(key.fd, CHUNK)
            if chunk:
                self._heard(key.data, chunk)
            else:
                self._selector.unregister(key.fileobj)

    def _look(self) -> None:
        """Ends the process where that is due."""
        now = time.monotonic()
        if self._kill_at is None:
            if self._process.returncode is not None:
                return  # it was quicker
            if self._stop.is_asked:
                self._stopped = True
                self._signal(self._stop.number)
            elif self._deadline is not None and now >= self._deadline:
                self._out_of_time = True
                self._signal(signal.SIGTERM)
            else:
                return
            self._kill_at = now + self._command.grace
        if now >= self._kill_at or self._stop.is_urgent:
            self._signal(signal.SIGKILL)
            self._kill_at = float("-inf")

    def _is_ending(self) -> bool:
        """Whether processes that were asked to end are still there, and were not killed yet."""
        if self._kill_at is None or self._kill_at == float("-inf"):
            return False
        try:
            os.killpg(self._process.pid, 0)
        except OSError:
            return False
        return True

    def _signal(self, number: int) -> None:
        with suppress(OSError):
            os.killpg(self._process.pid, number)
