"""How requests are made: over connections that are kept, by many threads, past what servers do on the way."""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from podium.client.api import Client
from podium.client.errors import Unreachable
from podium.client.http import Response, Transport, TransportError, Unsendable
from podium.wire import root
from tests.backing import free_port

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Stub"

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def finish(self) -> None:
        super().finish()
        self.server.ended.set()

    def handle_one(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(self)
        self.server.answer(self)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_one  # noqa: N815  # the names that are called

    def reply(self, body: bytes = b"", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        headers.setdefault("Content_Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


class Stub(ThreadingHTTPServer):
    """A server that answers as it is told. It counts connections, tells when one ended, and keeps what it was asked."""

    daemon_threads = True
    request_queue_size = 50

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.connections, self.seen, self.ended = answer, 0, list[Handler](), threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], Stub]]:
    stubs: list[Stub] = []

    def start(answer: Answer) -> Stub:
        stubs.append(Stub(answer))
        return stubs[-1]

    yield start
    for stub in stubs:
        stub.shutdown()
        stub.server_close()


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport({"X-Team": "garden", "Authorization": "Bearer key"}, 5.0, True)
    yield made
    made.close()


def echo(handler: Handler) -> None:
    handler.reply(handler.body or handler.path.encode(), X_Method=handler.command)


def test_a_connection_is_kept(serve: Callable[[Answer], Stub], transport: Transport) -> None:
    """One request after another takes the same one, whatever the method and the answer."""
    stub = serve(echo)
    for method, content in [("GET", None), ("POST", b"{}"), ("HEAD", None), ("DELETE", None), ("PUT", b"")]:
        assert transport.request(method, f"{stub.url}/x", content).headers["x-method"] == method
    assert stub.connections == 1
    assert {each.headers["X-Team"] for each in stub.seen} == {"garden"}


def test_many_threads_at_once(serve: Callable[[Answer], Stub], transport: Transport) -> None:
    """Each gets the answer to its own request, side by side, and what is idle then is used again."""

    def slowly(handler: Handler) -> None:
        time.sleep(0.02)
        echo(handler)

    stub = serve(slowly)
    with ThreadPoolExecutor(16) as threads:
        bodies = [str(number).encode() for number in range(320)]
        start = time.monotonic()
        answers = list(threads.map(lambda body: transport.request("POST", stub.url, body).content, bodies))
    assert answers == bodies
    assert time.monotonic() - start < 320 * 0.02 / 2
    assert stub.connections <= 16


def test_a_connection_that_the_server_closed_is_not_used(serve: Callable[[Answer], Stub], transport: Transport) -> None:
    """Whether it said so or not; a change is sent once and answered."""

    def close(handler: Handler) -> None:
        echo(handler)
        handler.close_connection = True

    stub = serve(close)
    for number in range(5):
        assert transport.request("POST", stub.url, b"%d" % number).content == b"%d" % number
        time.sleep(0.02)
    said = serve(lambda handler: handler.reply(b"x", Connection="close"))
    assert [transport.request("POST", said.url, b"1").content for _ in range(5)] == [b"x"] * 5
    assert (stub.connections, said.connections) == (5, 5)


def test_an_answer_without_a_length_and_one_in_pieces(serve: Callable[[Answer], Stub], transport: Transport) -> None:
    """They end where the connection does, or where the last piece says so."""

    def pieces(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n")

    def endless(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"abc")
        handler.close_connection = True

    stub = serve(pieces)
    assert [transport.request("GET", stub.url).content for _ in range(2)] == [b"abcde"] * 2
    assert stub.connections == 1
    assert transport.request("GET", serve(endless).url).content == b"abc"


def test_what_is_compressed(serve: Callable[[Answer], Stub], transport: Transport) -> None:
    """It is asked for, and arrives as what it was; an answer to HEAD has none."""
    text = b"again and " * 500
    stub = serve(lambda handler: handler.reply(gzip.compress(text), Content_Encoding="gzip"))
    assert transport.request("GET", stub.url).content == text
    assert transport.request("HEAD", stub.url).content == b""
    assert "gzip" in stub.seen[0].headers["Accept-Encoding"]
    broken = serve(lambda handler: handler.reply(gzip.compress(text)[:-20], Content_Encoding="gzip"))
    with pytest.raises(TransportError):
        transport.request("GET", broken.url)


@pytest.mark.parametrize(
    ("status", "method", "again"),
    [
        (301, "GET", "GET"),
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "PUT", "GET"),
        (302, "HEAD", "HEAD"),
        (307, "POST", "POST"),
        (308, "PUT", "PUT"),
    ],
)
def test_redirects(serve: Callable[[Answer], Stub], transport: Transport, status: int, method: str, again: str) -> None:
    """They are followed; the body goes along where the method stays."""

    def elsewhere(handler: Handler) -> None:
        if handler.path == "/old/x":
            return handler.reply(b"moved", status, Location="../new/y?z=1")
        return echo(handler)

    stub = serve(elsewhere)
    answer = transport.request(method, f"{stub.url}/old/x", None if method in ("GET", "HEAD") else b"body")
    assert (answer.url, answer.headers["X-Method"]) == (f"{stub.url}/new/y?z=1", again)
    assert stub.seen[-1].body == (b"body" if status > 303 else b"")
    assert stub.seen[-1].headers["Authorization"] == "Bearer key"


