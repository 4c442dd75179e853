"""`logs -f`, `watch`, `wait`: every line and state once and the run's own end, over restarts and without WebSockets."""

import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from podium.db import commands
from tests.cli.conftest import Podium
from tests.cli.processes import ServerProcess
from tests.forking import start_podium
from tests.server.conftest import LiveServer, settings_for

ENDS_WITHIN = 10.0  # seconds after the last state, on a busy machine


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('database') / 'podium.db'}"
    commands.upgrade(url)
    with LiveServer(settings_for(url), with_services=False) as live:
        yield live


class Run:
    """A run whose log and states a test writes."""

    def __init__(self, url: str, name: str) -> None:
        self.url = url
        self.said = 0
        with self._api() as api:
            flow = api.post("/flows/", json={"name": "followed"}).json()["id"]
            body = {"flow_id": flow, "name": name, "state": {"type": "PENDING"}}
            self.id: str = api.post("/flow_runs/", json=body).json()["id"]
        self.become("RUNNING")

    def _api(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30)

    def become(self, state: str) -> None:
        with self._api() as api:
            answer = api.post(f"/flow_runs/{self.id}/set_state", json={"state": {"type": state}, "force": True})
            assert answer.status_code == 201

    def say(self, count: int, late: float = 0.0) -> None:
        """Writes numbered lines; ``late`` ones have the time of so many seconds ago."""
        moment = (datetime.now(UTC) - timedelta(seconds=late)).isoformat()
        lines = []
        for _ in range(count):
            lines.append({"name": "x", "level": 20, "message": f"line {self.said}", "timestamp": moment})
            self.said += 1
        with self._api() as api:
            assert api.post("/logs/", json=[{**line, "flow_run_id": self.id} for line in lines]).status_code == 201


class Command:
    """A command that goes on while a test acts."""

    def __init__(self, folder: Path, url: str, *arguments: str) -> None:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("PODIUM_", "PREFECT_"))}
        self._out = folder / f"{'-'.join(arguments[:2])}.out"
        environ["PODIUM_API_URL"] = url
        self._out.unlink(missing_ok=True)
        err = self._out.with_suffix(".err")
        self.process = start_podium(*arguments, folder=folder, environment=environ, out=self._out, err=err)

    def __enter__(self) -> "Command":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def said(self) -> str:
        return self._out.read_text()

    def until_it_speaks(self) -> None:
        deadline = time.monotonic() + 30
        while not self._out.exists() or "\n" not in self.said:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def ended(self, seconds: float = ENDS_WITHIN) -> int:
        """The exit code, once it has one."""
        return self.process.wait(seconds)


def numbers(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"line (\d+)$", text, re.MULTILINE)]


@pytest.mark.parametrize(("state", "code"), [("COMPLETED", 0), ("FAILED", 1), ("CANCELLED", 1)])
def test_logs_follow_a_run_to_its_end(tmp_path: Path, server: LiveServer, state: str, code: int) -> None:
    """Lines that come late or after the last state are there too, each once; the exit code is how it ended."""
    run = Run(server.url, f"followed-{state}")
    run.say(3)
    with Command(tmp_path, server.url, "flow-run", "logs", "-f", run.id) as command:
        command.until_it_speaks()
        run.say(250)
        run.say(2, late=20)
        run.become(state)
        run.say(1)
        assert command.ended() == code
    assert sorted(numbers(command.said)) == list(range(run.said))


def test_only_the_last_lines_and_what_comes(tmp_path: Path, server: LiveServer) -> None:
    """With -n."""
    run = Run(server.url, "tailed")
    run.say(5)
    run.say(5)
    with Command(tmp_path, server.url, "flow-run", "logs", "-f", "-n", "2", run.id, "-o", "jsonl") as command:
        command.until_it_speaks()
        run.say(2)
        run.become("COMPLETED")
        command.ended()
    assert [json.loads(line)["message"] for line in command.said.splitlines()] == [f"line {n}" for n in (8, 9, 10, 11)]


def test_a_run_that_is_over_is_printed_at_once(podium: Podium, server: LiveServer, monkeypatch: Any) -> None:
    """And the exit code is how it ended."""
    monkeypatch.setenv("PODIUM_API_URL", server.url)
    run = Run(server.url, "over")
    run.say(2)
    run.become("FAILED")
    found = podium("flow-run", "logs", "-f", "over")
    assert (found.code, numbers(found.out)) == (1, [0, 1])
    states = podium("flow-run", "watch", "over")
    assert states.code == 1
    assert [line.split()[2] for line in states.out.splitlines()] == ["Pending", "Running", "Failed"]


def test_watch_tells_every_state(tmp_path: Path, server: LiveServer) -> None:
    """As it comes, by a WebSocket; within two seconds of the end it is over."""
    run = Run(server.url, "watched")
    with Command(tmp_path, server.url, "flow-run", "watch", run.id) as command:
        command.until_it_speaks()
        time.sleep(1.5)  # until it listens
        run.become("CANCELLING")
        run.become("CANCELLED")
        at = time.monotonic()
        assert command.ended() == 1
        assert time.monotonic() - at < 2 + 1  # the end of the process on a busy machine
    states = [line.split()[2] for line in command.said.splitlines()]
    assert states == ["Pending", "Running", "Cancelling", "Cancelled"]


