"""The terminal of the dashboard: keys arrive, an escape alone is one, and nothing wakes up for nothing."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.at_terminal import ROOT
from tests.server.conftest import LiveServer

SECONDS = 30.0


class Terminal:
    """A pseudo-terminal with the dashboard in it."""

    def __init__(self, url: str, **environ: str) -> None:
        self._leader, follower = pty.openpty()
        env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", "PODIUM_API_URL": url, **environ}
        command = [sys.executable, "-m", "podium", "dashboard", "--view", "variable"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdin=follower, stdout=follower, stderr=follower)
        os.close(follower)

    def press(self, keys: bytes) -> None:
        """What a keyboard sends."""
        os.write(self._leader, keys)

    def see(self, text: str) -> None:
        """Waits until a text is written."""
        seen, deadline = "", time.monotonic() + SECONDS
        while text not in seen:
            assert time.monotonic() < deadline, f"{text!r} did not come: {seen[-2000:]!r}"
            seen += self._read(0.1)

    def settle(self, seconds: float) -> None:
        """Reads until nothing was written for so long."""
        while self._read(seconds):
            pass

    def wakes(self) -> int:
        """How often its threads have slept so far."""
        told = [path.read_text() for path in Path(f"/proc/{self.process.pid}/task").glob("*/status")]
        return sum(int(text.partition("\nvoluntary_ctxt_switches:")[2].split()[0]) for text in told)

    def close(self) -> None:
        """Ends it, however it is."""
        self.process.kill()
        self.process.wait()
        os.close(self._leader)

    def _read(self, seconds: float) -> str:
        if not select.select([self._leader], [], [], seconds)[0]:
            return ""
        try:
            return os.read(self._leader, 65536).decode(errors="replace")
        except OSError:  # it ended
            return ""


@pytest.fixture
def terminal(server: LiveServer) -> Iterator[Terminal]:
    """A dashboard that has loaded."""
    made = Terminal(server.url, EDITOR="true")
    try:
        made.see("online")
        made.settle(1.0)
        yield made
    finally:
        made.close()


def test_keys_arrive_and_it_ends_at_once(terminal: Terminal) -> None:
    """A letter, an escape alone, letters of several bytes, and the end."""
    terminal.press(b"?")
    terminal.see("the view before")
    terminal.settle(0.5)
    terminal.press(b"\x1b")
    terminal.see("Variables")
    terminal.press("/größe\r".encode())
    terminal.see("größe")
    terminal.settle(0.5)
    terminal.press(b"\x11")
    terminal.settle(0.5)
    assert terminal.process.wait(10) == 0


def test_it_goes_on_after_an_editor_had_the_terminal(terminal: Terminal) -> None:
    """The thread that waits for keys ends for it, and another begins."""
    terminal.press(b"n")
    terminal.see("Nothing")
    terminal.press(b"?")
    terminal.see("the view before")


@pytest.mark.skipif(sys.platform != "linux", reason="counts by /proc")
def test_it_sleeps_while_nothing_happens(terminal: Terminal) -> None:
    """Ages of what is seen are told anew each second; nothing looks for keys meanwhile."""
    before = terminal.wakes()
    time.sleep(5)
    assert terminal.wakes() - before < 25
