"""Peers that take what the server sends, on loopback, and remember every request as it came."""

import base64
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec


@dataclass
class Request:
    """What a peer was sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode(), strict_parsing=True)


@dataclass
class Reply:
    """What a peer answers."""

    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)


class HttpSink:
    """An HTTP server that answers what ``answer`` says; ``down`` breaks every connection off."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.requests: list[Request] = []
        self.answer: Callable[[Request], Reply] = lambda _: Reply()
        self.down = False
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                size = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(size)
                if sink.down or len(body) < size:
                    self.close_connection = True
                    return
                request = Request(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                sink.requests.append(request)
                reply = sink.answer(request)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.send_header("Connection", "close")
                self.end_headers()
                with suppress(ConnectionError):
                    self.wfile.write(reply.body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if certificate is not None:
            self._server.socket = _tls(certificate).wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self.url = f"{'http' if certificate is None else 'https'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> "HttpSink":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def texts(self) -> list[str]:
        """The bodies that came, in order."""
        return [request.body.decode() for request in self.requests]


def _tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@dataclass
class Mail:
    """An email that a mail server took: the envelope, what it says, and how it came."""

    sender: str
    recipients: list[str]
    message: EmailMessage
    encrypted: bool
    user: str | None


class SmtpSink:
    """A mail server: TLS from the first byte, by STARTTLS or none; users that must log in; addresses it refuses."""

    def __init__(self, certificate: Path, encryption: str = "starttls", user: str = "", password: str = "") -> None:
        self.mails: list[Mail] = []
        self.refuses: dict[str, str] = {}
        self.down = False
        self.encryption, self.user, self.password = encryption, user, password
        self.context = _tls(certificate)
        sink = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                if not sink.down:
                    with suppress(OSError):
                        _Conversation(sink, self.request).hold()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> "SmtpSink":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Conversation:
    """One connection to a mail server, held as RFC 5321, 3207 and 4954 say."""

    def __init__(self, sink: SmtpSink, connection: Any) -> None:
        self.sink = sink
        self.encrypted = sink.encryption == "tls"
        self.connection = sink.context.wrap_socket(connection, server_side=True) if self.encrypted else connection
        self.reader = self.connection.makefile("rb")
        self.user: str | None = None
        self.sender, self.recipients = "", list[str]()

    def say(self, *lines: str) -> None:
        last = len(lines) - 1
        joined = [f"{line[:3]}{' ' if at == last else '-'}{line[4:]}" for at, line in enumerate(lines)]
        self.connection.sendall("".join(f"{line}\r\n" for line in joined).encode())

    def hold(self) -> None:
        try:
            self.say("220 sink ESMTP")
            while line := self.reader.readline():
                word, _, rest = line.decode().strip().partition(" ")
                if word.upper() == "QUIT":
                    self.say("221 bye")
                    break
                getattr(self, f"on_{word.lower()}", self.on_unknown)(rest)
        finally:
            self.reader.close()
            self.connection.close()

    def on_unknown(self, rest: str) -> None:
        self.say("500 what")

    def on_ehlo(self, rest: str) -> None:
        offers = ["250 sink"]
        if self.sink.encryption == "starttls" and not self.encrypted:
            offers.append("250 STARTTLS")
        elif self.sink.user:
            offers.append("250 AUTH PLAIN")
        self.say(*offers, "250 8BITMIME")

    def on_starttls(self, rest: str) -> None:
        self.say("220 go ahead")
        self.reader.close()
        self.connection = self.sink.context.wrap_socket(self.connection, server_side=True)
        self.reader = self.connection.makefile("rb")
        self.encrypted = True

    def on_auth(self, rest: str) -> None:
        _, user, password = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
        if (user, password) == (self.sink.user, self.sink.password):
            self.user = user
            self.say("235 welcome")
        else:
            self.say("535 5.7.8 wrong user or password")

    def on_mail(self, rest: str) -> None:
        if self.sink.user and self.user is None:
            self.say("530 5.7.0 log in first")
            return
        self.sender, self.recipients = _address(rest), []
        self.say("250 ok")

    def on_rcpt(self, rest: str) -> None:
        address = _address(rest)
        if address in self.sink.refuses:
            self.say(self.sink.refuses[address])
            return
        self.recipients.append(address)
        self.say("250 ok")

    def on_rset(self, rest: str) -> None:
        self.say("250 ok")

    def on_data(self, rest: str) -> None:
        self.say("354 go on")
        lines = list(self._lines())
        message = message_from_bytes(b"".join(lines), policy=default)
        assert isinstance(message, EmailMessage)
        self.sink.mails.append(Mail(self.sender, self.recipients, message, self.encrypted, self.user))
        self.say("250 taken")

    def _lines(self) -> Iterator[bytes]:
        while (line := self.reader.readline()) != b".\r\n":
            yield line.removeprefix(b".")


def _address(text: str) -> str:
    return text.partition("<")[2].partition(">")[0]


@contextmanager
def nobody() -> Iterator[int]:
    """A port of loopback that answers to nobody."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
