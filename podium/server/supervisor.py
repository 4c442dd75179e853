"""Several processes of one server: started, watched, started again when they die, and stopped together."""

import contextlib
import logging
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

logger = logging.getLogger("podium.server")

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
STEADY_AFTER = 60.0
"""Seconds after which a process that dies is started again at once, as if it had never died before."""

STOP = (signal.SIGINT, signal.SIGTERM)

Run = Callable[[Callable[[], None]], None]
"""What a process does until it is stopped; calls its argument when it is ready."""


@dataclass(slots=True)
class Member:
    """A process that shall always be there."""

    name: str
    run: Run
    pid: int = 0
    started: float = 0.0
    pause: float = FIRST_PAUSE
    due: float = 0.0
    ready: bool = False


class Supervisor:
    """Forks its members; must be used before the process has threads.

    A member ends by itself when its supervisor is gone, also after a ``kill -9``.
    """

    def __init__(self, members: dict[str, Run], announce: Callable[[], None], patience: float) -> None:
        self._members = [Member(name, run) for name, run in members.items()]
        self._announce = announce
        self._patience = patience
        self._announced = False
        self._asked = 0
        self._lifeline_read, self._lifeline_write = os.pipe()
        self._news_read, self._news_write = os.pipe()

    def run(self) -> None:
        """Until SIGINT or SIGTERM; a second one, or ``patience`` seconds, kill what is left."""
        waker_read, waker_write = os.pipe()
        os.set_blocking(waker_write, False)
        before = {number: signal.signal(number, self._on_stop) for number in STOP}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        previous = signal.set_wakeup_fd(waker_write, warn_on_full_buffer=False)
        try:
            while not self._asked:
                self._start_due()
                self._wait((waker_read, self._news_read))
                self._collect()
            self._stop((waker_read, self._news_read))
        finally:
            signal.set_wakeup_fd(previous)
            for number, handler in before.items():
                signal.signal(number, handler)
            for descriptor in (waker_read, waker_write):
                os.close(descriptor)

    def _on_stop(self, number: int, frame: object) -> None:
        self._asked += 1

    def _start_due(self) -> None:
        now = time.monotonic()
        for number, member in enumerate(self._members):
            if not member.pid and member.due <= now:
                self._start(number, member)

    def _start(self, number: int, member: Member) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        member.ready = False
        child = os.fork()
        if child:
            member.pid, member.started = child, time.monotonic()
            return
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for each in (*STOP, signal.SIGCHLD):
                signal.signal(each, signal.SIG_DFL)
            os.close(self._lifeline_write)
            threading.Thread(target=self._end_with_supervisor, daemon=True, name="podium-lifeline").start()
            member.run(lambda: self._tell_ready(number))
            code = 0
        except BaseException:
            logger.exception("The process %s ended", member.name)
        finally:
            logging.shutdown()
            os._exit(code)

    def _tell_ready(self, number: int) -> None:
        os.write(self._news_write, bytes((number,)))

    def _end_with_supervisor(self) -> None:
        """The other end of the pipe is open for as long as the supervisor lives."""
        os.read(self._lifeline_read, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    def _wait(self, descriptors: tuple[int, ...], seconds: float | None = None) -> None:
        dues = [member.due - time.monotonic() for member in self._members if not member.pid]
        due = max(0.0, min(dues)) if dues else None
        timeout = due if seconds is None else seconds
        with contextlib.suppress(InterruptedError):
            for descriptor in select.select(descriptors, (), (), timeout)[0]:
                news = os.read(descriptor, 1024)
                if descriptor == self._news_read:
                    self._take_ready(news)

    def _take_ready(self, numbers: bytes) -> None:
        for number in numbers:
            self._members[number].ready = True
        if not self._announced and all(member.ready for member in self._members):
            self._announced = True
            self._announce()

    def _collect(self) -> None:
        """Takes note of members that ended, and when they are due again."""
        for member in self._members:
            if not member.pid or os.waitpid(member.pid, os.WNOHANG)[0] == 0:
                continue
            lived = time.monotonic() - member.started
            member.pause = FIRST_PAUSE if lived > STEADY_AFTER else min(member.pause * 2, LONGEST_PAUSE)
            member.due = time.monotonic() + (0.0 if lived > STEADY_AFTER else member.pause)
            if not self._asked:
                logger.error("The process %s (pid %d) died; it is started again", member.name, member.pid)
            member.pid = 0

    def _stop(self, descriptors: tuple[int, ...]) -> None:
        self._signal(signal.SIGTERM)
        end, asked = time.monotonic() + self._patience, self._asked
        while any(member.pid for member in self._members):
            if time.monotonic() > end or self._asked > asked:
                self._signal(signal.SIGKILL)
            self._wait(descriptors, 0.2)
            self._collect()

    def _signal(self, number: signal.Signals) -> None:
        for member in self._members:
            if member.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(member.pid, number)
