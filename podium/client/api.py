"""Calls endpoints of a server: ``client.call(flow_runs.READ, id=run_id)``."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from podium.client.errors import Unreachable, refusal
from podium.wire.decoding import encode
from podium.wire.endpoint import Endpoint

PAGE = 200


class Client:
    """One server and the credentials for it. Use as a context manager, or close it."""

    def __init__(
        self, url: str, auth_string: str | None = None, api_key: str | None = None, timeout: float = 60.0
    ) -> None:
        """``url`` is that of the API (``http://127.0.0.1:4200/api``); an auth string wins over a key."""
        headers = {"Content-Type": "application/json"}
        if auth_string:
            headers["Authorization"] = f"Basic {b64encode(auth_string.encode()).decode()}"
        elif api_key:
            headers["Authorization"] = f"Bearer {api_key}"
        self.url = url.rstrip("/")
        self._http = httpx.Client(headers=headers, timeout=timeout, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def call(
        self, endpoint: Endpoint, body: Any = None, query: Mapping[str, str] | None = None, **path: object
    ) -> Any:
        """Calls an endpoint and returns its answer as the endpoint's type.

        Raises ``Unreachable`` or the ``Refused`` error of the answer's status.
        """
        content = encode(body) if body is not None else b"{}" if endpoint.body is not None else None
        try:
            response = self._http.request(
                endpoint.method, self.url + endpoint.url(**path), content=content, params=query
            )
        except httpx.HTTPError as error:
            raise Unreachable(f"no server answers at {self.url} ({_reason(error)})") from error
        if response.status_code >= 400:
            raise refusal(response.status_code, _json(response.content))
        if endpoint.answer is None or not response.content:
            return None
        return msgspec.json.decode(response.content, type=endpoint.answer)

    def pages(self, endpoint: Endpoint, body: dict[str, Any], most: int | None = None) -> Iterator[Any]:
        """Every item of a list endpoint, fetched page by page, ``most`` at the most."""
        offset = 0
        while most is None or offset < most:
            limit = PAGE if most is None else min(PAGE, most - offset)
            items = self.call(endpoint, {**body, "limit": limit, "offset": offset})
            yield from items
            offset += len(items)
            if len(items) < limit:
                return


def _reason(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__


def _json(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError:
        return None
