"""/events/out: those who listen get what matches, once, with nothing lost between what was and what comes."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from websockets.exceptions import ConnectionClosed

from podium.db.ids import new_id
from podium.server.events.event import Event
from tests.server.conftest import LiveServer
from tests.server.events.samples import event, frame
from tests.server.sockets.client import Peer


@pytest.fixture
def emit(api: httpx.Client) -> Callable[..., None]:
    """Sends events by HTTP: they are stored when it returns."""

    def send(*sent: Event) -> None:
        answer = api.post("/events", content=f"[{','.join(frame(each) for each in sent)}]")
        assert (answer.status_code, answer.content) == (204, b"")

    return send


def new(name: str, **fields: Any) -> Event:
    return event(name, **{"resource_id": new_id(), "occurred": datetime.now(UTC), **fields})


def subscribe(server: LiveServer, wanted: dict[str, Any], **options: Any) -> Peer:
    peer = Peer(server, "/events/out").admitted()
    peer.send(type="filter", filter=wanted, **options)
    return peer


def names(peer: Peer, number: int) -> list[str]:
    return [peer.receive()["event"]["event"] for _ in range(number)]


def test_recent_events_come_first_and_new_ones_follow(server: LiveServer, emit: Callable[..., None]) -> None:
    """Oldest first, each in its envelope, and each once."""
    key = new_id()
    moment = datetime.now(UTC)
    emit(new("second", resource_id=key, occurred=moment))
    emit(new("first", resource_id=key, occurred=moment - timedelta(seconds=30)), new("other"))
    with subscribe(server, {"resource": {"id": [key]}}) as peer:
        message = peer.receive()
        assert message["type"] == "event"
        assert set(message["event"]) == {f.name for f in msgspec.structs.fields(Event)} - {"workspace_id"}
        assert message["event"]["event"] == "first"
        assert names(peer, 1) == ["second"]
        emit(new("third", resource_id=key), new("other"))
        assert names(peer, 1) == ["third"]
        assert peer.silence()


def test_without_backfill_only_new_events_come(server: LiveServer, emit: Callable[..., None]) -> None:
    """The subscription stands when the first of them can come."""
    key = new_id()
    emit(new("before", resource_id=key))
    with subscribe(server, {"resource": {"id": [key]}}, backfill=False) as peer:
        peer.settle()
        emit(new("after", resource_id=key))
        assert names(peer, 1) == ["after"]


def test_the_past_is_bounded(server: LiveServer, emit: Callable[..., None]) -> None:
    """However far back a filter asks, fifteen minutes are sent."""
    key = new_id()
    emit(new("old", resource_id=key, occurred=datetime.now(UTC) - timedelta(minutes=16)))
    emit(new("recent", resource_id=key, occurred=datetime.now(UTC) - timedelta(minutes=14)))
    with subscribe(server, {"resource": {"id": [key]}, "occurred": {"since": "2000-01-01T00:00:00Z"}}) as peer:
        assert names(peer, 1) == ["recent"]
        assert peer.silence()


def test_a_long_backfill_comes_in_order(server: LiveServer, emit: Callable[..., None]) -> None:
    """Over several pages."""
    key, start = new_id(), datetime.now(UTC) - timedelta(minutes=5)
    for page in range(6):
        emit(*(new(f"{page * 100 + n}", resource_id=key, occurred=start + timedelta(seconds=page)) for n in range(100)))
    with subscribe(server, {"resource": {"id": [key]}}) as peer:
        assert sorted(map(int, names(peer, 600))) == list(range(600))
        assert peer.silence()


def test_nothing_falls_between_backfill_and_stream(server: LiveServer, emit: Callable[..., None]) -> None:
    """While events pour in, a new subscriber gets every one, and none twice."""
    key, stop = new_id(), threading.Event()
    sent: list[str] = []

    def pour() -> None:
        while not stop.is_set() and len(sent) < 150:
            each = new("drop", resource_id=key)
            emit(each)
            sent.append(each.id)

    thread = threading.Thread(target=pour)
    thread.start()
    try:
        for _ in range(3):
            with subscribe(server, {"resource": {"id": [key]}}) as peer:
                got = [peer.receive()["event"]["id"] for _ in range(20)]
                assert got == list(dict.fromkeys(got))
                known = sent[: len(got) - 2]
                assert set(known[:18]) <= set(got)
    finally:
        stop.set()
        thread.join()


def test_a_run_watcher_sees_the_states_of_its_run(server: LiveServer, api: httpx.Client) -> None:
    """As runners and workers listen for cancellation: by name, until a year from now."""
    flow = api.post("/flows/", json={"name": f"flow-{new_id()}"}).json()
    run = api.post("/flow_runs/", json={"flow_id": flow["id"]}).json()
    until = (datetime.now(UTC) + timedelta(days=365)).isoformat()
    since = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    wanted = {
        "event": {"name": ["prefect.flow-run.Running"]},
        "any_resource": {"id": [f"prefect.flow-run.{run['id']}"]},
        "occurred": {"since": since, "until": until},
    }
    with subscribe(server, wanted) as peer:
        peer.settle()
        api.post(f"/flow_runs/{run['id']}/set_state", json={"state": {"type": "RUNNING"}}).raise_for_status()
        told = peer.receive()["event"]
    assert told["resource"]["prefect.resource.id"] == f"prefect.flow-run.{run['id']}"
    assert told["payload"]["validated_state"]["type"] == "RUNNING"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"type": "something"}, "filter"),
        ({"type": "filter"}, "Invalid filter"),
        ({"type": "filter", "filter": None}, "Invalid filter"),
        ({"type": "filter", "filter": {"unknown" * 40: 1}}, "Invalid filter"),
        ({"type": "filter", "filter": {"event": {"name": 3}}}, "Invalid filter"),
    ],
)
@pytest.mark.parametrize("path", ["/events/out", "/logs/out"])
def test_a_bad_filter_is_answered_with_its_reason(
    server: LiveServer, path: str, message: dict[str, Any], reason: str
) -> None:
    """Within the length that a close may have."""
    if path == "/logs/out" and "event" in (message.get("filter") or {}):
        message = {"type": "filter", "filter": {"level": {"ge_": "high"}}}
    with Peer(server, path).admitted() as peer:
        peer.send(**message)
        with pytest.raises(ConnectionClosed) as closed:
            peer.receive()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1002
    assert reason in closed.value.rcvd.reason
