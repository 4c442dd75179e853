"""Notifications over HTTP: what they are, and the automation that each is done by."""

from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from sqlalchemy import select

from podium.db.ids import new_id
from podium.db.tables.automations import automation_buckets
from podium.db.tables.notifications import notification_deliveries
from podium.wire.automations import Automation
from podium.wire.notifications import Notification, NotificationTest
from tests.server.conftest import Units, decode
from tests.server.rows import Rows, at

UNKNOWN = "0f9d8c7b-0000-4000-8000-000000000001"


def make_channel(api: httpx.Client, capabilities: tuple[str, ...] = ("notify",)) -> str:
    """The id of a block that notifies."""
    slug = f"channel-{uuid4()}"
    kind = api.post("/block_types/", json={"name": slug, "slug": slug}).json()["id"]
    fields = {"title": slug, "type": "object", "properties": {}, "block_type_slug": slug}
    schema = api.post(
        "/block_schemas/", json={"block_type_id": kind, "fields": fields, "capabilities": list(capabilities)}
    ).json()["id"]
    body = {"name": "mine", "block_type_id": kind, "block_schema_id": schema, "data": {}}
    made: str = api.post("/block_documents/", json=body).json()["id"]
    return made


@pytest.fixture
def channel(api: httpx.Client) -> str:
    """The id of a block that notifies."""
    return make_channel(api)


def make(api: httpx.Client, channel: str, **values: Any) -> Notification:
    body = {"name": f"n-{new_id()}", "block_document_id": channel, **values}
    answer = api.post("/notifications/", json=body)
    assert answer.status_code == 201, answer.text
    notification: Notification = decode(answer, Notification)
    return notification


def automation_of(api: httpx.Client, notification: Notification) -> dict[str, Any]:
    answer = api.get(f"/automations/{notification.automation_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_notification_is_an_automation_that_sends(api: httpx.Client, channel: str) -> None:
    """Any of the states of a run with any of the tags sends the server's words to the block."""
    made = make(api, channel, name="daily failed", state_names=["failed", "timed out"], tags=["daily-etl", "weekly"])
    assert (made.state_names, made.enabled, made.message) == (["Failed", "TimedOut"], True, None)
    automation = automation_of(api, made)
    assert (automation["name"], automation["enabled"]) == ("daily failed", True)
    trigger = automation["trigger"]
    assert trigger["match"] == {"prefect.resource.id": "prefect.flow-run.*"}
    tags = {"prefect.resource.id": ["prefect.tag.daily-etl", "prefect.tag.weekly"], "prefect.resource.role": "tag"}
    assert trigger["match_related"] == [tags]
    assert trigger["expect"] == ["prefect.flow-run.Failed", "prefect.flow-run.TimedOut"]
    assert (trigger["posture"], trigger["threshold"], trigger["within"]) == ("Reactive", 1, 0)
    (action,) = automation["actions"]
    assert (action["type"], action["block_document_id"]) == ("send-notification", channel)
    assert action["body"].startswith("The {{ flow_run.name }} run of the {{ flow.name }} flow entered a")


def test_flows_deployments_and_pools_narrow_it_down(api: httpx.Client, channel: str, units: Units) -> None:
    """Each kind that is given must fit; what does not exist is refused by its field."""
    rows = Rows(units.write)
    flow, pool = rows.flow(), rows.pool()
    scopes = {"flow_ids": [flow], "deployment_ids": [rows.deployment(flow)], "work_pool_ids": [pool]}
    related = automation_of(api, make(api, channel, state_names=["Crashed"], **scopes))["trigger"]["match_related"]
    roles = [each["prefect.resource.role"] for each in related]
    assert roles == ["flow", "deployment", "work-pool"]
    assert related[2]["prefect.resource.id"] == [f"prefect.work-pool.{pool}"]
    for field in scopes:
        refused = api.post("/notifications/", json={"name": "x", "block_document_id": channel, field: [UNKNOWN]})
        assert refused.status_code == 422
        assert refused.json()["exception_detail"][0]["loc"] == ["body", field]


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("failed", "Failed"),
        ("FAILED", "FAILED"),
        ("late", "Late"),
        ("awaiting-retry", "AwaitingRetry"),
        ("Awaiting Retry", "AwaitingRetry"),
        ("canceled", "Cancelled"),
        (" MyOwn ", "MyOwn"),
    ],
)
def test_states_are_written_as_one_likes(api: httpx.Client, channel: str, written: str, stored: str) -> None:
    """The names of states are found in any spelling; a type is in capitals, a name of the user's own as it is."""
    assert make(api, channel, state_names=[written, written]).state_names == [stored]


