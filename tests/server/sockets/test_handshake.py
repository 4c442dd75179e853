"""Who may open a WebSocket, and how those are told who may not."""

from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.server.conftest import LiveServer, settings_for
from tests.server.events.samples import event, frame
from tests.server.sockets.client import Peer

PATHS = ["/events/in", "/events/out", "/logs/out", "/task_runs/subscriptions/scheduled"]


@pytest.fixture(scope="module")
def guarded(sqlite_copy: str) -> Iterator[LiveServer]:
    """A server that asks for credentials."""
    settings = settings_for(sqlite_copy, PODIUM_SERVER_API_AUTH_STRING="me:secret")
    with LiveServer(settings, with_services=False) as live:
        yield live


@pytest.fixture(scope="module")
def open_to_all(sqlite_copy: str) -> Iterator[LiveServer]:
    """A server that asks for none."""
    with LiveServer(settings_for(sqlite_copy), with_services=False) as live:
        yield live


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", [None, "anything"])
def test_without_credentials_set_any_token_passes(open_to_all: LiveServer, path: str, token: str | None) -> None:
    """The subprotocol is echoed."""
    with Peer(open_to_all, path, token) as peer:
        assert peer.ws.subprotocol == "prefect"
        peer.admitted()


@pytest.mark.parametrize("path", PATHS)
def test_the_right_token_passes(guarded: LiveServer, path: str) -> None:
    """It is the plain `user:password`."""
    with Peer(guarded, path, "me:secret") as peer:
        peer.admitted()


@pytest.mark.parametrize(("token", "reason"), [(None, "required"), ("", "required"), ("me:wrong", "wrong")])
@pytest.mark.parametrize("path", PATHS)
def test_another_token_is_refused(guarded: LiveServer, path: str, token: str | None, reason: str) -> None:
    """With the close code that clients take for a refusal they must not repeat."""
    with Peer(guarded, path, token) as peer, pytest.raises(ConnectionClosed) as closed:
        peer.receive()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
    assert reason in closed.value.rcvd.reason


@pytest.mark.parametrize("first", ['{"type":"filter"}', "no json", "[]"])
def test_the_first_frame_must_be_the_token(open_to_all: LiveServer, first: str) -> None:
    """Whatever else it is, the reason says what was expected."""
    address = f"ws://127.0.0.1:{open_to_all.port}/api/events/out"
    with connect(address, subprotocols=[Subprotocol("prefect")]) as ws:
        ws.send(first)
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(10)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, "auth" in closed.value.rcvd.reason) == (1008, True)


def test_an_old_client_without_the_subprotocol_is_taken_at_once(open_to_all: LiveServer) -> None:
    """It sends events with no handshake."""
    with Peer(open_to_all, "/events/in", subprotocol=None) as peer:
        peer.ws.send(frame(event()))
        peer.settle()


def test_an_old_client_cannot_get_past_credentials(guarded: LiveServer) -> None:
    """The upgrade is refused."""
    with pytest.raises(InvalidStatus) as refused:
        Peer(guarded, "/events/in", subprotocol=None)
    assert refused.value.response.status_code == 403


def test_what_is_not_served_is_refused_at_the_upgrade(open_to_all: LiveServer) -> None:
    """So that a client does without it."""
    with pytest.raises(InvalidStatus) as refused:
        Peer(open_to_all, "/nothing/here")
    assert refused.value.response.status_code in (403, 404)
