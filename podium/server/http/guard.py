"""What is checked before a handler runs: the client's API version, its CSRF token, its credentials."""

import base64
import hmac

from falcon.asgi import Request

from podium.profiles import Settings
from podium.server.errors import Unauthorized
from podium.server.http.client_version import API_VERSION, parse_api_version
from podium.server.http.csrf import CsrfGuard
from podium.wire.endpoint import Endpoint


class Guard:
    """Lets a request in, or raises the ``Problem`` that tells why not."""

    def __init__(self, settings: Settings, csrf: CsrfGuard | None = None) -> None:
        auth_string = settings.server.api.auth_string
        self._expected = auth_string.encode() if auth_string else None
        self._csrf = csrf

    async def check(self, endpoint: Endpoint, request: Request) -> tuple[int, int, int]:
        """The API version the client speaks, once all checks passed."""
        if endpoint.permission == "open":
            return API_VERSION
        if self._csrf is not None:
            await self._csrf.check(request)
        if self._expected is not None:
            self._check_credentials(request.get_header("Authorization") or "")
        header = request.get_header("X-PREFECT-API-VERSION")
        return parse_api_version(header) if header else API_VERSION

    def _check_credentials(self, header: str) -> None:
        scheme, _, encoded = header.partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True)
        except ValueError:
            raise Unauthorized() from None
        if scheme != "Basic" or not self.knows(given.decode(errors="replace")):
            raise Unauthorized()

    def knows(self, credentials: str | None) -> bool:
        """Whether these are the right ``user:password`` (compared in constant time); anything is when none is set."""
        if self._expected is None:
            return True
        return hmac.compare_digest((credentials or "").encode(), self._expected)
