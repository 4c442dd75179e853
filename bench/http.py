"""An HTTP/1.1 client that costs little beside the server it measures: one connection, bytes in, bytes out."""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server's API is."""

    host: str
    port: int
    prefix: str

    @classmethod
    def parse(cls, url: str) -> "Target":
        """From `http://127.0.0.1:4200/api`; plain HTTP only."""
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname is None:
            raise ValueError(f"expected a plain http URL such as http://127.0.0.1:4200/api, not {url!r}")
        return cls(parts.hostname, parts.port or 80, parts.path.rstrip("/") or "/api")

    @property
    def websocket(self) -> str:
        """The address of the API for sockets."""
        return f"ws://{self.host}:{self.port}{self.prefix}"


class Connection:
    """One kept-alive connection; requests go one after the other."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._host = f"Host: {target.host}:{target.port}\r\n".encode()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def request(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of the answer. Connects again where the server closed the kept connection in between."""
        head = f"{method} {self.target.prefix}{path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n".encode()
        message = head + self._host + b"Content-Type: application/json\r\nAccept: */*\r\n\r\n" + body
        if self._writer is not None and not self._writer.is_closing():
            try:
                return await self._exchange(message)
            except ConnectionError:
                pass
            except asyncio.IncompleteReadError as error:
                if error.partial:
                    raise
        self._reader, self._writer = await asyncio.open_connection(self.target.host, self.target.port)
        return await self._exchange(message)

    async def _exchange(self, message: bytes) -> tuple[int, bytes]:
        assert self._reader is not None
        assert self._writer is not None
        try:
            self._writer.write(message)
            return await self._answer(self._reader)
        except BaseException:
            self.close()
            raise

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        status = int(head[9:12])
        if b"transfer-encoding: chunked" in head:
            body = await _chunks(reader)
        elif (at := head.find(b"content-length:")) >= 0:
            body = await reader.readexactly(int(head[at + 15 : head.index(b"\r\n", at)]))
        else:
            body = b""
        if b"connection: close" in head:
            self.close()
        return status, body

    def close(self) -> None:
        """Drops the connection; the next request opens another."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return body
