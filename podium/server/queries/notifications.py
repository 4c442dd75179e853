"""Reading notifications: whether one is enabled is known by its automation alone."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, select

from podium.db.tables.automations import automations
from podium.db.tables.blocks import block_documents, block_schemas
from podium.db.tables.deployments import deployments
from podium.db.tables.flows import flows
from podium.db.tables.notifications import notifications
from podium.db.tables.work_pools import work_pools
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import NotFound
from podium.server.queries.generic import Entity
from podium.wire.notifications import Notification

NOTIFICATIONS = Entity(notifications, Notification, "Notification")

_SHOWN = (
    select(*NOTIFICATIONS.columns, automations.c.enabled)
    .join(automations, automations.c.id == notifications.c.automation_id)
    .where(NOTIFICATIONS.mine)
)
_BY_ID = _SHOWN.where(notifications.c.id == bindparam("row_id"))
_BY_NAME = _SHOWN.where(notifications.c.name == bindparam("name"))
_OF_AUTOMATION = _SHOWN.where(notifications.c.automation_id == bindparam("automation"))
_CHANNEL = (
    select(block_documents.c.id, block_documents.c.name, block_schemas.c.capabilities)
    .join(block_schemas, block_schemas.c.id == block_documents.c.block_schema_id)
    .where(block_documents.c.workspace_id == WORKSPACE, block_documents.c.id == bindparam("block"))
)
SCOPES = {"flow_ids": flows, "deployment_ids": deployments, "work_pool_ids": work_pools}
"""The tables of what a notification may be about, by its columns."""

_KNOWN = {
    name: select(table.c.id).where(table.c.workspace_id == WORKSPACE, table.c.id.in_(bindparam("ids", expanding=True)))
    for name, table in SCOPES.items()
}


def get_notification(tx: Tx, notification_id: str) -> Row:
    """The notification with this id; ``NotFound`` without one."""
    return _found(tx.one(_BY_ID, row_id=notification_id))


def get_notification_by_name(tx: Tx, name: str) -> Row:
    """The notification with this name; ``NotFound`` without one."""
    return _found(tx.one(_BY_NAME, name=name))


def _found(row: Row | None) -> Row:
    if row is None:
        raise NotFound("Notification not found")
    return row


def notification_of(tx: Tx, automation_id: str) -> Row | None:
    """The notification that an automation was made for, or None."""
    return tx.one(_OF_AUTOMATION, automation=automation_id)


def list_notifications(
    tx: Tx, where: Sequence[ColumnElement[bool]], order: Sequence[ColumnElement[Any]], limit: int, offset: int
) -> list[Row]:
    """The notifications that match, in order, at most ``limit`` after the first ``offset``."""
    return tx.all(_SHOWN.where(*where).order_by(*order).limit(limit).offset(offset))


def count_notifications(tx: Tx, where: Sequence[ColumnElement[bool]]) -> int:
    """How many notifications match."""
    total: int = tx.value(select(func.count()).select_from(_SHOWN.where(*where).subquery()))
    return total


def find_channel(tx: Tx, block_document_id: str) -> Row | None:
    """Id, name and capabilities of a block, or None."""
    return tx.one(_CHANNEL, block=block_document_id)


def unknown_ids(tx: Tx, column: str, ids: Sequence[str]) -> list[str]:
    """Those of the ids in a column of ``SCOPES`` that nothing has."""
    known = set(tx.column(_KNOWN[column], ids=list(ids))) if ids else set()
    return [each for each in ids if each not in known]
