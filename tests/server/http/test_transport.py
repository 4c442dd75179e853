"""The way requests and answers take: compression, other origins, paths, methods, bodies that end early."""

import gzip
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import insert

from podium.db.ids import new_id
from podium.db.tables.workspaces import workspaces
from podium.db.unit import Tx
from podium.server.http.compression import accepts_gzip
from tests.server.conftest import LiveServer, Units, settings_for


@contextmanager
def served(database_url: str, **flags: str) -> Iterator[LiveServer]:
    """A server with these settings."""
    with LiveServer(settings_for(database_url, **flags), with_services=False) as live:
        yield live


def test_large_answers_are_compressed_on_demand(api: httpx.Client) -> None:
    """From 500 bytes on, when the client takes gzip; caches are told that it depends."""
    api.post("/flows/", json={"name": "compressed", "tags": ["x" * 600]})
    body = {"flows": {"name": {"any_": ["compressed"]}}}
    plain = api.post("/flows/filter", json=body, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["Vary"] == "Accept-Encoding"
    with api.stream("POST", "/flows/filter", json=body, headers={"Accept-Encoding": "br, gzip"}) as packed:
        content = b"".join(packed.iter_raw())
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Content-Length"] == str(len(content))
    assert gzip.decompress(content) == plain.content
    small = api.get("/health")
    assert "Content-Encoding" not in small.headers
    assert "Vary" not in small.headers


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, br", False),
        ("xgzipx", False),
    ],
)
def test_what_takes_gzip(header: str, accepted: bool) -> None:
    """A weight of 0 means no."""
    assert accepts_gzip(header) is accepted


def test_other_origins_are_not_let_in(api: httpx.Client) -> None:
    """Nothing tells a browser that another origin's page may read an answer, or send more than a form could."""
    answered = api.get("/health", headers={"Origin": "https://elsewhere.example"})
    assert "Access-Control-Allow-Origin" not in answered.headers
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    assert "Access-Control-Allow-Origin" not in api.options("/flows/", headers=asked).headers


def test_every_origin_when_set(module_database_url: str) -> None:
    """``*`` lets pages of any origin in; a preflight is answered without credentials, whatever the path."""
    flags = {"PODIUM_SERVER_CORS_ALLOWED_ORIGINS": "*", "PODIUM_SERVER_API_AUTH_STRING": "a:b"}
    with served(module_database_url, **flags) as live, httpx.Client(base_url=live.url) as api:
        answered = api.get("/health", headers={"Origin": "https://elsewhere.example"})
        assert answered.headers["Access-Control-Allow-Origin"] == "*"
        assert answered.headers["Access-Control-Expose-Headers"] == "Retry-After, X-Request-ID"
        assert answered.headers["Vary"] == "Origin"
        refused = api.get("/hello", headers={"Origin": "https://elsewhere.example"})
        assert refused.status_code == 401
        assert refused.headers["Access-Control-Allow-Origin"] == "*"
        asked = {
            "Origin": "https://elsewhere.example",
            "Access-Control-Request-Method": "DELETE",
            "Access-Control-Request-Headers": "x-prefect-api-version, authorization",
        }
        preflight = api.options(f"/flows/{new_id()}", headers=asked)
        assert (preflight.status_code, preflight.text) == (200, "OK")
        assert "DELETE" in preflight.headers["Access-Control-Allow-Methods"]
        assert preflight.headers["Access-Control-Allow-Headers"] == "x-prefect-api-version, authorization"
        assert preflight.headers["Access-Control-Max-Age"] == "600"


def test_named_origins_methods_and_headers(module_database_url: str) -> None:
    """Only those that are named; each is told its own name."""
    flags = {
        "PODIUM_SERVER_CORS_ALLOWED_ORIGINS": "https://a.example, https://b.example",
        "PODIUM_SERVER_CORS_ALLOWED_METHODS": "GET,POST",
        "PODIUM_SERVER_CORS_ALLOWED_HEADERS": "authorization",
    }
    with served(module_database_url, **flags) as live, httpx.Client(base_url=live.url) as api:
        for origin in ("https://a.example", "https://b.example"):
            asked = {"Origin": origin, "Access-Control-Request-Method": "DELETE"}
            preflight = api.options("/flows/", headers=asked)
            assert preflight.headers["Access-Control-Allow-Origin"] == origin
            assert preflight.headers["Access-Control-Allow-Methods"] == "GET, POST"
            assert preflight.headers["Access-Control-Allow-Headers"] == "authorization"
        other = api.get("/health", headers={"Origin": "https://c.example"})
        assert "Access-Control-Allow-Origin" not in other.headers
        assert other.headers["Vary"] == "Origin"


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_slash_at_the_end_does_not_matter(api: httpx.Client, slash: str) -> None:
    """Both spellings answer directly, for collections and for objects."""
    created = api.post(f"/flows{slash}", json={"name": "slashes"}, follow_redirects=False)
    assert created.status_code in (200, 201)
    assert api.get(f"/flows/{created.json()['id']}{slash}", follow_redirects=False).status_code == 200
    assert api.post(f"/flows/filter{slash}", follow_redirects=False).status_code == 200


