"""Home: what is going on, each part asked for by itself."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from textual import events

from podium.cli.app import main
from podium.client.api import Client
from podium.client.errors import Refused
from podium.tui.screens.home import FIRST_STEPS
from podium.wire.endpoint import Endpoint
from tests.migrated import migrate
from tests.server.conftest import LiveServer, settings_for
from tests.tui.stage import NAMES, Stage, staged

LONG = "a-run-with-a-very-long-name-that-nobody-would-want-to-cut-but-has-to-be-所有名字都很长"


@pytest.fixture
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server where nothing ever ran."""
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('empty') / 'podium.db'}"
    migrate(url)
    with LiveServer(settings_for(url), with_services=False) as live:
        yield live


@pytest.fixture(scope="module")
def busy(server: LiveServer, planted: dict[str, str]) -> LiveServer:
    """A server with runs that failed, are late, and are to start."""
    with httpx.Client(base_url=server.url) as api:
        flow = api.post("/flows/", json={"name": "etl"}).json()["id"]
        for number in range(3):
            late = {"type": "SCHEDULED", "name": "Late", "state_details": {"scheduled_time": ago(600)}}
            api.post("/flow_runs/", json={"flow_id": flow, "name": f"late-{number}", "state": late})
            ahead = {"type": "SCHEDULED", "state_details": {"scheduled_time": ago(-600 - number)}}
            api.post("/flow_runs/", json={"flow_id": flow, "name": f"next-{number}", "state": ahead})
        api.post("/flow_runs/", json={"flow_id": flow, "name": LONG, "state": {"type": "CRASHED", "message": "gone"}})
        worker = {"name": "worker-1", "heartbeat_interval_seconds": 30}
        api.post("/work_pools/pool/workers/heartbeat", json=worker)
    return server


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


async def test_everything_is_seen_at_80_by_24(busy: LiveServer) -> None:
    """Chart with its legend, late and failed runs, what is next; services and pools in a line each."""
    async with staged(busy.url) as stage:
        screen = await stage.see("in 24 h", "Late  ", "late-0", "next-0", "1 worker online", "not ready")
        assert "3 late, then the last that failed" in screen
        assert "Crashed" in screen and "Failed" in screen
        assert "none has done a round yet" in screen
        assert "a-run-with-a" in screen
        assert max(map(len, screen.split("\n"))) <= 80


async def test_all_panes_are_side_by_side_at_200_by_60(busy: LiveServer) -> None:
    async with staged(busy.url, size=(200, 60)) as stage:
        screen = await stage.see("late-2", "next-2", "ONLINE", LONG[:60])
        late = next(line for line in screen.split("\n") if "late-0" in line)
        assert "next-" in late
        assert "gone" in screen  # the message of the state


async def test_the_range_changes_by_keys_and_by_what_is_typed(busy: LiveServer) -> None:
    async with staged(busy.url) as stage:
        await stage.see("in 24 h")
        await stage.pilot.press("right_square_bracket")
        await stage.see("in 7 d")
        await stage.pilot.press("right_square_bracket")  # there is none longer
        await stage.pilot.press("left_square_bracket", "left_square_bracket", "left_square_bracket")
        await stage.see("in 1 h")
        await stage.go("home 6h")
        await stage.see("in 6 h")


async def test_tab_gives_room_to_a_pane_and_enter_opens(busy: LiveServer) -> None:
    async with staged(busy.url) as stage:
        await stage.see("1 worker online", "next-0")
        assert "ONLINE" not in stage.text
        await stage.press("tab", "tab", "tab")
        await stage.see("ONLINE")
        await stage.press("enter")
        await stage.see("Work pool")
        await stage.press("escape", "shift+tab", "shift+tab", "enter")
        await stage.see("next-0")
        assert stage.app.view.heading.startswith("Flow run")
        await stage.press("escape")
        await stage.see("Ahead")


