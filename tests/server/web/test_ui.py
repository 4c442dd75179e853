"""A built single-page UI: its files, its page for every address it resolves itself, and the settings it asks first."""

import gzip
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from podium.profiles import load_settings
from podium.server.launch import CannotStart, check_ui
from podium.server.web.bundles import find_bundles
from tests.server.conftest import LiveServer, settings_for

PLACEHOLDER = "/PREFECT_UI_SERVE_BASE_REPLACE_PLACEHOLDER"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
CODE = f"const base = '{PLACEHOLDER}';\n" + "// much of it\n" * 100


def build(directory: Path, title: str) -> Path:
    """Writes what a builder of such a UI writes."""
    files = {
        "index.html": f'<title>{title}</title><script src="{PLACEHOLDER}/assets/index-B-oNxJU1.js"></script>',
        "assets/index-B-oNxJU1.js": CODE,
        "assets/logo-inverted.svg": "<svg/>",
        "ico/favicon.png": "\x89PNG" + PLACEHOLDER,
        "fonts/plain.woff2": "font" * 400,
        ".env": "SECRET=canary",
        "robots.txt": "User-agent: *",
    }
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("latin-1"))
    return directory


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An older and a newer UI side by side, and secrets beside them."""
    directory = tmp_path_factory.mktemp("pair")
    build(directory / "v1", "older")
    build(directory / "v2", "newer")
    (directory / "secret.txt").write_text("canary")
    (directory / "v1" / "assets" / "out.txt").symlink_to(directory / "secret.txt")
    (directory / "v1" / "outside").symlink_to(directory)
    (directory / "v1" / "assets" / "in.txt").symlink_to(directory / "v1" / "robots.txt")
    return directory


@pytest.fixture(scope="module")
def web(pair: Path) -> Iterator[httpx.Client]:
    """A browser's requests to a server with both UIs."""
    settings = settings_for("sqlite+aiosqlite:///:memory:", PODIUM_UI_STATIC_DIRECTORY=str(pair))
    with LiveServer(settings, with_services=False) as live, httpx.Client(base_url=live.url.removesuffix("/api")) as web:
        yield web


def test_files(web: httpx.Client) -> None:
    """Each as its type, with the base path filled in where it is code, and byte for byte where it is not."""
    script = web.get("/v2/assets/index-B-oNxJU1.js")
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert script.text == CODE.replace(PLACEHOLDER, "/v2")
    assert web.get("/assets/index-B-oNxJU1.js").text == CODE.replace(PLACEHOLDER, "")
    icon = web.get("/v2/ico/favicon.png")
    assert icon.headers["Content-Type"] == "image/png"
    assert icon.text.endswith(PLACEHOLDER)
    assert web.get("/assets/in.txt").text == "User-agent: *"


def test_files_asked_for_at_the_root(web: httpx.Client, pair: Path) -> None:
    """The newer UI's pages ask there for some of theirs, and browsers for the icon."""
    (pair / "v2" / "completed.svg").write_text("<svg>newer</svg>")
    (pair / "v1" / "ico" / "favicon.ico").write_text("icon")
    assert web.get("/completed.svg").text == "<svg>newer</svg>"
    assert web.get("/favicon.ico").text == "icon"
    assert web.get("/v2/favicon.png").status_code == 404


def test_caching(web: httpx.Client) -> None:
    """What is named by its content is kept for good; anything else is asked for again, and not sent again."""
    assert web.get("/assets/index-B-oNxJU1.js").headers["Cache-Control"].endswith("immutable")
    for path in ("/", "/assets/logo-inverted.svg", "/ico/favicon.png", "/robots.txt"):
        first = web.get(path)
        assert first.headers["Cache-Control"] == "no-cache", path
        for known in (
            {"If-None-Match": f'"other", {first.headers["ETag"]}'},
            {"If-Modified-Since": first.headers["Last-Modified"]},
        ):
            again = web.get(path, headers=known)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["ETag"] == first.headers["ETag"]
        stale = {"If-None-Match": '"other"', "If-Modified-Since": first.headers["Last-Modified"]}
        assert web.get(path, headers=stale).status_code == 200
        assert web.get(path, headers={"If-Modified-Since": "nonsense"}).status_code == 200


def test_a_rebuilt_file_is_sent(web: httpx.Client, pair: Path) -> None:
    """Without a restart."""
    index = pair / "v1" / "index.html"
    before, old = web.get("/"), index.read_text()
    index.write_text(old + "<p>rebuilt</p>")
    try:
        assert "rebuilt" in web.get("/", headers={"If-None-Match": before.headers["ETag"]}).text
    finally:
        index.write_text(old)


