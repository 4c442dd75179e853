"""The OpenAPI document and the page that shows it, at the root of the server and below the API."""

import base64
import hashlib
import re
from pathlib import Path

import httpx
import pytest

from podium.server.web import docs
from podium.wire import openapi
from tests.server.conftest import LiveServer, settings_for

BOTH = ("/docs", "/api/docs")
DOCUMENTS = ("/openapi.json", "/api/openapi.json")


def root_of(server: LiveServer) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{server.port}")


def test_the_document_is_the_same_in_both_places(server: LiveServer) -> None:
    """As JSON, made once."""
    with root_of(server) as root:
        for path in DOCUMENTS:
            answer = root.get(path)
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "application/json"
            assert answer.content == openapi.encoded("/api")
    assert openapi.encoded("/api") is openapi.encoded("/api")


@pytest.mark.parametrize("path", BOTH)
def test_the_page_loads_nothing_from_elsewhere(server: LiveServer, path: str) -> None:
    """It runs its own script only, and asks no other origin for anything; its policy holds it to that."""
    with root_of(server) as root:
        answer = root.get(path)
    assert answer.headers["content-type"].startswith("text/html")
    scripts = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert re.findall(r"""(?:src|href|action)=["'](?!data:|#)""", answer.text) == []
    assert {url for url in re.findall(r"https?://[^\s'\"]+", answer.text) if "www.w3.org" not in url} == set()


def test_the_page_asks_for_the_document_beside_it() -> None:
    """No path in it starts at the root, so that it works behind a proxy that serves it elsewhere."""
    script = docs.page().decode()
    assert '"openapi.json"' in script
    assert "/api" not in script
    assert "/openapi.json" not in script


def test_credentials_are_asked_for_below_the_api_alone(tmp_path: Path, migrated_sqlite: Path) -> None:
    """As the incumbent does: whoever reads what a server says at its root needs no account there."""
    path = tmp_path / "podium.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    settings = settings_for(f"sqlite+aiosqlite:///{path}", PODIUM_SERVER_API_AUTH_STRING="user:word")
    with LiveServer(settings, with_services=False) as server, root_of(server) as root:
        found = {path: root.get(path).status_code for path in (*BOTH, *DOCUMENTS)}
        assert found == {"/docs": 200, "/openapi.json": 200, "/api/docs": 401, "/api/openapi.json": 401}
        assert {root.get(path, auth=("user", "word")).status_code for path in found} == {200}


def test_an_api_elsewhere_is_described_there(tmp_path: Path, migrated_sqlite: Path) -> None:
    """Under another base path, and at the root of the server, where there is but one of each."""
    for base_path in ("/own/api", "/"):
        path = tmp_path / "podium.db"
        path.write_bytes(migrated_sqlite.read_bytes())
        given = {"PODIUM_SERVER_API_BASE_PATH": base_path, "PODIUM_UI_ENABLED": False}
        settings = settings_for(f"sqlite+aiosqlite:///{path}", **given)
        with LiveServer(settings, with_services=False) as server, root_of(server) as root:
            prefix = base_path.rstrip("/")
            assert root.get(f"{prefix}/openapi.json").json()["servers"] == [{"url": base_path}]
            assert root.get("/docs").status_code == root.get(f"{prefix}/docs/").status_code == 200
