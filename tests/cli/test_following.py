"""`logs -f`, `watch`, `wait`: every line and state once and the run's own end, over restarts and without WebSockets."""

import json
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.cli.conftest import Podium
from tests.cli.followed import ENDS_WITHIN, Command, Run, numbers, without_websockets
from tests.cli.processes import ServerProcess
from tests.server.conftest import LiveServer


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


def test_restarts_of_the_server(tmp_path: Path, home: Path, free_port: int) -> None:
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
        for _ in range(2):
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
