"""Automations that fired, made by hand, and what became of their actions."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select

from podium.db.ids import new_id
from podium.db.tables.automations import automation_actions
from podium.db.tables.events import events
from podium.db.tables.notifications import notification_deliveries
from podium.db.unit import Tx
from podium.server.automations.firing import Context, Firing, queue_action
from podium.server.operations.automations import create_automation
from podium.server.services.actions import do_waiting
from podium.wire.automations import AutomationCreate
from tests.server.conftest import Units
from tests.server.rows import Rows

TRIGGER = {"type": "event", "posture": "Reactive", "expect": ["garden.watered"], "threshold": 1, "within": 0}


def event(resource: dict[str, str] | str, *related: dict[str, str], **fields: Any) -> dict[str, Any]:
    """An event as clients read it; a text is the id of its resource."""
    labels = {"prefect.resource.id": resource} if isinstance(resource, str) else resource
    return {
        "id": new_id(),
        "occurred": "2026-05-06T12:00:00Z",
        "received": "2026-05-06T12:00:01Z",
        "event": "garden.watered",
        "resource": labels,
        "related": list(related),
        "payload": {},
        "follows": None,
        **fields,
    }


def resource(kind: str, key: str, role: str | None = None, **labels: str) -> dict[str, str]:
    """The labels of an object of the server."""
    given = {} if role is None else {"prefect.resource.role": role}
    return {"prefect.resource.id": f"prefect.{kind}.{key}", **given, **labels}


class Acting:
    """Fires automations by hand and lets the service do their actions."""

    def __init__(self, units: Units) -> None:
        self.units = units
        self.rows = Rows(units.write)

    def automation(self, *actions: dict[str, Any], name: str = "gardener") -> dict[str, Any]:
        """A stored automation with these actions, as clients read it."""
        body = msgspec.convert({"name": name, "trigger": TRIGGER, "actions": actions}, AutomationCreate, strict=False)
        row: dict[str, Any] = self.units.write(create_automation, body)
        return msgspec.json.decode(msgspec.json.encode(row))  # type: ignore[no-any-return]

    def fire(
        self,
        *actions: dict[str, Any],
        cause: dict[str, Any] | None = None,
        labels: dict[str, str] | None = None,
        triggered: datetime | None = None,
        automation: dict[str, Any] | None = None,
    ) -> list[str]:
        """The ids of the invocations of an automation with these actions that fired."""
        automation = automation or self.automation(*actions)
        trigger = automation["trigger"]

        def unit(tx: Tx) -> list[str]:
            firing = Firing(
                trigger_id=trigger["id"],
                trigger_type=trigger["type"],
                posture=trigger["posture"],
                triggered=triggered or tx.now,
                triggering_labels=labels or {},
                triggering_event=cause,
            )
            context = Context(automation=automation, firing=firing, triggering_event=cause)
            return [queue_action(tx, action, index, context) for index, action in enumerate(automation["actions"])]

        found: list[str] = self.units.write(unit)
        return found

    def act(self) -> int:
        """Lets the service do what waits; how many actions it tried."""
        tried = 0
        while now := self.units.run(do_waiting(self.units.runtime)):
            tried += now
        return tried

    def do(self, *actions: dict[str, Any], **fired: Any) -> dict[str, Any]:
        """The row of the last of these actions, once they are done."""
        invocation = self.fire(*actions, **fired)[-1]
        self.act()
        return self.row(invocation)

    def row(self, invocation: str) -> dict[str, Any]:
        """An action, its JSON decoded."""
        [row] = self.units.all(select(automation_actions).where(automation_actions.c.id == invocation))
        return {**row, "result": row["result"] and msgspec.json.decode(row["result"])}

    def ended(self, invocation: str) -> tuple[str, str | None]:
        """State of an action and its reason."""
        row = self.row(invocation)
        return row["state"], row["reason"]

    def events(self, condition: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """The stored events for which a condition holds, decoded, oldest first."""
        rows = self.units.all(select(events).order_by(events.c.recorded, events.c.id))
        found = [msgspec.json.decode(msgspec.json.encode(row)) for row in rows]
        return [each for each in found if condition(each)]

    def told(self, invocation: str) -> list[dict[str, Any]]:
        """The events of an action."""
        found = self.events(lambda each: each["payload"].get("invocation") == invocation)
        order = ["prefect.automation.action.triggered"]
        return sorted(found, key=lambda each: each["event"] not in order)

    def deliveries(self, invocation: str) -> list[dict[str, Any]]:
        """What is queued to be sent for an action, decoded."""
        table = notification_deliveries
        rows = self.units.all(select(table).where(table.c.action_id == invocation))
        return [{**row, "request": msgspec.json.decode(row["request"])} for row in rows]
