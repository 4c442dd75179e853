"""Takes in events that clients sent: decodes, checks and completes them."""

from dataclasses import dataclass
from datetime import UTC
from typing import Any

import msgspec

from podium.profiles import Settings
from podium.server.events.event import Event
from podium.wire import events as wire
from podium.wire.decoding import BadBody, decode
from podium.wire.texts import NUL, check_texts


class BadEvent(ValueError):
    """An event that breaks the contract; the text says how."""


class _Sent(wire.Event):
    """The event of a frame with its payload left as it came, since nobody here reads it."""

    payload: msgspec.Raw = msgspec.Raw(b"{}")  # type: ignore[assignment]


_NUL = NUL.decode()
_decode = msgspec.json.Decoder(_Sent).decode


@dataclass(frozen=True, slots=True)
class Limits:
    """What an event may hold at most."""

    name: int
    labels: int
    related: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """The limits of a server."""
        events = settings.server.events
        return cls(
            name=events.maximum_event_name_length,
            labels=events.maximum_labels_per_resource,
            related=events.maximum_related_resources,
        )


def parse_event(text: str, limits: Limits) -> Event:
    """The event of one frame; ``BadEvent`` when it is none."""
    sent: wire.Event
    try:
        sent = _decode(text)
        if bytes(sent.payload)[:1] != b"{":
            raise BadEvent("payload: Expected an object")
        if _NUL in text:
            check_texts(_Sent, sent, text.encode())
    except (msgspec.DecodeError, RecursionError):
        try:
            sent = decode(wire.Event, text)
            check_texts(wire.Event, sent, text.encode())
        except BadBody as error:
            raise BadEvent(str(error)) from None
    except BadBody as error:
        raise BadEvent(str(error)) from None
    return checked_event(sent, limits)


def checked_event(sent: wire.Event, limits: Limits) -> Event:
    """What a client sent, as the server keeps it; ``BadEvent`` when it is beyond a limit."""
    if len(sent.event) > limits.name:
        raise BadEvent(f"event: The name is longer than {limits.name} characters")
    if len(sent.related) > limits.related:
        raise BadEvent(f"related: There are {len(sent.related)} resources, more than {limits.related}")
    for labels in (sent.resource, *sent.related):
        if len(labels) > limits.labels:
            raise BadEvent(f"A resource has {len(labels)} labels, more than {limits.labels}")
    payload: Any = sent.payload
    return Event(
        id=str(sent.id),
        event=sent.event,
        occurred=sent.occurred.astimezone(UTC),
        resource=sent.resource,
        related=sent.related,
        payload=payload.copy() if isinstance(payload, msgspec.Raw) else payload,
        follows=None if sent.follows is None else str(sent.follows),
    )
