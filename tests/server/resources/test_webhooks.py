"""Webhooks over HTTP: what they are, and what calls of them become."""

import gzip
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import select

from podium.db.ids import new_id
from podium.db.tables.events import events
from podium.db.tables.notifications import webhooks
from podium.wire.webhooks import NewWebhook, Webhook, WebhookEvent, WebhookReceipt
from tests.server.conftest import LiveServer, Units, decode, settings_for

FORM = "application/x-www-form-urlencoded"
UNKNOWN = "0f9d8c7b-0000-4000-8000-000000000001"
GITHUB = """\
{
  "event": "github.{{ headers['X-GitHub-Event'] }}",
  "resource": {"prefect.resource.id": "github.repository.{{ body.repository.name }}"},
  "related": [{"prefect.resource.id": "github.user.{{ body.sender }}", "prefect.resource.role": "sender"}],
  "payload": {{ {"action": body.action, "stars": body.stars} | tojson }}
}
"""


def make(api: httpx.Client, template: str | None = None, **values: Any) -> NewWebhook:
    body = {"name": f"w-{new_id()}", "template": template, **values}
    answer = api.post("/webhooks/", json=body)
    assert answer.status_code == 201, answer.text
    webhook: NewWebhook = decode(answer, NewWebhook)
    return webhook


def event_of(units: Units, answer: httpx.Response) -> dict[str, Any]:
    """The event that a call made."""
    assert answer.status_code == 200, answer.text
    receipt = decode(answer, WebhookReceipt)
    (row,) = units.all(select(events).where(events.c.id == receipt.event_id))
    return {
        name: msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value for name, value in row.items()
    }


def failures(units: Units, webhook: Webhook) -> list[str]:
    about = events.c.resource_id == f"prefect.webhook.{webhook.id}"
    rows = units.all(select(events).where(about, events.c.event == "prefect.webhook.failed").order_by(events.c.id))
    return [msgspec.json.decode(row["payload"])["reason"] for row in rows]


def test_a_webhook_tells_its_url_once(api: httpx.Client, units: Units) -> None:
    """When it is made. What is stored of the secret is its digest."""
    made = make(api, name="github", description="pushes")
    assert made.url.startswith(f"{api.base_url}hooks/")
    read = api.get(f"/webhooks/{made.id}")
    assert decode(read, Webhook).name == "github"
    assert decode(api.get("/webhooks/name/github"), Webhook) == decode(read, Webhook)
    secret = made.url.rpartition("/")[2]
    assert len(secret) >= 43
    for answer in (read, api.post("/webhooks/filter", json={})):
        assert secret not in answer.text
    (row,) = units.all(select(webhooks).where(webhooks.c.id == made.id))
    assert secret not in str(row)


def test_webhooks_are_listed_counted_changed_and_deleted(api: httpx.Client) -> None:
    """By name; a name is used once."""
    first, second = make(api, name="list-b"), make(api, name="list-a", enabled=False)
    mine = {"webhooks": {"id": {"any_": [first.id, second.id]}}}
    found = decode(api.post("/webhooks/filter", json=mine), list[Webhook])
    assert [each.name for each in found] == ["list-a", "list-b"]
    enabled = {"webhooks": {**mine["webhooks"], "enabled": {"eq_": True}}}
    assert api.post("/webhooks/count", json=enabled).json() == 1
    assert api.post("/webhooks/", json={"name": "list-a"}).status_code == 409
    path = f"/webhooks/{first.id}"
    assert api.patch(path, json={"name": "list-a"}).status_code == 409
    own = '{"event": "x", "resource": {"prefect.resource.id": "x"}}'
    assert api.patch(path, json={"name": "list-c", "template": own, "description": "d"}).status_code == 204
    changed = decode(api.get(path), Webhook)
    assert (changed.name, changed.template, changed.description, changed.enabled) == ("list-c", own, "d", True)
    assert api.patch(path, json={"template": None}).status_code == 204
    assert decode(api.get(path), Webhook).template == first.template
    assert api.delete(path).status_code == 204
    for answer in (api.get(path), api.delete(path), api.patch(path, json={}), api.post(f"{path}/rotate")):
        assert answer.status_code == 404
    assert httpx.post(first.url).status_code == 404


