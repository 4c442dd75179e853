"""Bodies that are packed or too large, methods and names of requests."""

import gzip
import json
import logging
import re
import resource
import socket
import time
import zlib
from collections.abc import Iterator
from functools import cache

import httpx
import pytest

from podium.server.http.request_ids import note_request_id
from tests.server.conftest import LiveServer, settings_for

MOST = 1_000_000
PACKED = {"Content-Encoding": "gzip", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def strict(module_database_url: str) -> Iterator[httpx.Client]:
    """A server that takes bodies of a million bytes."""
    settings = settings_for(module_database_url, PODIUM_SERVER_API_MAX_BODY_SIZE=str(MOST))
    with LiveServer(settings, with_services=False) as live, httpx.Client(base_url=live.url, timeout=20) as client:
        yield client


def flow_of(size: int) -> bytes:
    """The body of a new flow, of so many bytes."""
    return b'{"name":"padded"}'.ljust(size)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_a_packed_body(api: httpx.Client, encoding: str) -> None:
    """It is as good as any, in one part or several."""
    body = json.dumps({"name": "packed"}).encode()
    for content in (gzip.compress(body), gzip.compress(body[:5]) + gzip.compress(body[5:])):
        made = api.post("/flows/", content=content, headers={**PACKED, "Content-Encoding": encoding})
        assert made.json()["name"] == "packed"
    plain = api.post("/flows/", content=body, headers={**PACKED, "Content-Encoding": "identity"})
    assert plain.json()["name"] == "packed"


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "x"])
def test_an_unknown_encoding(api: httpx.Client, encoding: str) -> None:
    """415 says what is taken."""
    response = api.post("/flows/", content=b"{}", headers={**PACKED, "Content-Encoding": encoding})
    assert response.status_code == 415
    assert response.headers["Accept-Encoding"] == "gzip"
    assert encoding.split(",", maxsplit=1)[0] in response.json()["detail"]


@pytest.mark.parametrize(
    "content",
    [
        b"not gzip",
        gzip.compress(b'{"name":"cut"}')[:-9],
        gzip.compress(b"{}") + b"more",
        gzip.compress(b"") * 1000,
        b"\x1f\x8b",
    ],
    ids=["plain", "cut", "followed by more", "nothing, many times", "magic number only"],
)
def test_a_body_that_is_not_what_it_says(api: httpx.Client, content: bytes) -> None:
    """What is not gzip, or not all of it, is the caller's mistake, and nothing is taken for an empty body."""
    response = api.post("/flow_runs/bulk_delete", content=content, headers=PACKED)
    assert response.status_code == 400
    assert response.json()["detail"]


def test_the_size_of_a_body(strict: httpx.Client) -> None:
    """Up to the limit, unpacked; with a length, without one, and packed."""
    within, beyond = flow_of(MOST), flow_of(MOST + 1)
    for body, status in ((within, (200, 201)), (beyond, (413,))):
        packed = strict.post("/flows/", content=gzip.compress(body), headers=PACKED)
        chunked = strict.post("/flows/", content=(body[start : start + 9999] for start in range(0, len(body), 9999)))
        for response in (strict.post("/flows/", content=body), packed, chunked):
            assert response.status_code in status
    assert str(MOST) in packed.json()["detail"]
    assert strict.get("/health").json() is True


@cache
def gigabyte_of_zeros() -> bytes:
    """Packed; it takes two seconds."""
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(1 << 20)
    return b"".join(packer.compress(zeros) for _ in range(900)) + packer.flush()


def test_a_bomb(strict: httpx.Client) -> None:
    """A gigabyte of zeros in a megabyte is refused quickly and takes no memory."""
    bomb = gigabyte_of_zeros()
    assert len(bomb) < MOST
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.monotonic()
    response = strict.post("/flows/", content=bomb, headers=PACKED)
    assert response.status_code == 413
    assert time.monotonic() - start < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "kilobytes"


@pytest.mark.parametrize(("path", "allowed"), [("/flows/filter", {"POST"}), ("/health", {"GET", "HEAD"})])
def test_methods(api: httpx.Client, path: str, allowed: set[str]) -> None:
    """OPTIONS and 405 say which there are; 405 has the body of any error."""
    options = api.options(path)
    assert options.status_code == 200
    assert allowed <= set(options.headers["Allow"].split(", "))
    refused = api.request("PATCH", path)
    assert refused.status_code == 405
    assert allowed <= set(refused.headers["Allow"].split(", "))
    assert "PATCH" not in refused.headers["Allow"]
    assert refused.json() == {"detail": "Method Not Allowed"}


def test_head_wherever_get_is(api: httpx.Client) -> None:
    """Every path without a parameter that answers GET answers HEAD with the same status, headers and no body."""
    document = api.get("/openapi.json").json()
    paths = [path for path, methods in document["paths"].items() if "get" in methods and "{" not in path]
    assert len(paths) > 10
    for path in paths:
        head, get = api.head(path), api.get(path)
        assert (head.status_code, head.content) == (get.status_code, b""), path
        assert head.headers.get("Content-Type") == get.headers.get("Content-Type"), path


@pytest.mark.parametrize("given", ["abc", "a" * 128, "01A-b_c.d:e/f+g=h@i"])
def test_the_callers_request_id(api: httpx.Client, given: str) -> None:
    """It comes back with every answer, good or bad."""
    headers = {"X-Request-ID": given}
    for response in (
        api.get("/health", headers=headers),
        api.get("/nowhere", headers=headers),
        api.post("/flows/", content=b"{", headers=headers),
        api.delete("/health", headers=headers),
        api.head("/health", headers=headers),
        api.options("/health", headers=headers),
    ):
        assert response.headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", [None, "", "a" * 129, "a b", "ü".encode(), "a,b", '"', "%0a"])
def test_a_request_without_a_sane_id(api: httpx.Client, given: str | bytes | None) -> None:
    """It gets one of the server's, another each time."""
    headers = {} if given is None else {"X-Request-ID": given}
    ids = [api.get("/nowhere", headers=headers).headers["X-Request-ID"] for _ in range(2)]
    assert all(re.fullmatch(r"[0-9a-f-]{36}", each) for each in ids)
    assert ids[0] != ids[1]


def test_ids_and_requests_in_the_log(module_database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """With the log at INFO each request is a line, with its id, its status and without line breaks of the caller."""
    caplog.handler.addFilter(note_request_id)
    try:
        with (
            caplog.at_level(logging.INFO, "podium.access"),
            LiveServer(settings_for(module_database_url), with_services=False) as live,
        ):
            httpx.get(f"{live.url}/no%0Awhere", headers={"X-Request-ID": "mine"})
    finally:
        caplog.handler.removeFilter(note_request_id)
    [record] = [record for record in caplog.records if record.name == "podium.access"]
    assert record.__dict__["request"] == "[mine] "
    assert re.fullmatch(r"127\.0\.0\.1 GET /api/no\\nwhere 404 [\d.]+ ms", record.getMessage())


def test_idle_connections_are_closed(module_database_url: str) -> None:
    """After the seconds that the settings say, and not before."""
    settings = settings_for(module_database_url, PODIUM_SERVER_API_KEEPALIVE_TIMEOUT="1")
    request = b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n"
    with LiveServer(settings, False) as live, socket.create_connection(("127.0.0.1", live.port)) as connection:
        connection.settimeout(10)
        for pause in (0.3, 0):
            start = time.monotonic()
            connection.sendall(request)
            answer = b""
            while not answer.endswith(b"true"):
                answer += connection.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200")
            time.sleep(pause)
        assert connection.recv(4096) == b""
        assert time.monotonic() - start > 0.5
