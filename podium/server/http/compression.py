"""Bodies of a size worth it are gzipped when the client asks."""

import gzip
import re

import falcon.asgi

SMALLEST = 500
DENSE = ("image/", "font/")

_WANTED = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?P<weight>[\d.]+))?\s*(?:,|$)", re.IGNORECASE)


class Compression:
    """Falcon middleware: compresses what the handlers answered."""

    async def process_response(
        self, request: falcon.asgi.Request, response: falcon.asgi.Response, resource: object, succeeded: bool
    ) -> None:
        data = response.data
        if data is None or len(data) < SMALLEST or _is_dense(response):
            return
        response.append_header("Vary", "Accept-Encoding")
        if accepts_gzip(request.get_header("Accept-Encoding") or ""):
            response.data = gzip.compress(data, compresslevel=1, mtime=0)
            response.set_header("Content-Encoding", "gzip")


def _is_dense(response: falcon.asgi.Response) -> bool:
    """Whether compressing was done already, or would not make it smaller."""
    return (response.content_type or "").startswith(DENSE) or response.get_header("Content-Encoding") is not None


def accepts_gzip(header: str) -> bool:
    """Whether an ``Accept-Encoding`` header names gzip, and not with the weight 0."""
    wanted = _WANTED.search(header)
    return wanted is not None and (wanted["weight"] or "1").strip("0.") != ""