def test_a_type_of_state_is_every_state_of_the_type(api: httpx.Client, channel: str) -> None:
    """Whatever it is called; with names besides, an event that is both sends one message."""
    trigger = automation_of(api, make(api, channel, state_names=["FAILED", "CRASHED"]))["trigger"]
    assert trigger["match"]["prefect.state-type"] == ["FAILED", "CRASHED"]
    assert trigger["expect"] == ["prefect.flow-run.*"]
    both = automation_of(api, make(api, channel, state_names=["FAILED", "late"], tags=["t"]))["trigger"]
    assert (both["type"], both["require"]) == ("compound", "any")
    types, names = both["triggers"]
    assert types["match"]["prefect.state-type"] == ["FAILED"]
    assert "FAILED" not in names["match"]["prefect.state-type"]
    assert names["expect"] == ["prefect.flow-run.Late"]
    assert types["match_related"] == names["match_related"] != []


def test_without_states_it_is_about_all_of_them(api: httpx.Client, channel: str) -> None:
    """But not about events of runs that are no states, such as heartbeats."""
    trigger = automation_of(api, make(api, channel))["trigger"]
    assert trigger["expect"] == ["prefect.flow-run.*"]
    assert trigger["match"] == {"prefect.resource.id": "prefect.flow-run.*", "prefect.state-type": "*"}


def test_notifications_are_read_listed_and_counted(api: httpx.Client, channel: str) -> None:
    """By id and by name, and by whether they are enabled, which their automations know."""
    first, second = make(api, channel, name="list-b"), make(api, channel, name="list-a", enabled=False)
    assert decode(api.get(f"/notifications/{first.id}"), Notification) == first
    assert decode(api.get("/notifications/name/list-a"), Notification) == second
    mine = {"id": {"any_": [first.id, second.id]}}
    found = decode(api.post("/notifications/filter", json={"notifications": mine}), list[Notification])
    assert [each.name for each in found] == ["list-a", "list-b"]
    paused = {"notifications": {**mine, "enabled": {"eq_": False}}}
    found = decode(api.post("/notifications/filter", json=paused), list[Notification])
    assert [each.name for each in found] == ["list-a"]
    assert api.post("/notifications/count", json=paused).json() == 1
    by_automation = {"notifications": {"automation_id": {"any_": [first.automation_id]}}}
    assert api.post("/notifications/count", json=by_automation).json() == 1
    for path in (f"/notifications/{UNKNOWN}", "/notifications/name/nobody"):
        assert api.get(path).status_code == 404


def test_a_name_is_used_once(api: httpx.Client, channel: str) -> None:
    """Neither a new notification nor a renamed one may take it, and no automation stays of what was refused."""
    first, second = make(api, channel, name="taken"), make(api, channel)
    body = {"name": "taken", "block_document_id": channel}
    assert api.post("/notifications/", json=body).status_code == 409
    named = {"automations": {"name": {"any_": ["taken"]}}}
    assert api.post("/automations/count", json=named).json() == 1
    assert api.patch(f"/notifications/{second.id}", json={"name": "taken"}).status_code == 409
    assert api.patch(f"/notifications/{first.id}", json={"name": "taken"}).status_code == 204


def bucket(units: Units, automation: dict[str, Any]) -> None:
    Rows(units.write).add(
        automation_buckets,
        automation_id=automation["id"],
        trigger_id=automation["trigger"]["id"],
        bucketing_key=[],
        bucketing_digest="",
        window_start=at(0),
        window_end=at(9),
    )


