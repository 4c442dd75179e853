"""Events as they happen: all of them, some of them, none for a while, and a thousand a second."""

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from textual.app import App, ComposeResult

from podium.tui.screens import feed
from podium.tui.widgets.stream import MOST, Stream, Told
from tests.cli.processes import ServerProcess
from tests.migrated import migrate
from tests.server.conftest import LiveServer, settings_for
from tests.tui.stage import Stage, staged


def event(name: str, about: str = "order", **values: Any) -> dict[str, Any]:
    resource = {"prefect.resource.id": f"shop.{about}", "prefect.resource.name": about}
    occurred = datetime.now(UTC).isoformat()
    return {"id": str(uuid4()), "occurred": occurred, "event": name, "resource": resource, **values}


def post(url: str, *events: dict[str, Any]) -> None:
    assert httpx.post(f"{url}/events", json=list(events), timeout=30).status_code == 204


async def listening(stage: Stage) -> feed.Feed:
    """The feed, once it listens and shows what was before."""
    view = stage.app.view
    assert isinstance(view, feed.Feed)
    for _ in range(400):
        if view._listening is not None and view._listening.is_live and view._is_filled:
            return view
        await stage.pilot.pause(0.05)
    raise AssertionError("it does not listen")


async def test_events_come_by_themselves_the_newest_below(server: LiveServer) -> None:
    """What was before is there as well; a state in the name has its colour, and names stay whole at 80 cells."""
    post(server.url, event("shop.order.before"))
    async with staged(server.url, "feed") as stage:
        await stage.see("shop.order.before")
        await listening(stage)
        post(server.url, event("shop.order.Failed", "Bestellung 数据 № 7"))
        screen = await stage.see("shop.order.Failed", "Bestellung 数据 № 7", "/s")
        assert screen.index("shop.order.before") < screen.index("shop.order.Failed")
        await stage.see("quiet", seconds=10)


async def test_a_filter_is_for_past_and_future(server: LiveServer) -> None:
    """By the beginning of a name, a resource, or words; escape takes it away."""
    post(server.url, event("bakery.bread.baked", "bread"), event("shop.order.paid"))
    async with staged(server.url, "feed") as stage:
        await stage.see("bakery.bread.baked", "shop.order.paid")
        await stage.press("/", "name=bakery.*", "enter")
        await stage.miss("shop.order.paid")
        await stage.see("bakery.bread.baked", "/name=bakery.*")
        await listening(stage)
        post(server.url, event("shop.order.late"), event("bakery.cake.baked", "cake"))
        await stage.see("bakery.cake.baked")
        assert "shop.order.late" not in stage.text
        await stage.press("/", *["backspace"] * 13, "resource=shop.cake", "enter")
        await stage.miss("bakery.bread.baked")
        await stage.see("bakery.cake.baked")
        await stage.press("/", *["backspace"] * 18, "bread", "enter")
        await stage.see("bakery.bread.baked")
        await stage.miss("bakery.cake.baked")
        await stage.press("escape")
        await stage.see("shop.order.late")


async def test_a_wrong_filter_says_what_there_is(server: LiveServer) -> None:
    async with staged(server.url, "feed") as stage:
        await stage.see("online")
        await stage.press("/", "until=1h", "enter")
        await stage.see("have no filter 'until'; there are name, resource, text")


async def test_it_stands_still_while_paused_and_goes_on_with_what_came(server: LiveServer) -> None:
    async with staged(server.url, "feed") as stage:
        await stage.see("online")
        await listening(stage)
        await stage.press("space")
        await stage.see("paused")
        post(server.url, event("pause.first"), event("pause.second"))
        await stage.see("paused, 2 new")
        assert "pause.first" not in stage.text
        await stage.press("p")
        await stage.see("pause.first", "pause.second")
        assert "paused" not in stage.text.split("\n")[0]


async def test_the_cursor_stays_on_its_event_until_it_follows_again(server: LiveServer) -> None:
    post(server.url, *(event(f"cursor.number.{number:03}") for number in range(40)))
    async with staged(server.url, "feed") as stage:
        await stage.see("cursor.number.039")
        await listening(stage)
        await stage.press("up", "up")
        await stage.see("G follows")
        post(server.url, *(event(f"cursor.more.{number:03}") for number in range(40)))
        await stage.pilot.pause(1.0)
        assert "cursor.number.037" in stage.text and "cursor.more.039" not in stage.text
        await stage.press("G")
        await stage.see("cursor.more.039")