def test_compression(web: httpx.Client) -> None:
    """Text is sent gzipped to those who take it; fonts and pictures are as small as they get."""
    for encoding, expected in (("gzip", "gzip"), ("identity", None), ("gzip;q=0", None)):
        response = web.get("/v2/assets/index-B-oNxJU1.js", headers={"Accept-Encoding": encoding})
        assert response.headers.get("Content-Encoding") == expected
        assert response.text == CODE.replace(PLACEHOLDER, "/v2")
        assert response.headers["Vary"] == "Accept-Encoding"
    with web.stream("GET", "/v2/assets/index-B-oNxJU1.js") as raw:
        assert gzip.decompress(b"".join(raw.iter_raw())).decode() == CODE.replace(PLACEHOLDER, "/v2")
    assert "Content-Encoding" not in web.get("/fonts/plain.woff2").headers


@pytest.mark.parametrize("path", ["/flow-runs", "/work-pools/work-pool/my.pool", "/runs/flow-run/x?tab=Logs"])
def test_addresses_of_the_ui(web: httpx.Client, path: str) -> None:
    """A browser that opens one gets the page, whose script finds the rest."""
    assert "<title>older" in web.get(path, headers=BROWSER).text
    assert "<title>newer" in web.get(f"/v2{path}", headers=BROWSER).text
    assert web.get(path).status_code == 404


def test_parts_that_are_not_there(web: httpx.Client) -> None:
    """404, since a page in place of a script only confuses; and the API answers for itself."""
    for path in ("/assets/gone.js", "/v2/assets/gone.js", "/gone.ico", "/assets", "/api/gone", "/api/"):
        assert web.get(path).status_code == 404, path
    assert web.get("/api/gone", headers=BROWSER).json() == {"detail": "Not Found"}
    assert web.get("/api/health", headers=BROWSER).json() is True


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/v2/..%2f..%2fsecret.txt",
        "/assets/../../secret.txt",
        "//secret.txt",
        "/..\\secret.txt",
        "/assets/out.txt",
        "/outside/secret.txt",
        "/.env",
        "/%00",
        "/robots.txt%00.html",
        "/" + "a/" * 3000,
        "/" + "a" * 5000,
    ],
)
def test_nothing_else_of_the_machine(web: httpx.Client, path: str, pair: Path) -> None:
    """However it is asked for: dots, encoded dots, links out of the directory, absolute and hidden names."""
    for asked in (path, path.replace("/secret.txt", quote(str(pair / "secret.txt"), safe=""))):
        with socket.create_connection((web.base_url.host, web.base_url.port or 0), timeout=10) as connection:
            connection.sendall(f"GET {asked} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400")), answer[:200]
        assert b"canary" not in answer


def test_methods(web: httpx.Client) -> None:
    """Read only; HEAD has the headers of GET."""
    for path in ("/", "/v2", "/assets/index-B-oNxJU1.js"):
        head, get = web.head(path), web.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert {name for name in get.headers if head.headers.get(name) != get.headers[name]} <= {"x-request-id"}
    assert web.post("/v2/flows").status_code == 405
    with pytest.raises(InvalidStatus):
        connect(str(web.base_url).replace("http", "ws") + "/v2/events")


def test_the_preferred_ui(web: httpx.Client) -> None:
    """A browser at the root is sent to the newer UI, or to the one its user chose; addresses below stay."""
    sent = web.get("/?a=b", headers=BROWSER)
    assert (sent.status_code, sent.headers["Location"]) == (307, "/v2/?a=b")
    chosen = web.get("/", headers={**BROWSER, "Cookie": "prefect_ui_version=v1"})
    assert "<title>older" in chosen.text
    assert web.get("/flows", headers=BROWSER).status_code == 200
    assert "<title>older" in web.get("/").text


def test_settings(web: httpx.Client) -> None:
    """In the incumbent's shape, with the API as the browser reaches it."""
    origin = str(web.base_url).rstrip("/")
    assert web.get("/ui-settings").json() == {
        "api_url": f"{origin}/api",
        "csrf_enabled": False,
        "auth": None,
        "flags": [],
        "default_ui": "v2",
        "available_uis": ["v1", "v2"],
        "v1_base_url": "/",
        "v2_base_url": "/v2",
    }
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "podium.example"}
    assert web.get("/ui-settings", headers=forwarded).json()["api_url"] == "https://podium.example/api"


