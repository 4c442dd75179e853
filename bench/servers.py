"""The servers under measure: found by URL, or started in a home of their own."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from bench import processes
from bench.http import Connection, Target

COMMANDS = {"podium": Path(".venv/bin/podium"), "prefect": Path(".venv-prefect/bin/prefect")}
SWITCHED_OFF = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "PREFECT_CLI_PROMPT": "false"}
START_LIMIT = 120.0
STOP_LIMIT = 20.0
RECOVERY_LIMIT = 90


class Server:
    """One that runs already, reached by URL: it is measured, never touched."""

    def __init__(self, url: str, name: str = "", pid: int | None = None) -> None:
        self.name = name or urlsplit(url).netloc
        self.target = Target.parse(url)
        self._pid = pid

    @property
    def pid(self) -> int | None:
        """The top process, where it runs on this machine."""
        return self._pid or processes.listener(self.target.port)

    def freeze(self) -> None:
        """Keeps the server from taking CPU time while the other one is measured."""

    async def thaw(self) -> None:
        """Lets it run again."""

    async def recover(self) -> None:
        """Waits for a server that stopped answering to come back. Raises RuntimeError where it does not."""
        for _ in range(RECOVERY_LIMIT):
            if await _healthy(self.target):
                return
            await asyncio.sleep(1)
        raise RuntimeError(f"{self.name} stopped answering")


class OwnServer(Server):
    """One started here, on SQLite in an empty home and on a free port; frozen while it is not measured."""

    arguments: tuple[str, ...] = ()
    """More words for its command."""

    before: tuple[str, ...] = ()
    """What runs its command, where that is not started by itself."""

    def __init__(self, name: str, command: str = "") -> None:
        """``command`` is the key of its command, where the server is called something else."""
        self.kind = command or name
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        super().__init__(f"http://127.0.0.1:{port}/api", name)
        self.command = COMMANDS[self.kind].absolute()
        self.home = Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))
        self.settings: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process started here."""
        return self._process.pid if self._process else None

    @property
    def environment(self) -> dict[str, str]:
        """The home and ``settings``, and nothing of the caller's settings."""
        own = {key: value for key, value in os.environ.items() if not key.startswith(("PODIUM_", "PREFECT_"))}
        home = {"HOME": str(self.home), f"{self.kind.upper()}_HOME": str(self.home)}
        return own | home | self.settings | (SWITCHED_OFF if self.kind == "prefect" else {})

    async def start(self) -> float:
        """Starts it; seconds until /health answered 200. Raises RuntimeError with its last words where it never did."""
        began = time.perf_counter()
        port = str(self.target.port)
        program = self.before or (str(self.command),)
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*program, "server", "start", "--host", self.target.host, "--port", port, *self.arguments],
                cwd=self.home,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while not await _healthy(self.target):
            if self._process.poll() is not None or time.perf_counter() - began > START_LIMIT:
                last = (self.home / "server.log").read_text("utf-8", "replace")[-2000:]
                raise RuntimeError(f"{self.name} did not start:\n{last}")
            await asyncio.sleep(0.01)
        return time.perf_counter() - began

    async def stop(self) -> None:
        """Asks it to leave, and ends the whole group if it does not."""
        if self._process is None:
            return
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(self._process.pid, signal.SIGCONT)
            self._process.terminate()
            await asyncio.to_thread(self._process.wait, STOP_LIMIT)
        self._kill()

    def _kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        if self._process:
            os.killpg(self._process.pid, signal.SIGSTOP)

    async def thaw(self) -> None:
        if self._process:
            os.killpg(self._process.pid, signal.SIGCONT)
            await asyncio.sleep(1)  # its loops catch up on what they missed

    async def recover(self) -> None:
        """Kills a server that stopped answering and starts it again on its home, for the sake of the next row."""
        self._kill()
        await self.start()

    def remove(self) -> None:
        """Deletes its home."""
        shutil.rmtree(self.home, ignore_errors=True)

    def restart_empty(self) -> None:
        """Empties the home, for another first start."""
        self.remove()
        self.home.mkdir()


async def _healthy(target: Target) -> bool:
    connection = Connection(target)
    try:
        async with asyncio.timeout(5):
            return (await connection.request("GET", "/health"))[0] == 200
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
    finally:
        connection.close()
