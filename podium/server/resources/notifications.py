"""Notifications over HTTP."""

from typing import Any
from uuid import UUID

import msgspec

from podium.db.unit import Row
from podium.server.http.call import Call
from podium.server.notifications.queue import DELIVERIES
from podium.server.operations import notifications as operations
from podium.server.operations.notification_messages import check_words
from podium.server.queries import filter_targets, sorting
from podium.server.queries import notifications as queries
from podium.server.queries.filtering import conditions
from podium.wire import notifications as wire


async def create_notification(call: Call, body: wire.NotificationCreate) -> Row:
    check_words(body, call.runtime.settings)
    row: Row = await call.write(operations.create_notification, _columns(msgspec.structs.asdict(body)))
    return row


async def read_notification(call: Call) -> Row:
    row: Row = await call.read(queries.get_notification, call.path["id"])
    return row


async def read_notification_by_name(call: Call) -> Row:
    row: Row = await call.read(queries.get_notification_by_name, call.path["name"])
    return row


async def list_notifications(call: Call, body: wire.NotificationQuery) -> list[Row]:
    limit = call.limit(body.limit)
    where = conditions(filter_targets.NOTIFICATIONS, body)
    order = sorting.NOTIFICATIONS[body.sort]
    rows: list[Row] = await call.read(queries.list_notifications, where, order, limit, body.offset)
    return rows


async def count_notifications(call: Call, body: wire.NotificationCountQuery) -> int:
    total: int = await call.read(queries.count_notifications, conditions(filter_targets.NOTIFICATIONS, body))
    return total


async def update_notification(call: Call, body: wire.NotificationUpdate) -> None:
    check_words(body, call.runtime.settings)
    await call.write(operations.change_notification, call.path["id"], _columns(body.sent()))


async def delete_notification(call: Call) -> None:
    await call.write(operations.delete_notification, call.path["id"])


async def test_notification(call: Call) -> wire.NotificationTest:
    sent: wire.NotificationTest = await call.write(operations.try_notification, call.path["id"])
    call.runtime.bus.wake(DELIVERIES)
    return sent


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    """The ids in the values as they are spelled everywhere."""
    return {name: _spelled(value) for name, value in values.items()}


def _spelled(value: Any) -> Any:
    if isinstance(value, list):
        return list(dict.fromkeys(_spelled(each) for each in value))
    return str(value) if isinstance(value, UUID) else value


ROUTES = (
    (wire.CREATE, create_notification),
    (wire.READ, read_notification),
    (wire.READ_BY_NAME, read_notification_by_name),
    (wire.FILTER, list_notifications),
    (wire.COUNT, count_notifications),
    (wire.UPDATE, update_notification),
    (wire.DELETE, delete_notification),
    (wire.TEST, test_notification),
)