def test_a_call_becomes_an_event(api: httpx.Client, units: Units) -> None:
    """Out of its body and headers, with the webhook among what is related."""
    made = make(api, GITHUB)
    body = {"action": "started", "stars": 3, "repository": {"name": "podium"}, "sender": "ada"}
    event = event_of(units, httpx.post(made.url, json=body, headers={"X-GitHub-Event": "star"}))
    assert (event["event"], event["resource_id"]) == ("github.star", "github.repository.podium")
    assert event["payload"] == {"action": "started", "stars": 3}
    sender, webhook = event["related"]
    assert sender["prefect.resource.id"] == "github.user.ada"
    assert (webhook["prefect.resource.id"], webhook["prefect.resource.role"]) == (
        f"prefect.webhook.{made.id}",
        "webhook",
    )


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ({"method": "GET"}, None),
        ({"method": "PUT", "json": [1, "ä"]}, [1, "ä"]),
        ({"method": "POST", "content": b"plain \xff", "headers": {"Content-Type": "text/plain"}}, "plain \ufffd"),
        ({"method": "POST", "content": b'{"json": true}', "headers": {"Content-Type": "text/plain"}}, {"json": True}),
        ({"method": "POST", "data": {"text": "a b", "empty": ""}}, {"text": "a b", "empty": ""}),
        ({"method": "POST", "content": gzip.compress(b"[2]"), "headers": {"Content-Encoding": "gzip"}}, [2]),
        ({"method": "POST", "content": b'{"a": 1}', "headers": {"Content-Type": FORM}}, {"a": 1}),
        ({"method": "POST", "content": b"{a=1&b=", "headers": {"Content-Type": FORM}}, {"{a": "1", "b": ""}),
        ({"method": "POST", "content": b'["\\ud800"]'}, '["\\ud800"]'),
    ],
)
def test_without_a_template_the_event_is_the_call(
    api: httpx.Client, units: Units, call: dict[str, Any], body: Any
) -> None:
    """Its method, query and body: JSON, the fields of a form, or text."""
    made = make(api)
    event = event_of(units, httpx.request(url=f"{made.url}?a=1&b=%C3%A4&a=2", **call))
    assert (event["event"], event["resource_id"]) == ("webhook.called", f"prefect.webhook.{made.id}")
    assert event["payload"] == {"method": call["method"], "query": {"a": ["1", "2"], "b": "ä"}, "body": body}


def test_head_makes_no_event(api: httpx.Client, units: Units) -> None:
    """It is how one sees whether there is a webhook."""
    made = make(api)
    assert httpx.head(made.url).status_code == 204
    assert httpx.head(made.url[:-3]).status_code == 404
    about = events.c.resource_id == f"prefect.webhook.{made.id}"
    assert [row["event"] for row in units.all(select(events).where(about))] == ["prefect.webhook.created"]


@pytest.mark.parametrize("header", ["Idempotency-Key", "X-GitHub-Delivery", "X-Gitlab-Event-UUID", "webhook-id"])
def test_a_call_that_comes_again_makes_no_other_event(api: httpx.Client, units: Units, header: str) -> None:
    """Whenever and with whatever it comes; the same key on another webhook is another call."""
    made, other = make(api), make(api)
    headers = {header: "72d3162e-cc78-11e3-81ab-4c9367dc0958"}
    first = decode(httpx.post(made.url, json=1, headers=headers), WebhookReceipt)
    again = decode(httpx.post(made.url, json=2, headers=headers), WebhookReceipt)
    assert (first.duplicate, again.duplicate, again.event_id) == (False, True, first.event_id)
    elsewhere = decode(httpx.post(other.url, json=1, headers=headers), WebhookReceipt)
    assert (elsewhere.duplicate, elsewhere.event_id == first.event_id) == (False, False)
    stored = units.all(select(events).where(events.c.id == first.event_id))
    assert [msgspec.json.decode(row["payload"])["body"] for row in stored] == [1]


def test_a_template_may_name_the_call(api: httpx.Client, units: Units) -> None:
    """Which comes before what headers say."""
    made = make(api, '{"event": "x", "resource": {"prefect.resource.id": "x"}, "id": "{{ body.id }}"}')
    first = decode(httpx.post(made.url, json={"id": 7}, headers={"Idempotency-Key": "a"}), WebhookReceipt)
    again = decode(httpx.post(made.url, json={"id": 7}, headers={"Idempotency-Key": "b"}), WebhookReceipt)
    unnamed = decode(httpx.post(made.url, json={}), WebhookReceipt)
    assert (again.event_id, again.duplicate, unnamed.duplicate) == (first.event_id, True, False)
    assert unnamed.event_id != first.event_id


