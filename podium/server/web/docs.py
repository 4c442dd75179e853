"""The page at ``/docs`` that shows the OpenAPI document beside it, and both at the root of the server."""

import asyncio
import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import falcon
from falcon.asgi import App, Request, Response

from podium.wire import openapi

MEDIA = falcon.MEDIA_HTML
POLICY_HEADER = "Content-Security-Policy"

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


@cache
def page() -> bytes:
    """The page; it holds all it needs but the document, which it fetches from where it lies itself."""
    return Path(__file__).with_name("docs.html").read_bytes()


@cache
def policy() -> str:
    """Only the page's own script runs, and nothing of another origin is loaded."""
    script = _SCRIPT.search(page().decode())
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; connect-src 'self'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class _Page:
    async def on_get(self, request: Request, response: Response) -> None:
        response.content_type = MEDIA
        response.set_header(POLICY_HEADER, policy())
        response.data = page()

    on_head = on_get


class _Document:
    def __init__(self, base_path: str) -> None:
        self._base_path = base_path

    async def on_get(self, request: Request, response: Response) -> None:
        response.content_type = falcon.MEDIA_JSON
        response.data = await asyncio.to_thread(openapi.encoded, self._base_path)

    on_head = on_get


def install(app: App[Any, Any], base_path: str, root: str = "") -> None:
    """Adds both beside the API, open to everybody; an API at the root has them itself, and asks for credentials."""
    if base_path != root:
        app.add_route(f"{root}/docs", _Page())
        app.add_route(f"{root}/openapi.json", _Document(base_path))