def buckets(units: Units, automation_id: str) -> int:
    return len(units.all(select(automation_buckets).where(automation_buckets.c.automation_id == automation_id)))


def test_editing_keeps_the_automation_and_begins_its_trigger_anew(
    api: httpx.Client, channel: str, units: Units
) -> None:
    """Only what was sent changes, and null brings the server's words back."""
    made = make(api, channel, state_names=["Failed"], tags=["t"], message="{{ flow_run.name }}!")
    before = automation_of(api, made)
    assert before["actions"][0]["body"] == "{{ flow_run.name }}!"
    bucket(units, before)
    path = f"/notifications/{made.id}"
    assert api.patch(path, json={"state_names": ["crashed"], "message": None, "name": "edited"}).status_code == 204
    changed = decode(api.get(path), Notification)
    assert (changed.automation_id, changed.state_names, changed.tags) == (made.automation_id, ["Crashed"], ["t"])
    assert (changed.message, changed.name, changed.enabled) == (None, "edited", True)
    after = automation_of(api, changed)
    assert (after["name"], after["trigger"]["expect"]) == ("edited", ["prefect.flow-run.Crashed"])
    assert after["trigger"]["id"] != before["trigger"]["id"]
    assert after["actions"][0]["body"] != "{{ flow_run.name }}!"
    assert buckets(units, made.automation_id) == 0


def test_pausing_and_resuming_is_the_automations(api: httpx.Client, channel: str, units: Units) -> None:
    """It is told from both sides alike, and its windows begin anew: half of one means nothing."""
    made = make(api, channel, state_names=["Failed"])
    bucket(units, automation_of(api, made))
    assert api.patch(f"/notifications/{made.id}", json={"enabled": False}).status_code == 204
    assert automation_of(api, made)["enabled"] is False
    assert buckets(units, made.automation_id) == 0
    assert api.patch(f"/automations/{made.automation_id}", json={"enabled": True}).status_code == 204
    assert api.get(f"/notifications/{made.id}").json()["enabled"] is True
    assert api.patch(f"/notifications/{made.id}", json={"enabled": False, "tags": ["t"]}).status_code == 204
    assert automation_of(api, made)["enabled"] is False
    assert api.patch(f"/notifications/{made.id}", json={}).status_code == 204
    assert api.patch(f"/notifications/{UNKNOWN}", json={"enabled": True}).status_code == 404


def test_either_is_deleted_with_the_other(api: httpx.Client, channel: str) -> None:
    """The automation with its notification, and the notification with its automation."""
    first, second = make(api, channel), make(api, channel)
    assert api.delete(f"/notifications/{first.id}").status_code == 204
    assert api.get(f"/automations/{first.automation_id}").status_code == 404
    assert api.delete(f"/notifications/{first.id}").status_code == 404
    assert api.delete(f"/automations/{second.automation_id}").status_code == 204
    assert api.get(f"/notifications/{second.id}").status_code == 404


def test_its_automation_is_not_edited_behind_its_back(api: httpx.Client, channel: str) -> None:
    """The notification would say one thing and do another."""
    made = make(api, channel)
    body = {"name": "x", "trigger": automation_of(api, made)["trigger"], "actions": [{"type": "do-nothing"}]}
    assert api.put(f"/automations/{made.automation_id}", json=body).status_code == 409
    assert decode(api.get(f"/automations/{made.automation_id}"), Automation).name == made.name


def test_a_notification_goes_somewhere(api: httpx.Client, channel: str) -> None:
    """To a block that notifies or to addresses, which must be some."""
    mute = make_channel(api, ())
    for wrong, field in (
        ({}, "block_document_id"),
        ({"block_document_id": UNKNOWN}, "block_document_id"),
        ({"block_document_id": mute}, "block_document_id"),
        ({"emails": ["nobody"]}, "emails"),
        ({"emails": ["a@b\nBcc: c@d"]}, "emails"),
        ({"block_document_id": channel, "state_names": [" "]}, "state_names"),
        ({"block_document_id": channel, "tags": [""]}, "tags"),
    ):
        refused = api.post("/notifications/", json={"name": "nowhere", **wrong})
        assert refused.status_code == 422, wrong
        assert refused.json()["exception_detail"][0]["loc"][:2] == ["body", field]
    made = make(api, channel)
    assert api.patch(f"/notifications/{made.id}", json={"block_document_id": None}).status_code == 422


