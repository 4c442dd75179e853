"""Each service is sent what it documents; where it has one address for all, over TLS at the name it has."""

from base64 import b64encode
from typing import Any

import pytest

from tests.server.notifications.conftest import Post
from tests.server.notifications.sinks import HttpSink, Reply, Request

SUBJECT = "Run failed"
BODY = "The fuzzy-leopard run of the daily-etl flow entered a Failed state at 2026-06-27 16:21:37 UTC."


def sent(post: Post, sink: HttpSink, slug: str, data: dict[str, Any], key: str = "the-key") -> Request:
    """The one request that a notification over a block becomes."""
    delivery = post.queue(post.block(slug, data), BODY, SUBJECT, key=key)
    assert post.deliver() is None
    assert post.row(delivery)["state"] == "delivered", post.row(delivery)["error"]
    [request] = sink.requests
    assert request.headers["idempotency-key"] == key
    assert request.headers["user-agent"].startswith("Podium")
    return request


def as_json(request: Request, host: str, path: str) -> Any:
    """The body of a POST of JSON to a place."""
    assert (request.method, request.headers["host"], request.path) == ("POST", host, path)
    assert request.headers["content-type"] == "application/json"
    return request.json


class TestChats:
    def test_slack(self, post: Post, sink: HttpSink) -> None:
        """An incoming webhook with an attachment in the color of its type; &, < and > are escaped."""
        data = {"url": f"{sink.url}/services/T0/B0/secret", "notify_type": "failure"}
        request = sent(post, sink, "slack-webhook", data)
        body = as_json(request, f"127.0.0.1:{sink.port}", "/services/T0/B0/secret")
        assert body == {
            "attachments": [
                {"fallback": SUBJECT, "title": SUBJECT, "text": BODY, "color": "#A32037", "footer": "Podium"}
            ]
        }
        post.queue(post.block("slack-webhook", data), "a <b> & c")
        post.deliver()
        [attachment] = sink.requests[1].json["attachments"]
        assert (attachment["text"], "title" in attachment) == ("a &lt;b&gt; &amp; c", False)

    def test_discord(self, post: Post, services: HttpSink) -> None:
        """Executes the webhook and waits for the message; nobody is mentioned by the name of a run."""
        data = {"webhook_id": "123", "webhook_token": "t0k3n", "botname": "Bot", "tts": True}
        request = sent(post, services, "discord-webhook", data)
        assert as_json(request, "discord.com", "/api/webhooks/123/t0k3n?wait=true") == {
            "content": f"{SUBJECT}\n{BODY}",
            "tts": True,
            "username": "Bot",
            "allowed_mentions": {"parse": []},
        }
        post.queue(post.block("discord-webhook", data), "x" * 3000)
        post.deliver()
        assert len(services.requests[1].json["content"]) == 2000

    def test_mattermost(self, post: Post, sink: HttpSink) -> None:
        """Each of the block's channels gets the message."""
        data = {"hostname": "127.0.0.1", "port": sink.port, "token": "t0k3n", "path": "/chat/", "botname": "Bot"}
        body = as_json(sent(post, sink, "mattermost-webhook", data), f"127.0.0.1:{sink.port}", "/chat/hooks/t0k3n")
        assert body == {"text": f"{SUBJECT}\n{BODY}", "username": "Bot"}
        post.queue(post.block("mattermost-webhook", {**data, "path": None, "channels": ["#ops", "data"]}), "hi")
        post.deliver()
        assert [(request.path, request.json["channel"]) for request in sink.requests[1:]] == [
            ("/hooks/t0k3n", "ops"),
            ("/hooks/t0k3n", "data"),
        ]

    def test_microsoft_teams(self, post: Post, sink: HttpSink) -> None:
        """A workflow's URL gets an adaptive card, with the signature in its query as it is."""
        path = "/workflows/abc/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sig=S"
        sink.answer = lambda _: Reply(202)
        request = sent(post, sink, "ms-teams-webhook", {"url": sink.url + path, "wrap": False})
        body = as_json(request, f"127.0.0.1:{sink.port}", path)
        assert body["type"] == "message"
        [attachment] = body["attachments"]
        assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        card = attachment["content"]
        assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
        assert [(block["type"], block["text"], block["wrap"]) for block in card["body"]] == [
            ("TextBlock", SUBJECT, False),
            ("TextBlock", BODY, False),
        ]


