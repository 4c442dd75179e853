"""What was given up can be seen, sent again and deleted."""

from typing import Any

import httpx
import pytest
from sqlalchemy import delete, select

from podium.db.ids import DEFAULT_WORKSPACE_ID, new_id
from podium.db.tables.notifications import notification_deliveries
from podium.db.unit import Tx
from podium.wire.notification_deliveries import NotificationDelivery
from tests.server.conftest import Units, decode
from tests.server.notifications.conftest import Post
from tests.server.notifications.sinks import HttpSink, Reply

PATH = "/notification_deliveries"
UNKNOWN = "00000000-0000-0000-0000-000000000009"


def listed(api: httpx.Client, **body: Any) -> list[NotificationDelivery]:
    return decode(api.post(f"{PATH}/filter", json=body), list[NotificationDelivery])


def test_the_dead_are_listed(post: Post, sink: HttpSink, api: httpx.Client) -> None:
    """With the reason and what was to be said, the latest first; no secret of the block is shown."""
    sink.answer = lambda _: Reply(404)
    block = post.block("slack-webhook", {"url": f"{sink.url}/s3cr3t-of-slack"})
    first, second = (post.queue(block, body, "Run failed") for body in ("1", "2"))
    waiting = post.queue(post.block("slack-webhook", {"url": "http://127.0.0.1:1"}), "3")
    post.deliver()
    dead = {"notification_deliveries": {"state": {"any_": ["dead"]}}}
    found = listed(api, **dead)
    assert [each.id for each in found] == [second, first]
    assert (found[0].error, found[0].attempts, found[0].channel) == ("answered 404 Not Found: ok", 1, block)
    assert found[0].request == {"subject": "Run failed", "body": "2"}
    assert [each.id for each in listed(api, **dead, limit=1, offset=1, sort="CREATED_ASC")] == [second]
    assert api.post(f"{PATH}/count", json=dead).json() == 2
    assert api.post(f"{PATH}/count", json={"notification_deliveries": {"channel": {"any_": [block]}}}).json() == 2
    assert "s3cr3t" not in api.post(f"{PATH}/filter", json={}).text
    assert decode(api.get(f"{PATH}/{waiting}"), NotificationDelivery).not_before is not None


def test_one_is_sent_again(post: Post, sink: HttpSink, api: httpx.Client) -> None:
    """With its key and all its attempts, before what waits behind it."""
    sink.answer = lambda _: Reply(404)
    block = post.block("webhook", {"url": sink.url})
    dead = post.queue(block, kind="webhook", payload="dead", key="the-key")
    post.deliver()
    post.queue(block, kind="webhook", payload="later")
    sink.answer = lambda _: Reply()
    answer = decode(api.post(f"{PATH}/{dead}/replay"), NotificationDelivery)
    assert (answer.state, answer.attempts, answer.error, answer.ended) == ("waiting", 0, None, None)
    assert post.deliver() is None
    assert sink.texts() == ["dead", "dead", "later"]
    assert sink.requests[1].headers["idempotency-key"] == "the-key"
    assert post.row(dead)["state"] == "delivered"
    assert api.post(f"{PATH}/{dead}/replay").status_code == 409


def test_one_that_waits_is_tried_now(post: Post, sink: HttpSink, api: httpx.Client) -> None:
    """Without waiting for its time."""
    sink.answer = lambda _: Reply(503)
    delivery = post.queue(post.block("webhook", {"url": sink.url}), kind="webhook", payload="x")
    assert post.deliver() is not None
    sink.answer = lambda _: Reply()
    assert api.post(f"{PATH}/{delivery}/replay").status_code == 200
    assert post.deliver() is None


def test_only_what_was_not_reached_is_sent_again(post: Post, services: HttpSink, api: httpx.Client) -> None:
    """The numbers that got the message do not get it twice."""
    services.answer = lambda request: Reply(400 if "+18004242425" in request.form["To"] else 201)
    numbers = ["+18004242424", "+18004242425"]
    data = {"account_sid": "AC1", "auth_token": "t", "from_phone_number": "+18001234567", "to_phone_numbers": numbers}
    delivery = post.queue(post.block("twilio-sms", data), "hi")
    post.deliver()
    services.answer = lambda _: Reply(201)
    api.post(f"{PATH}/{delivery}/replay")
    post.deliver()
    assert [request.form["To"][0] for request in services.requests] == [*numbers, numbers[1]]
    assert post.row(delivery)["state"] == "delivered"


def test_one_is_deleted(post: Post, sink: HttpSink, api: httpx.Client) -> None:
    """It is not sent, and the action that waited for it has failed."""
    action = post.sending_action()
    delivery = post.queue(post.block("webhook", {"url": sink.url}), kind="webhook", payload="x", action=action)
    assert api.delete(f"{PATH}/{delivery}").status_code == 204
    assert post.deliver() is None and sink.requests == []
    ended = post.action(action)
    assert (ended["state"], ended["reason"]) == ("failed", "its delivery was deleted")


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", ""), ("POST", "/replay")])
def test_none_of_that_id(api: httpx.Client, method: str, path: str) -> None:
    """Is 404."""
    assert api.request(method, f"{PATH}/{UNKNOWN}{path}").status_code == 404


def test_those_of_another_workspace(post: Post, units: Units, api: httpx.Client) -> None:
    """Are neither shown nor sent again."""
    delivery = post.queue(None, "hi", kind="email", emails=["a@example.com"])

    def move(tx: Tx) -> None:
        tx.run(notification_deliveries.update().values(workspace_id=new_id()))

    units.write(move)
    assert listed(api) == []
    assert api.post(f"{PATH}/{delivery}/replay").status_code == 404
    [row] = units.all(select(notification_deliveries.c.workspace_id))
    assert row["workspace_id"] != DEFAULT_WORKSPACE_ID
    units.write(lambda tx: tx.run(delete(notification_deliveries)))
