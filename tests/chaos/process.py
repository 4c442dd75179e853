"""A process of the topology: started, killed, frozen, and started again as its file says."""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, time

from tests.forking import Forked, start_podium


@dataclass
class Exit:
    """How a process ended: when, its code, how long it had run, and whether somebody wanted it."""

    at: float
    code: int
    seconds: float
    wanted: bool


@dataclass
class Process:
    """``port`` is where it listens; ``restart`` is the policy of compose."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    port: int
    restart: str = "no"
    exits: list[Exit] = field(default_factory=list)
    starts: int = 0
    _process: "subprocess.Popen[bytes] | Forked | None" = None
    _started: float = 0.0
    _stopped: bool = False
    _ending: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        with self._lock:
            self._stopped = self._ending = False
            self.starts += 1
            self._started = monotonic()
            self._process = self._begin()

    def _begin(self) -> "subprocess.Popen[bytes] | Forked":
        home = self.folder / self.name
        home.mkdir(exist_ok=True)
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), **self.environment}
        name, *arguments = self.command
        if name == "podium":
            return start_podium(*arguments, folder=home, environment=environment, out=self.log)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.command,
                env=environment,
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def send(self, number: signal.Signals) -> None:
        """Sends a signal; one that ends the process counts as wanted."""
        self._ending |= number in (signal.SIGKILL, signal.SIGTERM)
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends it at once; what keeps the topology starts it again."""
        self.send(signal.SIGKILL)

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 40) -> None:
        """Ends it for good, and waits until it is gone."""
        with self._lock:
            self._stopped = True
            if self._process is None:
                return
            self.send(number)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.send(signal.SIGKILL)
                self._process.wait()

    def look(self) -> None:
        """Notes an end, and starts it again where its policy says so."""
        with self._lock:
            if self._process is None or self._stopped or self._process.poll() is None:
                return
            code = self._process.wait()
            self.exits.append(Exit(time(), code, monotonic() - self._started, self._ending))
            self._process = None
            if self.restart == "unless-stopped" or (self.restart == "on-failure" and code != 0):
                self.start()
