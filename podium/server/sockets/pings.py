"""Answers a client's ping only when every frame before it has been handled.

Event clients take the pong for "all I sent before has arrived", so it has to come after the events are stored. For a
subscriber it means that the subscription stands.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from falcon.asgi import Request
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request as Handshake

KEY = "podium.pings"


class Pings:
    """Holds back pongs of one connection until its handler has caught up."""

    def __init__(self, connection: "SocketProtocol") -> None:
        self._connection = connection
        self._holding = True
        self._received = 0
        self._handled = 0
        self._pongs: list[tuple[int, bytes]] = []
        self.take: Callable[[str], None] | None = None

    def divert(self, take: Callable[[str], None]) -> int:
        """Gives each further message to a function as it comes, one that is no text as an empty text.

        A handler that takes thousands in a second is spared the way through the framework. Returns how many came
        before, which it has still to receive.
        """
        self.take = take
        return self._received - self._handled

    def hold(self) -> None:
        """Nothing more is read of the client until ``go_on``."""
        self._connection.hold()

    def go_on(self) -> None:
        """Reads on."""
        self._connection.go_on()

    def handled(self, frames: int = 1) -> None:
        """That many more frames are done with; pongs that waited for them go out."""
        self._handled += frames
        while self._pongs and self._pongs[0][0] <= self._handled:
            self._connection.write(self._pongs.pop(0)[1])

    def release(self) -> None:
        """All that came is done with, and from now on every ping is answered at once."""
        self._holding = False
        self.handled(self._received - self._handled)

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
        self._answers: deque[bytes] = deque()

    def write(self, data: bytes) -> None:
        """Sends bytes that are already framed, if the connection still stands."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def handle_connect(self, event: Handshake) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["state"][KEY] = self._pings

    def send_receive_event_to_app(self) -> None:
        self._pings.received()
        take = self._pings.take
        text = "" if take is None or self.close_sent else self._text()
        if take is None or self.close_sent or text is None:
            super().send_receive_event_to_app()
        else:
            self.frames = []
            take(text)

    def _text(self) -> str | None:
        """The message that is complete, empty for a binary one; None for one that is not UTF-8."""
        try:
            return b"".join(self.frames).decode() if self.curr_msg_data_type == "text" else ""
        except UnicodeDecodeError:
            return None

    def hold(self) -> None:
        """Stops reading."""
        if not self.read_paused and not self.transport.is_closing():
            self.read_paused = True
            self.transport.pause_reading()

    def go_on(self) -> None:
        """Reads again."""
        if self.read_paused and not self.transport.is_closing():
            self.read_paused = False
            self.transport.resume_reading()

    def handle_ping(self) -> None:
        # What was read at once may hold several pings, with frames between them: their pongs are all there at the
        # first, each to be sent in its turn. What answers a close comes after them.
        self._answers.extend(self.conn.data_to_send())
        if self._answers:
            self._pings.answer(self._answers.popleft())

    def handle_close(self, event: Frame) -> None:
        while self._answers:
            self.write(self._answers.popleft())
        super().handle_close(event)


def pings_of(request: Request) -> Pings:
    """The ``Pings`` of the connection a handler got."""
    pings: Pings = request.scope["state"][KEY]
    return pings
