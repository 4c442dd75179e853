"""A server process to kill."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests import backing


class Server:
    """A server process that can be killed and started again on the same port and database."""

    def __init__(self, home: Path, database_url: str, **variables: str) -> None:
        self.home = home
        self.port = backing.free_port()
        self.url = f"http://127.0.0.1:{self.port}/api"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "PODIUM_HOME": str(home / ".podium"),
            "PODIUM_SERVER_DATABASE_CONNECTION_URL": database_url,
            **variables,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "podium", "server", "start", "--port", str(self.port)],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/health", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError((self.home / "server.log").read_text()[-3000:])

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
