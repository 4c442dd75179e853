"""Makes the event of a webhook's call: what came is handed to the template, and what that says is checked."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID, uuid5

import msgspec

from podium.db.ids import new_id
from podium.db.unit import Row
from podium.server.events.event import Event, resource
from podium.server.events.intake import BadEvent, Limits, parse_event
from podium.server.operations.templating import Unrenderable
from podium.server.operations.webhook_templates import write_event

FORM = "application/x-www-form-urlencoded"
KEYS = (
    "idempotency-key",
    "x-github-delivery",
    "x-gitlab-event-uuid",
    "webhook-id",
    "svix-id",
    "x-shopify-webhook-id",
    "ce-id",
    "x-request-id",
)
"""Headers by which senders name a call, the same when they send it again; the first that is there counts."""

REQUIRED, OPTIONAL = {"event", "resource"}, {"related", "payload", "id", "occurred"}


class NoEvent(ValueError):
    """A call that becomes no event; the text says why."""


class Headers(dict[str, str]):
    """The headers of a call, whose names are found in any case."""

    def __init__(self, given: Mapping[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in given.items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class Received(msgspec.Struct, kw_only=True):
    """What a template knows of a call; ``body`` is its JSON, the fields of a form, or its text."""

    method: str
    headers: Headers
    query: dict[str, Any]
    body: Any


def body_of(content: bytes, media: str | None) -> Any:
    """The content of a call: the fields of a form, JSON, else text; None when there is none."""
    if not content.strip():
        return None
    is_form = (media or "").partition(";")[0].strip().lower() == FORM
    if not is_form or content.lstrip()[:1] in b"{[":  # curl calls JSON a form unless told otherwise
        try:
            return msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
    text = content.decode(errors="replace")
    return dict(parse_qsl(text, keep_blank_values=True)) if is_form else text


def event_of(webhook: Row, template: str, received: Received, now: datetime, limits: Limits) -> tuple[Event, bool]:
    """The event of a call, and whether its id is made from a key of the call, so that a replay has the same.

    Raises ``NoEvent`` when the template fails, or says something that is no event.
    """
    labels = {"id": webhook["id"], "name": webhook["name"]}
    try:
        text = write_event(template, {**msgspec.structs.asdict(received), "webhook": labels})
    except Unrenderable as error:
        raise NoEvent(f"The template fails: {error}") from None
    said = _said(text)
    key = said.pop("id", None) or next((found for name in KEYS if (found := received.headers.get(name))), None)
    known = key is not None
    said["id"] = str(uuid5(UUID(webhook["id"]), str(key))) if known else new_id()
    said.setdefault("occurred", now)
    related = said.setdefault("related", [])
    if isinstance(related, list):
        related.append(resource("webhook", webhook["id"], "webhook", webhook["name"]))
    try:
        return parse_event(msgspec.json.encode(said).decode(), limits), known
    except (BadEvent, RecursionError) as error:
        raise NoEvent(f"The template says no event: {error}") from None


def _said(text: str) -> dict[str, Any]:
    """The object in the text of a template."""
    if not text.strip():
        raise NoEvent("The template says nothing for this call.")
    try:
        said = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise NoEvent(f"The template says no JSON: {error}") from None
    if not isinstance(said, dict):
        raise NoEvent("The template says JSON that is no object.")
    fields = {name for name, value in said.items() if value is not None}
    for name in sorted(REQUIRED - fields):
        raise NoEvent(f"The template says no {name!r}.")
    for name in sorted(fields - REQUIRED - OPTIONAL):
        raise NoEvent(f"The template says {name!r}, which no event has.")
    return {name: said[name] for name in fields}


def size_of(event: Event) -> int:
    """Bytes of an event, as they are counted where it is stored."""
    return sum(len(msgspec.json.encode(part)) for part in (event.payload, event.related, event.resource))
