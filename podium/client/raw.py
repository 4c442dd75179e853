"""Calls that no row describes: a method, a path, and the answer as it came."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from podium.client.api import Client
from podium.client.errors import Refused, refusal
from podium.wire.endpoint import Endpoint


class Answer(NamedTuple):
    """What a server answered; ``error`` is what its status means, if nothing good."""

    url: str
    status: int
    headers: list[tuple[str, str]]
    content: bytes
    error: Refused | None


def call_raw(
    client: Client,
    method: str,
    path: str,
    body: str | None,
    query: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    *,
    root: bool = False,
) -> Answer:
    """Calls below the API's URL, or below the root of its server. Raises Unreachable."""
    parts = urlsplit(client.url)
    base = f"{parts.scheme}://{parts.netloc}" if root else client.url
    if body is None and method in ("POST", "PUT", "PATCH"):
        body = "{}"
    # A GET may be sent again; whether anything else may, nobody here knows.
    row = Endpoint(method=method, path=path, summary="", permission="read" if method in ("GET", "HEAD") else "edit")  # type: ignore[arg-type]
    url = f"{base}/{path.lstrip('/')}"
    response = client.send(row, url, None if body is None else body.encode(), query, headers)
    error = None
    if response.status_code >= 400:
        try:
            error = refusal(response.status_code, msgspec.json.decode(response.content))
        except (msgspec.DecodeError, UnicodeDecodeError):
            error = refusal(response.status_code, None)
    return Answer(response.url, response.status_code, list(response.headers.items()), response.content, error)
