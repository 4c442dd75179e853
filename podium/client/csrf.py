"""The tokens that a server may want with every change, fetched once it says so."""

import time
from uuid import uuid4

import msgspec

from podium.client.http import Response, Transport
from podium.wire import csrf

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
WORDS = b"CSRF token"
"""What a server says of a token that is missing, wrong or too old."""


class Csrf:
    """The token of one client."""

    def __init__(self) -> None:
        self._client = str(uuid4())
        self._token: str | None = None
        self._expires = 0.0

    def headers(self, http: Transport, url: str, method: str) -> dict[str, str]:
        """What a request needs; a token that is about to expire is replaced first."""
        if self._token is None or method not in CHANGING:
            return {}
        if time.time() >= self._expires and not self.renew(http, url):
            return {}
        return {"Prefect-Csrf-Token": self._token, "Prefect-Csrf-Client": self._client}

    def is_wanted(self, response: Response) -> bool:
        """Whether a request was refused for want of a token that is good."""
        return response.status_code == 403 and WORDS in response.content

    def renew(self, http: Transport, url: str) -> bool:
        """Fetches a token; False when there is none to be had."""
        self._token = None
        response = http.request("GET", url + csrf.READ.path, query=[("client", self._client)])
        if response.status_code != 200:
            return False
        try:
            found = msgspec.json.decode(response.content, type=csrf.CsrfToken)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        life = (found.expiration - found.updated).total_seconds() if found.updated else 0.0
        self._token, self._expires = found.token, time.time() + 0.9 * life
        return True
