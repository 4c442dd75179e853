"""The unmodified `prefect` client as a subprocess against a Podium server process, on SQLite and on PostgreSQL."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from podium.db import commands
from tests import backing

ROOT = Path(__file__).parents[2]
PREFECT = ROOT / ".venv-prefect" / "bin"
CLIENT_SECONDS = 100.0


def wait_for(condition: Any, seconds: float = 30.0, pause: float = 0.1) -> Any:
    """The first truthy value of ``condition()``; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(pause)


@dataclass
class Podium:
    """A server process with its own home, and what a test asks of it."""

    url: str
    home: Path
    process: subprocess.Popen[bytes]
    api: httpx.Client
    clients: list[subprocess.Popen[str]] = field(default_factory=list)
    starter: subprocess.Popen[str] | None = None
    bin: Path = PREFECT

    def post(self, path: str, body: Any = None) -> Any:
        """The JSON answer of a POST that must succeed."""
        response = self.api.post(path, json={} if body is None else body)
        assert response.is_success, f"{path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def get(self, path: str) -> Any:
        """The JSON answer of a GET that must succeed."""
        response = self.api.get(path)
        assert response.is_success, f"{path}: {response.status_code} {response.text}"
        return response.json()

    def flow_runs(self, flow_name: str) -> list[Any]:
        """The runs of a flow, oldest first."""
        runs = self.post("/flow_runs/filter", {"flows": {"name": {"any_": [flow_name]}}})
        return sorted(runs, key=lambda run: run["created"])

    def flow_run(self, flow_name: str) -> Any:
        """The only run of a flow."""
        runs = self.flow_runs(flow_name)
        assert len(runs) == 1, [run["name"] for run in runs]
        return runs[0]

    def states(self, run_id: str, kind: str = "flow_run") -> list[str]:
        """The names of the states a run went through, in order."""
        return [state["name"] for state in self.get(f"/{kind}_states/?{kind}_id={run_id}")]

    def task_runs(self, flow_run_id: str, count: int) -> dict[str, Any]:
        """The task runs of a flow run by name, once ``count`` of them are there and all are terminal."""

        def finished() -> dict[str, Any] | None:
            runs = self.post("/task_runs/filter", {"task_runs": {"flow_run_id": {"any_": [flow_run_id]}}})
            terminal = [run for run in runs if run["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")]
            return {run["name"]: run for run in runs} if len(terminal) == len(runs) == count else None

        found: dict[str, Any] = wait_for(finished)
        return found

    def messages(self, flow_run_id: str) -> list[str]:
        """The log messages of a flow run, in order."""
        logs = self.post(
            "/logs/filter", {"logs": {"flow_run_id": {"any_": [flow_run_id]}}, "sort": "TIMESTAMP_ASC", "limit": 200}
        )
        return [line["message"] for line in logs]

    def environment(self) -> dict[str, str]:
        """The environment of a client: the one URL, and a home of its own."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "PREFECT_HOME": str(self.home / ".prefect"),
            "PREFECT_API_URL": self.url,
            "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.2",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_RUNNER_POLL_FREQUENCY": "1",
            "PYTHONUNBUFFERED": "1",
            "COLUMNS": "300",
            "NO_COLOR": "1",
        }

    def run(self, script: str, *arguments: str, check: bool = True, **environment: str) -> str:
        """Runs a Python script with the real client to its end; what it printed (both streams).

        It is a fork of a process that has imported the client, but for one with an environment of its own.
        """
        path = self.home / f"flow_{time.monotonic_ns()}.py"
        path.write_text(textwrap.dedent(script))
        if environment:
            return self.command(str(self.bin / "python"), str(path), *arguments, check=check, **environment)
        code, printed = self._fork(path, arguments)
        assert code == 0 or not check, printed
        return printed

    def _fork(self, script: Path, arguments: tuple[str, ...]) -> tuple[int, str]:
        """Exit code and output of a script run by ``tests.e2e.starter``."""
        if self.starter is None:
            self.starter = subprocess.Popen(
                [self.bin / "python", str(Path(__file__).with_name("starter.py"))],
                env=self.environment(),
                cwd=self.home,
                stdin=subprocess.PIPE,
                text=True,
            )
        assert self.starter.stdin is not None
        self.starter.stdin.write(json.dumps({"script": str(script), "arguments": arguments}) + "\n")
        self.starter.stdin.flush()
        ended = Path(f"{script}.code")
        deadline = time.monotonic() + CLIENT_SECONDS
        while not ended.exists():
            if time.monotonic() > deadline:
                os.killpg(int(Path(f"{script}.pid").read_text()), signal.SIGKILL)
                raise subprocess.TimeoutExpired(str(script), CLIENT_SECONDS, Path(f"{script}.out").read_text())
            assert self.starter.poll() is None, "the client could not be imported"
            time.sleep(0.01)
        return int(ended.read_text()), Path(f"{script}.out").read_text()

    def console(self, script: str, *arguments: str) -> str:
        """Runs a script that drives the client's command line in its own process, with ``tests.e2e.console``."""
        shutil.copy(Path(__file__).with_name("console.py"), self.home)
        prelude = "from console import has, prefect\n"
        return self.run(prelude + textwrap.dedent(script), *arguments)

    def prefect(self, *arguments: str, check: bool = True) -> str:
        """Runs the client's own command line; what it printed."""
        return self.command(str(self.bin / "prefect"), *arguments, check=check)

    def command(self, *arguments: str, check: bool = True, **environment: str) -> str:
        """Runs any command in the client's environment."""
        done = subprocess.run(
            arguments,
            env={**self.environment(), **environment},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=CLIENT_SECONDS,
            check=False,
        )
        assert done.returncode == 0 or not check, done.stdout
        return done.stdout

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Starts a long-running client (a worker, ``serve``); it is stopped with the test."""
        with (self.home / f"client-{len(self.clients)}.log").open("w") as output:
            process = subprocess.Popen(
                arguments,
                env={**self.environment(), **environment},
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self.clients.append(process)
        return process

    def stop_clients(self) -> None:
        """Stops what ``start`` started, with its children."""
        for process in self.clients:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait(10)
        self.clients.clear()

    def stop_starter(self) -> None:
        """Ends the process that scripts are forked from."""
        if self.starter is not None:
            assert self.starter.stdin is not None
            self.starter.stdin.close()
            assert self.starter.wait(60) == 0


# On PostgreSQL with `make e2e`: the suite asks that of the server itself, on both databases, and has its time.
@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def podium(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podium]:
    """A server process of its own for the module, with its SERVER_SETTINGS, on SQLite and on PostgreSQL."""
    if not (PREFECT / "prefect").exists():
        pytest.skip("prefect client: .venv-prefect is not set up (make test does it)")
    home = tmp_path_factory.mktemp("e2e")
    settings: dict[str, str] = getattr(request.module, "SERVER_SETTINGS", {})
    if request.param == "sqlite":
        yield from _serve(home, f"sqlite+aiosqlite:///{home / 'podium.db'}", settings)
    else:
        postgres: backing.Postgres = request.getfixturevalue("postgres")
        with postgres.database() as url:
            commands.upgrade(url)
            yield from _serve(home, url, settings)


def _serve(home: Path, database_url: str, settings: dict[str, str]) -> Iterator[Podium]:
    port = backing.free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PODIUM_HOME": str(home / ".podium"),
        "PODIUM_SERVER_DATABASE_CONNECTION_URL": database_url,
        **settings,
    }
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "podium", "server", "start", "--port", str(port)],
            env=environment,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}/api"
    try:
        with httpx.Client(base_url=url, timeout=20, follow_redirects=True) as api:
            wait_for(lambda: process.poll() is not None or _answers(api))
            assert process.poll() is None, (home / "server.log").read_text()
            podium = Podium(url, home, process, api)
            try:
                yield podium
            finally:
                podium.stop_clients()
                podium.stop_starter()
    finally:
        process.terminate()
        process.wait(60)
    assert process.returncode == 0, (home / "server.log").read_text()[-3000:]


def _answers(api: httpx.Client) -> bool:
    try:
        return api.get("/health").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def clients(podium: Podium) -> Iterator[Podium]:
    """The server, with every client that the test starts stopped at its end."""
    yield podium
    podium.stop_clients()
