"""What is queued arrives: once, in the order of its channel, whatever goes wrong meanwhile."""

import pytest

from tests.server.notifications.conftest import Post
from tests.server.notifications.sinks import HttpSink, Reply, Request


def hook(sink: HttpSink, path: str = "/hook") -> dict[str, str]:
    return {"url": sink.url + path}


class TestSending:
    def test_a_payload_is_posted_to_its_webhook(self, post: Post, sink: HttpSink) -> None:
        """As JSON, with the key by which the peer knows whether it had it already; the answer is kept."""
        block = post.block("webhook", hook(sink))
        delivery = post.queue(block, kind="webhook", payload='{"a": 1}', key="the-key")
        assert post.deliver() is None
        [request] = sink.requests
        assert (request.method, request.path, request.json) == ("POST", "/hook", {"a": 1})
        assert request.headers["content-type"] == "application/json"
        assert request.headers["idempotency-key"] == "the-key"
        assert request.headers["x-podium-delivery"] == delivery
        row = post.row(delivery)
        assert (row["state"], row["attempts"], row["error"], row["ended"]) == ("delivered", 1, None, post.clock())
        assert (row["result"]["status_code"], row["result"]["response_body"]) == (200, "ok")
        assert row["claimed_by"] is None

    def test_what_was_sent_is_not_sent_again(self, post: Post, sink: HttpSink) -> None:
        """Neither a second round nor another process finds it."""
        block = post.block("webhook", hook(sink))
        post.queue(block, kind="webhook", payload="x")
        post.deliver()
        post.deliver()
        assert len(sink.requests) == 1


class TestOrder:
    def test_ten_minutes_without_the_peer(self, post: Post, sink: HttpSink) -> None:
        """All that came meanwhile is delivered once, in order, on the virtual clock."""
        block = post.block("webhook", hook(sink))
        sink.down = True
        sent = 0
        while post.clock.now.minute < 31 or post.clock.now.second < 37:
            post.queue(block, kind="webhook", payload=str(sent))
            sent += 1
            due = post.deliver()
            assert due is not None
            post.clock.turn(min(due, 20.0))
        sink.down = False
        while (due := post.deliver()) is not None:
            post.clock.turn(due)
        assert sent > 30
        assert sink.texts() == [str(number) for number in range(sent)]

    def test_other_channels_go_on(self, post: Post, sink: HttpSink) -> None:
        """A channel whose first message has to wait keeps back its own later ones, and no other channel's."""
        sink.answer = lambda request: Reply(503 if request.path == "/away" else 200)
        away, there = post.block("webhook", hook(sink, "/away")), post.block("webhook", hook(sink))
        first, second = (post.queue(away, kind="webhook", payload=text) for text in ("1", "2"))
        third = post.queue(there, kind="webhook", payload="3")
        due = post.deliver()
        assert [post.row(each)["state"] for each in (first, second, third)] == ["waiting", "waiting", "delivered"]
        assert due is not None and 0.8 <= due <= 1.2
        assert (post.row(first)["attempts"], post.row(second)["attempts"]) == (1, 0)
        sink.answer = lambda request: Reply()
        post.clock.turn(due)
        assert post.deliver() is None
        assert sink.texts()[-2:] == ["1", "2"]
        assert sorted(sink.texts()[:2]) == ["1", "3"]


