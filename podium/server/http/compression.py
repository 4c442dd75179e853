"""Bodies of a size worth it are gzipped when the client asks."""

import gzip

import falcon.asgi

SMALLEST = 500


class Compression:
    """Falcon middleware: compresses what the handlers answered."""

    async def process_response(
        self, request: falcon.asgi.Request, response: falcon.asgi.Response, resource: object, succeeded: bool
    ) -> None:
        data = response.data
        if data is None or len(data) < SMALLEST or "gzip" not in (request.get_header("Accept-Encoding") or ""):
            return
        response.data = gzip.compress(data, compresslevel=1, mtime=0)
        response.set_header("Content-Encoding", "gzip")
        response.append_header("Vary", "Accept-Encoding")
