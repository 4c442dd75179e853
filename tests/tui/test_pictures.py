"""Every view as it looks, at 80x24 and 200x60: long and unicode names, nothing at all, 100,000 runs, an error.

The pictures are in `pictures/`. `TEST_PICTURES=write` paints them anew, to be looked at before they are committed.
"""

import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from podium.tui.views import VIEWS
from tests.migrated import migrate
from tests.server.conftest import LiveServer, settings_for
from tests.tui import scenery
from tests.tui.stage import Mask, Stage, masked, staged

PICTURES = Path(__file__).with_name("pictures")
SIZES = {"80x24": (80, 24), "200x60": (200, 60)}
AGELESS = ("block-type", "event", "feed", "health", "home", "delivery")
"""Views whose times cannot be set back, or that tell of the server's own rounds; their own tests look at them."""

Act = Callable[[Stage], Awaitable[object]]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database to draw."""
    path = tmp_path_factory.mktemp("database") / "podium.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(scope="module")
def scene(database: Path) -> Iterator[LiveServer]:
    """A server with what the pictures show."""
    with LiveServer(settings_for(f"sqlite+aiosqlite:///{database}"), with_services=False) as live:
        scenery.build(live.url)
        scenery.age(database)
        yield live


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with nothing on it."""
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('empty') / 'podium.db'}"
    migrate(url)
    with LiveServer(settings_for(url), with_services=False) as live:
        yield live


async def picture(stage: Stage, name: str, *masks: Mask) -> None:
    """Compares the screen with the picture of this name; ``masks`` are for what else differs from run to run."""
    await stage.rest()
    painted = masked(stage.top, *masks) + "\n"
    path = PICTURES / f"{name}.txt"
    if os.environ.get("TEST_PICTURES") == "write":
        path.write_text(painted, "utf-8")
        stage.draw(PICTURES.parent / "drawn" / f"{name}.svg")
    assert path.exists(), f"there is no picture {name}; TEST_PICTURES=write paints it"
    assert painted == path.read_text("utf-8")


Scene = tuple[str, tuple[str, ...], str]
"""A view, keys, and what is there then."""


async def picture_scene(url: str, scene: Scene, name: str, size: str, *masks: Mask) -> None:
    """Compares what a scene comes to at a server with the picture of this name and size."""
    view, keys, wanted = scene
    async with staged(url, view, SIZES[size]) as stage:
        await stage.see("online")
        await stage.rest()
        for key in keys:
            await stage.press(key)
            await stage.rest()
        await stage.see(wanted)
        await picture(stage, f"{name}-{size}", *masks)


LISTS = [row.name for row in VIEWS if row.noun and row.name not in AGELESS]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", LISTS)
async def test_lists(scene: LiveServer, view: str, size: str) -> None:
    async with staged(scene.url, view, SIZES[size]) as stage:
        await stage.see("online")
        await picture(stage, f"list-{view}-{size}")


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_at_all(empty: LiveServer, size: str) -> None:
    async with staged(empty.url, "flow-run", SIZES[size]) as stage:
        await stage.see("online", "none")
        await picture(stage, f"empty-{size}")


SCENES: dict[str, Scene] = {
    "filtered": ("flow-run state=failed,crashed", (), "brave-lynx"),
    "faults": ("flow-run", ("f",), "only faults"),
    "marked": ("variable", ("space", "space"), "2 marked"),
    "question": ("variable", ("space", "space", "ctrl+d"), "Delete 2 variables?"),
    "huge-question": ("variable", (*["space"] * 12, "ctrl+d"), "Type 12 and enter"),
    "described": ("flow-run name=brave-lynx", ("d",), "Task 'load' failed"),
    "json": ("variable limit_07", ("d", "y"), '"value"'),
    "help": ("variable", ("?",), "Everywhere"),
    "go": ("flow-run", (":",), "work-pool"),
    "filter": ("flow-run", ("/",), "state="),
    "wrong-filter": ("flow-run", ("/", "colour=red", "enter"), "have no filter"),
    "not-possible": ("flow-run name=calm-otter", ("c",), "not possible"),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCENES)
async def test_scenes(scene: LiveServer, name: str, size: str) -> None:
    await picture_scene(scene.url, SCENES[name], name, size)


@pytest.mark.parametrize("size", SIZES)
async def test_no_server(size: str) -> None:
    async with staged("http://127.0.0.1:9/api", "flow-run", SIZES[size]) as stage:
        await stage.see("away", "no server answers")
        await picture(stage, f"away-{size}")


@pytest.mark.parametrize("size", SIZES)
async def test_a_hundred_thousand_runs(database: Path, scene: LiveServer, size: str) -> None:
    scenery.multiply(database, 100_000)
    try:
        async with staged(scene.url, "flow-run", SIZES[size]) as stage:
            await stage.see("online", "100,000")
            await stage.press("G")
            await stage.see("copy-09999")
            await picture(stage, f"many-{size}")
            assert len(stage.app.view.table.lines) <= 2 * stage.app.view.table.page
    finally:
        scenery.divide(database)
