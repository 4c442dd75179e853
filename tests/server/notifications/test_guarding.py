"""Calls go only where they may, take only so long and so much, and secrets stay secret."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from podium.db.tables.events import events
from podium.server.notifications.addresses import is_public
from podium.server.notifications.http import retry_after
from tests.server.notifications.conftest import Post
from tests.server.notifications.sinks import HttpSink, Reply, nobody

SECRET = "s3cr3t-t0k3n"
NOT_PUBLIC = (
    *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
    *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "2001:db8::1"),
    *("::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"),
)


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        NOT_PUBLIC,
    )
    def test_what_is_no_address_of_the_internet(self, address: str) -> None:
        """Private, loopback, link-local, shared, multicast, and IPv6 that stands for such."""
        assert not is_public(address)

    @pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
    def test_what_is_one(self, address: str) -> None:
        """Also IPv6 that stands for one of IPv4."""
        assert is_public(address)

    @pytest.mark.parametrize(
        ("slug", "kind", "message"),
        [
            ("webhook", "webhook", {"payload": "x"}),
            ("slack-webhook", "notification", {}),
            ("ms-teams-webhook", "notification", {}),
            ("custom-webhook", "notification", {}),
        ],
    )
    def test_a_block_that_allows_no_private_address(
        self, post: Post, sink: HttpSink, slug: str, kind: Any, message: dict[str, Any]
    ) -> None:
        """Nothing is sent, the message is dead; a setting allows it nevertheless, another forbids it to all."""
        closed = post.block(slug, {"name": "n", "url": sink.url, "allow_private_urls": False})
        opened = post.block(slug, {"name": "n", "url": sink.url})

        def state(block: str, allowed: bool | None) -> str:
            post.set(allow_private_addresses=allowed)
            delivery = post.queue(block, "hi", kind=kind, **message)
            assert post.deliver() is None
            return str(post.row(delivery)["state"])

        assert state(closed, None) == "dead"
        assert state(opened, False) == "dead"
        assert sink.requests == []
        assert (state(closed, True), state(opened, None)) == ("delivered", "delivered")

    def test_a_name_with_one_private_address_among_others(self, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
        """It may not be sent to."""

        async def resolve(host: str, port: int) -> list[tuple[str, int]]:
            return [("8.8.8.8", port), ("10.0.0.1", port)]

        monkeypatch.setattr(post, "_resolve", resolve)
        block = post.block("webhook", {"url": "http://rebound.example.com", "allow_private_urls": False})
        delivery = post.queue(block, kind="webhook", payload="x")
        post.deliver()
        row = post.row(delivery)
        assert row["state"] == "dead" and "10.0.0.1, which is not public" in row["error"]

    def test_the_address_that_was_checked_is_connected_to(
        self, post: Post, sink: HttpSink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A name is looked up once: nobody can answer the second time with another address."""
        asked = []

        async def resolve(host: str, port: int) -> list[tuple[str, int]]:
            asked.append(host)
            return [("127.0.0.1", port)]

        monkeypatch.setattr(post, "_resolve", resolve)
        block = post.block("webhook", {"url": f"http://nowhere.invalid:{sink.port}/"})
        post.queue(block, kind="webhook", payload="x")
        post.deliver()
        assert (asked, len(sink.requests)) == (["nowhere.invalid"], 1)
        assert sink.requests[0].headers["host"] == f"nowhere.invalid:{sink.port}"

    def test_the_next_address_is_tried(self, post: Post, sink: HttpSink, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where nobody answers at the first."""
        with nobody() as port:

            async def resolve(host: str, _: int) -> list[tuple[str, int]]:
                return [("127.0.0.2", port), ("127.0.0.1", port)]

            monkeypatch.setattr(post, "_resolve", resolve)
            delivery = post.queue(
                post.block("webhook", {"url": f"http://both.example.com:{port}/"}), kind="webhook", payload="x"
            )
            assert post.deliver() is not None
            assert post.row(delivery)["error"].startswith("cannot connect to both.example.com (127.0.0.1)")

    def test_redirections_are_not_followed(self, post: Post, sink: HttpSink) -> None:
        """Whoever answers with one decides nothing about where the server calls."""
        sink.answer = lambda _: Reply(302, headers={"Location": f"{sink.url}/elsewhere"})
        delivery = post.queue(post.block("webhook", {"url": f"{sink.url}/here"}), kind="webhook", payload="x")
        assert post.deliver() is None
        assert [request.path for request in sink.requests] == ["/here"]
        assert "redirections are not followed" in post.row(delivery)["error"]

    def test_proxies_of_the_environment_are_not_asked(
        self, post: Post, sink: HttpSink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """They would connect where nobody checked."""
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        post.queue(post.block("webhook", {"url": sink.url}), kind="webhook", payload="x")
        assert post.deliver() is None
        assert len(sink.requests) == 1


class TestTls:
    def test_a_certificate_that_nobody_knows(self, post: Post, certificate: Path) -> None:
        """Is refused, and the message waits; a block may say not to look."""
        with HttpSink(certificate) as sink:
            wary = post.queue(post.block("webhook", {"url": sink.url}), kind="webhook", payload="1")
            post.queue(post.block("webhook", {"url": sink.url, "verify": False}), kind="webhook", payload="2")
            assert post.deliver() is not None
            assert sink.texts() == ["2"]
        assert "certificate verify failed" in post.row(wary)["error"].lower()

    def test_a_certificate_of_another_name(self, post: Post, services: HttpSink) -> None:
        """Is refused, though its authority is known."""
        post.to["other.example.com"] = services.port
        delivery = post.queue(post.block("webhook", {"url": "https://other.example.com"}), kind="webhook", payload="1")
        assert post.deliver() is not None
        assert services.requests == []
        assert "certificate" in post.row(delivery)["error"].lower()


class TestLimits:
    def test_a_peer_that_does_not_answer(self, post: Post, sink: HttpSink) -> None:
        """Has no more than the time-out; the block's own counts where it is shorter."""
        import threading

        stuck = threading.Event()

        def answer(_: object) -> Reply:
            stuck.wait(10)
            return Reply()

        sink.answer = answer
        post.set(timeout=0.3)
        hook = post.queue(post.block("webhook", {"url": sink.url}), kind="webhook", payload="x")
        post.deliver()
        post.set(timeout=30.0)
        custom = post.queue(post.block("custom-webhook", {"name": "n", "url": sink.url, "timeout": 0.2}), "x")
        post.deliver()
        stuck.set()
        assert post.row(hook)["error"] == "no answer within 0.3 seconds"
        assert post.row(custom)["error"] == "no answer within 0.2 seconds"

    def test_an_endless_answer(self, post: Post, sink: HttpSink) -> None:
        """Is read as far as is set; its status counts. A thousand characters are kept."""
        sink.answer = lambda _: Reply(200, b"x" * 5_000_000)
        delivery = post.queue(post.block("webhook", {"url": sink.url}), kind="webhook", payload="x")
        assert post.deliver() is None
        assert post.row(delivery)["result"]["response_body"] == "x" * 1000

    @pytest.mark.parametrize(
        ("text", "seconds"), [("12", 12), ("-3", None), ("soon", None), (None, None), ("1e9", 86400)]
    )
    def test_how_long_a_peer_asks_to_wait(self, text: str | None, seconds: float | None) -> None:
        """A day at most; nonsense is none of it."""
        assert retry_after(text) == seconds

    def test_until_a_date(self) -> None:
        """Past dates say nothing."""
        assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") is None
        assert retry_after("Wed, 21 Oct 2099 07:28:00 GMT") == 86400


def _webhook(sink: HttpSink) -> tuple[str, Any, dict[str, Any], dict[str, Any]]:
    data = {"url": f"{sink.url}/{SECRET}", "headers": {"Authorization": f"Bearer {SECRET}"}}
    return "webhook", "webhook", data, {"payload": "x"}


def _slack(sink: HttpSink) -> tuple[str, Any, dict[str, Any], dict[str, Any]]:
    return "slack-webhook", "notification", {"url": f"{sink.url}/services/{SECRET}"}, {}


def _custom(sink: HttpSink) -> tuple[str, Any, dict[str, Any], dict[str, Any]]:
    data = {
        "name": "n",
        "url": f"{sink.url}/{{{{token}}}}",
        "headers": {"X": "{{token}}"},
        "secrets": {"token": SECRET},
    }
    return "custom-webhook", "notification", data, {}


@pytest.mark.parametrize("made", [_webhook, _slack, _custom])
@pytest.mark.parametrize("status", [200, 400, 503])
def test_a_peer_that_repeats_what_it_was_sent(
    post: Post,
    sink: HttpSink,
    made: Callable[[HttpSink], tuple[str, Any, dict[str, Any], dict[str, Any]]],
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither the answer, nor the error, nor the log shows a secret of the block; a cookie is not kept."""
    sink.answer = lambda request: Reply(
        status,
        f"{request.path} {request.headers} {request.body!r}".encode(),
        {"Set-Cookie": "a=b", "X-Echo": request.path, "X-Kept": "yes"},
    )
    caplog.set_level(logging.DEBUG, "podium")
    slug, kind, data, message = made(sink)
    delivery = post.queue(post.block(slug, data), "hi", kind=kind, **message)
    post.deliver()
    row = post.row(delivery)
    assert sink.requests[0].path.endswith(SECRET)
    assert SECRET not in repr(row) + caplog.text
    assert "********" in row["result"]["response_body"]
    assert row["result"]["response_headers"]["x-kept"] == "yes"
    assert "set-cookie" not in row["result"]["response_headers"]


def test_loading_a_block_is_told(post: Post, sink: HttpSink) -> None:
    """By an event about the block and its type, once for a message; an action tells it by itself."""
    block = post.block("slack-webhook", {"url": sink.url})
    sink.answer = lambda _: Reply(503)
    post.queue(block, "hi")
    due = post.deliver()
    sink.answer = lambda _: Reply(200)
    post.clock.turn(due or 0)
    post.deliver()
    post.queue(block, "hi", action=post.sending_action())
    post.deliver()
    found = post.units.all(select(events).where(events.c.event == "prefect.block.slack-webhook.loaded"))
    told = [event for event in found if event["resource_id"] == f"prefect.block-document.{block}"]
    assert len(told) == 1
    assert b"prefect.block-type.slack-webhook" in bytes(told[0]["related"])
