"""Forms, differences and pools as they look, at 80x24 and 200x60, with long and unicode names."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.migrated import migrate
from tests.server.conftest import LiveServer, settings_for
from tests.tui import scenery
from tests.tui.editing import ScriptedEditor, editor
from tests.tui.scenery import LONG, UNICODE
from tests.tui.stage import staged
from tests.tui.test_pictures import SIZES, Scene, picture, picture_scene

__all__ = ["editor"]

ABOUT = "How often each table is tried again when the warehouse does not answer, before the whole run is given up."
TARGET = {"type": "object", "required": ["host"], "properties": {"host": {}, "port": {}}}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["day"],
    "properties": {
        "day": {"type": "string", "format": "date", "position": 0, "description": "The day to load."},
        "retries": {"type": "integer", "default": 3, "position": 1, "description": ABOUT},
        "full": {"type": "boolean", "default": False, "position": 2},
        "Größe_der_日次": {"enum": ["klein", "groß 🌙"], "default": "groß 🌙", "position": 3},
        "tables_of_the_warehouse_to_load": {"type": "array", "default": ["orders", "größe"] * 12, "position": 4},
        "target": {
            "anyOf": [
                {"type": "object", "required": ["host"], "properties": {"host": {}, "port": {}}},
                {"type": "null"},
            ],
            "position": 5,
        },
    },
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with what the pictures show."""
    database: Path = tmp_path_factory.mktemp("database") / "podium.db"
    migrate(f"sqlite+aiosqlite:///{database}")
    with LiveServer(settings_for(f"sqlite+aiosqlite:///{database}"), with_services=False) as live:
        with httpx.Client(base_url=live.url, timeout=20) as api:
            _build(api)
        scenery.age(database)
        yield live


def _build(api: httpx.Client) -> None:
    schedules = [
        {"schedule": {"cron": "0 3 * * *", "timezone": "Europe/Berlin"}, "slug": "nachts-um-drei"},
        {"schedule": {"interval": 900, "anchor_date": "2026-05-06T07:08:09Z"}, "active": False, "parameters": {"n": 1}},
    ]
    for flow, name in (("etl", "nightly"), (LONG, UNICODE)):
        body = {"name": name, "flow_id": api.post("/flows/", json={"name": flow}).json()["id"]}
        body |= {"parameter_openapi_schema": SCHEMA, "schedules": schedules}
        assert api.post("/deployments/", json=body).status_code == 201
    api.post("/work_pools/", json={"name": UNICODE, "type": "process", "description": f"{LONG} {UNICODE}"})
    for number in range(12):
        api.post(f"/work_pools/{UNICODE}/queues", json={"name": f"größe-{number}", "concurrency_limit": number})
    api.post(f"/work_pools/{UNICODE}/workers/heartbeat", json={"name": f"ProcessWorker {LONG}"})
    api.post("/work_pools/", json={"name": "empty", "type": "process"})
    api.post("/variables/", json={"name": "limits", "value": {"max": 3, "note": "größer 🌙"}, "tags": ["eu"]})


SCENES: dict[str, Scene] = {
    "run-form": ("deployment nightly", ("R",), "day *"),
    "run-form-long": (f"deployment {UNICODE}", ("R",), "day *"),
    "run-form-wrong": ("deployment nightly", ("R", "enter"), "It is required."),
    "run-question": ("deployment nightly", ("R", "2026-05-06", "enter"), "a worker takes it"),
    "schedules": (f"deployment {UNICODE}", ("s",), "nachts"),
    "schedule-form": ("deployment nightly", ("s", "down", "e"), "counted from"),
    "pool": (f"work-pool name={UNICODE}", ("enter",), "Workers"),
    "pool-empty": ("work-pool name=empty", ("enter",), "Workers"),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCENES)
async def test_scenes(scene: LiveServer, name: str, size: str) -> None:
    await picture_scene(scene.url, SCENES[name], name, size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("name", "step"),
    [("difference", ("max: 3", 'max: 30\n  mehr: "日次 🌙"')), ("not-yaml", ("max: 3", "max: [3"))],
)
async def test_edits(scene: LiveServer, editor: ScriptedEditor, name: str, step: tuple[str, str], size: str) -> None:
    editor.will(step)
    async with staged(scene.url, "variable", SIZES[size]) as stage:
        await stage.see("limits")
        await stage.press("e")
        await stage.see("e edit again")
        await picture(stage, f"{name}-{size}")