def test_watch_ends_in_time(podium: Podium, server: LiveServer, monkeypatch: Any) -> None:
    """With the exit code for it."""
    monkeypatch.setenv("PODIUM_API_URL", server.url)
    Run(server.url, "slow")
    found = podium("flow-run", "watch", "slow", "--timeout", "0.3s")
    assert found.code == 5
    assert "flow run 'slow' is Running after 0.3 seconds" in found.err


def test_wait(podium: Podium, server: LiveServer, monkeypatch: Any) -> None:
    """For a state, for several runs, and no longer than wanted; another end than the one wanted is a failure."""
    monkeypatch.setenv("PODIUM_API_URL", server.url)
    first, second = Run(server.url, "wait-1"), Run(server.url, "wait-2")
    assert podium("flow-run", "wait", first.id, second.id, "--for", "state=running").code == 0
    late = podium("flow-run", "wait", first.id, second.id, "--timeout", "0.2")
    assert (late.code, late.out) == (5, "")
    first.become("COMPLETED")
    assert podium("flow-run", "wait", first.id, "-o", "name").out == f"{first.id}\n"
    second.become("FAILED")
    assert podium("flow-run", "wait", first.id, second.id).code == 1
    assert podium("flow-run", "wait", second.id, "--for", "state=failed,crashed").code == 0
    assert podium("flow-run", "wait", second.id, "--for", "completed").code == 1
    assert podium("flow-run", "wait", second.id, "--for", "color=red").code == 2


@contextmanager
def without_websockets(url: str) -> Iterator[str]:
    """The URL of a proxy that answers every upgrade with 400 and passes all else on."""
    port = httpx.URL(url).port or 0
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=relay, args=(client,), daemon=True).start()

    def relay(client: socket.socket) -> None:
        head = client.recv(65536)
        if b"upgrade: websocket" in head.lower():
            client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            client.close()
            return
        upstream = socket.create_connection(("127.0.0.1", port))
        upstream.sendall(head)
        for source, sink in ((client, upstream), (upstream, client)):
            threading.Thread(target=pump, args=(source, sink), daemon=True).start()

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        finally:
            sink.close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api"
    finally:
        listener.close()


def test_a_proxy_that_lets_no_websocket_through(tmp_path: Path, server: LiveServer) -> None:
    """It asks again and again instead."""
    run = Run(server.url, "proxied")
    run.say(1)
    with without_websockets(server.url) as url, Command(tmp_path, url, "flow-run", "logs", "-f", run.id) as command:
        command.until_it_speaks()
        run.say(3)
        run.become("COMPLETED")
        assert command.ended() == 0
    assert numbers(command.said) == [0, 1, 2, 3]


@pytest.mark.parametrize("restarts", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_restarts_of_the_server(tmp_path: Path, home: Path, free_port: int, restarts: int) -> None:
    """No line is lost or comes twice, no state is missed."""
    url = f"http://127.0.0.1:{free_port}/api"
    with ServerProcess(home, free_port) as first:
        first.until_ready()
        run = Run(url, "restarted")
        run.say(1)
        log = Command(tmp_path, url, "flow-run", "logs", "-f", run.id)
        states = Command(tmp_path, url, "flow-run", "watch", run.id, "-o", "jsonl")
        log.until_it_speaks()
        states.until_it_speaks()
    with log, states:
        for _ in range(restarts):
            with ServerProcess(home, free_port) as again:
                again.until_ready()
                run.say(100)
                run.say(1, late=5)
        with ServerProcess(home, free_port) as last:
            last.until_ready()
            run.become("PAUSED")
            run.become("RUNNING")
            run.become("COMPLETED")
            assert (log.ended(30), states.ended(30)) == (0, 0)
    assert sorted(numbers(log.said)) == list(range(run.said))
    told = [json.loads(line)["type"] for line in states.said.splitlines()]
    assert told == ["PENDING", "RUNNING", "PAUSED", "RUNNING", "COMPLETED"]


def test_events_are_streamed(tmp_path: Path, server: LiveServer) -> None:
    """From a moment on, with a filter; those that were, and those that come."""
    since = datetime.now(UTC).isoformat()

    def emit(name: str) -> None:
        resource = {"prefect.resource.id": "lamp"}
        event = {"id": str(uuid4()), "occurred": datetime.now(UTC).isoformat(), "event": name, "resource": resource}
        assert httpx.post(f"{server.url}/events", json=[event]).status_code == 204

    emit("lamp.before")
    arguments = ("event", "stream", "--name", "lamp.*", "--since", since, "-o", "jsonl")
    with Command(tmp_path, server.url, *arguments) as command:
        command.until_it_speaks()
        emit("other.on")
        emit("lamp.on")
        deadline = time.monotonic() + ENDS_WITHIN
        while "lamp.on" not in command.said:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        command.process.send_signal(signal.SIGINT)
        assert command.ended() == 130
    assert [json.loads(line)["event"] for line in command.said.splitlines()] == ["lamp.before", "lamp.on"]
