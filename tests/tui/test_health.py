"""How the server is, looked at again and again."""

import sqlite3
import time
from collections.abc import Iterator

import httpx
import pytest

from podium.tui.screens import health
from tests.migrated import migrate
from tests.server.conftest import LiveServer, settings_for
from tests.tui.stage import staged


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with its services."""
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('serving') / 'podium.db'}"
    migrate(url)
    with LiveServer(settings_for(url), with_services=True) as live:
        yield live


def beat(server: LiveServer, name: str, ago: float, error: str | None = None) -> None:
    """Notes that a service finished so long ago."""
    path = str(server.settings.server.database.connection_url).partition("///")[2]
    then = int((time.time() - ago) * 1e6)
    with sqlite3.connect(path) as database:
        database.execute(
            "INSERT OR REPLACE INTO service_heartbeats "
            "(name, process, interval, last_finished, last_failed, last_error) VALUES (?, 'test', 5, ?, ?, ?)",
            (name, then, then + 1 if error else None, error),
        )


async def test_a_server_that_is_well(serving: LiveServer) -> None:
    """Version, database with its schema, what is ready, the clocks, and each service with its last round."""
    async with staged(serving.url, "health", (120, 60)) as stage:
        screen = await stage.see("all is well", "late-runs", "running")
        for text in (
            "sqlite, schema 0",
            "prefect 3.",
            "database, migrations, messages, services",
            "clock",
            "credentials",
        ):
            assert text in screen
        assert "FINISHED" in screen


async def test_the_important_fits_80_by_24(serving: LiveServer) -> None:
    async with staged(serving.url, "health") as stage:
        screen = await stage.see("all is well", "Services")
        assert "ready" in screen and "clock" in screen


async def test_services_that_stopped_come_first(server: LiveServer) -> None:
    """What failed stands above, with what to do; the server is not away, although it is not ready."""
    beat(server, "late-runs", 3600)
    beat(server, "scheduler", 1, "it fell over")
    async with staged(server.url, "health", (120, 60)) as stage:
        screen = await stage.see("failed", "late-runs (late)", "scheduler (failing)", "it fell over", "not ready")
        lines = screen.split("\n")
        assert lines[2].split()[0] == "failed"
        services = next(place for place, line in enumerate(lines) if line.startswith(" SERVICE"))
        assert [line.split()[0] for line in lines[services + 1 : services + 3]] == ["scheduler", "late-runs"]
        assert "● online" in lines[0]


async def test_it_looks_again_while_it_is_seen(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """No event tells that a service stopped. What nobody sees asks nothing."""
    monkeypatch.setattr(health, "LOOK_EVERY", 0.3)
    beat(server, "zombies", 1)
    asked: list[float] = []
    monkeypatch.setattr(health, "look_at", lambda client, look=health.look_at: (asked.append(0.0), look(client))[1])
    async with staged(server.url, "health", (120, 60)) as stage:
        await stage.see("zombies")
        beat(server, "zombies", 1, "its table is gone")
        await stage.see("its table is gone")
        await stage.go("variable")
        await stage.see("Variables")
        number = len(asked)
        await stage.pilot.pause(1.0)
        assert len(asked) <= number + 1


async def test_fields_of_clients_and_a_search(server: LiveServer) -> None:
    httpx.post(f"{server.url}/variables/", json={"name": "known", "value": 1, "colour_of_it": "red"})
    async with staged(server.url, "health", (120, 60)) as stage:
        await stage.see("POST /variables/", "colour_of_it 1")
        await stage.press("/", "colour_of", "enter")
        await stage.miss("is not here")
        await stage.press("/", *["backspace"] * 9, "nothing", "enter")
        await stage.see("'nothing' is not here")
        await stage.press("escape", "escape")
        await stage.press("c")
        await stage.see("Copied: podium doctor")


async def test_a_server_that_is_away(serving: LiveServer) -> None:
    async with staged("http://127.0.0.1:9/api", "health") as stage:
        await stage.see("away", "no server answers")
