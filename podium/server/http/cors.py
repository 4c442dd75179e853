"""Which other origins' pages may call the API (CORS)."""

import falcon
from falcon.asgi import Request, Response

from podium.profiles import Settings

MAX_AGE = "600"
EXPOSED = "Retry-After, X-Request-ID"
"""What pages may read of an answer besides the few headers that browsers always show."""

METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


class Cors:
    """Falcon middleware: answers preflights, and tells each allowed origin that its pages may read the answer.

    Without it browsers let only the server's own pages call the API.
    """

    def __init__(self, settings: Settings) -> None:
        api = settings.server.api
        self._origins = _listed(api.cors_allowed_origins)
        methods, headers = _listed(api.cors_allowed_methods), _listed(api.cors_allowed_headers)
        self._methods = METHODS if "*" in methods else ", ".join(sorted(methods))
        self._headers = None if "*" in headers else ", ".join(sorted(headers))

    async def process_request(self, request: Request, response: Response) -> None:
        """Ends a preflight here: it comes without credentials and is about any path."""
        response.append_header("Vary", "Origin")
        origin = request.get_header("Origin")
        if not origin or not ({"*", origin} & self._origins):
            return
        response.set_header("Access-Control-Allow-Origin", "*" if "*" in self._origins else origin)
        response.set_header("Access-Control-Expose-Headers", EXPOSED)
        if request.method == "OPTIONS" and request.get_header("Access-Control-Request-Method"):
            asked = request.get_header("Access-Control-Request-Headers") or ""
            response.set_header("Access-Control-Allow-Methods", self._methods)
            response.set_header("Access-Control-Allow-Headers", asked if self._headers is None else self._headers)
            response.set_header("Access-Control-Max-Age", MAX_AGE)
            response.content_type = falcon.MEDIA_TEXT
            response.text = "OK"
            response.complete = True


def _listed(text: str) -> set[str]:
    return {part.strip() for part in text.split(",") if part.strip()}
