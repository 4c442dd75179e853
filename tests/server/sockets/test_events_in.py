"""/events/in: what a client sends is stored, in order, before it is confirmed."""

import threading
import time
from typing import Any

import httpx
import pytest
from websockets.frames import Frame, Opcode

from podium.db.ids import new_id
from podium.server.events.outbox import store_client_events
from podium.server.sockets import events_in
from tests.server.conftest import LiveServer
from tests.server.events.samples import event, frame
from tests.server.sockets.client import Peer

EVER = {"since": "2000-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}


def stored(api: httpx.Client, resource_id: str) -> list[dict[str, Any]]:
    """The events of a resource, oldest first."""
    wanted = {"resource": {"id": [resource_id]}, "order": "ASC", "occurred": EVER}
    answer = api.post("/events/filter", json={"filter": wanted})
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["events"]
    return found


def test_a_pong_confirms_that_everything_before_is_stored(server: LiveServer, api: httpx.Client) -> None:
    """Clients forget what they sent when they see it."""
    key = new_id()
    with Peer(server, "/events/in").admitted() as peer:
        for number in range(40):
            peer.ws.send(frame(event(resource_id=key, payload={"number": number})))
        peer.settle()
        assert sorted(each["payload"]["number"] for each in stored(api, key)) == list(range(40))


def test_what_was_sent_before_leaving_is_stored(server: LiveServer, api: httpx.Client) -> None:
    """A process sends its last events and ends."""
    key = new_id()
    with Peer(server, "/events/in").admitted() as peer:
        peer.ws.send(frame(event(resource_id=key)))
    deadline = time.monotonic() + 10
    while not stored(api, key) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(stored(api, key)) == 1


def test_an_event_is_kept_as_it_was_sent(server: LiveServer, api: httpx.Client) -> None:
    """With the time it was received added."""
    sent = event(resource_id=new_id(), related=[{"prefect.resource.id": "a", "prefect.resource.role": "b"}])
    sent.payload, sent.follows = {"nested": {"list": [1, None, "ü"]}}, new_id()
    with Peer(server, "/events/in").admitted() as peer:
        peer.ws.send(frame(sent))
        peer.settle()
    [kept] = stored(api, sent.resource_id)
    assert kept.pop("received")
    assert kept == {
        "id": sent.id,
        "occurred": "2026-05-06T12:00:00Z",
        "event": sent.event,
        "resource": sent.resource,
        "related": sent.related,
        "payload": sent.payload,
        "follows": sent.follows,
    }


def test_sending_again_changes_nothing(server: LiveServer, api: httpx.Client) -> None:
    """After a reconnect clients repeat what was not confirmed."""
    sent = event(resource_id=new_id())
    for _ in range(2):
        with Peer(server, "/events/in").admitted() as peer:
            peer.ws.send(frame(sent))
            peer.ws.send(frame(sent))
            peer.settle()
    assert len(stored(api, sent.resource_id)) == 1


def test_a_bad_event_is_skipped_and_the_socket_stays(server: LiveServer, api: httpx.Client) -> None:
    """Or the client would send it for ever."""
    key = new_id()
    with Peer(server, "/events/in").admitted() as peer:
        peer.ws.send(frame(event(resource_id=key, payload={"number": 1})))
        for bad in ("no json", "{}", frame(event(), resource={}), frame(event("x" * 2000)), b"bytes"):
            peer.ws.send(bad)
        peer.ws.send(frame(event(resource_id=key, payload={"text": "y" * 1_600_000})))
        peer.ws.send(frame(event(resource_id=key, labels={"nul": "a\x00b"}, payload={"number": 2})))
        peer.ws.send(frame(event(resource_id=key, payload={"number": 3})))
        peer.settle()
        numbers = {each["payload"]["number"] for each in stored(api, key)}
    assert numbers - {2} == {1, 3}


def test_a_thousand_waiting_frames_are_taken_in_turn(server: LiveServer, api: httpx.Client) -> None:
    """A client that is faster than the database is slowed down, not disconnected."""
    key = new_id()
    with Peer(server, "/events/in").admitted() as peer:
        for number in range(2500):
            peer.ws.send(frame(event(resource_id=key, payload={"number": number})))
        peer.settle()
    wanted = {"resource": {"id": [key]}, "occurred": EVER}
    assert api.post("/events/filter", json={"filter": wanted, "limit": 1}).json()["total"] == 2500


def test_a_ping_right_behind_the_token_waits_for_the_events_between(server: LiveServer, api: httpx.Client) -> None:
    """A client need not wait for its admission before it sends."""
    key = new_id()
    with Peer(server, "/events/in") as peer:
        for number in range(20):
            peer.ws.send(frame(event(resource_id=key, payload={"number": number})))
        peer.settle()
        assert len(stored(api, key)) == 20


def test_a_ping_among_the_frames_does_not_answer_for_those_behind_it(
    server: LiveServer, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where all comes at once: a keepalive ping, an event and the ping that asks whether it is kept."""

    def store_late(*arguments: Any) -> None:
        time.sleep(0.3)
        store_client_events(*arguments)

    monkeypatch.setattr(events_in, "store_client_events", store_late)
    key = new_id()
    with Peer(server, "/events/in").admitted() as peer:
        answered = {name: threading.Event() for name in (b"alive?", b"kept?")}
        for name, waiter in answered.items():
            peer.ws.pending_pings[name] = (waiter, time.monotonic(), False)
        frames = [
            Frame(Opcode.PING, b"alive?"),
            Frame(Opcode.TEXT, frame(event(resource_id=key)).encode()),
            Frame(Opcode.PING, b"kept?"),
        ]
        peer.ws.socket.sendall(b"".join(each.serialize(mask=True) for each in frames))
        assert answered[b"alive?"].wait(10)
        assert answered[b"kept?"].wait(10)
        assert len(stored(api, key)) == 1