def test_calls_that_come_at_once_make_one_event(api: httpx.Client, units: Units) -> None:
    """However many there are."""
    made = make(api)

    def call(number: int) -> WebhookReceipt:
        receipt: WebhookReceipt = decode(
            httpx.post(made.url, json=number, headers={"Idempotency-Key": "once"}, timeout=20), WebhookReceipt
        )
        return receipt

    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(call, range(16)))
    assert [each.duplicate for each in receipts].count(False) == 1
    (event_id,) = {each.event_id for each in receipts}
    assert len(units.all(select(events).where(events.c.id == event_id))) == 1


def test_an_event_may_have_occurred_before(api: httpx.Client, units: Units) -> None:
    """The template says when."""
    made = make(
        api, '{"event": "x", "resource": {"prefect.resource.id": "x"}, "occurred": "{{ body.at }}", "payload": null}'
    )
    event = event_of(units, httpx.post(made.url, json={"at": "2026-06-27T16:21:37Z"}))
    assert (event["occurred"].isoformat(), event["payload"]) == ("2026-06-27T16:21:37+00:00", {})


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{% if body %}x{% endif %}", "says nothing"),
        ("{% if true %}[1]{% endif %}", "no object"),
        ("{% if true %}{x}{% endif %}", "says no JSON"),
        ('{% if true %}{"event": "x"}{% endif %}', "says no 'resource'"),
        ('{"event": "x", "resource": {"prefect.resource.id": "{{ body.nothing }}"}}', "prefect.resource.id"),
        ('{"event": "x", "resource": {"prefect.resource.id": "x"}, "payloud": {}}', "'payloud'"),
        ('{"event": "x", "resource": {"prefect.resource.id": "x"}, "payload": [1]}', "payload"),
        ('{"event": "x", "resource": {"prefect.resource.id": "x"}, "occurred": "now"}', "occurred"),
        ('{"event": "{{ "e" * 1100 }}", "resource": {"prefect.resource.id": "x"}}', "event"),
        ('{"event": "{{ 1 / 0 }}", "resource": {"prefect.resource.id": "x"}}', "division by zero"),
    ],
)
def test_a_call_that_becomes_no_event_is_refused_and_told_of(
    api: httpx.Client, units: Units, template: str, reason: str
) -> None:
    """The caller learns why, and so does whoever looks at the webhook's events."""
    made = make(api, template)
    answer = httpx.post(made.url)
    assert answer.status_code == 422
    assert reason in answer.json()["detail"]
    assert failures(units, made) == [answer.json()["detail"]]


def test_an_event_that_is_too_large_is_refused(api: httpx.Client, units: Units) -> None:
    """Nobody is told that it was taken and then drops it."""
    made = make(api)
    answer = httpx.post(made.url, content=b"x" * 900_000 + b"\x01" * 200_000, timeout=20)
    assert answer.status_code == 422, answer.text
    assert "bytes" in answer.json()["detail"] or "too long" in answer.json()["detail"]
    assert len(failures(units, made)) == 1


def test_a_paused_webhook_takes_nothing(api: httpx.Client, units: Units) -> None:
    """Until it is resumed."""
    made = make(api)
    assert api.patch(f"/webhooks/{made.id}", json={"enabled": False}).status_code == 204
    assert httpx.post(made.url).status_code == 403
    assert api.patch(f"/webhooks/{made.id}", json={"enabled": True}).status_code == 204
    event_of(units, httpx.post(made.url))


