"""Concurrency limits by tag over HTTP: the older face of the limits named ``tag:<tag>``."""

from podium.db.unit import Row
from podium.server.errors import Invalid, Locked
from podium.server.http.call import Call, Reply
from podium.server.operations import concurrency_limits
from podium.server.operations.concurrency import TAG_PREFIX, Refused
from podium.wire import concurrency as wire
from podium.wire.parameters import Listing

MOST_NAMES = 1000
"""Limits of which slots may be taken in one call; each is locked until the call ends."""


async def set_limit(call: Call, body: wire.ConcurrencyLimitCreate) -> Reply:
    row, made = await call.write(concurrency_limits.set_tag_limit, body.tag, body.concurrency_limit)
    return Reply(row, status=201 if made else 200)


async def read_limit(call: Call) -> Row:
    row: Row = await call.read(concurrency_limits.read_tag_limit_by_id, call.path["id"])
    return row


async def read_limit_by_tag(call: Call) -> Row:
    row: Row = await call.read(concurrency_limits.read_tag_limit, call.path["tag"])
    return row


async def list_limits(call: Call, body: Listing) -> list[Row]:
    limit = call.limit(body.limit)
    rows: list[Row] = await call.read(concurrency_limits.list_tag_limits, limit, body.offset)
    return rows


async def reset(call: Call, body: wire.SlotsReset) -> None:
    holders = [str(task_run_id) for task_run_id in body.slot_override or ()]
    await call.write(concurrency_limits.reset_tag_limit, call.path["tag"], holders)


async def delete_limit(call: Call) -> None:
    await call.write(concurrency_limits.delete_tag_limit_by_id, call.path["id"])


async def delete_limit_by_tag(call: Call) -> None:
    await call.write(concurrency_limits.delete_limit, TAG_PREFIX + call.path["tag"])


def _names(body: wire.TagSlots) -> list[str]:
    names = list(dict.fromkeys(body.names))
    if len(names) > MOST_NAMES:
        raise Invalid(f"Slots of {len(names)} limits are asked for at once, more than {MOST_NAMES}.")
    return names


async def increment(call: Call, body: wire.TagSlots) -> list[Row]:
    names = _names(body)
    taken: list[Row] | Refused = await call.write(concurrency_limits.take_tag_slots, names, str(body.task_run_id))
    if isinstance(taken, Refused):
        raise Locked(call.runtime.settings.server.tasks.tag_concurrency_slot_wait_seconds)
    return taken


async def decrement(call: Call, body: wire.TagSlots) -> list[Row]:
    limits: list[Row] = await call.write(concurrency_limits.give_back_tag_slots, _names(body), str(body.task_run_id))
    return limits


ROUTES = (
    (wire.CREATE, set_limit),
    (wire.READ, read_limit),
    (wire.READ_BY_TAG, read_limit_by_tag),
    (wire.FILTER, list_limits),
    (wire.RESET, reset),
    (wire.DELETE, delete_limit),
    (wire.DELETE_BY_TAG, delete_limit_by_tag),
    (wire.INCREMENT, increment),
    (wire.DECREMENT, decrement),
)
