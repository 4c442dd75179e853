"""A page with the dashboard, on loopback, for whoever has the address that was printed.

`textual-serve` runs a dashboard for each page and carries its screen over a WebSocket. What it lacks is here: other
users of the machine, and other pages in the same browser, could use it with the operator's credentials. So the address
has a token, a cookie carries it on, and Host and Origin have to be this server's own. Nothing is loaded from elsewhere.
"""

import asyncio
import hmac
import secrets
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware
from textual_serve.server import Server

HOST: Final = "127.0.0.1"
COOKIE: Final = "podium-dashboard"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BrowserServer(Server):
    """Serves a dashboard to a browser on this machine. ``command`` is run by the shell for each page."""

    def __init__(self, command: str, port: int, told: Callable[[str], None]) -> None:
        """``told`` gets the address once it is served."""
        super().__init__(command, HOST, port, "podium dashboard", templates_path=Path(__file__).parent)
        self.token = secrets.token_urlsafe(32)
        self._told = told

    @property
    def address(self) -> str:
        """What to open."""
        return f"{self.public_url}/?token={self.token}"

    def initialize_logging(self) -> None:
        """Says nothing: the command says what matters."""

    async def on_startup(self, app: web.Application) -> None:
        """Says nothing either: it is not served yet."""

    def serve(self, debug: bool = False) -> None:
        """Serves until a signal comes. Raises OSError for a port that is taken."""
        self.debug = debug
        loop = asyncio.new_event_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, self.request_exit)
        # What would be printed comes once connections are taken, which is when the address is of use.
        web.run_app(
            self._make_app(),
            host=self.host,
            port=self.port,
            handle_signals=False,
            loop=loop,
            print=lambda *_: self._told(self.address),
        )

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(guard(self.token, self.port))
        return app


def guard(token: str, port: int) -> Middleware:
    """Lets in who has the token, from pages of this server alone."""
    hosts = {f"{name}:{port}" for name in (HOST, "localhost")}

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if request.host not in hosts or (origin is not None and origin.partition("://")[2] not in hosts):
            raise web.HTTPForbidden(text="This page is for this machine alone.")
        if _same(request.query.get("token"), token):
            answer = web.HTTPFound("/")
            answer.set_cookie(COOKIE, token, httponly=True, samesite="Strict")
            return answer
        if not _same(request.cookies.get(COOKIE), token):
            raise web.HTTPForbidden(text="Open the address that `podium dashboard --web` printed.")
        return await handler(request)

    return guarded


def _same(given: str | None, token: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode(), token.encode())
