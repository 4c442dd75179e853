"""Runs whose log and states a test writes, and commands that follow them."""

import os
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

ENDS_WITHIN = 10.0  # seconds after the last state, on a busy machine


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
        self._out = folder / f"{secrets.token_hex(4)}.out"
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "podium", *arguments],
                env={**environ, "PODIUM_API_URL": url},
                stdin=subprocess.DEVNULL,
                stdout=out,
            )

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
        while "\n" not in self.said:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def ended(self, seconds: float = ENDS_WITHIN) -> int:
        """The exit code, once it has one."""
        return self.process.wait(seconds)


def numbers(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"line (\d+)$", text, re.MULTILINE)]


@contextmanager
def without_websockets(url: str) -> Iterator[str]:
    """The URL of a proxy that answers every upgrade with 400 and passes all else on; with 502 where nobody answers."""
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
            refuse(client, "400 Bad Request")
            return
        try:
            upstream = socket.create_connection(("127.0.0.1", port))
            upstream.sendall(head)
        except OSError:
            refuse(client, "502 Bad Gateway")
            return
        for source, sink in ((client, upstream), (upstream, client)):
            threading.Thread(target=pump, args=(source, sink), daemon=True).start()

    def refuse(client: socket.socket, status: str) -> None:
        client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        client.close()

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
