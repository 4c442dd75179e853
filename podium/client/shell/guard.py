"""Ends the commands of a program that was killed, which could not end them itself."""

import subprocess
import sys
import threading
from contextlib import suppress

_PROGRAM = """
import os, signal, sys, time
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for number in (signal.SIGTERM, signal.SIGKILL):
    for group in groups:
        try:
            os.killpg(group, number)
        except OSError:
            pass
    if groups and number == signal.SIGTERM:
        time.sleep(5)
"""


class Guard:
    """A small process that outlives this one by a moment, and then ends the process groups it was told of."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def watch(self, group: int) -> None:
        """Have this group end with us."""
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """The group is over."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """Ends the guard, and with it what it still watches."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                process.wait(1.0)

    def _tell(self, line: str) -> None:
        with self._lock, suppress(OSError):
            if self._process is None or self._process.poll() is not None:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", _PROGRAM],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    bufsize=1,
                    start_new_session=True,
                )
            assert self._process.stdin is not None
            self._process.stdin.write(line)
