"""A server below a path: one setting moves everything, also behind proxies that take the path out of requests."""

import re
from collections.abc import Iterator

import httpx
import msgspec
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from podium.profiles import load_settings
from tests.server.conftest import LiveServer, settings_for
from tests.server.http.proxies import Proxy

BASE = "/tools/podium"
SOCKETS = ("/events/in", "/events/out", "/logs/out", "/task_runs/subscriptions/scheduled")


@pytest.fixture(scope="module")
def server(module_database_url: str) -> Iterator[LiveServer]:
    """A server below a base path."""
    settings = settings_for(module_database_url, PODIUM_SERVER_BASE_PATH=f"{BASE}/")
    with LiveServer(settings, with_services=False) as live:
        yield live


@pytest.fixture(scope="module", params=["alone", "path left", "path taken away"])
def url(request: pytest.FixtureRequest, server: LiveServer) -> Iterator[str]:
    """What a user types for the server, in each way to reach it."""
    if request.param == "alone":
        yield f"http://127.0.0.1:{server.port}{BASE}"
    else:
        with Proxy(server.port, strips=BASE if request.param == "path taken away" else "") as proxy:
            yield proxy.url + BASE


def test_the_api(url: str) -> None:
    """Reads and writes, pages of lists, and paths that are not there."""
    with httpx.Client(base_url=f"{url}/api") as api:
        assert api.get("/health").json() is True
        flow = api.post("/flows/", json={"name": "below"}).json()
        assert api.get(f"/flows/{flow['id']}").json()["name"] == "below"
        assert api.get("/nowhere").status_code == 404
        for number in range(3):
            event = {"event": f"e{number}", "resource": {"prefect.resource.id": "base-path"}, "id": flow["id"]}
            event = {**event, "id": f"{flow['id'][:-1]}{number}", "occurred": "2026-01-01T00:00:00Z"}
            assert api.post("/events", json=[event]).status_code == 204
        occurred = {"since": "2025-12-31T00:00:00Z", "until": "2026-01-02T00:00:00Z"}
        listed = api.post("/events/filter", json={"limit": 2, "filter": {"occurred": occurred}})
        assert f"{BASE}/api/events/filter/next" in listed.json()["next_page"]


def test_pages_and_documents(url: str) -> None:
    """All of them are below the path, and what they link to as well."""
    home = httpx.get(f"{url}/")
    assert home.status_code == 200
    assert f"{BASE}/api" in home.text
    settings = httpx.get(f"{url}/ui-settings").json()
    assert httpx.URL(settings["api_url"]).path == f"{BASE}/api"
    assert httpx.get(f"{url}/docs").status_code == 200
    for place in (f"{url}/openapi.json", f"{url}/api/openapi.json"):
        assert httpx.get(place).json()["servers"] == [{"url": f"{BASE}/api"}]
    for page in (home.text, httpx.get(f"{url}/docs").text):
        links: list[str] = re.findall(r"(?:href|src|action)=\"(/[^\"]*)\"", page)
        assert [link for link in links if not link.startswith(BASE)] == []


@pytest.mark.parametrize("path", SOCKETS)
def test_sockets(url: str, path: str) -> None:
    """WebSockets are where their clients look for them: at the API's URL."""
    address = f"{url.replace('http', 'ws')}/api{path}"
    with connect(address, subprotocols=[Subprotocol("prefect")], open_timeout=10, legacy=True) as ws:
        ws.send('{"type":"auth","token":null}')
        assert msgspec.json.decode(ws.recv(10)) == {"type": "auth_success"}


def test_one_setting_and_its_parts() -> None:
    """What it moves can still be put elsewhere, each by its own setting."""

    def places(**flags: str) -> tuple[str, str]:
        server = load_settings(flags, environ={}).server
        return server.api.mount, server.ui.serve_base

    assert places() == ("/api", "/")
    for written in ("podium", "/podium", "/podium/"):
        assert places(PODIUM_SERVER_BASE_PATH=written) == ("/podium/api", "/podium")
    assert places(PODIUM_SERVER_BASE_PATH="/") == ("/api", "/")
    assert places(PODIUM_SERVER_BASE_PATH="/a", PREFECT_SERVER_API_BASE_PATH="/b") == ("/b", "/a")
    assert places(PREFECT_SERVER_API_BASE_PATH="/p/api", PREFECT_UI_SERVE_BASE="/p") == ("/p/api", "/p")
