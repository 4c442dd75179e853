"""Requests over connections that are kept open, for any number of threads at once.

The standard library speaks the protocol: a fuller client takes longer to load than the rest of a command. No proxy of
the environment is used.
"""

import http.client
import select
import socket
import ssl
import threading
import time
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from email.message import Message
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote, urlencode, urljoin, urlsplit

PORTS: Final = {"http": 80, "https": 443}
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 20
KEPT = 20
"""Connections to one server that stay open while nobody uses them."""
KEPT_SECONDS = 5.0
"""Servers close what is idle for longer, and a request on its way then would get no answer."""

_IN_TARGETS = "/?:@!$&'()*+,;=-._~%[]"
"""What a path and its query may hold as it is; a ``%`` was encoded by the caller."""


class TransportError(Exception):
    """No answer came. Where it was not ``sent``, the server cannot have seen the request."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class Unsendable(Exception):
    """A URL or a header that no request can be made of, or a server that sends its callers in a circle."""


class Response(NamedTuple):
    """What was answered, whatever the status; ``content`` is no longer compressed."""

    url: str
    status_code: int
    headers: Message
    content: bytes


class Transport:
    """The connections of one client to the servers that it talks to."""

    def __init__(self, headers: Mapping[str, str], timeout: float, verify: ssl.SSLContext | bool) -> None:
        """``headers`` are in every request; ``timeout`` is in seconds, for each step of one."""
        self._headers = {"accept": "*/*", "accept-encoding": "gzip", **_lower(headers)}
        self._timeout, self._verify = timeout, verify
        self._lock = threading.Lock()
        self._idle: dict[_Origin, list[_Connection]] = {}
        self._context: ssl.SSLContext | None = None
        self._closed = False

    def request(
        self,
        method: str,
        url: str,
        content: bytes | None = None,
        query: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """The answer to a request, behind redirects. Raises TransportError or Unsendable."""
        headers = {**self._headers, **_lower(headers or {})}
        origin, target, credentials = _parsed(url, query)
        headers |= credentials
        for _ in range(MOST_REDIRECTS + 1):
            response = self._exchange(origin, method, target, content, headers)
            location = response.headers.get("Location")
            if response.status_code not in REDIRECTS or location is None:
                return response
            if response.status_code not in (307, 308) and method != "HEAD":
                method, content = "GET", None
            before = origin
            origin, target, credentials = _parsed(urljoin(response.url, location), ())
            if origin != before and (before.scheme, origin.scheme, before.host) != ("http", "https", origin.host):
                headers.pop("authorization", None)
            headers |= credentials
        raise Unsendable(f"it redirects more than {MOST_REDIRECTS} times")

    def close(self) -> None:
        """Closes the connections; those that are in use once they are not."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, {}
        for connection in (each for kept in idle.values() for each in kept):
            connection.close()

    def _exchange(
        self, origin: "_Origin", method: str, target: str, content: bytes | None, headers: dict[str, str]
    ) -> Response:
        connection = self._take(origin)
        try:
            answer, body = _converse(connection, method, target, content, headers)
        except BaseException:
            connection.close()
            raise
        self._keep(origin, connection)
        return Response(origin.url(target), answer.status, answer.headers, body)

    def _take(self, origin: "_Origin") -> "_Connection":
        """A connection that nobody else uses."""
        while True:
            with self._lock:
                kept = self._idle.get(origin)
                connection = kept.pop() if kept else None
            if connection is None:
                break
            if connection.is_good():
                return connection
            connection.close()
        try:
            connection = _Connection(origin, self._timeout, self._tls() if origin.scheme == "https" else None)
            connection.connect()
        except OSError as error:
            raise TransportError(reason(error), sent=False) from error
        except (ValueError, http.client.InvalidURL) as error:
            raise Unsendable(f"{origin.host!r} is no name of a host: {error}") from error
        return connection

    def _keep(self, origin: "_Origin", connection: "_Connection") -> None:
        connection.idle_since = time.monotonic()
        with self._lock:
            kept = self._idle.setdefault(origin, [])
            if connection.sock is not None and not self._closed and len(kept) < KEPT:
                kept.append(connection)
                return
        connection.close()

    def _tls(self) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:  # made when it is needed: to read the certificates of authorities takes a while
                self._context = tls_context(self._verify)
            return self._context


def tls_context(verify: ssl.SSLContext | bool) -> ssl.SSLContext:
    """How the certificate of a server is checked: by the given context, by the system's authorities, or not at all."""
    if isinstance(verify, ssl.SSLContext):
        return verify
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class _Origin(NamedTuple):
    scheme: str
    host: str
    port: int

    def url(self, target: str) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{target}"


class _Connection(http.client.HTTPConnection):
    idle_since = 0.0

    def __init__(self, origin: _Origin, timeout: float, context: ssl.SSLContext | None) -> None:
        super().__init__(origin.host, origin.port, timeout)
        self.default_port = PORTS[origin.scheme]
        self._tls = context

    def connect(self) -> None:
        # As bytes, an address is not looked at as an international name, which takes 5 ms to load.
        host: Any = self.host.encode("ascii") if self.host.isascii() else self.host.encode("idna")
        self.sock = socket.create_connection((host, self.port), self.timeout)
        try:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)
        except BaseException:
            self.close()
            raise

    def is_good(self) -> bool:
        """Whether the other end may still be there: one that closed, or says what nobody asked for, can be read."""
        return time.monotonic() - self.idle_since < KEPT_SECONDS and not _is_readable(self.sock)


def _converse(
    connection: _Connection, method: str, target: str, content: bytes | None, headers: dict[str, str]
) -> tuple[http.client.HTTPResponse, bytes]:
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # who refuses a body may answer without reading all of it
            connection.request(method, target, content, headers)
        answer = connection.getresponse()
        body = answer.read()
        return answer, zlib.decompress(body, wbits=47) if _is_gzip(answer) and body else body
    except (ValueError, http.client.InvalidURL) as error:
        raise Unsendable(reason(error)) from error
    except (OSError, http.client.HTTPException, zlib.error) as error:
        raise TransportError(reason(error), sent=True) from error


def _is_gzip(answer: http.client.HTTPResponse) -> bool:
    return (answer.headers.get("Content-Encoding") or "").lower() in ("gzip", "x-gzip", "deflate")


if hasattr(select, "poll"):

    def _is_readable(sock: socket.socket) -> bool:
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))

else:

    def _is_readable(sock: socket.socket) -> bool:
        return bool(select.select([sock], [], [], 0)[0])


def _parsed(url: str, query: Sequence[tuple[str, str]]) -> tuple[_Origin, str, dict[str, str]]:
    """Where to send a request, what to ask for there, and a header for the credentials that a URL brings."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise Unsendable(f"{url!r} is no URL: {error}") from error
    if parts.scheme not in PORTS or not host:
        raise Unsendable(f"{url!r} is no URL with http:// or https://")
    asked = "&".join(part for part in (parts.query, urlencode(query)) if part)
    target = quote(f"{parts.path or '/'}?{asked}" if asked else parts.path or "/", safe=_IN_TARGETS)
    credentials = {}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        credentials = {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    return _Origin(parts.scheme, host, port or PORTS[parts.scheme]), target, credentials


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def reason(error: Exception) -> str:
    """What an error says, or its kind where it says nothing."""
    text = str(error)
    # The number of an error of the system says nothing that its text does not.
    return (text.partition("] ")[2] if text.startswith("[Errno ") else text) or type(error).__name__
