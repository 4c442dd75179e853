"""The page at ``/``: it says that the server runs, how it is, and how to connect, from this server alone."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import httpx
import pytest
from sqlalchemy import insert

from podium import __version__
from podium.db.ids import new_id
from podium.db.tables.services import service_heartbeats
from podium.db.unit import Tx
from tests.server.conftest import LiveServer, Units, settings_for


class Page(HTMLParser):
    """The text of a page and the addresses it names."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href", "action")]

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "


@pytest.fixture
def root(server: LiveServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url.removesuffix("/api")) as client:
        yield client


def test_what_it_says(root: httpx.Client, server: LiveServer) -> None:
    """Version, database, and the line that points a client here."""
    response = root.get("/")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")
    page = Page(response.text)
    assert f"version {__version__}" in page.text
    assert "answers" in page.text
    assert f"export PREFECT_API_URL={server.url}" in page.text
    assert f"podium config set PODIUM_API_URL={server.url}" in page.text


def test_nothing_comes_from_elsewhere(root: httpx.Client) -> None:
    """No address but data, no script, and a policy that would not let one in."""
    response = root.get("/")
    page = Page(response.text)
    assert all(address.startswith("data:") for address in page.addresses)
    assert page.tags.isdisjoint({"script", "iframe", "img", "form"})
    assert "url(" not in response.text
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_it_names_the_runs_of_the_last_day(root: httpx.Client, api: httpx.Client) -> None:
    """Counted by state; runs of the future are none yet."""
    assert "None." in Page(root.get("/").text).text
    flow = api.post("/flows/", json={"name": "a"}).json()["id"]
    for _ in range(3):
        api.post("/flow_runs/", json={"flow_id": flow, "state": {"type": "RUNNING"}})
    later = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2199-01-01T00:00:00Z"}}
    api.post("/flow_runs/", json={"flow_id": flow, "state": later})
    text = Page(root.get("/").text).text
    assert re.search(r"Running\s+3\b", text)
    assert "Scheduled" not in text


def test_it_names_the_services(root: httpx.Client, units: Units) -> None:
    """Those that run, and above all those that do not."""

    def beat(tx: Tx) -> None:
        rows = [
            {"name": "good", "interval": 5.0, "last_finished": tx.now},
            {"name": "stuck", "interval": 5.0, "last_finished": tx.now.replace(year=tx.now.year - 1)},
        ]
        for row in rows:
            tx.run(insert(service_heartbeats).values({"process": f"a:{new_id()}", **row}))

    assert "none run" in Page(root.get("/").text).text
    units.write(beat)
    text = Page(root.get("/").text).text
    assert "stuck is late" in text
    assert re.search(r"good\s+running", text)


@pytest.mark.parametrize(
    ("headers", "url"),
    [
        ({"Host": "podium.example:8080"}, "http://podium.example:8080/api"),
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Host": "podium.example"}, "https://podium.example/api"),
    ],
)
def test_the_address_is_the_browsers(root: httpx.Client, headers: dict[str, str], url: str) -> None:
    """Whoever reads it under another name, or through a proxy, gets the URL that works there."""
    assert f"PREFECT_API_URL={url}" in root.get("/", headers=headers).text


def test_nothing_is_let_in_from_headers(root: httpx.Client) -> None:
    """A host name is text, whatever it looks like."""
    for name in ("Host", "X-Forwarded-Host", "X-Forwarded-Proto"):
        response = root.get("/", headers={name: "<script>alert(1)</script>"})
        assert "<script" not in response.text


def test_a_server_with_an_auth_string(module_database_url: str) -> None:
    """The page stays open and says how to send credentials, and nothing of what the server holds."""
    settings = settings_for(module_database_url, PODIUM_SERVER_API_AUTH_STRING="me:canary")
    with LiveServer(settings, with_services=False) as live:
        response = httpx.get(live.url.removesuffix("api"))
    assert response.status_code == 200
    assert "PREFECT_API_AUTH_STRING" in response.text
    assert "canary" not in response.text
    assert "Flow runs" not in response.text


def test_settings_of_the_pages(module_database_url: str) -> None:
    """The pages can be off, elsewhere, and name another URL."""
    with LiveServer(settings_for(module_database_url, PODIUM_UI_ENABLED="false"), with_services=False) as live:
        assert httpx.get(live.url.removesuffix("api")).status_code == 404
    flags = {"PODIUM_UI_SERVE_BASE": "/podium/", "PODIUM_UI_API_URL": "https://podium.example/api"}
    with LiveServer(settings_for(module_database_url, **flags), with_services=False) as live:
        origin = live.url.removesuffix("/api")
        assert httpx.get(f"{origin}/").status_code == 404
        for path in ("/podium", "/podium/"):
            assert "PREFECT_API_URL=https://podium.example/api" in httpx.get(f"{origin}{path}").text


def test_head(root: httpx.Client) -> None:
    """Probes may ask for it without its body."""
    response = root.head("/")
    assert (response.status_code, response.content) == (200, b"")
