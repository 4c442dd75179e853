"""Webhooks by their secrets, and whether a call made its event already."""

from sqlalchemy import bindparam, func, select

from podium.db.prepared import Prepared
from podium.db.tables.events import events
from podium.db.tables.notifications import webhooks
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.queries.generic import Entity
from podium.wire.webhooks import Webhook

WEBHOOKS = Entity(webhooks, Webhook, "Webhook")

_BY_DIGEST = Prepared(select(*WEBHOOKS.columns).where(webhooks.c.secret_digest == bindparam("digest"), WEBHOOKS.mine))
_EVENT = select(events.c.id).where(events.c.id == bindparam("event"), events.c.workspace_id == WORKSPACE).limit(1)
_LOCK = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("event"), 0)))


def webhook_by_digest(tx: Tx, digest: str) -> Row | None:
    """The webhook whose secret has this digest, or None."""
    return tx.one(_BY_DIGEST, digest=digest)


def is_stored(tx: Tx, event_id: str) -> bool:
    """Whether there is an event with this id, whenever it occurred; until the unit ends nobody else is told no.

    Asks every partition of PostgreSQL.
    """
    if tx.dialect == "postgresql":
        tx.value(_LOCK, event=event_id)
    return tx.value(_EVENT, event=event_id) is not None
