"""Who serves from a home directory: a small file that names the process, checked against the process itself."""

import contextlib
import json
import os
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

PAUSE = 0.02

ENDED = {"Z", "X"}
"""States of a process that has exited and whose parent has not asked for its exit code yet."""


@dataclass(slots=True)
class ServerProcess:
    """A started server: its pid, when that process started (clock ticks since boot), URL and log place."""

    pid: int
    started: str
    url: str
    log: str | None = None

    def alive(self) -> bool:
        """Whether the process with this pid is still the one that wrote the file."""
        return bool(self.started) and start_mark(self.pid) == self.started


def start_mark(pid: int) -> str:
    """Something that differs between two processes that had the same pid; empty when none of this pid runs."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return _start_mark_without_proc(pid)
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state in ENDED else fields[18]


def _start_mark_without_proc(pid: int) -> str:
    if Path("/proc/self/stat").exists():
        return ""
    answer = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def path_of(home: Path, port: int, kind: str = "server") -> Path:
    """Where the process of this kind on this port leaves its file in this home."""
    return home / "run" / f"{kind}-{port}.json"


def write(path: Path, url: str, log: str | None) -> ServerProcess:
    """Names this process as the server."""
    process = ServerProcess(os.getpid(), start_mark(os.getpid()), url, log)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_suffix(f".{process.pid}")
    temporary.write_text(json.dumps(asdict(process)))
    temporary.replace(path)
    return process


def read(path: Path) -> ServerProcess | None:
    """The server that left its file here and still runs, or None."""
    try:
        process = ServerProcess(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return process if process.alive() else None


def remove(path: Path) -> None:
    """Takes the file away if it is this process's own."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        if json.loads(path.read_text())["pid"] == os.getpid():
            path.unlink()


def running(home: Path, kind: str = "server") -> list[ServerProcess]:
    """Every process of this kind that runs from this home."""
    found = (read(path) for path in sorted((home / "run").glob(f"{kind}-*.json")))
    return [process for process in found if process is not None]


def stop(process: ServerProcess, seconds: float) -> bool:
    """Asks the server to stop, after one more look that it is still that process; whether it is gone in time."""
    if process.alive():
        os.kill(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while process.alive():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
    return True