async def test_enter_shows_all_of_an_event(server: LiveServer) -> None:
    async with staged(server.url, "feed") as stage:
        await stage.see("online")
        await listening(stage)
        post(server.url, event("detail.of.it", payload={"reason": "the oven is cold"}))
        await stage.see("detail.of.it")
        await stage.press("enter")
        await stage.see("Event detail.of.it", "the oven is cold")
        post(server.url, event("while.it.was.read"))
        await stage.press("escape")
        await stage.see("while.it.was.read", "detail.of.it")


async def test_a_time_that_was_not_looked_at_is_told(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """After long it begins with the last events again, and says from when to when it did not look."""
    monkeypatch.setattr(feed, "LONGEST_GAP", 0.2)
    async with staged(server.url, "feed") as stage:
        await stage.see("online")
        await listening(stage)
        await stage.go("variable")
        await stage.see("Variables")
        await stage.pilot.pause(0.5)
        post(server.url, event("seen.afterwards"))
        await stage.press("escape")
        await stage.see("not looked at from", "seen.afterwards")


def flood(url: str, seconds: float, rate: int, over: threading.Event) -> None:
    """So many events a second, in ten batches."""
    with httpx.Client(timeout=30) as client:
        for turn in range(int(seconds * 10)):
            began = time.monotonic()
            client.post(f"{url}/events", json=[event(f"flood.{turn % 5}.Completed") for _ in range(rate // 10)])
            time.sleep(max(0.0, 0.1 - (time.monotonic() - began)))
    over.set()


async def test_a_thousand_a_second_leave_it_responsive(
    home: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few paints, few events read, few kept; keys are obeyed meanwhile (``bench/dashboard.py`` tells how soon)."""
    reads, paints = list[int](), list[float]()
    monkeypatch.setattr(feed, "read", lambda item, read=feed.read: (reads.append(1), read(item))[1])
    add = Stream.add
    monkeypatch.setattr(Stream, "add", lambda self, items: (paints.append(time.monotonic()), add(self, items))[1])
    with ServerProcess(home, free_port) as process:
        await asyncio.to_thread(process.until_ready)
        await flooded(f"{process.url}/api", reads, paints)


async def flooded(url: str, reads: list[int], paints: list[float]) -> None:
    async with staged(url, "feed", (120, 40)) as stage:
        await stage.see("online")
        view = await listening(stage)
        over, started, lags = threading.Event(), time.monotonic(), list[float]()
        threading.Thread(target=flood, args=(url, 4.0, 1000, over), daemon=True).start()
        await stage.see("flood.")
        while not over.is_set():
            slept = time.monotonic()
            await asyncio.sleep(0.01)
            lags.append(time.monotonic() - slept - 0.01)
        await stage.press("up")
        assert not view.stream.follows
        await stage.press("G")
        took = time.monotonic() - started
        await stage.pilot.pause(0.5)
        assert len(view.stream.items) <= MOST
        assert len(paints) <= took / feed.PAINT_EVERY + 5
        assert len(reads) < 2 * 40 * (len(paints) + 5)
        assert sorted(lags)[len(lags) // 2] < 0.05
        post(url, event("flood.last"))
        await stage.see("flood.last")


async def test_a_server_that_goes_is_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('gone') / 'podium.db'}"
    migrate(url)
    with LiveServer(settings_for(url), with_services=False) as live:
        post(live.url, event("before.the.end"))
        stage_of = staged(live.url, "feed")
        stage = await stage_of.__aenter__()
        await stage.see("before.the.end")
        await listening(stage)
    await stage.see("away", "before.the.end")
    await stage_of.__aexit__(None, None, None)


async def test_few_characters_are_kept_of_large_events() -> None:
    """Lines are forgotten by their size too."""

    class Alone(App[None]):
        def compose(self) -> ComposeResult:
            yield Stream(lambda item: Told("", item[:10], ""))

    async with Alone().run_test() as pilot:
        stream = pilot.app.query_one(Stream)
        stream.add(["x" * 10_000_000] * 5)
        assert len(stream.items) == 3
        stream.add(["y"] * (MOST + 10))
        assert (len(stream.items), stream.current) == (MOST, "y")


def test_a_line_tells_when_what_and_about_what() -> None:
    missed = feed.Missed(datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC), datetime(2026, 5, 6, 7, 9, tzinfo=UTC))
    assert feed.read(missed).what == "not looked at from 07:08:09 to 07:09:00 UTC"
    assert feed.read("no frame") == Told("", "no frame", "")
    assert timedelta(seconds=feed.LONGEST_GAP) > feed.OVERLAP
