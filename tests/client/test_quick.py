"""The quick way to ask a server: what is ordinary is answered, all else is left to a `Client`."""

import socket
import threading

import pytest

from podium.client.errors import NotAuthorized, Unreachable, Unreadable
from podium.client.nouns.noun import nested
from podium.client.quick import PAGE, OutOfTheOrdinary, Quick
from podium.wire import flows, root, variables
from tests.backing import free_port
from tests.server.conftest import LiveServer, settings_for


def quick(url: str, **headers: str) -> Quick:
    return Quick(url, headers, 5.0)


def answering(content: bytes) -> str:
    """The URL of a server that says this to whoever comes first."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(content)
        connection.close()
        listener.close()

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}/api"


def test_answers_are_those_of_a_client(server: LiveServer) -> None:
    """Calls with and without a body, with names in the path, and a list of one page."""
    client = quick(server.url)
    assert client.call(root.HEALTH) is True
    made = client.call(flows.CREATE, {"name": "quick é"})
    assert client.call(flows.READ_BY_NAME, name="quick é").id == made.id
    found = list(client.pages(flows.FILTER, nested("flows.name.any_", ["quick é"])))
    assert [each.id for each in found] == [made.id]


def test_more_than_a_page_is_for_a_client(server: LiveServer) -> None:
    """Unless a page is all that was asked for."""
    client = quick(server.url)
    for number in range(PAGE):
        client.call(variables.CREATE, {"name": f"v{number}", "value": number})
    assert len(list(client.pages(variables.FILTER, {}, PAGE))) == PAGE
    with pytest.raises(OutOfTheOrdinary):
        list(client.pages(variables.FILTER, {}))


def test_credentials_are_those_of_the_settings() -> None:
    """An auth string, a key, headers of one's own."""
    settings = settings_for("sqlite:///:memory:", PODIUM_API_AUTH_STRING="user:pass", PODIUM_API_KEY="k")
    assert "Authorization: Basic dXNlcjpwYXNz\r\n" in Quick.of(settings, "http://x/api", 1.0)._headers
    settings = settings_for("sqlite:///:memory:", PODIUM_API_KEY="k", PODIUM_CLIENT_CUSTOM_HEADERS='{"X-A": "b"}')
    assert "X-A: b\r\nAuthorization: Bearer k\r\n" in Quick.of(settings, "http://x/api", 1.0)._headers


@pytest.mark.parametrize("url", ["https://x/api", "http://user:pass@x/api", "ftp://x", "http://", ""])
def test_only_plain_urls(url: str) -> None:
    """No certificates, no names in URLs."""
    with pytest.raises(OutOfTheOrdinary):
        quick(url)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntrue\r\n0\r\n\r\n", OutOfTheOrdinary),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n..", OutOfTheOrdinary),
        (b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /x\r\n\r\n", OutOfTheOrdinary),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n{}", OutOfTheOrdinary),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", OutOfTheOrdinary),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>", OutOfTheOrdinary),
        (b"HTTP/1.1 401 Unauthorized\r\n\r\n{}", NotAuthorized),
        (b"SSH-2.0-OpenSSH\r\n", Unreadable),
        (b"", Unreadable),
    ],
)
def test_odd_answers(answer: bytes, error: type[Exception]) -> None:
    """What a client may make something of is left to it."""
    with pytest.raises(error):
        quick(answering(answer)).call(root.HEALTH)


def test_nobody_there() -> None:
    """Which a client would not change."""
    with pytest.raises(Unreachable):
        quick(f"http://127.0.0.1:{free_port()}/api").call(root.HEALTH)
