"""The client checks whom it talks to, and says what its user wants said in every request."""

import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from podium.client.api import Client
from podium.client.errors import Unreachable
from podium.profiles import Settings, load_settings
from podium.wire import root
from tests.certificates import make_certificate

HEARD: list[str | None] = []


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        HEARD.append(self.headers["X-Team"])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'"hello"')

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 that nobody knows, with its key in one file."""
    return make_certificate(tmp_path_factory.mktemp("tls") / "both.pem")


@pytest.fixture(scope="module")
def url(certificate: Path) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Hello)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}/api"
    server.shutdown()
    server.server_close()


def settings(**flags: str) -> Settings:
    return load_settings(flags, environ={})


def test_a_stranger_is_not_talked_to(url: str) -> None:
    """A certificate that nobody vouches for is refused."""
    with Client.of(settings(), url) as client, pytest.raises(Unreachable, match="certificate verify failed"):
        client.call(root.HELLO)


def test_a_ca_of_ones_own(url: str, certificate: Path) -> None:
    """With its CA file the server is known; checking may be switched off as well."""
    for flags in ({"PODIUM_API_SSL_CERT_FILE": str(certificate)}, {"PODIUM_API_TLS_INSECURE_SKIP_VERIFY": "true"}):
        with Client.of(settings(**flags), url) as client:
            assert client.call(root.HELLO) == "hello"


def test_a_ca_file_that_is_not_there(url: str, tmp_path: Path) -> None:
    """The error names the file and the setting."""
    missing = str(tmp_path / "none.pem")
    with pytest.raises(Unreachable, match=rf"{missing} cannot be used.*PODIUM_API_SSL_CERT_FILE"):
        Client.of(settings(PODIUM_API_SSL_CERT_FILE=missing), url)


def test_headers_of_ones_own(url: str, certificate: Path) -> None:
    """They are in every request, for proxies that ask for them."""
    flags = {"PODIUM_API_SSL_CERT_FILE": str(certificate), "PODIUM_CLIENT_CUSTOM_HEADERS": '{"X-Team": "garden"}'}
    with Client.of(settings(**flags), url) as client:
        client.call(root.HELLO)
    assert HEARD[-1] == "garden"
