"""`podium import` that is killed where it hurts, and run again: in the end all is there, and nothing twice."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.orchard import DEPLOYMENTS, plant
from tests.migrated import migrate
from tests.server.conftest import LiveServer, settings_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # `make restarts` runs it
KINDS = ("--kind", "flow,variable,concurrency-limit,gcl,block-type,block,work-pool,work-queue,deployment,automation")
READING = ("/filter", "/count", "/paginate")
LISTS = ("flows", "deployments", "work_pools", "block_documents", "automations", "variables", "concurrency_limits")


class Gate(ThreadingHTTPServer):
    """A proxy in front of a server that kills who asks at a change of its choice, before it is done or after."""

    daemon_threads = True

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), Passage)
        self.server = httpx.Client(base_url=httpx.URL(url).copy_with(path="/"), timeout=30)
        self.changes = 0
        self.victim: subprocess.Popen[bytes] | None = None
        self.kill_at, self.after = 0, False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/api"

    def aim(self, at: int, after: bool) -> None:
        """The change from now on that is the victim's last."""
        self.changes, self.kill_at, self.after = 0, at, after

    def close(self) -> None:
        """Lets nobody through any more."""
        self.shutdown()
        self.server_close()
        self.server.close()

    def pass_on(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response | None:
        """The answer; None where nobody is left to hear it."""
        changes = method != "GET" and not path.endswith(READING)
        self.changes += changes
        dies = changes and self.changes == self.kill_at
        if dies and not self.after:
            self._kill()
            return None
        answer = self.server.request(method, path, content=body, headers=headers)
        if dies:
            self._kill()
            return None
        return answer

    def _kill(self) -> None:
        assert self.victim
        self.victim.send_signal(signal.SIGKILL)
        self.victim.wait()


class Passage(BaseHTTPRequestHandler):
    """One connection through a gate."""

    protocol_version = "HTTP/1.1"
    server: Gate

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: self.headers[name] for name in ("Content-Type", "User-Agent") if name in self.headers}
        answer = self.server.pass_on(self.command, self.path, body, headers)
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer.status_code)
        self.send_header("Content-Type", "application/json")
        if answer.status_code != 204:
            self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as the library calls it
        """Says nothing."""


for each in ("GET", "POST", "PATCH", "PUT", "DELETE"):
    setattr(Passage, f"do_{each}", Passage._pass)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with an orchard, and automations that name each other and themselves, two of them of one name."""
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('source') / 'podium.db'}"
    migrate(url)
    with LiveServer(settings_for(url), with_services=False) as live:
        plant(live.url)
        with httpx.Client(base_url=live.url, follow_redirects=True) as api:
            trigger = {"type": "event", "posture": "Reactive", "expect": ["x"]}
            made = []
            for name in ("first", "second", "same", "same"):
                body = {"name": name, "trigger": trigger, "actions": [], "description": f"{len(made)} were before it"}
                made.append(api.post("/automations/", json=body).json()["id"])
            for at, other in enumerate((1, 0, 2)):
                pausing = {"type": "pause-automation", "source": "selected", "automation_id": made[other]}
                assert api.patch(f"/automations/{made[at]}", json={"enabled": True}).status_code == 204
                body = {"name": ("first", "second", "same")[at], "trigger": trigger, "actions": [pausing]}
                assert api.put(f"/automations/{made[at]}", json=body).status_code == 204
        yield live.url


@pytest.fixture
def target(database_url: str) -> Iterator[str]:
    """A server that has nothing."""
    migrate(database_url)
    with LiveServer(settings_for(database_url), with_services=False) as live:
        yield live.url


def podium(url: str, home: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PODIUM_", "PREFECT_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "podium", *arguments],
        env={**environ, "HOME": str(home), "PODIUM_API_URL": url},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def said(process: "subprocess.Popen[bytes]", code: int = 0) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err.decode()
    return out.decode()


def names(url: str) -> dict[str, Any]:
    """By list, how often each name is there; and the schedules of each deployment."""
    found: dict[str, Any] = {}
    with httpx.Client(base_url=url, timeout=30, follow_redirects=True) as api:
        for each in LISTS:
            rows = api.post(f"/{each}/filter", json={"limit": 200}).json()
            found[each] = Counter(row.get("name") or row.get("tag") for row in rows)
            if each == "deployments":
                found["schedules"] = {row["name"]: len(row["schedules"]) for row in rows}
        queues = api.post("/work_queues/filter", json={"limit": 200}).json()
        found["queues"] = Counter((row["work_pool_name"], row["name"]) for row in queues)
        found["limits"] = Counter(
            row["name"].partition(":")[0] for row in api.post("/v2/concurrency_limits/filter", json={}).json()
        )
    return found


def test_killed_again_and_again(source: str, target: str, tmp_path: Path) -> None:
    """At changes that chance chooses, half of them done though nobody heard of it; the last attempt finds the rest."""
    chance = random.Random(int(os.environ.get("PODIUM_TEST_SEED", "6")))
    gate = Gate(target)
    kills = 0
    for _ in range(200):
        gate.aim(chance.randint(1, 12), chance.random() < 0.5)
        gate.victim = podium(gate.url, tmp_path, "import", "--from", source, "--yes", *KINDS)
        gate.victim.communicate(timeout=120)
        if gate.victim.returncode == 0:
            break
        assert gate.victim.returncode == -signal.SIGKILL
        kills += 1
    assert kills >= 10
    print(f"{kills} kills")
    gate.close()
    again = podium(target, tmp_path, "import", "--from", source, "--yes", "-o", "json", *KINDS)
    assert json.loads(said(again)) == []
    assert names(target) == names(source)
    assert names(target)["deployments"].total() == DEPLOYMENTS
    exported = [said(podium(url, tmp_path, "export", *KINDS)) for url in (source, target)]
    assert exported[0] == exported[1]