class TestAlerts:
    @pytest.mark.parametrize(("region", "host"), [("us", "api.opsgenie.com"), ("eu", "api.eu.opsgenie.com")])
    def test_opsgenie(self, post: Post, services: HttpSink, region: str, host: str) -> None:
        """Creates an alert whose alias is the delivery's key: sent twice, it is one alert."""
        services.answer = lambda _: Reply(202, b'{"result":"Request will be processed","requestId":"1"}')
        data = {
            "apikey": "k3y-of-opsgenie",
            "region_name": region,
            "target_team": ["ops"],
            "target_user": ["a@example.com"],
            "batch": True,
            "tags": ["etl"],
            "priority": 1,
            "entity": "db",
            "details": {"a": "b"},
            "notify_type": "failure",
        }
        request = sent(post, services, "opsgenie-webhook", data)
        assert request.headers["authorization"] == "GenieKey k3y-of-opsgenie"
        assert as_json(request, host, "/v2/alerts") == {
            "message": SUBJECT,
            "alias": "the-key",
            "description": BODY,
            "responders": [{"type": "user", "username": "a@example.com"}, {"type": "team", "name": "ops"}],
            "tags": ["etl"],
            "details": {"type": "failure", "a": "b"},
            "entity": "db",
            "source": "Podium",
            "priority": "P1",
        }

    def test_an_alert_for_each_responder(self, post: Post, services: HttpSink) -> None:
        """Unless they are to be told together; what was sent before a failure is not sent again."""
        statuses = iter([202, 503, 202])
        services.answer = lambda _: Reply(next(statuses))
        post.queue(post.block("opsgenie-webhook", {"apikey": "k", "target_team": ["a", "b"]}), BODY, key="key")
        due = post.deliver()
        post.clock.turn(due or 0)
        assert post.deliver() is None
        told = [(request.json["responders"][0]["name"], request.json["alias"]) for request in services.requests]
        assert told == [("a", "key-0"), ("b", "key-1"), ("b", "key-1")]

    @pytest.mark.parametrize(("region", "host"), [("us", "events.pagerduty.com"), ("eu", "events.eu.pagerduty.com")])
    def test_pager_duty(self, post: Post, services: HttpSink, region: str, host: str) -> None:
        """Triggers an event whose dedup_key is the delivery's key; the API key stays at home."""
        services.answer = lambda _: Reply(202, b'{"status":"success"}')
        data = {
            "integration_key": "routing",
            "api_key": "not-needed",
            "region_name": region,
            "notify_type": "failure",
            "group": "etl",
            "class_id": "run",
            "clickable_url": "https://podium.example.com/run",
            "custom_details": {"disk": "full"},
        }
        request = sent(post, services, "pager-duty-webhook", data)
        assert "authorization" not in request.headers and b"not-needed" not in request.body
        assert as_json(request, host, "/v2/enqueue") == {
            "routing_key": "routing",
            "event_action": "trigger",
            "dedup_key": "the-key",
            "client": "Podium",
            "links": [{"href": "https://podium.example.com/run", "text": "https://podium.example.com/run"}],
            "payload": {
                "summary": SUBJECT,
                "severity": "critical",
                "source": "Prefect",
                "component": "Notification",
                "group": "etl",
                "class": "run",
                "custom_details": {"disk": "full", "Prefect Notification Body": BODY},
            },
        }

    def test_twilio(self, post: Post, services: HttpSink) -> None:
        """A message to each number; a number that is refused for good keeps no other from its message."""
        services.answer = lambda request: Reply(400 if "+18004242425" in request.form["To"] else 201)
        data = {
            "account_sid": "AC1",
            "auth_token": "t0k3n-of-twilio",
            "from_phone_number": "1 (800) 123-4567",
            "to_phone_numbers": ["18004242424", "+18004242425", "18004242426"],
        }
        delivery = post.queue(post.block("twilio-sms", data), BODY, SUBJECT)
        assert post.deliver() is None
        basic = b64encode(b"AC1:t0k3n-of-twilio").decode()
        for request, number in zip(services.requests, ("24", "25", "26"), strict=True):
            assert (request.method, request.path) == ("POST", "/2010-04-01/Accounts/AC1/Messages.json")
            assert request.headers["host"] == "api.twilio.com"
            assert request.headers["authorization"] == f"Basic {basic}"
            assert request.form == {
                "From": ["+18001234567"],
                "To": [f"+180042424{number}"],
                "Body": [f"{SUBJECT}\n{BODY}"],
            }
        row = post.row(delivery)
        assert (row["state"], row["result"]["reached"]) == ("dead", ["+18004242424", "+18004242426"])
        assert row["error"].startswith("sent to 2, failed for 1: answered 400")

    def test_sendgrid(self, post: Post, services: HttpSink) -> None:
        """One call; every recipient gets a copy that names no other."""
        services.answer = lambda _: Reply(202, b"")
        data = {
            "api_key": "SG.k3y",
            "sender_email": "from@example.com",
            "to_emails": ["a@example.com", "b@example.com"],
        }
        request = sent(post, services, "sendgrid-email", data)
        assert request.headers["authorization"] == "Bearer SG.k3y"
        assert as_json(request, "api.sendgrid.com", "/v3/mail/send") == {
            "personalizations": [{"to": [{"email": "a@example.com"}]}, {"to": [{"email": "b@example.com"}]}],
            "from": {"email": "from@example.com"},
            "subject": SUBJECT,
            "content": [{"type": "text/plain", "value": BODY}],
            "custom_args": {"podium_delivery": "the-key"},
        }


