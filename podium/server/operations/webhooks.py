"""Creating, changing and deleting webhooks, and taking in what their calls became."""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from podium.db.unit import Row, Tx
from podium.server.errors import Conflict, NotFound
from podium.server.events.event import Event, resource
from podium.server.events.outbox import store_client_events
from podium.server.queries.generic import add_if_absent, change, find_by, take_out
from podium.server.queries.webhooks import WEBHOOKS, is_stored

SECRET_BYTES = 32


def digest_of(secret: str) -> str:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def create_webhook(tx: Tx, values: Mapping[str, Any]) -> tuple[Row, str]:
    """Stores a webhook, and returns it with its secret; ``Conflict`` when its name is taken."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    webhook = add_if_absent(tx, WEBHOOKS, {**values, "secret_digest": digest_of(secret)})
    if webhook is None:
        raise _taken(values["name"])
    _tell(tx, "created", webhook)
    return webhook, secret


def change_webhook(tx: Tx, webhook_id: str, values: Mapping[str, Any]) -> Row:
    """Sets columns of a webhook; ``NotFound`` without one, ``Conflict`` when another has the new name."""
    name = values.get("name")
    namesake = find_by(tx, WEBHOOKS, name=name) if name is not None else None
    if namesake is not None and namesake["id"] != webhook_id:
        raise _taken(str(name))
    webhook = change(tx, WEBHOOKS, webhook_id, values)
    if webhook is None:
        raise NotFound("Webhook not found")
    _tell(tx, "updated", webhook)
    return webhook


def rotate_webhook(tx: Tx, webhook_id: str) -> tuple[Row, str]:
    """Gives a webhook another secret, and returns both; ``NotFound`` without one. The old one is wrong from now on."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    return change_webhook(tx, webhook_id, {"secret_digest": digest_of(secret)}), secret


def delete_webhook(tx: Tx, webhook_id: str) -> None:
    """Deletes a webhook; ``NotFound`` without one."""
    webhook = take_out(tx, WEBHOOKS, webhook_id)
    if webhook is None:
        raise NotFound("Webhook not found")
    _tell(tx, "deleted", webhook)


def take_call(tx: Tx, event: Event, known: bool) -> bool:
    """Stores the event of a call; False, and nothing is stored, for one that came before.

    ``known``: the event's id is made from the call's, so it is the same when the call comes again.
    """
    if known and is_stored(tx, event.id):
        return False
    store_client_events(tx, [event])
    return True


def note_failure(tx: Tx, webhook: Row, reason: str) -> None:
    """Tells by an event that a call of a webhook became none."""
    _tell(tx, "failed", webhook, {"reason": reason})


def _tell(tx: Tx, verb: str, webhook: Row, payload: Any = None) -> None:
    labels = resource("webhook", webhook["id"], name=webhook["name"])
    told = {name: webhook[name] for name in ("name", "description", "enabled")} if payload is None else payload
    tx.emit(Event(event=f"prefect.webhook.{verb}", occurred=tx.now, resource=labels, payload=told))


def _taken(name: str) -> Conflict:
    return Conflict(f"A webhook with the name {name!r} already exists.")