def test_head(api: httpx.Client) -> None:
    """What can be read can be asked for without its body."""
    head, get = api.head("/health"), api.get("/health")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    assert api.head(f"/flows/{new_id()}").status_code == 404


def test_another_base_path(module_database_url: str) -> None:
    """The API moves there, and is nowhere else."""
    with served(module_database_url, PODIUM_SERVER_API_BASE_PATH="/deep/down/") as live:
        root = live.url.removesuffix("/api")
        assert httpx.get(f"{root}/deep/down/health").json() is True
        assert httpx.post(f"{root}/deep/down/flows/", json={"name": "moved"}).status_code == 201
        assert httpx.get(f"{root}/api/health").status_code == 404
        assert f"{root}/deep/down" in httpx.get(f"{root}/").text


def test_workspaces_do_not_see_each_other(units: Units, server: LiveServer, api: httpx.Client) -> None:
    """``/api/workspaces/<handle>/…`` is a tenant of its own: same names, other objects; who is unknown is not there."""

    def add(tx: Tx) -> None:
        row = {"id": new_id(), "handle": "blue", "name": "Blue", "created": tx.now, "updated": tx.now}
        tx.run(insert(workspaces).values(row))

    units.write(add)
    ours = api.post("/flows/", json={"name": "shared-name"}).json()
    theirs = api.post("/workspaces/blue/flows/", json={"name": "shared-name"})
    assert theirs.status_code == 201
    assert theirs.json()["id"] != ours["id"]
    assert "workspace_id" not in theirs.json()
    assert api.get(f"/workspaces/blue/flows/{theirs.json()['id']}").status_code == 200
    assert api.get(f"/workspaces/blue/flows/{ours['id']}").status_code == 404
    assert api.get(f"/flows/{theirs.json()['id']}").status_code == 404
    assert api.delete(f"/flows/{theirs.json()['id']}").status_code == 404
    assert [flow["id"] for flow in api.post("/workspaces/blue/flows/filter").json()] == [theirs.json()["id"]]
    assert api.post("/workspaces/blue/flows/count").json() == 1
    assert api.get("/workspaces/blue/health").json() is True
    for handle in ("green", "a%00b", "%ff", "Blue", ""):
        assert api.post(f"/workspaces/{handle}/flows/filter").status_code in (404, 422), handle


def test_workspaces_ask_for_credentials_too(units: Units, module_database_url: str) -> None:
    """The prefix is no way around the guard."""
    with served(module_database_url, PODIUM_SERVER_API_AUTH_STRING="a:b") as live:
        assert httpx.post(f"{live.url}/workspaces/blue/flows/filter").status_code in (401, 404)


@pytest.mark.parametrize(
    "sent",
    [
        b"Content-Length: 60\r\n\r\n",
        b"Content-Length: 60\r\n\r\n ",
        b'Content-Length: 60\r\n\r\n{"flow_runs":',
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1\r\n \r\n",
        b'Transfer-Encoding: chunked\r\n\r\n9\r\n{"limit":\r\n',
    ],
)
def test_a_body_that_ends_early_is_not_taken_for_none(server: LiveServer, api: httpx.Client, sent: bytes) -> None:
    """Who hangs up before the filter of a bulk deletion has arrived does not delete everything."""
    flow = api.post("/flows/", json={"name": "kept"}).json()
    run = api.post("/flow_runs/", json={"flow_id": flow["id"]}).json()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"POST /api/flow_runs/bulk_delete HTTP/1.1\r\nHost: x\r\n" + sent)
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(5)
        while connection.recv(4096):
            pass
    assert api.get(f"/flow_runs/{run['id']}").status_code == 200


def test_a_chunked_body(api: httpx.Client) -> None:
    """A body without a length is as good as any."""

    def chunks() -> Iterator[bytes]:
        yield b'{"name":'
        yield b'"chunked"}'

    response = api.post("/flows/", content=chunks())
    assert response.json()["name"] == "chunked"


def test_requests_at_once_on_one_connection(server: LiveServer) -> None:
    """Pipelined requests are answered in their order."""
    request = b"GET /api/%s HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(request % b"health" + request % b"version" + request % b"nowhere")
        connection.settimeout(5)
        received = b""
        while received.count(b"HTTP/1.1") < 3 or not received.endswith(b"}"):
            received += connection.recv(4096)
    assert received.index(b"true") < received.index(b'"0.8.4"') < received.index(b"404 Not Found")


def test_podium_tells_its_own_version(api: httpx.Client, server: LiveServer) -> None:
    """Clients are told the version they know; Podium's own is told beside it."""
    from podium import __version__

    assert api.get("/podium/version").json() == {"version": __version__}
    assert api.get("/admin/version").json() == "3.8.8"
    assert api.get("/version").json() == "0.8.4"
    status: dict[str, Any] = api.get("/podium/status").json()
    assert status["version"] == __version__
    assert status["database"] in ("sqlite", "postgresql")
    assert status["services"] == []