def test_credentials_stay_with_their_server(serve: Callable[[Answer], Stub], transport: Transport) -> None:
    """A redirect to another one does not take them along, and one without an end is given up."""
    other = serve(echo)
    stub = serve(lambda handler: handler.reply(b"", 307, Location=f"{other.url}/there"))
    assert transport.request("GET", stub.url).content == b"/there"
    assert stub.seen[0].headers["Authorization"] == "Bearer key"
    assert other.seen[0].headers["Authorization"] is None
    circle = serve(lambda handler: handler.reply(b"", 302, Location="/"))
    with pytest.raises(Unsendable, match="redirects"):
        transport.request("GET", circle.url)
    assert circle.connections == 1


def test_a_url_with_credentials(serve: Callable[[Answer], Stub]) -> None:
    """They are sent, and not shown."""
    stub = serve(echo)
    address = stub.url.removeprefix("http://")
    transport = Transport({}, 5.0, True)
    answer = transport.request("GET", f"http://me:p%40ss@{address}/")
    assert (answer.url, stub.seen[0].headers["Authorization"]) == (f"{stub.url}/", "Basic bWU6cEBzcw==")
    transport.close()


def test_targets(serve: Callable[[Answer], Stub], transport: Transport) -> None:
    """What is encoded stays, what must be is, and parameters join those that a URL has."""
    stub = serve(echo)

    def asked(path: str, *query: tuple[str, str]) -> Any:
        transport.request("GET", stub.url + path, query=query)
        return stub.seen[-1].path

    assert asked("") == "/"
    assert asked("/a%2Fb/ä c") == "/a%2Fb/%C3%A4%20c"
    assert asked("/a?b=1#c", ("d", "é &="), ("d", "2")) == "/a?b=1&d=%C3%A9+%26%3D&d=2"


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/x", "127.0.0.1:4200", "http://", "http://127.0.0.1:99999", "http://[::1", "http://a b/"]
)
def test_what_is_no_url(transport: Transport, url: str) -> None:
    """It is told at once, by the client as a server that cannot be reached."""
    with pytest.raises(Unsendable):
        transport.request("GET", url)
    with Client(url) as client, pytest.raises(Unreachable, match="PODIUM_API_URL"):
        client.call(root.HEALTH)


def test_a_header_that_is_none(serve: Callable[[Answer], Stub], transport: Transport) -> None:
    """Nothing is slipped into a request by a value."""
    stub = serve(echo)
    with pytest.raises(Unsendable):
        transport.request("GET", stub.url, headers={"X-A": "b\r\nX-C: d"})
    assert stub.seen == []


def test_what_was_not_sent_is_told_from_what_was(serve: Callable[[Answer], Stub]) -> None:
    """So that a change is not done twice: without a connection nothing was, and without an answer it may have been."""
    transport = Transport({}, 0.3, True)
    with pytest.raises(TransportError, match="refused") as failed:
        transport.request("POST", f"http://127.0.0.1:{free_port()}", b"")
    assert not failed.value.sent
    silent = serve(lambda handler: time.sleep(1))
    with pytest.raises(TransportError, match="timed out") as failed:
        transport.request("POST", silent.url, b"")
    assert failed.value.sent
    rude = serve(lambda handler: handler.connection.shutdown(socket.SHUT_RDWR))
    with pytest.raises(TransportError) as failed:
        transport.request("POST", rude.url, b"")
    assert failed.value.sent
    short = serve(lambda handler: handler.reply(b"abc", Content_Length="9", Connection="close"))
    with pytest.raises(TransportError) as failed:
        transport.request("POST", short.url, b"")
    assert failed.value.sent
    transport.close()


def test_a_body_that_is_refused_unread(transport: Transport) -> None:
    """The answer is heard although the server closes amid the body."""
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(100_000):
                pass

    thread = threading.Thread(target=refuse)
    thread.start()
    answer = transport.request("POST", f"http://127.0.0.1:{listener.getsockname()[1]}", b"x" * 3_000_000)
    thread.join()
    listener.close()
    assert (answer.status_code, answer.content) == (413, b"no")


def test_something_that_speaks_no_http(transport: Transport) -> None:
    """It is a transport error, and its connection is not used again."""
    listener = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 mail.example.org ESMTP\r\n")

    thread = threading.Thread(target=greet)
    thread.start()
    for _ in range(2):
        with pytest.raises(TransportError):
            transport.request("GET", f"http://127.0.0.1:{listener.getsockname()[1]}")
    thread.join()
    listener.close()


def test_closed_while_in_use(serve: Callable[[Answer], Stub], transport: Transport) -> None:
    """The request under way is answered, and its connection is closed then."""
    arrived = threading.Event()

    def later(handler: Handler) -> None:
        arrived.set()
        time.sleep(0.2)
        echo(handler)

    stub = serve(later)
    answers: list[Response] = []
    thread = threading.Thread(target=lambda: answers.append(transport.request("GET", stub.url)))
    thread.start()
    arrived.wait()
    transport.close()
    thread.join()
    assert answers[0].content == b"/"
    assert stub.ended.wait(2)
