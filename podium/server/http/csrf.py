"""The CSRF protocol of the `prefect` client (contract: "Client behaviour a server meets")."""

import hmac

from falcon.asgi import Request
from sqlalchemy import bindparam, select

from podium.db.engine import Database
from podium.db.tables.csrf import csrf_tokens
from podium.db.unit import Tx
from podium.server.errors import Forbidden

CHANGING = {"POST", "PUT", "PATCH", "DELETE"}

_TOKEN = select(csrf_tokens.c.token).where(
    csrf_tokens.c.client == bindparam("client"), csrf_tokens.c.expiration > bindparam("now")
)


def _live_token(tx: Tx, client: str) -> str | None:
    token: str | None = tx.value(_TOKEN, client=client, now=tx.now)
    return token


class CsrfGuard:
    """Wants a token, fetched before by the same client, with every call that changes something."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self, request: Request) -> None:
        if request.method not in CHANGING:
            return
        token = request.get_header("Prefect-Csrf-Token")
        client = request.get_header("Prefect-Csrf-Client")
        if not token:
            raise Forbidden("Missing CSRF token.")
        if not client:
            raise Forbidden("Missing client identifier.")
        known = await self._database.read(_live_token, client)
        if known is None or not hmac.compare_digest(known.encode(), token.encode()):
            raise Forbidden("Invalid CSRF token or client identifier.")