class TestGivingUp:
    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
    def test_a_refusal_for_good_is_dead_at_once(self, post: Post, sink: HttpSink, status: int) -> None:
        """With the reason; what waits behind it is sent."""
        sink.answer = lambda request: Reply(status if request.body == b"bad" else 200, b"no such hook")
        block, action = post.block("webhook", hook(sink)), post.sending_action()
        bad = post.queue(block, kind="webhook", payload="bad", action=action)
        good = post.queue(block, kind="webhook", payload="good")
        assert post.deliver() is None
        row = post.row(bad)
        assert (row["state"], row["attempts"], row["result"]["status_code"]) == ("dead", 1, status)
        assert row["error"].startswith(f"answered {status} ") and row["error"].endswith(": no such hook")
        assert post.row(good)["state"] == "delivered"
        ended = post.action(action)
        assert (ended["state"], ended["reason"]) == ("failed", row["error"])

    def test_an_action_is_done_when_its_message_arrived(self, post: Post, sink: HttpSink) -> None:
        """In the transaction that says so."""
        sink.answer = lambda _: Reply(503)
        block, action = post.block("webhook", hook(sink)), post.sending_action()
        post.queue(block, kind="webhook", payload="x", action=action)
        due = post.deliver()
        assert post.action(action)["state"] == "sending"
        sink.answer = lambda _: Reply()
        post.clock.turn(due or 0)
        post.deliver()
        assert post.action(action)["state"] == "executed"

    def test_the_last_attempt(self, post: Post, sink: HttpSink) -> None:
        """Waits double up to the longest; after as many attempts as are set the message is dead."""
        post.set(attempts=5, first_retry_delay=10.0, longest_retry_delay=30.0)
        sink.answer = lambda _: Reply(500)
        delivery = post.queue(post.block("webhook", hook(sink)), kind="webhook", payload="x")
        waits = []
        while (due := post.deliver()) is not None:
            waits.append(due)
            post.clock.turn(due)
        for wait, nominal in zip(waits, (10, 20, 30, 30), strict=True):
            assert 0.8 * nominal <= wait <= 1.2 * nominal
        row = post.row(delivery)
        assert (row["state"], row["attempts"], len(sink.requests)) == ("dead", 5, 5)

    def test_what_waited_that_long_behind_another_is_given_up_sooner(self, post: Post, sink: HttpSink) -> None:
        """A channel that is gone does not take all attempts for each of its messages."""
        post.set(attempts=20, first_retry_delay=10.0, longest_retry_delay=60.0)
        sink.answer = lambda _: Reply(500)
        block = post.block("webhook", hook(sink))
        first, second = (post.queue(block, kind="webhook", payload="x") for _ in range(2))
        while (due := post.deliver()) is not None:
            post.clock.turn(due)
        assert (post.row(first)["attempts"], post.row(second)["attempts"]) == (20, 5)

    def test_a_peer_that_asks_to_wait(self, post: Post, sink: HttpSink) -> None:
        """429 with Retry-After is not asked before."""
        sink.answer = lambda _: Reply(429, headers={"Retry-After": "77"})
        post.queue(post.block("webhook", hook(sink)), kind="webhook", payload="x")
        assert post.deliver() == 77

    def test_a_block_that_is_gone(self, post: Post) -> None:
        """Its messages are dead at once."""
        delivery = post.queue("00000000-0000-0000-0000-000000000009", "hello")
        assert post.deliver() is None
        row = post.row(delivery)
        assert row["state"] == "dead" and "does not exist" in row["error"]


class TestDying:
    def test_a_process_that_dies_between_answer_and_commit(self, post: Post, sink: HttpSink) -> None:
        """Another sends the message again once the claim has run out, with the same key, and then what is behind it."""
        block = post.block("webhook", hook(sink))
        for number in range(2):
            post.queue(block, kind="webhook", payload=str(number), key=f"key-{number}")

        async def die() -> None:
            dying = post.deliverer("dying")

            async def never(*args: object) -> None:
                raise SystemExit

            dying._insist = never  # type: ignore[method-assign]
            await dying.start()
            for task in list(dying._channels.values()):
                with pytest.raises(SystemExit):
                    await task

        with pytest.raises(SystemExit):
            post.units.run(die())
        due = post.deliver()
        assert due == 40.0 and sink.texts() == ["0"]
        post.clock.turn(due)
        assert post.deliver() is None
        assert sink.texts() == ["0", "0", "1"]
        assert [request.headers["idempotency-key"] for request in sink.requests] == ["key-0", "key-0", "key-1"]

    def test_a_claim_that_another_took_over_changes_nothing(self, post: Post, sink: HttpSink) -> None:
        """Who comes late marks nothing and sends nothing behind it."""
        block = post.block("webhook", hook(sink))
        delivery = post.queue(block, kind="webhook", payload="0")
        post.queue(block, kind="webhook", payload="1")

        def answer(request: Request) -> Reply:
            if len(sink.requests) == 1:
                post.clock.turn(41)
            return Reply()

        sink.answer = answer

        async def race() -> None:
            slow, quick = post.deliverer("slow"), post.deliverer("quick")
            noted = slow._insist

            async def late(*args: object) -> object:
                await quick.start()
                await quick.finish()
                return await noted(*args)  # type: ignore[arg-type]

            slow._insist = late  # type: ignore[method-assign, assignment]
            await slow.start()
            await slow.finish()

        post.units.run(race())
        assert post.row(delivery)["attempts"] == 2
        assert sink.texts() == ["0", "0", "1"]
