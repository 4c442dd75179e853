"""gzip both ways: bodies that clients packed, and answers of a size worth it when the client asks."""

import asyncio
import gzip
import re
import zlib
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any

import falcon
import falcon.asgi

from podium.server.errors import BadRequest

SMALLEST = 500
DENSE = ("image/", "font/")
LEVEL = 1
GZIP = 16 + zlib.MAX_WBITS
"""How zlib is told that it is gzip."""

QUICK = 65536
"""Packed bytes up to which unpacking is not worth a thread."""

MOST_MEMBERS = 64
"""Parts that a packed body may be concatenated of; each costs a copy of the rest."""

_WEIGHT = re.compile(r"\bq\s*=\s*([\d.]+)")


class Compression:
    """Falcon middleware: compresses what the handlers answered, streams piece by piece."""

    async def process_response(
        self, request: falcon.asgi.Request, response: falcon.asgi.Response, resource: object, succeeded: bool
    ) -> None:
        data, stream = response.data, response.stream
        if stream is None and (data is None or len(data) < SMALLEST):
            return
        if _is_dense(response):
            return
        response.append_header("Vary", "Accept-Encoding")
        if not accepts_gzip(request.get_header("Accept-Encoding") or ""):
            return
        response.set_header("Content-Encoding", "gzip")
        if data is not None:
            response.data = gzip.compress(data, compresslevel=LEVEL, mtime=0)
        elif stream is not None:
            response.stream = _packed(stream)


def _is_dense(response: falcon.asgi.Response) -> bool:
    """Whether compressing was done already, or would not make it smaller."""
    return (response.content_type or "").startswith(DENSE) or response.get_header("Content-Encoding") is not None


async def _packed(stream: Any) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(LEVEL, wbits=GZIP)
    async for piece in stream:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()


@lru_cache(maxsize=32)
def accepts_gzip(header: str) -> bool:
    """Whether an ``Accept-Encoding`` header takes gzip: by its name, else by ``*``, and not with the weight 0."""
    weights = {}
    for part in header.lower().split(","):
        coding, _, parameters = part.partition(";")
        weight = _WEIGHT.search(parameters)
        weights[coding.strip()] = weight[1] if weight else "1"
    return weights.get("gzip", weights.get("*", "0")).strip("0.") != ""


async def read_body(request: falcon.asgi.Request, most: int) -> bytes:
    """The body as it was sent; more than ``most`` bytes (0: any number) are refused (413) and not kept."""
    announced = request.content_length
    if not most or announced is not None:
        if most and announced and announced > most:
            raise _too_large(most)
        content: bytes = await request.stream.read()
        return content
    pieces, size = [], 0
    async for piece in request.stream:
        size += len(piece)
        if size > most:
            raise _too_large(most)
        pieces.append(piece)
    return b"".join(pieces)


async def unpacked(request: falcon.asgi.Request, content: bytes, most: int) -> bytes:
    """The body without its ``Content-Encoding``; unpacking stops where it is more than ``most`` bytes (413).

    Raises 415 for an encoding other than gzip, 400 for what is not gzip, or not all of it.
    """
    coding = request.get_header("Content-Encoding")
    if coding is None or (coding := coding.strip().lower()) in ("", "identity"):
        return content
    if coding not in ("gzip", "x-gzip"):
        message = f"The body is encoded as {coding}; expected gzip, or none"
        raise falcon.HTTPUnsupportedMediaType(description=message, headers={"Accept-Encoding": "gzip"})
    if len(content) <= QUICK:
        return _unpack(content, most)
    return await asyncio.to_thread(_unpack, content, most)


def _unpack(content: bytes, most: int) -> bytes:
    parts, size = [], 0
    for _ in range(MOST_MEMBERS):
        if not content:
            break
        packer = zlib.decompressobj(wbits=GZIP)
        try:
            part = packer.decompress(content, most + 1 - size if most else 0)
        except zlib.error as error:
            raise BadRequest(f"The body is not gzip: {error}") from None
        size += len(part)
        if most and size > most:
            raise _too_large(most)
        if not packer.eof:
            raise BadRequest("The body ended early.")
        parts.append(part)
        content = packer.unused_data
    if content:
        raise BadRequest(f"The body is of more than {MOST_MEMBERS} gzip members.")
    return b"".join(parts)


def _too_large(most: int) -> falcon.HTTPError:
    return falcon.HTTPContentTooLarge(description=f"The body is larger than {most} bytes.")
