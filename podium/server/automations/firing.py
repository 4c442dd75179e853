"""A trigger that fired, as it is stored, and the actions that are to be done for it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import insert

from podium.db.ids import new_id
from podium.db.prepared import Prepared
from podium.db.tables.automations import automation_actions
from podium.db.unit import Row, Tx

ACTIONS = "automation-actions"
"""Name of the wake-up call for whoever does actions."""

_INSERT = Prepared(insert(automation_actions))


class Firing(msgspec.Struct, kw_only=True):
    """A trigger of an automation fired.

    Its ``id`` is that of its event ``prefect.automation.triggered`` as well, where it is the automation's own trigger.
    ``triggering_labels`` are the labels of ``for_each`` with their values, ``triggering_event`` is the event as clients
    read it (None where the absence of one fired). ``firings`` are those of the triggers that a composite one has,
    in the order in which they fired. ``posture`` is None for a composite trigger.
    """

    trigger_id: str
    trigger_type: str
    triggered: datetime
    id: str = msgspec.field(default_factory=new_id)
    posture: str | None = None
    triggering_labels: dict[str, str] = {}
    triggering_event: dict[str, Any] | None = None
    firings: list["Firing"] = []


class Context(msgspec.Struct, kw_only=True):
    """What an action knows: the automation as clients read it then, its firing, and the event that caused it.

    ``triggered_event_id`` is the id of the ``prefect.automation.triggered`` event that tells of the firing.
    """

    automation: dict[str, Any]
    firing: Firing
    triggering_event: dict[str, Any] | None = None
    triggered_event_id: str | None = None


def queue_action(tx: Tx, action: Mapping[str, Any], index: int, context: Context) -> str:
    """Notes that an action is to be done, ``index`` being its place among all of the automation; its invocation's id.

    Whoever calls this wakes ``ACTIONS`` after the commit.
    """
    [invocation] = queue_actions(tx, [(action, index, context)])
    return invocation


def queue_actions(tx: Tx, actions: Iterable[tuple[Mapping[str, Any], int, Context]]) -> list[str]:
    """Notes several actions, to be done in this order; as ``queue_action``."""
    rows = [
        {
            "id": new_id(),
            "workspace_id": tx.workspace_id,
            "automation_id": context.automation["id"],
            "firing_id": context.firing.id,
            "action_index": index,
            "action": action,
            "context": context,
            "triggered": context.firing.triggered,
            "state": "pending",
            "created": tx.now,
        }
        for action, index, context in actions
    ]
    tx.many(_INSERT, rows)
    return [row["id"] for row in rows]


def read_context(row: Row) -> Context:
    """The context in a row of ``automation_actions``."""
    return msgspec.json.decode(bytes(row["context"]), type=Context)
