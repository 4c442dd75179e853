"""Processes that are forks of one which has imported what they need, where a start of the interpreter is not the point.

A server needs two seconds of CPU to import itself, the `prefect` client 1.5; a fork of who has done it, a hundredth.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from shutil import rmtree
from typing import TextIO

import podium

LIBRARIES = (
    "podium.cli.tree",
    "podium.client.api",
    "podium.db.migrations.running",
    "podium.server.launch",
    "podium.server.services.docket_worker",
    "uvicorn",
    "uvloop",
)
"""What `podium` imports to serve, and to ask a server."""

COMMAND = Path(podium.__file__).with_name("__main__.py")


class Forked:
    """A process on its way, asked as a `subprocess.Popen` is; whoever gives it pipes sets ``stdout`` and ``stderr``."""

    stdout: TextIO | None = None
    stderr: TextIO | None = None

    def __init__(self, starter: "Starter", ended: Path) -> None:
        self._starter, self._ended = starter, ended

    @property
    def pid(self) -> int:
        started = Path(f"{self._ended}.pid")
        while not started.exists():
            self._starter.check()
            time.sleep(0.005)
        return int(started.read_text())

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        """Its exit code, once it has one."""
        return int(self._ended.read_text()) if self._ended.exists() else None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code; raises TimeoutExpired when it has none in time."""
        deadline = time.monotonic() + (timeout or 600)
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self._ended), timeout or 600)
            self._starter.check()
            time.sleep(0.01)
        return code

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What is left in its pipes, once it ended; on stderr no more than a pipe holds."""
        said = tuple(pipe.read() if pipe else "" for pipe in (self.stdout, self.stderr))
        self.wait(timeout)
        return said

    def send_signal(self, number: int) -> None:
        """Signals it alone."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Starter:
    """The process that forks; it imports ``modules`` in an environment that those it starts have as well, or not."""

    def __init__(self, python: str | Path, modules: Sequence[str], environment: Mapping[str, str]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="podium-forks-"))
        self._forks = 0
        self._process = subprocess.Popen(
            [python, str(Path(__file__).with_name("starter.py")), *modules],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    def start(
        self,
        script: Path,
        arguments: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        out: Path,
        err: Path | None = None,
    ) -> Forked:
        """Runs a script in a process and a session of its own."""
        self._forks += 1
        ended = self._folder / str(self._forks)
        request = {
            "script": str(script),
            "arguments": arguments,
            "folder": str(folder),
            "environment": None if environment is None else dict(environment),
            "out": str(out),
            "err": str(err or out),
            "ended": str(ended),
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Forked(self, ended)

    def check(self) -> None:
        """Fails where nothing will ever be forked."""
        assert self._process.poll() is None, "what shall be forked could not be imported"

    def stop(self) -> None:
        """Ends the process that forks, and what is left of its forks."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(60) == 0
        rmtree(self._folder)


@cache
def _of_podium() -> Starter:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PODIUM_", "PREFECT_"))}
    return Starter(sys.executable, LIBRARIES, environment)


def start_podium(
    *arguments: str, folder: Path, environment: Mapping[str, str], out: Path, err: Path | None = None
) -> Forked:
    """The `podium` command with these arguments."""
    return start_script(COMMAND, *arguments, folder=folder, environment=environment, out=out, err=err)


def start_script(
    script: Path, *arguments: str, folder: Path, environment: Mapping[str, str], out: Path, err: Path | None = None
) -> Forked:
    """A script that uses what `podium` imports."""
    return _of_podium().start(script, arguments, folder=folder, environment=environment, out=out, err=err)


def stop() -> None:
    """Ends what forks `podium`."""
    if _of_podium.cache_info().currsize:
        _of_podium().stop()
        _of_podium.cache_clear()
