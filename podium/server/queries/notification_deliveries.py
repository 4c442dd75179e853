"""Reading what is sent, was sent, or was given up."""

from collections.abc import Mapping

from podium.db.tables.notifications import notification_deliveries
from podium.server.queries.filter_targets import value
from podium.server.queries.filtering import Target
from podium.server.queries.generic import Entity
from podium.server.queries.sorting import Order
from podium.wire.notification_deliveries import NotificationDelivery

_D = notification_deliveries.c

DELIVERIES = Entity(notification_deliveries, NotificationDelivery, "Notification delivery")

TARGET = Target(
    "notification_deliveries",
    notification_deliveries,
    {
        name: value(_D[name])
        for name in ("id", "state", "channel", "kind", "block_document_id", "action_id", "created", "ended")
    },
)

SORTS: Mapping[str, Order] = {"CREATED_ASC": (_D.position,), "CREATED_DESC": (_D.position.desc(),)}
"""Positions are given in the order of creation."""
