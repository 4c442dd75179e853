"""Notes what is to be sent. It is sent after the commit, in the order of its channel, and exactly what was noted."""

from typing import Any, Literal

import msgspec
from sqlalchemy.dialects import postgresql, sqlite

from podium.db.ids import new_id
from podium.db.tables.notifications import notification_deliveries
from podium.db.unit import Tx

DELIVERIES = "notification-deliveries"
"""Name of the wake-up call for whoever sends."""

Kind = Literal["notification", "webhook", "email"]

_INSERT = {
    name: make(notification_deliveries).on_conflict_do_nothing().returning(notification_deliveries.c.id)
    for name, make in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}


class Message(msgspec.Struct, omit_defaults=True):
    """What to say. A notification has a subject and a body, an email addresses besides, a webhook a payload."""

    subject: str = ""
    body: str = ""
    emails: list[str] = []
    payload: Any = None


def queue_delivery(
    tx: Tx,
    kind: Kind,
    message: Message,
    idempotency_key: str,
    block_document_id: str | None = None,
    action_id: str | None = None,
) -> str | None:
    """Notes a message for the channel that the block describes; None when one with this key is there already.

    An email without a block goes over the server's own SMTP settings. Whoever calls this wakes ``DELIVERIES`` after the
    commit.
    """
    row = tx.one(
        _INSERT[tx.dialect],
        {
            "id": new_id(),
            "workspace_id": tx.workspace_id,
            "channel": block_document_id or "email",
            "block_document_id": block_document_id,
            "kind": kind,
            "request": message,
            "idempotency_key": idempotency_key,
            "state": "waiting",
            "action_id": action_id,
            "created": tx.now,
        },
    )
    return None if row is None else str(row["id"])
