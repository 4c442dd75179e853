"""A client of the WebSocket endpoints, for tests."""

from typing import Any

import msgspec
from websockets.sync.client import ClientConnection, connect

from tests.server.conftest import LiveServer


class Peer:
    """A connection that speaks JSON; opened with the handshake of current clients unless told otherwise."""

    def __init__(
        self, server: LiveServer, path: str, token: str | None = None, subprotocol: str | None = "prefect"
    ) -> None:
        address = f"ws://127.0.0.1:{server.port}/api{path}"
        subprotocols: Any = [subprotocol] if subprotocol else None
        # Without a bound on its queue it still reads the answer to its close while messages pour in.
        self.ws: ClientConnection = connect(
            address, subprotocols=subprotocols, open_timeout=10, max_queue=None, legacy=True
        )
        if subprotocol:
            self.send(type="auth", token=token)

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *error: object) -> None:
        self.ws.close()

    def send(self, **message: Any) -> None:
        self.ws.send(msgspec.json.encode(message).decode())

    def receive(self, timeout: float = 10) -> Any:
        return msgspec.json.decode(self.ws.recv(timeout))

    def admitted(self) -> "Peer":
        """The same, once the server said yes."""
        assert self.receive() == {"type": "auth_success"}
        return self

    def settle(self) -> None:
        """Returns when the server has handled all that was sent."""
        assert self.ws.ping().wait(10)

    def silence(self, seconds: float = 0.2) -> bool:
        """Whether nothing comes for so long."""
        try:
            self.ws.recv(seconds)
        except TimeoutError:
            return True
        return False
