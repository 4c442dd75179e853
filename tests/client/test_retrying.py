"""When a request is sent again, and which tokens it brings."""

import email.utils
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from podium.client.api import Client
from podium.client.errors import NotAuthorized, Refused, Unreachable
from podium.client.retrying import Retrying
from podium.profiles import load_settings
from podium.wire import flows, root
from podium.wire.endpoint import Endpoint
from tests.backing import free_port
from tests.server.conftest import LiveServer, settings_for

QUICK = Retrying(most=3, jitter=0)
PATCH = Endpoint(method="PATCH", path="/flows/x", summary="Change something", permission="edit")


class Script:
    """A server that answers with one status after another, then 200; ``seen`` has the methods that came."""

    def __init__(self, *answers: tuple[int, dict[str, str]] | None, port: int = 0) -> None:
        self.seen: list[str] = []
        answers_left = list(answers)
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                script.seen.append(self.command)
                answer = answers_left.pop(0) if answers_left else (200, {})
                if answer is None:
                    self.close_connection = True
                    return
                body = b"true" if answer[0] == 200 else b'{"detail":"no"}'
                self.send_response(answer[0])
                for name, value in {**answer[1], "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = answer  # noqa: N815  # the names that are called

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port: int = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}/api"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def script() -> Iterator[Callable[..., Script]]:
    """Makes servers with a script."""
    made: list[Script] = []

    def make(*answers: tuple[int, dict[str, str]] | None) -> Script:
        made.append(Script(*answers))
        return made[-1]

    yield make
    for each in made:
        each.stop()


NOW = {"Retry-After": "0"}


@pytest.mark.parametrize("code", [408, 429, 502, 503, 504])
def test_what_passes_is_sent_again(script: Callable[..., Script], code: int) -> None:
    """Until it works, or the number of retries is used up."""
    server = script((code, NOW), (code, NOW))
    with Client(server.url, retrying=QUICK) as client:
        assert client.call(root.HEALTH) is True
    assert len(server.seen) == 3
    stubborn = script(*[(code, NOW)] * 9)
    with Client(stubborn.url, retrying=QUICK) as client, pytest.raises(Refused) as refused:
        client.call(root.HEALTH)
    assert (refused.value.status, len(stubborn.seen)) == (code, 4)


@pytest.mark.parametrize("code", [400, 401, 404, 409, 422, 423, 500])
def test_what_stays_is_not_sent_again(script: Callable[..., Script], code: int) -> None:
    """The caller is told at once, unless the code is one of those that the settings add."""
    server = script((code, NOW), (code, NOW))
    with Client(server.url, retrying=QUICK) as client, pytest.raises(Refused):
        client.call(root.HEALTH)
    assert len(server.seen) == 1
    with Client(server.url, retrying=Retrying(3, frozenset({code}))) as client:
        assert client.call(root.HEALTH) is True


@pytest.mark.parametrize(("code", "times"), [(429, 2), (503, 2), (408, 1), (502, 1), (504, 1)])
def test_a_change_is_not_done_twice(script: Callable[..., Script], code: int, times: int) -> None:
    """It is sent again only where the server says that nothing was done."""
    server = script((code, NOW))
    with Client(server.url, retrying=QUICK) as client:
        if times == 1:
            with pytest.raises(Refused):
                client.call(PATCH)
        else:
            client.call(PATCH)
    assert len(server.seen) == times


def test_a_question_by_post_is_one(script: Callable[..., Script]) -> None:
    """Filters are read, whatever their method, also where the connection ends amid the answer."""
    server = script((502, NOW), None)
    with Client(server.url, retrying=Retrying(most=3, jitter=0)) as client, pytest.raises(Exception, match="API does"):
        client.call(flows.FILTER, {})  # the script's answer is no list
    assert server.seen == ["POST"] * 3
    with Client(script(None).url, retrying=QUICK) as client, pytest.raises(Unreachable):
        client.call(PATCH)


def test_the_time_to_come_back(script: Callable[..., Script]) -> None:
    """It is kept, as seconds or as a moment; one that is too far away is told to the caller."""
    moment = email.utils.formatdate(time.time() + 2, usegmt=True)
    for told, least, most in (("0.3", 0.3, 1.5), (moment, 0.5, 3)):
        start = time.monotonic()
        with Client(script((503, {"Retry-After": told})).url, retrying=QUICK) as client:
            assert client.call(root.HEALTH) is True
        assert least <= time.monotonic() - start < most
    for far in ("3600", email.utils.formatdate(time.time() + 3600)):
        server = script((503, {"Retry-After": far}))
        with Client(server.url, retrying=QUICK) as client, pytest.raises(Refused):
            client.call(root.HEALTH)


def test_a_server_that_was_never_there_is_not_waited_for() -> None:
    """A wrong address is told at once; a server that answered before may be starting again."""
    with Client(f"http://127.0.0.1:{free_port()}/api", retrying=Retrying(most=5)) as client:
        start = time.monotonic()
        with pytest.raises(Unreachable):
            client.call(root.HEALTH)
        assert time.monotonic() - start < 2


def test_a_server_that_restarts() -> None:
    """It is waited for by who had an answer of it before."""
    first = Script((200, {"Connection": "close"}))
    with Client(first.url, retrying=Retrying(most=3, jitter=0)) as client:
        assert client.call(root.HEALTH) is True
        first.stop()
        second: list[Script] = []
        timer = threading.Timer(0.5, lambda: second.append(Script(port=first.port)))
        timer.start()
        try:
            assert client.call(root.HEALTH) is True
        finally:
            timer.join()
            second[0].stop()


def test_the_settings_of_retries() -> None:
    """Number, codes and spread are the client's settings; who asks how a server is retries nothing."""
    flags = {
        "PODIUM_CLIENT_MAX_RETRIES": "7",
        "PODIUM_CLIENT_RETRY_EXTRA_CODES": "500,418",
        "PODIUM_CLIENT_RETRY_JITTER_FACTOR": "0.5",
    }
    retrying = Retrying.of(load_settings(flags, environ={}).client)
    assert retrying == Retrying(7, frozenset({500, 418}), 0.5)


def test_tokens_are_fetched_when_the_server_wants_them(module_database_url: str) -> None:
    """A client of a server with CSRF protection changes things like any, also when its token is too old."""
    flags = {"PODIUM_SERVER_CSRF_PROTECTION_ENABLED": "true", "PODIUM_SERVER_CSRF_TOKEN_EXPIRATION": "1"}
    with LiveServer(settings_for(module_database_url, **flags), with_services=False) as live:
        with Client(live.url) as client, Client(live.url) as other:
            for number in range(3):
                for each in (client, other):
                    assert each.call(flows.CREATE, {"name": f"token-{number}"}).name == f"token-{number}"
                time.sleep(1.1 if number else 0.5)
        with Client(live.url, csrf=False) as client, pytest.raises(NotAuthorized, match="CSRF"):
            client.call(flows.CREATE, {"name": "without"})


def test_tokens_beside_credentials(module_database_url: str) -> None:
    """Both are brought; without credentials no token is to be had, and the error is the server's own."""
    flags = {"PODIUM_SERVER_CSRF_PROTECTION_ENABLED": "true", "PODIUM_SERVER_API_AUTH_STRING": "me:pass"}
    with LiveServer(settings_for(module_database_url, **flags), with_services=False) as live:
        with Client(live.url, auth_string="me:pass") as client:
            assert client.call(flows.CREATE, {"name": "both"}).name == "both"
        with Client(live.url) as client, pytest.raises(NotAuthorized):
            client.call(flows.CREATE, {"name": "neither"})
