"""Runs as they look, at 80x24 and 200x60: every part of a flow run, why one waits, task runs, artifacts and logs."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from podium.tui.widgets.nodes import Nodes
from tests.migrated import migrate
from tests.server.conftest import LiveServer, settings_for
from tests.tui import scenery_of_runs as scenery
from tests.tui.stage import Stage, staged
from tests.tui.test_pictures import SIZES, Scene, picture, picture_scene

HOURS = timedelta(hours=3, minutes=30)
PARTS = ("overview", "timeline", "graph", "parameters", "artifacts", "logs")
RUNS = {
    "full": (scenery.FULL, PARTS),
    "bare": (scenery.BARE, PARTS),
    "wide": (scenery.WIDE, ("timeline", "graph")),
    "live": (scenery.LIVE, ("overview", "timeline")),
}
"""Name, and the parts of it that are looked at."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with what the pictures show."""
    database: Path = tmp_path_factory.mktemp("database") / "podium.db"
    migrate(f"sqlite+aiosqlite:///{database}")
    with LiveServer(settings_for(f"sqlite+aiosqlite:///{database}"), with_services=False) as live:
        scenery.build(live.url)
        scenery.age(database)
        yield live


async def opened(stage: Stage, name: str) -> None:
    """The run of this name on the screen."""
    await stage.see(name[:8])
    await stage.rest()
    await stage.press("enter")
    await stage.see("1 Overview", "States")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("run", RUNS)
async def test_every_part(scene: LiveServer, run: str, size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a run with all there is, of one that did nothing, of one with hundreds of tasks and one under way."""
    name, parts = RUNS[run]
    monkeypatch.setattr(Nodes, "now", lambda self: self.until or self.nodes[0].start_time + HOURS)
    async with staged(scene.url, f"flow-run name={name}", SIZES[size]) as stage:
        await opened(stage, name)
        for part in parts:
            await stage.press(str(PARTS.index(part) + 1))
            await picture(stage, f"run-{run}-{part}-{size}")


@pytest.mark.parametrize("size", SIZES)
async def test_every_kind_of_artifact(scene: LiveServer, size: str) -> None:
    async with staged(scene.url, f"flow-run name={scenery.FULL}", SIZES[size]) as stage:
        await opened(stage, scenery.FULL)
        await stage.press("5")
        await stage.see("ROWS")
        for kind in ("markdown", "link", "image", "progress"):
            await stage.press("j")
            await picture(stage, f"run-artifact-{kind}-{size}")


WIDE_SEARCH = ("2", "/", "part-149", "enter", "z", "z")
SCENES: dict[str, Scene] = {
    "run-search": (f"flow-run name={scenery.FULL}", ("enter", "4", "/", "größe", "enter"), "größe"),
    "run-zoomed": (f"flow-run name={scenery.WIDE}", ("enter", *WIDE_SEARCH), "part-149"),
    "run-json": (f"flow-run name={scenery.FULL}", ("enter", "y"), '"id"'),
    "run-help": (f"flow-run name={scenery.FULL}", ("enter", "2", "?"), "zoom"),
    "log-search": (f"flow-run name={scenery.FULL}", ("l", "/", "page 1234", "enter"), "page 1234"),
    "log-start": (f"flow-run name={scenery.FULL}", ("l", "g", "v", "v", "g"), "reading"),
    "log-errors": (f"flow-run name={scenery.FULL}", ("l", "v", "v", "v", "t"), "ERROR and above"),
    "log-not-found": (f"flow-run name={scenery.BARE}", ("l", "/", "colour", "enter"), "is not here"),
    "task-run": (f"task-run name=load flow-run={scenery.FULL}", ("d",), "Task run load"),
    "task-run-log": (f"task-run name=load flow-run={scenery.FULL}", ("l",), "Log of load"),
    "explain-full": ("flow-run name=waits-3", ("x",), "as of"),
    "explain-paused": ("flow-run name=late-bird", ("x",), "pool_paused"),
    "explain-over": (f"flow-run name={scenery.BARE}", ("x",), "as of"),
    "waits": ("flow-run name=late-bird", ("enter",), "paused"),
    "artifact": (f"artifact key={scenery.ROWS_KEY}", ("enter",), "orders"),
    "artifact-markdown": ("artifact key=report", ("enter",), "runbook"),
    "related": ("work-pool name=paused", ("L",), "Late runs"),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCENES)
async def test_scenes(scene: LiveServer, name: str, size: str) -> None:
    await picture_scene(scene.url, SCENES[name], name, size)


@pytest.mark.parametrize("size", SIZES)
async def test_one_that_is_gone(scene: LiveServer, size: str) -> None:
    with httpx.Client(base_url=scene.url, timeout=20) as api:
        flow = api.post("/flows/", json={"name": "short"}).json()["id"]
        run = api.post(
            "/flow_runs/", json={"flow_id": flow, "name": "soon-gone", "state": {"type": "COMPLETED"}}
        ).json()
        async with staged(scene.url, "flow-run name=soon-gone", SIZES[size]) as stage:
            await opened(stage, "soon-gone")
            await stage.press("2")
            await stage.rest()
            api.delete(f"/flow_runs/{run['id']}")
            await stage.press("r")
            await stage.see("There is no flow run")
            await picture(stage, f"run-gone-{size}")
