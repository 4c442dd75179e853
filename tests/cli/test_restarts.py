"""`logs -f`, `watch` and `wait` under ten restarts of the server, on both databases, also behind proxies."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests import backing
from tests.cli.followed import Command, Run, numbers, without_websockets
from tests.cli.processes import ServerProcess
from tests.migrated import migrate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # `make restarts` runs it
RESTARTS = 10
WAYS = ("straight", "proxy", "nginx")
NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{to}; }} }}
}}
"""


@contextmanager
def nginx(folder: Path, to: int) -> Iterator[str]:
    """The URL of an nginx as it comes, which lets no WebSocket through."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program:
        pytest.skip("nginx is not on the path")
    port = backing.free_port()
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, port=port, to=to))
    process = subprocess.Popen([program, "-e", str(folder / "error.log"), "-c", str(file), "-p", str(folder)])
    try:
        time.sleep(0.5)
        assert process.poll() is None
        yield f"http://127.0.0.1:{port}/api"
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def reached(way: str, url: str, port: int, folder: Path) -> Iterator[str]:
    if way == "straight":
        yield url
    elif way == "proxy":
        with without_websockets(url) as proxied:
            yield proxied
    else:
        with nginx(folder, port) as proxied:
            yield proxied


@pytest.mark.parametrize(
    ("way", "end", "code"), [("straight", "COMPLETED", 0), ("proxy", "FAILED", 1), ("nginx", "CANCELLED", 1)], ids=WAYS
)
def test_nothing_is_lost_or_told_twice(
    tmp_path: Path, home: Path, free_port: int, database_url: str, way: str, end: str, code: int
) -> None:
    """Ten servers after one another, killed or told to stop while lines are written; each line and state once."""
    migrate(database_url)
    url = f"http://127.0.0.1:{free_port}/api"
    setting = {"PODIUM_SERVER_DATABASE_CONNECTION_URL": database_url}
    chance = random.Random(4)  # no secret
    states = ["PENDING", "RUNNING"]

    with ExitStack() as stack:
        enter = stack.enter_context
        server = enter(ServerProcess(home, free_port, **setting)).until_ready()
        asked = enter(reached(way, url, free_port, tmp_path))
        run = Run(url, f"restarted-{way}")
        run.say(1)
        log = enter(Command(tmp_path, asked, "flow-run", "logs", "-f", run.id))
        watched = enter(Command(tmp_path, asked, "flow-run", "watch", run.id, "-o", "jsonl"))
        both = enter(Command(tmp_path, asked, "flow-run", "watch", "--logs", run.id, "-o", "jsonl"))
        waited = enter(Command(tmp_path, asked, "flow-run", "wait", run.id, "--timeout", "10m", "-o", "name"))
        for command in (log, watched, both):
            command.until_it_speaks()
        for number in range(RESTARTS):
            server.signal(chance.choice((signal.SIGKILL, signal.SIGTERM)))
            server.ended()
            time.sleep(chance.random() * 2)
            server = enter(ServerProcess(home, free_port, **setting)).until_ready()
            run.say(120)
            run.say(1, late=5)
            for state in ("PAUSED", "RUNNING") if number % 3 == 0 else ():
                run.become(state)
                states.append(state)
            time.sleep(chance.random() * 2)
            run.say(3)
        run.become(end)
        run.say(1)
        assert [each.ended(60) for each in (log, watched, both, waited)] == [code] * 4
    assert sorted(numbers(log.said)) == list(range(run.said))
    assert [json.loads(line)["type"] for line in watched.said.splitlines()] == [*states, end]
    told = [json.loads(line) for line in both.said.splitlines()]
    assert [each["type"] for each in told if "type" in each] == [*states, end]
    lines = "\n".join(each["message"] for each in told if "level" in each)
    assert sorted(numbers(lines)) == list(range(run.said))
    assert waited.said == f"{run.id}\n"
