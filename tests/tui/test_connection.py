"""A server that goes away and comes back, one that lets nobody in, one that is none; and another profile."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from podium.tui.app import Dashboard
from podium.tui.connection import target_of
from tests.cli.processes import ServerProcess
from tests.tui.stage import Stage, staged, target_at

Start = Callable[..., ServerProcess]


@pytest.fixture
def start(tmp_path: Path, free_port: int) -> Iterator[Start]:
    """Starts a server, again and again on the same port and database."""
    started: list[ServerProcess] = []

    def start(**variables: str) -> ServerProcess:
        process = ServerProcess(tmp_path, free_port, "--no-services", **variables)
        started.append(process)
        return process.until_ready()

    yield start
    for process in started:
        process.__exit__()


def add_flow(server: ServerProcess, name: str) -> None:
    httpx.post(f"{server.url}/api/flows/", json={"name": name}).raise_for_status()


async def test_a_server_that_dies_and_comes_back(start: Start) -> None:
    server = start()
    add_flow(server, "before")
    async with staged(f"{server.url}/api", "flow") as stage:
        await stage.see("before", "online")
        server.process.kill()
        server.process.wait()
        screen = await stage.see("away, trying again", "no server answers")
        assert "before" in screen  # the last picture stays
        server = start()
        add_flow(server, "after")
        await stage.see("after", "before", "online", seconds=30)
        await stage.miss("no server answers")


async def test_what_happens_on_the_server_is_seen_without_a_key(start: Start) -> None:
    server = start()
    async with staged(f"{server.url}/api", "flow") as stage:
        await stage.see("online", "none")
        add_flow(server, "fresh")
        await stage.see("fresh")


async def test_wrong_credentials_and_a_revoked_token(start: Start) -> None:
    server = start(PODIUM_SERVER_API_AUTH_STRING="admin:first")
    async with staged(f"{server.url}/api", "variable") as stage:
        await stage.see("does not let us in", "PODIUM_API_AUTH_STRING", "r try again")
    async with staged(f"{server.url}/api", "variable", **{"api.auth_string": "admin:first"}) as stage:
        await stage.see("online", "none")
        server.process.kill()
        server.process.wait()
        start(PODIUM_SERVER_API_AUTH_STRING="admin:second")
        await stage.see("does not let us in", seconds=30)
        assert "admin:" not in stage.text


class Page(BaseHTTPRequestHandler):
    """A web page where an API should be."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")

    do_POST = do_GET  # noqa: N815

    def log_message(self, *args: object) -> None:
        pass


async def test_something_else_than_the_api_answers() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        async with staged(f"http://127.0.0.1:{other.server_port}/api", "variable") as stage:
            await stage.see("What answers is not the API", "PODIUM_API_URL")
        other.shutdown()


async def test_another_profile_is_another_server_and_nothing_of_the_first_stays(
    start: Start, home: Path, tmp_path: Path
) -> None:
    server = start()
    add_flow(server, "of-the-first")
    profiles = home / ".podium" / "profiles.toml"
    profiles.parent.mkdir(exist_ok=True)
    profiles.write_text(
        'active = "one"\n'
        f'[profiles.one]\nPODIUM_API_URL = "{server.url}/api"\n'
        '[profiles.two]\nPODIUM_API_URL = "http://127.0.0.1:9/api"\n'
    )
    app = Dashboard(target_of, view="flow")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        stage = Stage(app, pilot)
        await stage.see("of-the-first", "one")
        await stage.go("ctx")
        await stage.see("two", "http://127.0.0.1:9/api")
        await stage.go("ctx two")
        await stage.see("two", "Home")
        assert "of-the-first" not in stage.text
        await stage.go("flow")
        await stage.see("away", "no server answers at http://127.0.0.1:9/api")
        assert "of-the-first" not in stage.text
        await stage.go("profile one")
        await stage.see("one", "Home")
        await stage.go("flow")
        await stage.see("of-the-first", "online")


async def test_a_profile_that_is_not_there(start: Start) -> None:
    server = start()
    async with staged(f"{server.url}/api", "profile") as stage:
        await stage.see("Profiles")
        stage.app._target_of = target_of
        await stage.go("profile nowhere")
        await stage.see("nowhere", "no profile")


def test_ending_at_once_leaves_no_traceback(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    """Quit when the first frame is painted, while it is filled."""
    app = Dashboard(target_at(f"{start().url}/api"), when_painted=lambda: app.exit())
    app.run(headless=True, size=(120, 40))
    assert app.is_painted
    assert app.return_code == 0
    assert "Traceback" not in capsys.readouterr().err


async def test_a_dashboard_that_goes_while_it_is_filled(start: Start) -> None:
    """Also where it is closed from outside, at any moment of it: nothing is raised."""
    url = f"{start().url}/api"
    for moment in range(8):
        async with staged(url) as stage:
            await stage.pilot.pause(moment * 0.02)
