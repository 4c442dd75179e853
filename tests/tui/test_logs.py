"""Logs on the screen: followed over restarts, searched, narrowed, and written to a file."""

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from textual.app import App, ComposeResult

from podium.client.api import Client
from podium.client.log_window import MOST, every_line
from podium.tui.panes.logs import LogPane
from podium.tui.widgets.log import LogText
from podium.wire.logs import Log
from tests.backing import free_port
from tests.cli.processes import ServerProcess
from tests.tui.stage import Stage, staged
from tests.tui.story import Story

Tell = Callable[..., Story]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API of a server process."""
    with ServerProcess(tmp_path_factory.mktemp("server"), free_port(), "--no-services") as server:
        yield f"{server.until_ready().url}/api"


@pytest.fixture
def tell(url: str) -> Iterator[Tell]:
    """Makes runs."""
    with ExitStack() as stack:
        yield lambda name, **fields: stack.enter_context(Story(fields.pop("at", url), name, **fields))


async def followed(stage: Stage, story: Story) -> LogPane:
    """The log of a run on the screen."""
    await stage.see(story.name)
    await stage.press("l")
    await stage.see(f"Log of {story.name}", "● following")
    return stage.app.screen.query_one(LogPane)


def held(pane: LogPane) -> list[int]:
    """The numbers of the lines that the screen holds."""
    return [int(re.findall(r"\d+", log.message)[0]) for log in pane.text._all]


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Waits until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_a_log_is_followed_as_it_grows(url: str, tell: Tell) -> None:
    story = tell("loquacious-lynx")
    story.say(3)
    async with staged(url, "flow-run name=loquacious-lynx") as stage:
        pane = await followed(stage, story)
        await stage.see("line 0.", "line 2.", "3 lines", "all levels")
        story.say(1, level=40, text="it broke")
        await stage.see("ERROR it broke 3.")
        await until(lambda: pane._streams)  # the stream rang, no clock did
        for _ in range(30):
            story.say(2)
        screen = await stage.see("line 63.", "64 lines")
        assert "line 0." not in screen
        assert held(pane) == list(range(64))


async def test_a_task_run_has_its_own_log(url: str, tell: Tell) -> None:
    story = tell("tasked-tiger")
    body = {"flow_run_id": story.id, "task_key": "load", "dynamic_key": "0", "name": "load-0"}
    task = story.post("/task_runs/", {**body, "state": {"type": "RUNNING"}})["id"]
    story.say(2)
    story.say(2, task=task, text="of the task")
    async with staged(url, "task-run name=load-0") as stage:
        await stage.see("load-0")
        await stage.press("enter", "l")
        await stage.see("Log of load-0", "of the task 2.", "2 lines")
        assert "line 0." not in stage.text
        story.say(1, task=task, text="later")
        await stage.see("later 4.")
        await stage.press("escape", "J")
        await stage.see("Flow run tasked-tiger")


async def test_who_scrolls_up_reads_and_goes_on_at_the_end(url: str, tell: Tell) -> None:
    story = tell("scrolling-seal")
    story.say(100)
    async with staged(url, "flow-run name=scrolling-seal") as stage:
        pane = await followed(stage, story)
        await stage.see("line 99.")
        await stage.press("pageup")
        screen = await stage.see("‖ reading, G follows")
        shown = [line[:40].rstrip() for line in screen.splitlines() if "line " in line]
        story.say(20)
        await until(lambda: len(held(pane)) == 120)
        assert [line[:40].rstrip() for line in stage.text.splitlines() if "line " in line] == shown  # undisturbed
        await stage.press("G")
        await stage.see("● following", "line 119.")
        await stage.press("s")
        await stage.see("‖ reading, G follows")
        await stage.press("s")
        await stage.see("● following")
        await stage.press("g")
        await stage.see("line 0.", "‖ reading")


async def test_a_text_is_searched_here_and_beyond(url: str, tell: Tell) -> None:
    story = tell("searched-shark")
    story.say(200)
    story.say(1, text="a needle")
    for _ in range(5):
        story.say(200)
    story.say(1, text="another needle")
    story.say(10)
    async with staged(url, "flow-run name=searched-shark") as stage:
        pane = await followed(stage, story)
        await stage.see("line 1211.")
        await stage.press("/", "needle", "enter")
        await stage.see("another needle 1201.", "‖ reading")
        await stage.press("N")
        await stage.see("a needle 200.")
        await stage.press("N")
        await stage.see("before this.")
        await stage.press("n")
        await stage.see("another needle 1201.")
        numbers = held(pane)
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        await stage.press("escape")
        await stage.see("Log of searched-shark")
        await stage.press("/", "nowhere", "enter")
        await stage.see("'nowhere'")


async def test_who_searches_from_the_end_stays_at_what_is_found(url: str, tell: Tell) -> None:
    """Also far before it; where nothing is found it goes on following."""
    story = tell("seeking-stork")
    story.say(1)
    story.say(1, text="needle")
    for _ in range(4):
        story.say(900)
    async with staged(url, "flow-run name=seeking-stork") as stage:
        await stage.see("seeking-stork")
        await stage.press("l")
        await stage.see("line 3601.", "● following")
        await stage.press("/", "needle", "enter")
        await stage.see("needle 1.", "reading")
        await stage.pilot.pause(2.0)
        await stage.see("needle 1.", seconds=1)
        await stage.press("G")
        await stage.see("line 3601.", "● following")
        await stage.press("/", *["backspace"] * 6, "nowhere", "enter")
        await stage.see("No 'nowhere' before this.", "● following")


async def test_levels_times_and_wrapping(url: str, tell: Tell) -> None:
    story = tell("levelled-llama")
    story.say(1, level=10, text="a detail")
    story.say(1, text=f"{'word ' * 30}end")
    story.say(1, level=30, text="a warning")
    story.say(1, level=50, text="a disaster\n  in two lines")
    async with staged(url, "flow-run name=levelled-llama") as stage:
        await followed(stage, story)
        await stage.see(
            "DEBUG a detail", "INFO  word", "end 1.", "WARN  a warning", "CRIT  a disaster", "    in two lines 3."
        )
        await stage.press("w")
        await stage.see("not wrapped")
        assert "end 1." not in stage.text
        await stage.press("w", "t")
        await stage.see("prefect.flow_runs: a warning", f"{datetime.now(UTC):%Y-%m-%d}")
        await stage.press("t")
        screen = await stage.see("no times")
        assert not re.search(r"\d\d:\d\d:\d\d", screen)
        await stage.press("v")
        await stage.see("INFO and above", "3 lines")
        await stage.press("v")
        await stage.see("WARNING and above", "2 lines")
        story.say(1)
        story.say(1, level=30, text="one more")
        await stage.see("one more 5.", "3 lines")
        await stage.press("v", "v")
        await stage.see("all levels", "6 lines")


async def test_what_others_write_does_not_reach_the_terminal(url: str, tell: Tell) -> None:
    story = tell("hostile-hyena")
    story.say(1, text="\x1b[31mred\x1b[0m and \x1b]0;title\x07 [bold]plain[/bold] \t tab")
    async with staged(url, "flow-run name=hostile-hyena") as stage:
        await followed(stage, story)
        screen = await stage.see("red and", "[bold]plain[/bold]")
        assert "\x1b" not in screen
        assert "\x07" not in screen


async def test_a_log_is_written_to_a_file(
    url: str, tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    story = tell("written-weasel")
    story.say(450)
    story.say(1, level=40, text="it broke")
    (tmp_path / "taken").write_text("precious")
    async with staged(url, "flow-run name=written-weasel", (120, 30)) as stage:
        await followed(stage, story)
        await stage.press("ctrl+s")
        await stage.see("written-weasel.log")
        await stage.press("enter")
        await stage.see("Wrote 451 lines", "$ podium flow-run logs")
        lines = (tmp_path / "written-weasel.log").read_text().splitlines()
        assert [line.rpartition(": ")[2] for line in lines][:450] == [f"line {number}." for number in range(450)]
        assert "ERROR    prefect.flow_runs: it broke 450." in lines[-1]
        await stage.press("ctrl+s", *["backspace"] * 20, "taken", "enter")
        await stage.see("is there already; type another name.")
        await stage.press("escape")
    assert (tmp_path / "taken").read_text() == "precious"


async def test_nothing_listens_while_the_log_is_hidden(url: str, tell: Tell) -> None:
    story = tell("hidden-heron")
    story.say(1)
    async with staged(url, "flow-run name=hidden-heron") as stage:
        pane: Any = await followed(stage, story)
        assert pane._listening is not None
        await stage.go("variable")
        await stage.see("Variables")
        assert pane._listening is None
        assert pane._timer is None
        story.say(1)
        await stage.press("escape")
        await stage.see("line 1.")
        assert pane._listening is not None


async def test_lines_that_come_when_the_log_is_left_harm_nothing(url: str, tell: Tell) -> None:
    """The widgets of a screen go before it does, one by one, while an answer may be on its way."""
    story = tell("leaving-loon")
    story.say(1)
    async with staged(url, "flow-run name=leaving-loon") as stage:
        pane = await followed(stage, story)
        await stage.see("line 0.")
        await pane.bar.remove()
        story.say(1)
        await until(lambda: len(held(pane)) == 2)


async def test_no_line_twice_and_none_missing_while_the_server_is_killed(tmp_path: Path, tell: Tell) -> None:
    """Lines come quickly, from two writers whose clocks differ, and the server dies twice under them."""
    port = free_port()
    stop = threading.Event()
    with ExitStack() as stack:

        def start() -> ServerProcess:
            server = ServerProcess(tmp_path, port, "--no-services")
            return stack.enter_context(server).until_ready()

        server = start()
        story = tell("steadfast-stork", at=f"{server.url}/api")
        writer = threading.Thread(target=write, args=(story, stop))
        async with staged(f"{server.url}/api", "flow-run name=steadfast-stork") as stage:
            pane = await followed(stage, story)
            writer.start()
            try:
                for _ in range(2):
                    await asyncio.sleep(2)
                    server.process.kill()
                    server.process.wait()
                    await stage.see("away")
                    server = start()
                    await stage.see("online", seconds=30)
                await asyncio.sleep(2)
            finally:
                stop.set()
                writer.join()
            with Client(f"{server.url}/api") as client:
                truth = [line.id for line in every_line(client, pane.wanted())]
            assert len(truth) > 400
            await until(lambda: [log.id for log in pane.text._all] == truth[-MOST:])
            assert len(pane.text._all) == len(truth)


def write(story: Story, stop: threading.Event) -> None:
    """Writes batches, also to a server that is not there; every other one has the time of a second ago."""
    late = False
    with httpx.Client(base_url=story.api.base_url, timeout=5) as api:
        while not stop.is_set():
            moment = (datetime.now(UTC) - timedelta(seconds=1 if late else 0)).isoformat()
            line = {"name": "x", "level": 20, "timestamp": moment, "flow_run_id": story.id}
            with suppress(httpx.HTTPError):
                api.post("/logs/", json=[{**line, "message": f"line {number}."} for number in range(20)])
            late = not late
            time.sleep(0.05)


class Alone(App[None]):
    """Lines of a log and nothing else."""

    def compose(self) -> ComposeResult:
        yield LogText()


def lines(count: int) -> list[Log]:
    """Lines of a log that fold."""
    moment = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
    told = {"created": moment, "updated": moment, "name": "x", "level": 20, "timestamp": moment}
    return [Log(id=str(number), message=f"line {number} {'word ' * 20}", **told) for number in range(count)]


async def test_lines_that_come_with_a_key_do_not_undo_it() -> None:
    """Who scrolls up reads from that moment, not from the next frame on."""
    logs = lines(120)
    async with Alone().run_test(size=(60, 20)) as pilot:
        text = pilot.app.query_one(LogText)
        text.sync(logs[:100], has_newer=False)
        await until(lambda: text.allow_vertical_scroll and text.is_at_end)
        for act, follows in (
            (text.action_scroll_up, False),
            (text.action_scroll_end, True),
            (text.action_page_up, False),
        ):
            act()
            text.sync(logs, has_newer=False)
            assert text.follow is follows
        await pilot.pause()
        assert not text.is_at_end
        text.action_page_down()
        assert text.follow


async def test_many_lines_fold_without_holding_up_a_key() -> None:
    """Thousands of lines are folded a part at a time, those in sight first, and the place stays."""
    logs = lines(5_000)
    async with Alone().run_test(size=(60, 20)) as pilot:
        text = pilot.app.query_one(LogText)
        text.sync(logs, has_newer=False)
        assert text.logs[-1].id == "4999"
        await until(lambda: len(text.logs) == 5_000)
        text.follow = False
        text._go_to(4_000)
        before = text._at(4_000)[0]
        text.action_times()
        assert len(text.logs) < 1_000
        assert text._at(round(text.scroll_offset.y))[0] == before
        await until(lambda: len(text.logs) == 5_000)
        assert text._at(round(text.scroll_offset.y))[0] == before
        assert [log.id for log in text.logs] == [log.id for log in logs]
        assert len(text._folded) == sum(text._heights)
