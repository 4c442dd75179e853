"""A server process of its own for tests of commands."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests import migrated
from tests.forking import start_podium

READY = "stops it."
SECONDS = 30.0


class ServerProcess:
    """``podium server start`` in a process; ``said`` is its stdout, ``errors`` its stderr.

    It is a fork of who has imported the server already, on a database that is migrated already, unless it is told of
    another; `FreshServer` is an interpreter of its own with no database yet.
    """

    command: tuple[str, ...] = ("server", "start", "--port")
    ready = READY
    process: Any

    def __init__(self, home: Path, port: int, *options: str, **variables: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._out, self._err = home / f"server-{port}.out", home / f"server-{port}.err"
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("PODIUM_", "PREFECT_"))}
        environ |= {"HOME": str(home), "PODIUM_HOME": str(home / ".podium"), **variables}
        self._start(home, (*self.command, str(port), *options), environ)

    def _start(self, home: Path, arguments: tuple[str, ...], environ: dict[str, str]) -> None:
        for output in (self._out, self._err):
            output.write_bytes(b"")
        database = home / ".podium" / "podium.db"
        if not database.exists():
            database.parent.mkdir(exist_ok=True)
            migrated.sqlite(database.parent)
        self.process = start_podium(*arguments, folder=home, environment=environ, out=self._out, err=self._err)

    def __enter__(self) -> "ServerProcess":
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def said(self) -> str:
        return self._out.read_text()

    @property
    def errors(self) -> str:
        return self._err.read_text()

    def until_ready(self) -> "ServerProcess":
        """Waits for the banner."""
        deadline = time.monotonic() + SECONDS
        while self.ready not in self.said:
            assert self.process.poll() is None, self.errors
            assert time.monotonic() < deadline, f"no banner: {self.said} {self.errors}"
            time.sleep(0.02)
        return self

    def signal(self, number: int = signal.SIGTERM) -> None:
        """Sends a signal."""
        self.process.send_signal(number)

    def ended(self, seconds: float = SECONDS) -> int:
        """The exit code, once it has one."""
        return self.process.wait(seconds)

    def row(self, name: str) -> str:
        """What the banner says of something."""
        found = re.search(rf"^  {name} +(.+)$", self.said, re.MULTILINE)
        assert found, self.said
        return found[1]


class FreshServer(ServerProcess):
    """``podium server start`` as it is typed, where the start itself is what is tested."""

    def _start(self, home: Path, arguments: tuple[str, ...], environ: dict[str, str]) -> None:
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "podium", *arguments],
                env=environ,
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )


class ServicesProcess(ServerProcess):
    """``podium server services start`` in a process; ``url`` is where it tells how it is."""

    command = ("server", "services", "start", "--health-port")
    ready = "Process"
