"""Sending something: it is queued with the action, sent after the commit, and the action is done when it arrived."""

from podium.db.types import plain
from podium.db.unit import Row, Tx
from podium.server.automations.invocation import ActionFailed, Effect, Invocation
from podium.server.automations.templates import Templates
from podium.server.errors import NotFound
from podium.server.events.event import Event, resource
from podium.server.notifications.queue import Kind, Message, queue_delivery
from podium.server.queries.blocks import BLOCK_DOCUMENTS, BLOCK_SCHEMAS, BLOCK_TYPES
from podium.server.queries.generic import find, get
from podium.wire.actions import CallWebhook, SendEmailNotification, SendNotification

NOTIFY = "notify"
WEBHOOK = "webhook"


def send_notification(tx: Tx, invocation: Invocation, effect: Effect) -> None:
    """Queues a message for a block that has the capability to notify."""
    action = invocation.action
    assert isinstance(action, SendNotification)
    document, block_type = _load(tx, action.block_document_id, effect)
    if NOTIFY not in plain(get(tx, BLOCK_SCHEMAS, document["block_schema_id"])["capabilities"]):
        raise ActionFailed(f"The block {document['name']!r} ({block_type['name']}) is not a notification block")
    subject, body = Templates(tx, invocation, effect).texts(action.subject, action.body)
    _queue(tx, invocation, effect, "notification", Message(subject=subject, body=body), document["id"])


def call_webhook(tx: Tx, invocation: Invocation, effect: Effect) -> None:
    """Queues a payload for a webhook block."""
    action = invocation.action
    assert isinstance(action, CallWebhook)
    document, block_type = _load(tx, action.block_document_id, effect)
    if block_type["slug"] != WEBHOOK:
        raise ActionFailed(f"The block {document['name']!r} ({block_type['name']}) is not a webhook block")
    [payload] = Templates(tx, invocation, effect).texts(action.payload)
    _queue(tx, invocation, effect, "webhook", Message(payload=payload), document["id"])


def send_email(tx: Tx, invocation: Invocation, effect: Effect) -> None:
    """Queues an email to addresses."""
    action = invocation.action
    assert isinstance(action, SendEmailNotification)
    document_id = action.block_document_id and _load(tx, action.block_document_id, effect)[0]["id"]
    subject, body = Templates(tx, invocation, effect).texts(action.subject, action.body)
    message = Message(subject=subject, body=body, emails=action.emails)
    _queue(tx, invocation, effect, "email", message, document_id)


def _load(tx: Tx, document_id: str, effect: Effect) -> tuple[Row, Row]:
    """The row of a block document and of its type; its loading is told of."""
    document = find(tx, BLOCK_DOCUMENTS, document_id)
    if document is None:
        raise NotFound(f"Block document {document_id} not found")
    block_type = get(tx, BLOCK_TYPES, document["block_type_id"])
    slug = block_type["slug"]
    block = resource("block-document", document["id"], "block", document["name"])
    effect.related += [block, resource("block-type", slug, "block-type")]
    tx.emit(
        Event(
            event=f"prefect.block.{slug}.loaded",
            occurred=tx.now,
            resource=resource("block-document", document["id"], name=document["name"]),
            related=[resource("block-type", slug, "block-type")],
        )
    )
    return document, block_type


def _queue(
    tx: Tx, invocation: Invocation, effect: Effect, kind: Kind, message: Message, block_document_id: str | None
) -> None:
    queue_delivery(tx, kind, message, invocation.id, block_document_id, invocation.id)
    effect.sends = True
