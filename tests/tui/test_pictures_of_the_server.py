"""Home, health, slots, events and what automations did as they look, at 80x24 and 200x60; and servers of no use."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cli.notifying import Sink
from tests.migrated import migrate
from tests.server.conftest import LiveServer, settings_for
from tests.tui import scenery_of_reactions as scenery
from tests.tui.scenery import LONG, UNICODE
from tests.tui.stage import staged
from tests.tui.test_pictures import SIZES, Scene, picture, picture_scene

OF_TODAY = (
    (re.compile(r"answers in \d+ ms"), lambda found: "answers in 5 ms"),
    (re.compile(r"[+-]0\.\d{3} s from"), lambda found: "+0.001 s from"),
    (re.compile(r"\b20\d\d-\d\d-\d\d$", re.MULTILINE), lambda found: "2026-05-06"),
    (re.compile(r"schema \d{4}\b"), lambda found: "schema 0001"),
    (re.compile(r"(?<= )\d+[sm](?= |$)", re.MULTILINE), lambda found: "9s".ljust(len(found[0]))),
    (re.compile(r"^ +\d┤", re.MULTILINE), lambda found: "9┤".rjust(len(found[0]))),
    (re.compile(r"(?<=[│┤])[ ▁▂▃▄▅▆▇█]+"), lambda found: " " * len(found[0])),
    (re.compile(r"└.*now"), lambda found: "└" + " " * (len(found[0]) - 4) + "now"),
)
"""How quickly it answers, its schema, rounds of services a moment ago, and the bars of the chart: they stand where the
time of day puts them, and have tests of their own."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with what the pictures show; its services have done what they had to, and are not there any more."""
    database: Path = tmp_path_factory.mktemp("database") / "podium.db"
    migrate(f"sqlite+aiosqlite:///{database}")
    settings = settings_for(f"sqlite+aiosqlite:///{database}")
    with (
        LiveServer(settings, with_services=True) as live,
        Sink().running() as sink,
        httpx.Client(base_url=live.url, timeout=20) as api,
    ):
        scenery.fire(api, sink)
    with LiveServer(settings, with_services=False) as live:
        with httpx.Client(base_url=live.url, timeout=20) as api:
            scenery.take(api)
        scenery.age(database)
        yield live


SCENES: dict[str, Scene] = {
    "home": ("home", (), "2 of 3 stopped"),
    "health": ("health", (), "not ready"),
    "slots": ("slots", (), "in use"),
    "slots-all": ("slots", ("a",), "unused"),
    "slots-nothing": ("slots kind=queue", (), "0 in use"),
    "firings": (f"automation {UNICODE}", ("f",), "Firings of"),
    "firings-none": ("automation idle", ("f",), "none"),
    "firing": (f"automation {UNICODE}", ("f", "enter"), "Deliveries"),
    "explained": (f"automation {UNICODE}", ("x",), "Did not fire"),
    "explained-idle": ("automation idle", ("x",), "has not fired"),
    "deliveries": ("notification of-failures", ("l",), "my-slack"),
    "delivery": ("delivery", ("enter",), "Delivery"),
    "events": ("event name=demo.*", (), "demo.tick"),
    "event": ("event name=demo.*", ("enter",), "occurred"),
    "feed": ("feed name=demo.*", (), "demo.tick"),
    "feed-nothing": ("feed name=nothing.*", (), "quiet"),
    "editor": ("variable", ("n",), "^s save"),
    "block-types": ("block-type", (), "aws-secret"),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCENES)
async def test_scenes(scene: LiveServer, name: str, size: str) -> None:
    await picture_scene(scene.url, SCENES[name], name, size, *OF_TODAY)


@pytest.mark.parametrize("size", SIZES)
async def test_profiles(scene: LiveServer, size: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "profiles.toml"
    file.write_text(
        'active = "test"\n[profiles.test]\n[profiles.staging]\n[profiles."größe-日次-🌙"]\n' + f"[profiles.{LONG}]\n"
    )
    monkeypatch.setenv("PODIUM_PROFILES_PATH", str(file))
    async with staged(scene.url, "profile", SIZES[size]) as stage:
        await stage.see("staging")
        await picture(stage, f"profiles-{size}")


@pytest.mark.parametrize("size", SIZES)
async def test_a_server_that_lets_nobody_in(size: str, tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'podium.db'}"
    migrate(url)
    settings = settings_for(url, PODIUM_SERVER_API_AUTH_STRING="admin:secret")
    with LiveServer(settings, with_services=False) as live:
        async with staged(live.url, "flow-run", SIZES[size]) as stage:
            await stage.see("does not let us in")
            await picture(stage, f"refused-{size}")
