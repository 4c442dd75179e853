"""Deleting automations."""

from podium.db.unit import Row, Tx
from podium.server.errors import MissingObject
from podium.server.events.lifecycle import automation_event
from podium.server.queries.automations import AUTOMATIONS, owned_automations
from podium.server.queries.generic import take_out


def delete_automation(tx: Tx, automation_id: str) -> None:
    """Deletes an automation and what its triggers remember; ``MissingObject`` without one."""
    automation = take_out(tx, AUTOMATIONS, automation_id)
    if automation is None:
        raise MissingObject(f"Automation {automation_id} not found")
    _tell_deleted(tx, automation)


def delete_owned_automations(tx: Tx, resource_id: str) -> None:
    """Deletes the automations a resource owns, as a deployment does before it sends its triggers anew."""
    for automation in owned_automations(tx, resource_id):
        take_out(tx, AUTOMATIONS, automation["id"])
        _tell_deleted(tx, automation)


def _tell_deleted(tx: Tx, automation: Row) -> None:
    tx.emit(automation_event("deleted", automation, tx.now))
