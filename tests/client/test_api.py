"""What a caller of the client gets: answers as types, errors by kind, lists page by page."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import msgspec
import pytest

from podium.client.api import Client
from podium.client.errors import (
    ClientError,
    Conflict,
    Invalid,
    NotAuthorized,
    NotFound,
    Refused,
    Unreachable,
    Unreadable,
    refusal,
)
from podium.db.ids import new_id
from podium.wire import flows, root, variables
from tests.backing import free_port
from tests.server.conftest import LiveServer, settings_for


@pytest.fixture(scope="module")
def client(server: LiveServer) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


@pytest.fixture
def stub() -> Iterator[Callable[[int, bytes], str]]:
    """A server that answers everything with a status and a body: ``stub(status, body)`` is its URL."""
    servers: list[HTTPServer] = []

    def start(status: int, body: bytes) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/api"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_an_answer_is_of_the_type_of_its_endpoint(client: Client) -> None:
    """A body can be a Struct or a dict; what comes back is what the endpoint says."""
    made = client.call(flows.CREATE, {"name": "typed", "tags": ["a"]})
    assert isinstance(made, flows.Flow)
    assert (made.name, made.tags) == ("typed", ["a"])
    assert client.call(flows.READ, id=made.id) == made
    assert client.call(root.HEALTH) is True


def test_an_answer_without_a_body(client: Client) -> None:
    """A change that answers nothing is None."""
    made = client.call(flows.CREATE, {"name": "short-lived"})
    assert client.call(flows.DELETE, id=made.id) is None


def test_names_are_encoded(client: Client) -> None:
    """A value of the path stays one part of it."""
    with pytest.raises(NotFound):
        client.call(variables.READ_BY_NAME, name="a b/c?d#e")


def test_errors_by_kind(client: Client) -> None:
    """Each refusal is the error of its status, with the server's own words."""
    with pytest.raises(NotFound) as missing:
        client.call(flows.READ, id=new_id())
    assert missing.value.status == 404
    assert "not found" in missing.value.detail.lower()
    name = f"v_{new_id().replace('-', '_')}"
    client.call(variables.CREATE, {"name": name, "value": 1})
    with pytest.raises(Conflict):
        client.call(variables.CREATE, {"name": name, "value": 2})
    with pytest.raises(Invalid, match=r"^name: Expected `str`"):
        client.call(flows.CREATE, {"name": 1})


def test_credentials(module_database_url: str) -> None:
    """An auth string is sent; without the right one the error says which setting is missing."""
    settings = settings_for(module_database_url, PODIUM_SERVER_API_AUTH_STRING="me:pass")
    with LiveServer(settings, with_services=False) as live:
        with Client(live.url, auth_string="me:pass") as client:
            assert client.call(root.HELLO) == "👋"
        for wrong in (Client(live.url), Client(live.url, "me:wrong"), Client(live.url, api_key="me:pass")):
            with wrong, pytest.raises(NotAuthorized, match="PODIUM_API_AUTH_STRING"):
                wrong.call(root.HELLO)


def test_nobody_there() -> None:
    """The error names the URL and what can be done."""
    url = f"http://127.0.0.1:{free_port()}/api"
    with Client(url) as client, pytest.raises(Unreachable) as error:
        client.call(root.HEALTH)
    assert url in str(error.value)
    assert "PODIUM_API_URL" in str(error.value)


@pytest.mark.parametrize("body", [b"<!doctype html>", b"\xff\xfe", b'{"a": 1}', b"[" * 100_000])
def test_somebody_else_there(stub: Callable[[int, bytes], str], body: bytes) -> None:
    """A page, or an API of something else, is said to be that."""
    with Client(stub(200, body)) as client, pytest.raises(Unreadable):
        client.call(root.HEALTH)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[]", b'{"detail":["a"]}', b'{"exception_detail":[1]}'])
def test_refusals_that_say_nothing_we_know(stub: Callable[[int, bytes], str], body: bytes) -> None:
    """Whatever the body, it is the error of the status."""
    with Client(stub(502, body)) as client, pytest.raises(Refused) as error:
        client.call(root.HEALTH)
    assert error.value.status == 502
    assert str(error.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Refused), (401, NotAuthorized), (403, NotAuthorized), (404, NotFound), (409, Conflict), (422, Invalid)],
)
def test_the_error_of_a_status(status: int, kind: type[Refused]) -> None:
    """Every one is a ``ClientError`` with the detail of the answer."""
    error = refusal(status, {"detail": "a reason"})
    assert type(error) is kind
    assert isinstance(error, ClientError)
    assert error.detail.startswith("a reason")
    assert refusal(status, {"exception_message": "another"}).detail.startswith("another")


def test_pages(client: Client) -> None:
    """A list is fetched in as many calls as it takes, each item once, and no more than wanted."""
    for number in range(205):
        client.call(flows.CREATE, {"name": f"page-{number:03}"})
    body = {"flows": {"name": {"like_": "page-"}}, "sort": "NAME_ASC"}
    names = [flow.name for flow in client.pages(flows.FILTER, body)]
    assert names == [f"page-{number:03}" for number in range(205)]
    assert [flow.name for flow in client.pages(flows.FILTER, body, 3)] == names[:3]
    assert len(list(client.pages(flows.FILTER, body, 201))) == 201
    assert list(client.pages(flows.FILTER, body, 0)) == []


def test_pages_of_a_server_with_smaller_ones(client: Client, module_database_url: str) -> None:
    """A server that is set to shorter lists gives all items too."""
    for number in range(12):
        client.call(flows.CREATE, {"name": f"small-{number:03}"})
    body = {"flows": {"name": {"like_": "small-"}}, "sort": "NAME_ASC"}
    settings = settings_for(module_database_url, PODIUM_SERVER_API_DEFAULT_LIMIT="5")
    with LiveServer(settings, with_services=False) as live, Client(live.url) as short:
        assert len(list(short.pages(flows.FILTER, body))) == 12
        assert len(list(short.pages(flows.FILTER, body, 7))) == 7
        with pytest.raises(Invalid):
            list(short.pages(flows.FILTER, {**body, "sort": "NO_SUCH"}))


def test_what_is_sent_is_json(client: Client) -> None:
    """Structs are bodies as they are."""

    class Made(msgspec.Struct):
        name: str

    assert client.call(flows.CREATE, Made("from-a-struct")).name == "from-a-struct"
