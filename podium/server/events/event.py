"""What an event is inside the server."""

from datetime import datetime
from typing import Any

import msgspec

from podium.db.ids import DEFAULT_WORKSPACE_ID, new_id

RESOURCE_ID = "prefect.resource.id"
RESOURCE_ROLE = "prefect.resource.role"
RESOURCE_NAME = "prefect.resource.name"

Labels = dict[str, str]


class Event(msgspec.Struct, kw_only=True):
    """Something that happened to a resource (contract: "Event schema and limits").

    ``resource`` and each of ``related`` are labels, among them ``prefect.resource.id``; related ones have a
    ``prefect.resource.role`` too. ``payload`` is any JSON, ``msgspec.Raw`` included. ``follows`` is the id of the event
    that caused this one. ``received`` and ``workspace_id`` are set when the event is stored.
    """

    event: str
    occurred: datetime
    resource: Labels
    related: list[Labels] = []
    payload: Any = {}
    follows: str | None = None
    id: str = msgspec.field(default_factory=new_id)
    received: datetime | None = None
    workspace_id: str = DEFAULT_WORKSPACE_ID

    @property
    def resource_id(self) -> str:
        return self.resource[RESOURCE_ID]


def resource(kind: str, key: Any, role: str | None = None, name: str | None = None) -> Labels:
    """The labels of ``prefect.<kind>.<key>``."""
    labels = {RESOURCE_ID: f"prefect.{kind}.{key}"}
    if role is not None:
        labels[RESOURCE_ROLE] = role
    if name is not None:
        labels[RESOURCE_NAME] = name
    return labels


def as_received(event: Event) -> dict[str, Any]:
    """The event as clients read it (wire: ReceivedEvent)."""
    return {
        "id": event.id,
        "occurred": event.occurred,
        "event": event.event,
        "resource": event.resource,
        "related": event.related,
        "payload": event.payload,
        "received": event.received,
        "follows": event.follows,
    }