def test_a_notification_may_go_by_email(api: httpx.Client, channel: str, units: Units) -> None:
    """Over the server's own mail server, or over the one that a block tells of, whatever else that is for."""
    mute = make_channel(api, ())
    emails = ["ops@example.com", "b@example.org"]
    for block in (None, mute):
        made = make(api, channel, block_document_id=block, emails=emails, subject="{{ flow.name }}")
        (action,) = automation_of(api, made)["actions"]
        assert (action["type"], action["emails"]) == ("send-email-notification", emails)
        assert (action["block_document_id"], action["subject"]) == (block, "{{ flow.name }}")
        sent = decode(api.post(f"/notifications/{made.id}/test"), NotificationTest)
        (row,) = units.all(select(notification_deliveries).where(notification_deliveries.c.id == sent.delivery_id))
        assert (row["kind"], row["channel"], row["block_document_id"]) == ("email", block or "email", block)
        assert msgspec.json.decode(row["request"])["emails"] == emails
    assert api.patch(f"/notifications/{made.id}", json={"emails": [], "block_document_id": channel}).status_code == 204
    assert automation_of(api, made)["actions"][0]["type"] == "send-notification"


@pytest.mark.parametrize("field", ["subject", "message"])
def test_a_broken_template_is_refused_with_its_line(api: httpx.Client, channel: str, field: str) -> None:
    """When it is saved, not when somebody should have been told."""
    made = make(api, channel)
    wrong = {field: "first line\n{% if %}"}
    answers = [
        api.post("/notifications/", json={"name": "broken", "block_document_id": channel, **wrong}),
        api.patch(f"/notifications/{made.id}", json=wrong),
    ]
    for answer in answers:
        assert answer.status_code == 422
        (error,) = answer.json()["exception_detail"]
        assert (error["loc"], error["ctx"]["line"]) == (["body", field], 2)
        assert error["msg"].startswith("Line 2: ")
    fails = api.patch(f"/notifications/{made.id}", json={field: "{{ 1 / 0 }}"})
    assert fails.status_code == 422, fails.text
    assert "division by zero" in fails.json()["exception_detail"][0]["msg"]


def test_trying_it_sends_its_words_about_a_run_that_there_is_not(api: httpx.Client, channel: str, units: Units) -> None:
    """Each time once more, also while it is paused."""
    made = make(api, channel, state_names=["crashed"], enabled=False)
    path = f"/notifications/{made.id}/test"
    answer = api.post(path)
    assert answer.status_code == 202, answer.text
    sent = decode(answer, NotificationTest)
    words = "The fuzzy-leopard run of the daily-etl flow entered a Crashed state at 2026-06-27 16:21:37 UTC."
    assert (sent.subject, sent.body) == ("Test: daily-etl/fuzzy-leopard: Crashed", words)
    assert api.post(path).json()["delivery_id"] != sent.delivery_id
    mine = notification_deliveries.c.channel == channel
    first, second = units.all(select(notification_deliveries).where(mine).order_by(notification_deliveries.c.position))
    assert (first["id"], first["kind"], first["block_document_id"]) == (sent.delivery_id, "notification", channel)
    assert msgspec.json.decode(first["request"]) == {"subject": sent.subject, "body": words}
    assert second["state"] == "waiting"
    assert api.post(f"/notifications/{UNKNOWN}/test").status_code == 404
    assert api.delete(f"/block_documents/{channel}").status_code == 204
    gone = api.post(path)
    assert (gone.status_code, gone.json()["detail"][:9]) == (422, "The block")


def test_words_heed_the_article(api: httpx.Client, channel: str) -> None:
    """An AwaitingRetry state, a Failed one."""
    made = make(api, channel, state_names=["awaiting-retry", "failed"])
    assert " entered an AwaitingRetry state " in api.post(f"/notifications/{made.id}/test").json()["body"]