class TestCustomWebhooks:
    def test_json(self, post: Post, sink: HttpSink) -> None:
        """Placeholders are filled in everywhere, once: a message that holds one gives no secret away."""
        data = {
            "name": "my hook",
            "url": f"{sink.url}/{{{{token}}}}/x?a=1",
            "method": "PUT",
            "params": {"subject": "{{subject}}"},
            "json_data": {"text": "{{ subject }}: {{body}}", "deep": [{"by": "{{name}}"}], "n": 5},
            "headers": {"X-Token": "{{token}}"},
            "cookies": {"c": "{{token}}"},
            "secrets": {"token": "s3cr3t"},
        }
        post.queue(post.block("custom-webhook", data), "{{token}}", "A & B")
        assert post.deliver() is None
        [request] = sink.requests
        assert (request.method, request.path) == ("PUT", "/s3cr3t/x?a=1&subject=A+%26+B")
        assert request.json == {"text": "A & B: {{token}}", "deep": [{"by": "my hook"}], "n": 5}
        assert (request.headers["x-token"], request.headers["cookie"]) == ("s3cr3t", "c=s3cr3t")

    def test_forms_and_raw_text(self, post: Post, sink: HttpSink) -> None:
        """A form of names and values, or the text as it is."""
        data = {"name": "n", "url": sink.url}
        post.queue(post.block("custom-webhook", {**data, "form_data": {"text": "{{body}}"}}), "a b")
        post.deliver()
        post.queue(post.block("custom-webhook", {**data, "form_data": "raw {{body}}"}), "a b")
        post.deliver()
        form, raw = sink.requests
        assert (form.form, form.headers["content-type"]) == ({"text": ["a b"]}, "application/x-www-form-urlencoded")
        assert (raw.body, "content-type" in raw.headers) == (b"raw a b", False)

    @pytest.mark.parametrize(
        ("data", "why"),
        [
            ({"json_data": {"a": "{{unknown}}"}}, "the block has no value for the placeholder {{unknown}}"),
            ({"json_data": {}, "form_data": {}}, "the block has both JSON data and form data"),
            ({"url": "ftp://example.com"}, "the URL is none of http or https with a host"),
            ({"url": "http://"}, "the URL is none of http or https with a host"),
        ],
    )
    def test_a_block_that_makes_no_request(self, post: Post, data: dict[str, Any], why: str) -> None:
        """Its messages are dead at once, with the reason."""
        block = post.block("custom-webhook", {"name": "n", "url": "http://127.0.0.1:1", **data})
        delivery = post.queue(block, BODY)
        assert post.deliver() is None
        assert (post.row(delivery)["state"], post.row(delivery)["error"]) == ("dead", why)


class TestWebhooks:
    def test_the_fields_of_the_block(self, post: Post, sink: HttpSink) -> None:
        """Method and headers are the block's; text is sent as text."""
        data = {"url": sink.url, "method": "PATCH", "headers": {"X-Api-Key": "k3y", "Content-Type": "text/csv"}}
        post.queue(post.block("webhook", data), kind="webhook", payload="a,b")
        post.deliver()
        [request] = sink.requests
        assert (request.method, request.body, request.headers["x-api-key"]) == ("PATCH", b"a,b", "k3y")
        assert request.headers["content-type"] == "text/csv"

    def test_a_block_of_another_kind(self, post: Post, sink: HttpSink) -> None:
        """A payload goes to no chat, and a notification to no plain webhook."""
        slack = post.queue(post.block("slack-webhook", {"url": sink.url}), kind="webhook", payload="x")
        hook = post.queue(post.block("webhook", {"url": sink.url}), "hello")
        post.deliver()
        for delivery in (slack, hook):
            row = post.row(delivery)
            assert row["state"] == "dead" and "the server knows no way to send" in row["error"]
        assert sink.requests == []
