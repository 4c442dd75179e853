"""The unmodified `prefect` client as a subprocess against a Podium server process, on SQLite and on PostgreSQL."""

import os
import shutil
import signal
import subprocess
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import backing, migrated
from tests.forking import Forked, Starter, start_podium
from tests.migrated import migrate

ROOT = Path(__file__).parents[2]
PREFECT = ROOT / ".venv-prefect" / "bin"
CLIENT_SECONDS = 100.0

LIBRARIES = """
    prefect.artifacts prefect.automations prefect.cli._app prefect.client.orchestration prefect.concurrency.sync
    prefect.deployments prefect.events prefect.flow_engine prefect.input prefect.task_engine prefect.task_worker
    prefect.variables
"""
"""What scripts use; they import it again by name, which costs nothing."""

COMMAND_LINE = """
import sys
from prefect.cli import app
sys.argv[0] = "prefect"
sys.exit(app())
"""
"""What the client's own command does."""


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
    process: Forked
    api: httpx.Client
    clients: list[Any] = field(default_factory=list)
    starter: Starter | None = None
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
            backing.TRUSTED: os.environ[backing.TRUSTED],
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

        It is a fork of a process that has imported the client, as commands are, but for one with an environment of its
        own.
        """
        path = self.home / f"flow_{time.monotonic_ns()}.py"
        path.write_text(textwrap.dedent(script))
        return self.command(str(self.bin / "python"), str(path), *arguments, check=check, **environment)

    def console(self, script: str, *arguments: str) -> str:
        """Runs a script that drives the client's command line in its own process, with ``tests.e2e.console``."""
        shutil.copy(Path(__file__).with_name("console.py"), self.home)
        prelude = "from console import has, prefect\n"
        return self.run(prelude + textwrap.dedent(script), *arguments)

    def prefect(self, *arguments: str, check: bool = True) -> str:
        """Runs the client's own command line; what it printed."""
        return self.command(str(self.bin / "prefect"), *arguments, check=check)

    def command(self, *arguments: str, check: bool = True, **environment: str) -> str:
        """Runs any command in the client's environment; what it printed."""
        if script := self._script(arguments, environment):
            log = self.home / f"command-{time.monotonic_ns()}.log"
            forked = self._forks().start(*script, folder=self.home, out=log)
            try:
                code = forked.wait(CLIENT_SECONDS)
            except subprocess.TimeoutExpired as late:
                os.killpg(forked.pid, signal.SIGKILL)
                raise AssertionError(log.read_text()) from late
            printed = log.read_text()
        else:
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
            code, printed = done.returncode, done.stdout
        assert code == 0 or not check, printed
        return printed

    def start(self, *arguments: str, **environment: str) -> Any:
        """Starts a long-running client (a worker, ``serve``); it is stopped with the test."""
        log = self.home / f"client-{len(self.clients)}.log"
        process: Any
        if script := self._script(arguments, environment):
            log.unlink(missing_ok=True)
            process = self._forks().start(*script, folder=self.home, out=log)
        else:
            with log.open("w") as output:
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

    def _script(self, command: tuple[str, ...], environment: dict[str, str]) -> tuple[Path, tuple[str, ...]] | None:
        """The script and the arguments of a command that can be a fork: of this client, in its usual environment."""
        if environment or self.bin != PREFECT:
            return None
        name, *arguments = command
        if name == str(self.bin / "python"):
            return Path(arguments[0]), tuple(arguments[1:])
        if name == str(self.bin / "prefect"):
            script = self.home / "prefect.cli.py"
            script.write_text(COMMAND_LINE)
            return script, tuple(arguments)
        return None

    def _forks(self) -> Starter:
        if self.starter is None:
            self.starter = Starter(self.bin / "python", LIBRARIES.split(), self.environment())
        return self.starter

    def stop_clients(self, after: int = 0) -> None:
        """Stops what ``start`` started, with its children, but for the first few."""
        for process in self.clients[after:]:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait(10)
        del self.clients[after:]

    def stop_starter(self) -> None:
        """Ends the process that clients are forked from."""
        if self.starter is not None:
            self.starter.stop()


# On PostgreSQL with `make e2e`: the suite asks that of the server itself, on both databases, and has its time.
@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def podium(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podium]:
    """A server process of its own for the module, with its SERVER_SETTINGS, on SQLite and on PostgreSQL."""
    if not (PREFECT / "prefect").exists():
        pytest.skip("prefect client: .venv-prefect is not set up (make test does it)")
    home = tmp_path_factory.mktemp("e2e")
    settings: dict[str, str] = getattr(request.module, "SERVER_SETTINGS", {})
    if request.param == "sqlite":
        yield from _serve(home, migrated.sqlite(home), settings)
    else:
        postgres: backing.Postgres = request.getfixturevalue("postgres")
        with postgres.database() as url:
            migrate(url)
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
    log = home / "server.log"
    process = start_podium("server", "start", "--port", str(port), folder=home, environment=environment, out=log)
    url = f"http://127.0.0.1:{port}/api"
    try:
        with httpx.Client(base_url=url, timeout=20, follow_redirects=True) as api:
            wait_for(lambda: process.poll() is not None or _answers(api))
            assert process.poll() is None, log.read_text()
            podium = Podium(url, home, process, api)
            try:
                yield podium
            finally:
                podium.stop_clients()
                podium.stop_starter()
    finally:
        process.terminate()
        process.wait(60)
    assert process.returncode == 0, log.read_text()[-3000:]


def _answers(api: httpx.Client) -> bool:
    try:
        return api.get("/health").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def clients(podium: Podium) -> Iterator[Podium]:
    """The server, with every client that the test starts stopped at its end."""
    of_module = len(podium.clients)
    yield podium
    podium.stop_clients(of_module)
