"""`podium` with a person at its terminal: a pty of 80 columns, what is typed there and what is seen."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SECONDS = 60.0
"""After which a command that still runs is stuck."""


class Seen(NamedTuple):
    """All that was written to the terminal, and how the command ended."""

    text: str
    code: int

    @property
    def lines(self) -> list[str]:
        """What stood there at any time, without colours and movements; a bar is a line each time it moved."""
        parts = re.split(r"[\r\n]+|\x1b\[2K|\x1b\[1A", self.text)
        plain = [re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", part).rstrip() for part in parts]
        return [line for line in plain if line]


def at_terminal(
    *arguments: str,
    typed: str = "",
    columns: int = 80,
    stdout: Path | None = None,
    interrupted_at: str = "",
    **environ: str,
) -> Seen:
    """Runs a command there; ``stdout`` is a file for its output.

    A line of ``typed`` is typed at each question, and Ctrl+C is pressed once ``interrupted_at`` is seen.
    """
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), **environ}
    out = stdout.open("wb") if stdout else None
    try:
        command = [sys.executable, "-m", "podium", *arguments]
        streams = {"stdin": follower, "stdout": out or follower, "stderr": follower}
        process = subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True, **streams)
    finally:
        if out:
            out.close()
        os.close(follower)
    with process:
        written = _read(leader, process, typed.splitlines(keepends=True), interrupted_at)
        code = process.wait(30)
    os.close(leader)
    return Seen(written.decode(), code)


def _read(leader: int, process: subprocess.Popen[bytes], typed: list[str], interrupted_at: str) -> bytes:
    written, deadline = b"", time.monotonic() + SECONDS
    while True:
        if not select.select([leader], [], [], max(0.0, deadline - time.monotonic()))[0]:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(f"it goes on, and there is to read: {written.decode(errors='replace')}")
        try:
            chunk = os.read(leader, 4096)
        except OSError:
            return written
        if not chunk:
            return written
        written += chunk
        if typed and written.endswith(b"]: "):
            os.write(leader, typed.pop(0).encode())
        if interrupted_at and re.search(interrupted_at, written.decode(errors="replace")):
            interrupted_at = ""
            process.send_signal(signal.SIGINT)