def test_a_secret_can_be_changed(api: httpx.Client, units: Units) -> None:
    """The old URL is none from then on; a wrong one never is."""
    made = make(api)
    rotated = decode(api.post(f"/webhooks/{made.id}/rotate"), NewWebhook)
    assert (rotated.id, rotated.url == made.url) == (made.id, False)
    for url in (
        made.url,
        f"{api.base_url}hooks/x",
        f"{rotated.url}x",
        f"{api.base_url}hooks/%00",
        rotated.url.swapcase(),
    ):
        assert httpx.post(url).status_code == 404, url
    event_of(units, httpx.post(rotated.url))


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ('{\n"event": {{ }\n}', 2),
        ('{"event": "x",\n"resource" {}}', 2),
        ('{"event": "x", "resource": {}\n{{ body | nothing }}}', 2),
        ("[]", 1),
        ('{"event": "{{ body.x }}"}', 0),
        ("plain", 1),
    ],
)
def test_a_broken_template_is_refused_with_its_line(api: httpx.Client, template: str, line: int) -> None:
    """When it is saved; so is one that writes no JSON, or no event, whatever it is called with."""
    made = make(api)
    for answer in (
        api.post("/webhooks/", json={"name": "broken", "template": template}),
        api.patch(f"/webhooks/{made.id}", json={"template": template}),
    ):
        assert answer.status_code == 422, answer.text
        (error,) = answer.json()["exception_detail"]
        assert (error["loc"], error["ctx"]["line"]) == (["body", "template"], line)


def test_a_template_can_be_tried(api: httpx.Client, units: Units) -> None:
    """With any call, and in place of the one that is stored; nothing is."""
    made = make(api)
    path = f"/webhooks/{made.id}/test"
    call = {"body": {"action": "x", "repository": {"name": "r"}, "sender": "s"}, "headers": {"x-github-event": "push"}}
    shown = decode(api.post(path, json={**call, "template": GITHUB}), WebhookEvent)
    assert (shown.event, shown.payload, shown.id) == ("github.push", {"action": "x", "stars": None}, None)
    keyed = decode(api.post(path, json={"headers": {"Idempotency-Key": "1"}}), WebhookEvent)
    receipt = decode(httpx.post(made.url, headers={"Idempotency-Key": "1"}), WebhookReceipt)
    assert (keyed.id, receipt.duplicate) == (receipt.event_id, False)
    broken = api.post(path, json={"template": "{{"})
    assert (broken.status_code, "detail" in broken.json()) == (422, True)
    assert api.post(f"/webhooks/{UNKNOWN}/test").status_code == 404


def test_what_happens_to_a_webhook_is_told_by_events_without_its_secret(api: httpx.Client, units: Units) -> None:
    """Made, changed, its secret changed, deleted."""
    made = make(api)
    rotated = decode(api.post(f"/webhooks/{made.id}/rotate"), NewWebhook)
    api.delete(f"/webhooks/{made.id}")
    about = events.c.resource_id == f"prefect.webhook.{made.id}"
    rows = units.all(select(events).where(about).order_by(events.c.id))
    assert [row["event"].rpartition(".")[2] for row in rows] == ["created", "updated", "deleted"]
    for url in (made.url, rotated.url):
        assert url.rpartition("/")[2] not in str(rows)


def test_no_credentials_are_asked_for_but_the_secret(
    module_database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the auth string nor a CSRF token, which senders do not have; and no log has the secret."""
    flags = {
        "PODIUM_SERVER_API_AUTH_STRING": "me:word",
        "PODIUM_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PODIUM_LOGGING_LEVEL": "INFO",
    }
    auth = httpx.BasicAuth("me", "word")
    with (
        caplog.at_level(logging.DEBUG),
        LiveServer(settings_for(module_database_url, **flags), with_services=False) as live,
    ):
        with httpx.Client(base_url=live.url, timeout=20) as api:
            token = api.get("/csrf-token", params={"client": "c"}, auth=auth).json()["token"]
            headers = {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "c"}
            assert api.post("/webhooks/", json={"name": f"w-{new_id()}"}, headers=headers).status_code == 401
            made = api.post("/webhooks/", json={"name": f"w-{new_id()}"}, headers=headers, auth=auth).json()
            assert api.post("/webhooks/", json={"name": "x"}, auth=auth).status_code == 403
        assert httpx.post(made["url"], json={}).status_code == 200
        assert httpx.post(made["url"] + "/x", json={}).status_code == 404
    said = [record.getMessage() for record in caplog.records if record.name == "podium.access"]
    assert any("POST /api/hooks/*** 200" in line for line in said), said
    ours = "\n".join(f"{each.getMessage()} {each.exc_text}" for each in caplog.records if each.name[:4] != "http")
    assert made["url"].rpartition("/")[2] not in ours
