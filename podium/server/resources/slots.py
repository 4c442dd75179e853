"""Who holds the slots of concurrency limits, over HTTP."""

from podium.server.http.call import Call
from podium.server.operations import slots
from podium.wire import slots as wire


async def list_slots(call: Call, body: wire.SlotQuery) -> list[wire.LimitSlots]:
    found: list[wire.LimitSlots] = await call.read(slots.list_slots, body, call.limit(body.limit))
    return found


ROUTES = ((wire.FILTER, list_slots),)
