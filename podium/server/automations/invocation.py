"""An action that is to be done, and what doing it comes to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from podium.db.ids import canonical_id
from podium.db.unit import Row, Tx
from podium.server.automations.firing import Context, read_context
from podium.server.events.event import RESOURCE_ID, Labels, resource
from podium.wire.actions import Action


@dataclass(slots=True)
class Invocation:
    """An action of an automation that fired; ``id`` is the idempotency key of its effect."""

    id: str
    index: int
    action: Action
    context: Context

    @property
    def automation_id(self) -> str:
        automation_id: str = self.context.automation["id"]
        return automation_id

    @property
    def type(self) -> str:
        """The type of the action, as the wire names it."""
        return type_of(self.action)

    @property
    def creator(self) -> Row:
        """The automation, as ``created_by`` names it."""
        return {"id": self.automation_id, "type": "AUTOMATION", "display_value": self.context.automation["name"]}


def type_of(action: Action) -> str:
    """The type of an action, as the wire names it."""
    return str(action.__struct_config__.tag)


def read_invocation(row: Row) -> Invocation:
    """The invocation in a row of ``automation_actions``."""
    action: Action = msgspec.json.decode(row["action"], type=Action)
    return Invocation(row["id"], row["action_index"], action, read_context(row))


@dataclass(slots=True)
class Effect:
    """What an action did.

    ``details`` go into the payload of the event that tells of it, ``related`` into its related resources. ``sends``: it
    is done when its delivery is. ``afterwards`` are units of work that may follow its own, or be lost.
    """

    details: dict[str, Any] = field(default_factory=dict)
    related: list[Labels] = field(default_factory=list)
    sends: bool = False
    afterwards: list[tuple[Callable[..., Any], str]] = field(default_factory=list)


class ActionFailed(Exception):
    """An action that cannot be done, now or later; what it did to the database before is undone."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Perform = Callable[[Tx, Invocation, Effect], None]
"""What does an action, all of it in the unit of work, and notes it in the effect as it goes.

Raises ``ActionFailed`` with the reason, or a ``Problem``; what is in the effect by then is told of as well.
"""


def target(kind: str, key: str, name: str | None = None) -> Labels:
    """The labels of what an action acts on."""
    return resource(kind, key, "target", name)


def first_of_kind(event: dict[str, Any] | None, kind: str) -> tuple[str, Labels] | None:
    """The id and the labels of the first object of a kind in an event: its own before those related to it."""
    for labels in (event["resource"], *event["related"]) if event is not None else ():
        key = id_in(labels.get(RESOURCE_ID, ""), kind)
        if key is not None:
            return key, labels
    return None


def id_in(resource_id: str, kind: str) -> str | None:
    """The id of an object out of ``prefect.<kind>.<id>``, None for anything else."""
    found, _, key = resource_id.rpartition(".")
    return canonical_id(key) if found == f"prefect.{kind}" else None
