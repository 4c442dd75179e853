"""Running deployments by a form, their schedules, and what belongs to flows, deployments, pools and queues."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.migrated import migrate
from tests.server.conftest import LiveServer, settings_for
from tests.tui.editing import ScriptedEditor, editor
from tests.tui.stage import Stage, staged

__all__ = ["editor"]

SCHEMA = {
    "title": "Parameters",
    "type": "object",
    "required": ["day"],
    "properties": {
        "day": {"type": "string", "format": "date", "position": 0, "description": "The day to load."},
        "retries": {"type": "integer", "default": 3, "position": 1, "maximum": 10},
        "full": {"type": "boolean", "default": False, "position": 2},
        "region": {"$ref": "#/definitions/Region", "default": "eu", "position": 3},
        "tables": {"type": "array", "items": {"type": "string"}, "default": ["orders"], "position": 4},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "position": 5},
    },
    "definitions": {"Region": {"enum": ["eu", "us"], "type": "string"}},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """With its services: schedules make runs."""
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('database') / 'podium.db'}"
    migrate(url)
    settings = settings_for(url, **{"server.services.scheduler.recent_deployments_loop_seconds": 1})
    with LiveServer(settings, with_services=True) as live:
        yield live


@pytest.fixture(scope="module")
def api(server: LiveServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=20) as api:
        yield api


@pytest.fixture(scope="module")
def deployment(api: httpx.Client) -> Any:
    """`etl/nightly` with parameters and a schedule, in the pool `prod`."""
    flow = api.post("/flows/", json={"name": "etl"}).json()
    api.post("/work_pools/", json={"name": "prod", "type": "process"})
    schedule = {"schedule": {"cron": "0 3 * * *", "timezone": "Europe/Berlin"}, "slug": "at-three"}
    body = {"name": "nightly", "flow_id": flow["id"], "work_pool_name": "prod", "schedules": [schedule]}
    return api.post("/deployments/", json={**body, "parameter_openapi_schema": SCHEMA}).json()


def runs(api: httpx.Client, deployment: Any) -> list[Any]:
    """The runs that were made by hand, the newest first."""
    wanted = {"deployments": {"id": {"any_": [deployment["id"]]}}, "sort": "ID_DESC"}
    found: list[Any] = api.post("/flow_runs/filter", json=wanted).json()
    return [run for run in found if not run["auto_scheduled"]]


def boxed(screen: str) -> str:
    """What a question says, its lines joined."""
    inside = [line.partition("│")[2].partition("│")[0] for line in screen.splitlines() if line.count("│") == 2]
    return " ".join(" ".join(inside).split())


async def field(stage: Stage, name: str) -> Stage:
    """Goes to the field of a label."""
    stage.app.screen.fields[name].control.focus()
    await stage.pilot.pause()
    return stage


async def test_a_run_is_made_with_what_is_typed_and_opened(
    server: LiveServer, api: httpx.Client, deployment: Any
) -> None:
    async with staged(server.url, "deployment nightly") as stage:
        await stage.see("etl/nightly", "R run")
        await stage.press("R")
        await stage.see("Run etl/nightly", "day *", "The day to load.", "retries", "orders", "text or null")
        await stage.press(*"2026", "minus", *"05", "minus", *"06")
        await (await field(stage, "parameter retries")).press("backspace", "5")
        await (await field(stage, "name")).press(*"my-run")
        await (await field(stage, "tags")).press("a", ",", "space", "b")
        await (await field(stage, "start")).press("2", "h", "enter")
        screen = await stage.see("Run etl/nightly?", "It starts in 2h, at ")
        assert (
            "$ podium deployment run etl/nightly --param day=2026-05-06 --param retries=5 --flow-run-name my-run "
            "--tag a --tag b --start-in 2h"
        ) in boxed(screen)
        await stage.press("y")
        await stage.see("Flow run my-run", "Made flow run")
        await stage.press("escape")
        await stage.see("Deployments")
    made = runs(api, deployment)[0]
    assert made["name"] == "my-run"
    assert made["parameters"] == {"day": "2026-05-06", "retries": 5}
    assert made["tags"] == ["a", "b"]
    assert made["state_type"] == "SCHEDULED"


async def test_choices_and_flags_are_chosen(server: LiveServer, api: httpx.Client, deployment: Any) -> None:
    async with staged(server.url, "deployment nightly") as stage:
        await stage.see("etl/nightly")
        await stage.press("R")
        await stage.see("day *")
        await stage.press(*"today")
        for name in ("parameter full", "parameter region"):
            await field(stage, name)
            other = "up" if name == "parameter full" else "down"
            await stage.press("enter", other, "enter")
        await (await field(stage, "parameter note")).press(*"null")
        await stage.press("ctrl+s")
        screen = await stage.see("Run etl/nightly?")
        assert "--param full=true --param region=us --param note=null" in boxed(screen)
        await stage.press("enter")
        await stage.see("Made flow run")
    parameters = runs(api, deployment)[0]["parameters"]
    assert {name: parameters[name] for name in ("full", "region", "note")} == {
        "full": True,
        "region": "us",
        "note": None,
    }


async def test_what_is_wrong_is_told_at_its_field_also_by_the_server(
    server: LiveServer, api: httpx.Client, deployment: Any
) -> None:
    before = len(runs(api, deployment))
    async with staged(server.url, "deployment nightly") as stage:
        await stage.see("etl/nightly")
        await stage.press("R")
        await stage.see("day *")
        await (await field(stage, "parameter retries")).press("x", "enter")
        await stage.see("It is required.", "Expected a whole number.")
        assert stage.app.focused is stage.app.screen.fields["parameter day"].control
        await stage.press(*"today")
        await stage.miss("It is required.")
        await (await field(stage, "parameter retries")).press("backspace", "backspace", "9", "9", "enter")
        await stage.see("Run etl/nightly?", "retries=99")
        await stage.press("y")
        await stage.see("Validation failed for field 'retries': 99 is greater than")
        assert stage.app.focused is stage.app.screen.fields["parameter retries"].control
        await stage.press("escape")
        await stage.see("Press esc again to leave")
        await stage.press("escape")
        await stage.see("Deployments")
    assert len(runs(api, deployment)) == before


async def test_a_nested_value_is_changed_in_the_editor(
    server: LiveServer, deployment: Any, editor: ScriptedEditor
) -> None:
    editor.will(('"orders"', '"orders",\n "customers"'))
    async with staged(server.url, "deployment nightly") as stage:
        await stage.see("etl/nightly")
        await stage.press("R")
        await stage.see("day *")
        await (await field(stage, "parameter tables")).press("ctrl+o")
        await stage.see('["orders","customers"]')
    assert editor.seen == ['[\n  "orders"\n]\n']


async def test_a_read_only_dashboard_runs_nothing(server: LiveServer, deployment: Any) -> None:
    async with staged(server.url, "deployment nightly", read_only=True) as stage:
        await stage.see("etl/nightly")
        await stage.press("R")
        await stage.see("Run is not")
        await stage.press("s")
        await stage.see("Schedules of etl/nightly", "at-three")
        stage.app.clear_notifications()
        await stage.press("n")
        await stage.see("New is not")


async def test_schedules_show_their_next_dates_and_are_added_changed_paused_and_deleted(
    server: LiveServer, api: httpx.Client, deployment: Any
) -> None:
    path = f"/deployments/{deployment['id']}/schedules"
    async with staged(server.url, "deployment nightly", (140, 30)) as stage:
        await stage.see("etl/nightly")
        await stage.press("s")
        await stage.see("Schedules of etl/nightly", "0 3 * * * (Europe/Berlin)", "at-three", "active", "in ")
        await stage.press("n")
        await stage.see("Add a schedule to etl/nightly")
        await stage.press("enter")
        await stage.see("Fill in one of cron, interval and rrule.")
        await stage.press(*"often", "enter")
        await stage.see("podium deployment schedule create etl/nightly --cron often")
        await stage.press("y")
        await stage.see("'often' is not a cron string")
        await stage.press("ctrl+u", "down", *"15m")
        await (await field(stage, "slug")).press(*"quarterly", "enter")
        await stage.see("create etl/nightly --interval 15m --slug quarterly")
        await stage.press("y")
        await stage.see("Schedules of etl/nightly", "every 15m", "quarterly", "Added schedule")
        made = next(each for each in api.get(path).json() if each["slug"] == "quarterly")
        assert made["schedule"]["interval"] == 900
        await _change_pause_and_delete(stage)
    assert [each["slug"] for each in api.get(path).json()] == ["at-three"]


async def _change_pause_and_delete(stage: Stage) -> None:
    """Changes the interval of the schedule that was added, pauses and deletes it."""
    stage.app.view.table.move_to([line.cells[3] for line in stage.app.view.table.lines].index("quarterly"))
    await stage.press("e")
    await stage.see("Change a schedule of etl/nightly", "15m")
    await (await field(stage, "interval")).press("ctrl+u", *"1h", "enter")
    screen = await stage.see("Change a schedule of etl/nightly?")
    assert "$ podium api PATCH /deployments/" in boxed(screen)
    assert '"schedule":{"interval":3600' in boxed(screen)
    await stage.press("y")
    await stage.see("every 1h", "Changed schedule")
    await stage.press("p")
    await stage.see("Pause deployment schedule 'every 1h'?", "$ podium deployment schedule pause etl/nightly quarterly")
    await stage.press("enter")
    await stage.see("paused")
    await stage.press("ctrl+d")
    await stage.see("$ podium deployment schedule delete etl/nightly quarterly")
    await stage.press("y")
    await stage.miss("every 1h ")


async def test_a_schedule_that_is_left_as_it_is_sends_nothing(server: LiveServer, deployment: Any) -> None:
    async with staged(server.url, "deployment nightly") as stage:
        await stage.see("etl/nightly")
        await stage.press("s")
        await stage.see("at-three")
        await stage.press("e")
        await stage.see("0 3 * * *", "Europe/Berlin")
        await stage.press("ctrl+s")
        await stage.see("Nothing was changed.", "Schedules of etl/nightly")


async def test_keys_open_the_runs_the_late_ones_and_those_ahead(
    server: LiveServer, api: httpx.Client, deployment: Any
) -> None:
    body = {"name": "late-one", "parameters": {"day": "2026-05-06"}}
    late = api.post(f"/deployments/{deployment['id']}/create_flow_run", json=body).json()
    state = {"type": "SCHEDULED", "name": "Late"}
    api.post(f"/flow_runs/{late['id']}/set_state", json={"state": state, "force": True})
    for view in ("deployment nightly", "flow etl", "work-pool prod", "work-queue pool=prod"):
        async with staged(server.url, view) as stage:
            await stage.see("online")
            await stage.miss("none")
            await stage.press("l")
            await stage.see("Flow runs of", "late-one")
            await stage.press("escape", "L")
            await stage.see("Late runs of", "late-one", "1")
            if not view.startswith("flow"):
                await stage.press("escape", "v")
                await stage.see("Scheduled runs of", "by next", "Scheduled")


async def test_a_pool_shows_its_queues_and_workers_to_move_in(server: LiveServer, api: httpx.Client) -> None:
    api.post("/work_pools/", json={"name": "shown", "type": "process", "description": "nightly jobs"})
    for name in ("urgent", "slow"):
        api.post("/work_pools/shown/queues", json={"name": name})
    api.post("/work_pools/shown/workers/heartbeat", json={"name": "worker-1"})
    async with staged(server.url, "work-pool name=shown") as stage:
        await stage.see("shown")
        await stage.press("enter")
        await stage.see("Work pool shown", "nightly jobs", "Queues  3", "urgent", "Workers  1", "worker-1", "online")
        await stage.press("G", "enter")
        await stage.see("Work queue shown/slow")
        await stage.press("p")
        await stage.see("$ podium work-queue pause shown/slow")
        await stage.press("enter")
        await stage.see("Paused work queue")
        await stage.press("escape")
        await stage.see("Work pool shown", "paused")
        await stage.press("tab", "enter")
        await stage.see("Worker", "heartbeat")
        await stage.press("escape", "y")
        await stage.see('"base_job_template"')
        await stage.press("y")
        await stage.see("Queues  3")
        await stage.press("w")
        await stage.see("Workers of shown", "shown/worker-1")
        await stage.press("escape", "p")
        await stage.see("$ podium work-pool pause shown")


async def test_the_parameters_of_no_schema_are_those_that_the_deployment_has(
    server: LiveServer, api: httpx.Client
) -> None:
    flow = api.post("/flows/", json={"name": "bare"}).json()
    body = {"name": "hand", "flow_id": flow["id"], "parameters": {"n": 1, "text": "two words"}}
    api.post("/deployments/", json=body)
    async with staged(server.url, "deployment hand") as stage:
        await stage.see("bare/hand")
        await stage.press("R")
        await stage.see("two words", "JSON or text")
        await (await field(stage, "parameter n")).press("0", "enter")
        await stage.see("$ podium deployment run bare/hand --param n=10", "no work")
        await stage.press("y")
        await stage.see("Made flow run")
    made = api.post("/flow_runs/filter", json={"flows": {"name": {"any_": ["bare"]}}}).json()
    assert [run["parameters"] for run in made] == [{"n": 10, "text": "two words"}]


async def test_capital_j_opens_what_it_belongs_to(server: LiveServer, api: httpx.Client, deployment: Any) -> None:
    api.post("/work_pools/prod/workers/heartbeat", json={"name": "worker-1"})
    ways = {
        "deployment nightly": "Flow etl",
        "worker pool=prod": "Work pool prod",
        "work-queue pool=prod": "Work pool prod",
    }
    for view, owner in ways.items():
        async with staged(server.url, view) as stage:
            await stage.see("online")
            await stage.miss("none")
            await stage.press("J")
            await stage.see(owner)
    async with staged(server.url, "deployment nightly") as stage:
        await stage.see("etl/nightly")
        await stage.press("s")
        await stage.see("at-three")
        await stage.press("d")
        await stage.see("Deployment schedule", "next")
        await stage.press("J")
        await stage.see("Deployment etl/nightly")
