"""Answers a client's ping only when every frame before it has been handled.

Event clients take the pong for "all I sent before has arrived", so it has to come after the events are stored.
"""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from podium.db.unit import Row

KEY = "podium.pings"


class Pings:
    """Holds back pongs of one connection until its handler has caught up.

    A connection whose handler never calls ``hold`` answers at once.
    """

    def __init__(self, connection: "SocketProtocol") -> None:
        self._connection = connection
        self._holding = False
        self._received = 0
        self._handled = 0
        self._pongs: list[tuple[int, bytes]] = []

    def hold(self) -> None:
        """From now on the handler tells what it has handled; whatever came before counts as handled."""
        self._holding = True
        self._handled = self._received

    def handled(self, frames: int) -> None:
        """That many more frames need no reply any longer; pongs that waited for them go out."""
        self._handled += frames
        while self._pongs and self._pongs[0][0] <= self._handled:
            self._connection.write(self._pongs.pop(0)[1])

    def received(self) -> None:
        """A frame was handed to the handler."""
        self._received += 1

    def answer(self, pong: bytes) -> None:
        """Sends a pong, or keeps it until its turn."""
        if self._holding and self._handled < self._received:
            self._pongs.append((self._received, pong))
        else:
            self._connection.write(pong)


class SocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket connection; the handler finds its ``Pings`` in the state of the scope."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pings = Pings(self)

    def write(self, data: bytes) -> None:
        """Sends bytes that are already framed, if the connection still stands."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["state"][KEY] = self._pings

    def send_receive_event_to_app(self) -> None:
        self._pings.received()
        super().send_receive_event_to_app()

    def handle_ping(self) -> None:
        self._pings.answer(b"".join(self.conn.data_to_send()))


def pings_of(scope: Row) -> Pings | None:
    """The connection's ``Pings``; None where another server carries it."""
    found: Pings | None = (scope.get("state") or {}).get(KEY)
    return found
