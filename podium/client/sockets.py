"""A WebSocket that tells when it is time to look: what it says is a hint, and what is true is asked by HTTP.

So nothing is lost or comes twice when a server restarts, and behind a proxy that lets no WebSocket through the looks
are only further apart.
"""

import json
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from podium.client.api import Client
from podium.client.http import tls_context

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

SHORTEST_PAUSE = 0.5
LONGEST_PAUSE = 15.0


class Bell:
    """Rings for every frame of a stream (``/logs/out``, ``/events/out``) that matches a filter. A context manager."""

    def __init__(
        self,
        client: Client,
        path: str,
        wanted: Callable[[], Mapping[str, Any]],
        heard: Callable[[str], None] | None = None,
        rung: Callable[[], None] | None = None,
    ) -> None:
        """``wanted`` is asked for the filter at each connection; ``heard`` gets the frames, those of the past too.

        ``rung`` is called at each ring, in the thread that listens, for those who cannot wait.
        """
        scheme, _, rest = client.url.partition("://")
        self._url = f"{'wss' if scheme == 'https' else 'ws'}://{rest}{path}"
        self._client = client
        self._wanted = wanted
        self._heard = heard
        self._told = rung
        self._rung, self._over = threading.Event(), threading.Event()
        self._connection: ClientConnection | None = None
        self._thread = threading.Thread(target=self._listen, name="bell", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        if self._connection is not None:
            with suppress(Exception):  # the other end may be gone
                self._connection.close()

    @property
    def is_listening(self) -> bool:
        """Whether the stream is open, so that looking now and then is enough."""
        return self._connection is not None

    def wait(self, seconds: float) -> None:
        """Returns when it rings, at the latest after so many seconds."""
        self._rung.wait(seconds)
        self._rung.clear()

    def _ring(self) -> None:
        self._rung.set()
        if self._told is not None:
            self._told()

    def _listen(self) -> None:
        # Loaded on use, and beside the first requests: it takes as long as they do.
        from websockets.exceptions import WebSocketException

        pause = SHORTEST_PAUSE
        while not self._over.is_set():
            try:
                with self._connect() as connection:
                    self._ask(connection)
                    pause = SHORTEST_PAUSE
                    self._connection = connection
                    if self._over.is_set():  # nobody closes it who did not see it
                        return
                    self._ring()  # something may have happened before
                    for frame in connection:
                        if self._heard is not None:
                            self._heard(str(frame))
                        self._ring()
            except (OSError, EOFError, WebSocketException):
                pass
            self._connection = None
            self._ring()
            self._over.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _connect(self) -> AbstractContextManager["ClientConnection"]:
        from websockets.sync.client import connect
        from websockets.typing import Subprotocol

        return connect(
            self._url,
            subprotocols=[Subprotocol("prefect")],
            additional_headers=self._client.extra_headers,
            ssl=self._ssl(),
            open_timeout=5,
            close_timeout=1,
            proxy=None,
            max_size=None,
        )

    def _ask(self, connection: "ClientConnection") -> None:
        """Says who asks and for what."""
        from websockets.exceptions import WebSocketException

        connection.send(json.dumps({"type": "auth", "token": self._client.token}))
        if json.loads(connection.recv(5)).get("type") != "auth_success":
            raise WebSocketException("not admitted")
        backfill = self._heard is not None
        connection.send(json.dumps({"type": "filter", "filter": self._wanted(), "backfill": backfill}))

    def _ssl(self) -> ssl.SSLContext | None:
        return tls_context(self._client.verify) if self._url.startswith("wss:") else None
