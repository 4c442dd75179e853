"""Reading automations, and those that belong to a resource."""

from collections.abc import Iterable

from sqlalchemy import bindparam, delete, select

from podium.db.tables.automations import (
    automation_buckets,
    automation_child_firings,
    automation_related_resources,
    automations,
)
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.queries.generic import Entity, insert_or_ignore, new_row
from podium.wire.automations import Automation

AUTOMATIONS = Entity(automations, Automation, "Automation")

_related = automation_related_resources.c

_RELATED = (
    select(*AUTOMATIONS.columns)
    .join(automation_related_resources, _related.automation_id == automations.c.id)
    .where(AUTOMATIONS.mine, _related.resource_id == bindparam("resource"))
    .order_by(automations.c.name, automations.c.id)
)
_OWNED = _RELATED.where(_related.automation_owned_by_resource, automations.c.created < bindparam("before"))

_FORGET_USED = delete(automation_related_resources).where(
    _related.workspace_id == WORKSPACE,
    _related.automation_id == bindparam("automation"),
    _related.automation_owned_by_resource.is_(False),
)
_FORGET_MEMORIES = [
    delete(table).where(table.c.workspace_id == WORKSPACE, table.c.automation_id == bindparam("automation"))
    for table in (automation_buckets, automation_child_firings)
]


def related_automations(tx: Tx, resource_id: str) -> list[Row]:
    """The automations that a resource owns or that act on it, by name."""
    return tx.all(_RELATED, resource=resource_id)


def owned_automations(tx: Tx, resource_id: str) -> list[Row]:
    """The automations a resource owns and had before this moment, by name."""
    return tx.all(_OWNED, resource=resource_id, before=tx.now)


def relate_owner(tx: Tx, automation_id: str, resource_id: str) -> None:
    """Notes that a resource owns an automation, which goes with it."""
    _relate(tx, automation_id, [resource_id], owned=True)


def relate_used(tx: Tx, automation_id: str, resource_ids: Iterable[str]) -> None:
    """Notes the resources that an automation acts on, in place of those it did before; its owner stays that."""
    tx.run(_FORGET_USED, automation=automation_id)
    _relate(tx, automation_id, resource_ids, owned=False)


def _relate(tx: Tx, automation_id: str, resource_ids: Iterable[str], owned: bool) -> None:
    values = {"automation_id": automation_id, "automation_owned_by_resource": owned}
    rows = [new_row(tx, automation_related_resources, {**values, "resource_id": each}) for each in resource_ids]
    tx.many(insert_or_ignore(tx, automation_related_resources), rows)


def forget_triggers(tx: Tx, automation_id: str) -> None:
    """Deletes what the triggers of an automation remember between events."""
    for statement in _FORGET_MEMORIES:
        tx.run(statement, automation=automation_id)