def test_under_a_path(pair: Path) -> None:
    """With the settings of a server that has credentials, CSRF protection, another path and another choice."""
    flags = {
        "PODIUM_UI_STATIC_DIRECTORY": str(pair),
        "PODIUM_UI_SERVE_BASE": "/prefect",
        "PODIUM_SERVER_UI_V2_ENABLED": "false",
        "PODIUM_SERVER_API_AUTH_STRING": "me:pass",
        "PODIUM_SERVER_CSRF_PROTECTION_ENABLED": "true",
    }
    settings = settings_for("sqlite+aiosqlite:///:memory:", **flags)
    with LiveServer(settings, with_services=False) as live:
        origin = live.url.removesuffix("/api")
        asked = httpx.get(f"{origin}/prefect/ui-settings").json()
        assert (asked["auth"], asked["csrf_enabled"], asked["default_ui"]) == ("BASIC", True, "v1")
        assert (asked["v1_base_url"], asked["v2_base_url"]) == ("/prefect", "/prefect/v2")
        assert '"/prefect/assets' in httpx.get(f"{origin}/prefect/flows", headers=BROWSER).text
        assert '"/prefect/v2/assets' in httpx.get(f"{origin}/prefect/v2/flows", headers=BROWSER).text
        assert "<title>older" in httpx.get(f"{origin}/prefect/", headers=BROWSER).text
        for path in ("/", "/prefectly", "/assets/index-B-oNxJU1.js"):
            assert httpx.get(f"{origin}{path}", headers=BROWSER).status_code == 404, path


def test_one_ui(tmp_path: Path) -> None:
    """A directory with an ``index.html`` is served as a whole; the newer one sends browsers down to it."""
    [alone] = find_bundles(str(build(tmp_path / "mine", "mine")), "/")
    assert (alone.version, alone.base) == ("v1", "")
    [newer] = find_bundles(str(build(tmp_path / "ui-v2", "newer")), "/v2/")
    assert (newer.version, newer.base) == ("v2", "/v2")
    flags = {"PODIUM_UI_STATIC_DIRECTORY": str(tmp_path / "ui-v2"), "PODIUM_UI_SERVE_BASE": "/v2"}
    settings = settings_for("sqlite+aiosqlite:///:memory:", **flags)
    with LiveServer(settings, with_services=False) as live:
        origin = live.url.removesuffix("/api")
        asked = httpx.get(f"{origin}/ui-settings").json()
        assert (asked["available_uis"], asked["v1_base_url"], asked["v2_base_url"]) == (["v2"], None, "/v2")
        assert "<title>newer" in httpx.get(f"{origin}/", headers=BROWSER, follow_redirects=True).text


def test_without_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Podium's own page stays, also where the incumbent would have unpacked its own; the log says so."""
    os.makedirs(tmp_path / "empty")
    settings = settings_for("sqlite+aiosqlite:///:memory:", PREFECT_UI_STATIC_DIRECTORY=str(tmp_path / "empty"))
    with LiveServer(settings, with_services=False) as live:
        origin = live.url.removesuffix("/api")
        assert "Podium" in httpx.get(origin).text
        assert httpx.get(f"{origin}/ui-settings").json()["available_uis"] == []
    assert "no built UI" in caplog.text
    with pytest.raises(CannotStart, match="no built UI in"):
        check_ui(settings)


@pytest.mark.parametrize(
    ("arguments", "environment"), [(["--ui-directory", "nothing"], {}), ([], {"PODIUM_UI_STATIC_DIRECTORY": "nothing"})]
)
def test_a_directory_that_holds_none(tmp_path: Path, arguments: list[str], environment: dict[str, str]) -> None:
    """Whoever names one for Podium wants it served: the server does not start, and says why in a line."""
    (tmp_path / "nothing").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "podium", "server", "start", "--port", "0", *arguments],
        env={**os.environ, **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if not line.startswith("Warning:")]
    assert len(said) == 1, said
    assert "no built UI in" in said[0]


def test_below_the_base_path_of_all(pair: Path) -> None:
    """The UIs move with the API, also where a proxy takes the path away."""
    flags = {"PODIUM_UI_STATIC_DIRECTORY": str(pair), "PODIUM_SERVER_BASE_PATH": "/podium"}
    with LiveServer(settings_for("sqlite+aiosqlite:///:memory:", **flags), with_services=False) as live:
        origin = live.url.removesuffix("/api")
        for below in ("", "/podium"):
            asked = httpx.get(f"{origin}{below}/ui-settings").json()
            assert (asked["api_url"], asked["v2_base_url"]) == (f"{origin}/podium/api", "/podium/v2")
            assert '"/podium/v2/assets' in httpx.get(f"{origin}{below}/v2/flows", headers=BROWSER).text


def test_switched_off(pair: Path) -> None:
    """Then no file is served, whatever the directory holds."""
    flags = {"PODIUM_UI_STATIC_DIRECTORY": str(pair), "PODIUM_UI_ENABLED": "false"}
    check_ui(load_settings(flags=flags, environ={}))
    with LiveServer(settings_for("sqlite+aiosqlite:///:memory:", **flags), with_services=False) as live:
        for path in ("/", "/v2/", "/assets/index-B-oNxJU1.js"):
            assert httpx.get(live.url.removesuffix("/api") + path, headers=BROWSER).status_code == 404
