"""Reading automations, and those that belong to a resource."""

from sqlalchemy import bindparam, select

from podium.db.tables.automations import automation_related_resources, automations
from podium.db.unit import Row, Tx
from podium.server.queries.generic import Entity
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


def related_automations(tx: Tx, resource_id: str) -> list[Row]:
    """The automations that a resource owns or that act on it, by name."""
    return tx.all(_RELATED, resource=resource_id)


def owned_automations(tx: Tx, resource_id: str) -> list[Row]:
    """The automations a resource owns and had before this moment, by name."""
    return tx.all(_OWNED, resource=resource_id, before=tx.now)
