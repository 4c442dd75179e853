"""Deliveries over HTTP: those that wait, those that arrived, and the dead."""

from podium.db.unit import Row
from podium.server.http.call import Call
from podium.server.notifications.queue import DELIVERIES as WAKE_UP
from podium.server.operations.notification_deliveries import delete_delivery, replay_delivery
from podium.server.queries import generic
from podium.server.queries.filtering import conditions
from podium.server.queries.notification_deliveries import DELIVERIES, SORTS, TARGET
from podium.wire import notification_deliveries as wire


async def list_deliveries(call: Call, body: wire.NotificationDeliveryQuery) -> list[Row]:
    limit = call.limit(body.limit)
    where = conditions(TARGET, body)
    rows: list[Row] = await call.read(generic.page, DELIVERIES, where, SORTS[body.sort], limit, body.offset)
    return rows


async def count_deliveries(call: Call, body: wire.NotificationDeliveryScope) -> int:
    total: int = await call.read(generic.count, DELIVERIES, conditions(TARGET, body))
    return total


async def read_delivery(call: Call) -> Row:
    row: Row = await call.read(generic.get, DELIVERIES, call.path["id"])
    return row


async def replay(call: Call) -> Row:
    row: Row = await call.write(replay_delivery, call.path["id"])
    call.runtime.bus.wake(WAKE_UP)
    return row


async def remove_delivery(call: Call) -> None:
    await call.write(delete_delivery, call.path["id"])


ROUTES = (
    (wire.FILTER, list_deliveries),
    (wire.COUNT, count_deliveries),
    (wire.READ, read_delivery),
    (wire.REPLAY, replay),
    (wire.DELETE, remove_delivery),
)
