"""What automations and notifications did: firings, actions, deliveries, explanations, tests of notifications."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.cli.notifying import Sink, slack_block
from tests.cli.shell import until
from tests.migrated import migrate
from tests.server.conftest import LiveServer, settings_for
from tests.tui.stage import staged

CHANNEL = "my-slack"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """With its services: automations fire and deliveries are sent."""
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('database') / 'podium.db'}"
    migrate(url)
    with LiveServer(settings_for(url), with_services=True) as live:
        yield live


@pytest.fixture(scope="module")
def api(server: LiveServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=20) as api:
        yield api


@pytest.fixture(scope="module")
def sink(api: httpx.Client) -> Iterator[Sink]:
    """Where the channel goes."""
    with Sink().running() as sink:
        slack_block(api, CHANNEL, sink.url)
        yield sink


@pytest.fixture(scope="module")
def fired(api: httpx.Client) -> Any:
    """An automation that fired once, and has an event too few for the next time."""
    trigger = {"type": "event", "posture": "Reactive", "expect": ["demo.*"], "threshold": 2, "within": 600}
    trigger |= {"for_each": ["prefect.resource.id"]}
    pause = {"type": "pause-deployment", "source": "selected", "deployment_id": str(uuid4())}
    actions = [{"type": "do-nothing"}, pause]
    made = api.post("/automations/", json={"name": "two at once", "trigger": trigger, "actions": actions}).json()
    for number in (1, 1, 2):
        resource = {"prefect.resource.id": f"demo.{number}", "prefect.resource.name": f"the demo {number}"}
        event = {"id": str(uuid4()), "occurred": "2026-11-28T07:08:09Z", "event": "demo.tick", "resource": resource}
        api.post("/events", json=[event])
    until(lambda: api.get(f"/automations/{made['id']}/firings").json())
    until(
        lambda: all(
            action["state"] not in ("pending", "sending")
            for action in api.get(f"/automations/{made['id']}/firings").json()[0]["actions"]
        )
    )
    until(lambda: len(api.get(f"/automations/{made['id']}/refusals").json()) > 1)
    return made


async def test_firings_are_listed_and_opened_with_what_became_of_their_actions(server: LiveServer, fired: Any) -> None:
    async with staged(server.url, "automation two", (100, 30)) as stage:
        await stage.see("two at once", "f firings", "x explain")
        await stage.press("f")
        await stage.see("Firings of two at once", "demo.tick of the demo 1", "demo.1", "do-nothing executed")
        await stage.press("enter")
        await stage.see("Fired because of demo.tick", "Actions  2", "pause-deployment  failed", "Deliveries  none")
        await stage.press("G", "enter")
        await stage.see("Actions: Fired because of", "pause-deployment", '"action_index": 1')
        await stage.press("escape", "escape")
        await stage.see("Firings of two at once")


async def test_it_is_explained_why_it_fired_and_why_not(server: LiveServer, fired: Any) -> None:
    async with staged(server.url, "automation two", (100, 30)) as stage:
        await stage.see("two at once")
        await stage.press("x")
        await stage.see("Why two at once fired", "waits for 2 times demo.* within 600s.")
        await stage.see("Fired  1", "demo.tick of the demo 1", "Did not fire  2", "Too few events so far")
        await stage.press("tab", "enter")
        await stage.see("Did not fire: Why two at once fired", "threshold")
        await stage.press("escape", "shift+tab", "enter")
        await stage.see("Fired because of demo.tick")


async def test_one_that_did_not_fire_says_that_nothing_came(server: LiveServer, api: httpx.Client) -> None:
    trigger = {"type": "event", "posture": "Reactive", "expect": ["never"], "threshold": 1, "within": 0}
    body = {"name": "idle", "trigger": trigger, "actions": [{"type": "do-nothing"}], "enabled": False}
    api.post("/automations/", json=body)
    async with staged(server.url, "automation idle") as stage:
        await stage.see("idle")
        await stage.press("x")
        await stage.see("waits for never. It is paused. It has not fired. No event concerned it", "Fired  none")
        await stage.press("escape", "f")
        await stage.see("Firings of idle", "none")
        await stage.press("escape", "u")
        await stage.see("$ podium automation resume")
        await stage.press("enter")
        await stage.see("active")


async def test_a_notification_is_sent_as_a_test_and_told_whether_it_arrived(
    server: LiveServer, api: httpx.Client, sink: Sink
) -> None:
    channel = api.get(f"/block_types/slug/slack-webhook/block_documents/name/{CHANNEL}").json()["id"]
    api.post("/notifications/", json={"name": "arrives", "state_names": ["Failed"], "block_document_id": channel})
    api.post("/notifications/", json={"name": "cannot", "state_names": ["Failed"], "emails": ["a@example.com"]})
    before = len(sink.bodies)
    async with staged(server.url, "notification") as stage:
        await stage.see("arrives", "cannot")
        await stage.press("t")
        await stage.see("Test notification 'arrives'?", "$ podium notification test arrives")
        await stage.press("enter")
        await stage.see("Test notification 'arrives'?")
        await stage.press("y")
        await stage.see("arrived.")
        assert len(sink.bodies) == before + 1
        stage.app.clear_notifications()
        await stage.press("down", "t")
        await stage.see("$ podium notification test cannot")
        await stage.press("y")
        await stage.see("given up", "mail server")
        await stage.see("online")


async def test_what_a_notification_sent_is_listed(server: LiveServer, api: httpx.Client, sink: Sink) -> None:
    channel = api.get(f"/block_types/slug/slack-webhook/block_documents/name/{CHANNEL}").json()["id"]
    body = {"name": "of crashes", "state_names": ["Crashed"], "block_document_id": channel}
    made = api.post("/notifications/", json=body).json()
    flow = api.post("/flows/", json={"name": "etl"}).json()
    run = api.post("/flow_runs/", json={"flow_id": flow["id"], "name": "crashing", "state": {"type": "RUNNING"}}).json()
    api.post(f"/flow_runs/{run['id']}/set_state", json={"state": {"type": "CRASHED"}, "force": True})
    until(lambda: api.get(f"/automations/{made['automation_id']}/firings").json())
    async with staged(server.url, "notification crashes", (100, 30)) as stage:
        await stage.see("of crashes")
        await stage.press("l")
        await stage.see("Deliveries of of crashes", CHANNEL, "crashing", "delivered")
        await stage.press("escape", "x")
        await stage.see("Why of crashes fired", "prefect.flow-run.Crashed of crashing")
        await stage.press("enter")
        await stage.see("Fired because of", "Deliveries  1", "delivered", CHANNEL)
        await stage.press("tab", "enter")
        await stage.see("Delivery ", "request", "crashing")
        await stage.press("escape", "escape", "escape", "/", "nothing", "enter")
        await stage.see("none")
