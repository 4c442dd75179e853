"""Tokens against forged requests over HTTP."""

import secrets
from datetime import timedelta

from sqlalchemy import delete

from podium.db.tables.csrf import csrf_tokens
from podium.db.unit import Row, Tx
from podium.server.errors import Invalid
from podium.server.http.call import Call
from podium.server.queries.generic import new_row, upsert
from podium.wire import csrf as wire


async def create_token(call: Call) -> Row:
    """A client that reads exactly this refusal stops asking for tokens."""
    api = call.runtime.settings.server.api
    if not api.csrf_protection_enabled:
        raise Invalid("CSRF protection is disabled.")
    row: Row = await call.write(_replace_token, call.query.client, timedelta(seconds=api.csrf_token_expiration))
    return row


def _replace_token(tx: Tx, client: str, life: timedelta) -> Row:
    tx.run(delete(csrf_tokens).where(csrf_tokens.c.expiration <= tx.now))
    values = {"client": client, "token": secrets.token_hex(32), "expiration": tx.now + life}
    row = new_row(tx, csrf_tokens, values)
    replaced = upsert(tx, csrf_tokens, row, on=("client",), replace=("token", "expiration", "updated"))
    stored = tx.one(replaced.returning(csrf_tokens))
    assert stored is not None
    return stored


ROUTES = ((wire.READ, create_token),)
