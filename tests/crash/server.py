"""A server process to kill."""

import os
import time
from pathlib import Path

import httpx

from tests import backing
from tests.forking import COMMAND, Forked, start_script

PODIUM = (COMMAND, "server", "start", "--port")


class Server:
    """A server process that can be killed and started again on the same port and database.

    ``command`` is the script and arguments that start one, but for the port.
    """

    def __init__(
        self, home: Path, database_url: str, command: tuple[Path, *tuple[str, ...]] = PODIUM, **variables: str
    ) -> None:
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
        self._command = command
        self._process: Forked | None = None

    def start(self) -> None:
        log = self.home / "server.log"
        command = (*self._command, str(self.port))
        self._process = start_script(*command, folder=self.home, environment=self.environment, out=log)
        deadline = time.monotonic() + 30
        with httpx.Client(base_url=self.url, timeout=2) as client:
            while time.monotonic() < deadline:
                try:
                    if client.get("/health").status_code == 200:
                        return
                except httpx.TransportError:
                    time.sleep(0.05)
        raise AssertionError(log.read_text()[-3000:])

    def kill(self) -> None:
        """Ends it at once; does nothing where it never started."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
