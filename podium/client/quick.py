"""A question to a server over plain HTTP, by a socket alone.

For completion, which has no time to load what speaks HTTP in full. Whatever is out of the ordinary is for a `Client`.
"""

import socket
from collections.abc import Iterator, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec

from podium.client.credentials import authorization
from podium.client.errors import Unreachable, Unreadable, refusal
from podium.profiles import Settings
from podium.wire.decoding import encode
from podium.wire.endpoint import Endpoint

PAGE = 200


class OutOfTheOrdinary(Exception):
    """It takes a `Client`."""


class Quick:
    """Calls endpoints as a `Client` does, a connection for each call."""

    def __init__(self, url: str, headers: Mapping[str, str], seconds: float) -> None:
        """``seconds`` is how long each step of a call may take. Raises OutOfTheOrdinary for anything but ``http``."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.username or parts.query:
            raise OutOfTheOrdinary
        self._host, self._port, self._path = parts.hostname, parts.port or 80, parts.path.rstrip("/")
        self._seconds = seconds
        lines = {"Host": parts.netloc, "Content-Type": "application/json", "Connection": "close", **headers}
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in lines.items())

    @classmethod
    def of(cls, settings: Settings, url: str, seconds: float) -> Self:
        """One with the credentials and headers of the settings. Raises OutOfTheOrdinary."""
        api = settings.api
        return cls(url, {**settings.client.custom_headers, **authorization(api.auth_string, api.key)}, seconds)

    def call(self, endpoint: Endpoint, body: Any = None, **path: object) -> Any:
        """The answer of an endpoint. Raises OutOfTheOrdinary, Unreachable, Unreadable or Refused."""
        content = encode(body) if body is not None else b"{}" if endpoint.body is not None else b""
        target = f"{self._path}{endpoint.url(**path)}"
        head = f"{endpoint.method} {target} HTTP/1.0\r\n{self._headers}Content-Length: {len(content)}\r\n\r\n"
        try:
            answer = self._exchange(head.encode("latin-1") + content)
        except (OSError, UnicodeEncodeError) as error:
            raise Unreachable(str(error)) from error
        head_of_answer, _, answered = answer.partition(b"\r\n\r\n")
        first, _, fields = head_of_answer.lower().partition(b"\r\n")
        status = first.split(b" ")[1:2]
        if not first.startswith(b"http/") or not status or not status[0].isdigit():
            raise Unreadable("it is no HTTP")
        code = int(status[0])
        if code in (401, 404):
            raise refusal(code, None)
        if not 200 <= code < 300 or b"transfer-encoding:" in fields or b"content-encoding:" in fields:
            raise OutOfTheOrdinary
        try:
            return msgspec.json.decode(answered, type=endpoint.answer)
        except msgspec.DecodeError as error:
            raise OutOfTheOrdinary from error

    def pages(self, endpoint: Endpoint, body: dict[str, Any], most: int | None = None, **path: Any) -> Iterator[Any]:
        """The items of a list endpoint that fit in one page. Raises OutOfTheOrdinary where there may be more."""
        limit = PAGE if most is None else min(PAGE, most)
        items = self.call(endpoint, {**body, "limit": limit, "offset": 0}, **path)
        if len(items) == limit and (most is None or most > limit):
            raise OutOfTheOrdinary
        yield from items

    def _exchange(self, request: bytes) -> bytes:
        with socket.create_connection((self._host, self._port), timeout=self._seconds) as connection:
            connection.sendall(request)
            parts = []
            while part := connection.recv(1 << 16):
                parts.append(part)
        return b"".join(parts)
