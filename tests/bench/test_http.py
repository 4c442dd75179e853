"""The client of the bench reads what servers answer."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bench.http import Connection, Target

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def connected(handler: Handler) -> tuple[asyncio.Server, Connection]:
    """A server of one handler, and a connection to it."""
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    return server, Connection(Target.parse(f"http://127.0.0.1:{port}/api"))


def answering(raw: bytes) -> Handler:
    """Answers every request of a connection with the same bytes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            assert head.startswith(b"POST /api/flows/ HTTP/1.1\r\n")
            writer.write(raw)
        writer.close()

    return handle


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    await reader.readexactly(2)
    return head


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\n[42]", (201, b"[42]")),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n[4\r\n2\r\n2]\r\n0\r\n\r\n", (200, b"[42]")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"")),
    ],
)
async def test_an_answer_is_a_status_and_a_body(raw: bytes, expected: tuple[int, bytes]) -> None:
    """Whether a body comes by length, in chunks or not at all; and the connection is good for the next request."""
    server, connection = await connected(answering(raw))
    async with server:
        assert await connection.request("POST", "/flows/", b"{}") == expected
        assert await connection.request("POST", "/flows/", b"{}") == expected
        connection.close()
        await asyncio.sleep(0.01)  # the closed ends leave


async def test_a_connection_closed_in_between_is_made_again() -> None:
    """A server may drop a kept connection without a word, as some do after an error."""

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server, connection = await connected(once)
    async with server:
        for _ in range(3):
            assert await connection.request("POST", "/flows/", b"{}") == (503, b"")
        connection.close()
        await asyncio.sleep(0.01)  # the closed ends leave


def test_only_a_plain_http_url_is_taken() -> None:
    """Another scheme is refused by name."""
    with pytest.raises(ValueError, match="plain http URL"):
        Target.parse("https://podium.example/api")