async def test_acts_are_for_the_run_under_the_cursor(busy: LiveServer) -> None:
    async with staged(busy.url) as stage:
        await stage.see("late-0", "next-2")
        await stage.press("tab", "G", "c")
        await stage.see("Cancel flow run 'next-2'?", "$ podium flow-run cancel")
        await stage.press("y")
        await stage.see("Cancelled flow run 'next-2'")
        await stage.press("tab", "c")
        await stage.see("is not possible", "nothing under")


async def test_faults_are_listed(busy: LiveServer) -> None:
    async with staged(busy.url) as stage:
        await stage.see("late-0")
        await stage.press("f")
        await stage.see("Flow runs", "late-1", "only faults")
        await stage.miss("next-0")


async def test_a_run_is_seen_as_soon_as_it_fails(busy: LiveServer) -> None:
    """By the events that the server tells, without a key."""
    async with staged(busy.url, size=(120, 40)) as stage:
        await stage.see("late-0")
        await live(stage)
        with httpx.Client(base_url=busy.url) as api:
            flow = api.post("/flows/", json={"name": "etl"}).json()["id"]
            body = {"flow_id": flow, "name": "just-failed", "state": {"type": "FAILED", "message": "just now"}}
            api.post("/flow_runs/", json=body)
        await stage.see("just-failed", seconds=8)


async def live(stage: Stage) -> None:
    """Waits until the view listens."""
    for _ in range(200):
        if stage.app.view is not None and stage.app.view._listening and stage.app.view._listening.is_live:
            return
        await stage.pilot.pause(0.05)
    raise AssertionError("it does not listen")


async def test_a_part_that_fails_says_so_alone(busy: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    call = Client.call

    def broken(self: Client, endpoint: Endpoint, *args: Any, **values: Any) -> Any:
        if endpoint.path == "/work_pools/filter":
            raise Refused(500, "pools are broken")
        return call(self, endpoint, *args, **values)

    monkeypatch.setattr(Client, "call", broken)
    async with staged(busy.url) as stage:
        await stage.see("pools are broken", "late-0", "next-0", "online")


@pytest.mark.parametrize("words", FIRST_STEPS, ids=lambda words: words[0])
def test_the_commands_of_the_first_step_are_there(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """With the options that they are shown with."""
    at = words.index("--") if "--" in words else len(words)
    assert main([*words[:at], "--help"]) == 0
    assert "Usage: podium" in capsys.readouterr().out


async def test_an_empty_server_says_how_to_begin(empty: LiveServer) -> None:
    """The first step, with this server's own URL; it goes when something ran."""
    async with staged(empty.url) as stage:
        await stage.see(
            "Nothing has run here yet", f"prefect config set PREFECT_API_URL={empty.url}", "podium run -- echo hello"
        )
        await live(stage)
        with httpx.Client(base_url=empty.url) as api:
            flow = api.post("/flows/", json={"name": "first"}).json()["id"]
            api.post("/flow_runs/", json={"flow_id": flow, "name": "first", "state": {"type": "COMPLETED"}})
        await stage.miss("Nothing has run here yet", seconds=8)
        await stage.see("Completed")


async def test_a_server_that_is_away_says_so_and_the_frame_is_there() -> None:
    async with staged("http://127.0.0.1:9/api") as stage:
        await stage.see("Late and failed", "Services", "away")


async def test_nothing_is_asked_while_hidden(busy: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(busy.url) as stage:
        home = stage.app.view
        await stage.see("late-0")
        await stage.go("variable")
        await stage.see("Variables")
        assert home is not None and home._listening is None
        asked: list[str] = []
        monkeypatch.setattr(home, "reload", lambda **_: asked.append("asked"))
        home._grow_older()
        assert asked == []


@pytest.mark.parametrize("line", [":variable", "/colour=red"])
async def test_keys_that_come_before_the_line_they_are_for(busy: LiveServer, line: str) -> None:
    """Whoever types quickly need not wait for it."""
    async with staged(busy.url, "flow-run") as stage:
        await stage.see("late-0")
        for char in (*line, "enter"):  # all at once, as a terminal sends them
            key = NAMES.get(char, char)
            stage.app.post_message(events.Key(key, char if len(char) == 1 else "\r"))
        await stage.see("Variables" if line[0] == ":" else "have no filter 'colour'")
