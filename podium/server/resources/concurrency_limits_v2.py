"""Global concurrency limits and their slots over HTTP."""

from podium.db.unit import Row
from podium.server.errors import Gone, Locked
from podium.server.http.call import Call
from podium.server.operations import concurrency, concurrency_limits
from podium.server.operations.concurrency import Refused, Taken
from podium.wire import concurrency_v2 as wire
from podium.wire.parameters import Listing


async def create_limit(call: Call, body: wire.ConcurrencyLimitV2Create) -> Row:
    values = {
        "name": body.name,
        "limit": body.limit,
        "active": body.active,
        "anonymous_slots": body.active_slots,
        "denied_slots": body.denied_slots,
        "slot_decay_per_second": body.slot_decay_per_second,
    }
    row: Row = await call.write(concurrency_limits.create_limit, values)
    return row


async def read_limit(call: Call) -> Row:
    row: Row = await call.read(concurrency_limits.read_limit, call.path["id_or_name"])
    return row


async def list_limits(call: Call, body: Listing) -> list[Row]:
    limit = call.limit(body.limit)
    rows: list[Row] = await call.read(concurrency_limits.list_limits, limit, body.offset)
    return rows


async def update_limit(call: Call, body: wire.ConcurrencyLimitV2Update) -> None:
    values = {name: value for name, value in body.sent().items() if value is not None}
    await call.write(concurrency_limits.change_limit, call.path["id_or_name"], values)


async def delete_limit(call: Call) -> None:
    await call.write(concurrency_limits.delete_limit, call.path["id_or_name"])


async def increment(call: Call, body: wire.Increment) -> list[Row]:
    taken: Taken | Refused = await call.runtime.slots.write(
        concurrency.acquire_named,
        body.names,
        body.slots,
        body.mode,
        workspace_id=call.workspace_id,
        names=body.names,
    )
    return _minimal(_granted(taken).limits)


async def increment_with_lease(call: Call, body: wire.LeasedIncrement) -> Row:
    holder = (body.holder.type, str(body.holder.id)) if body.holder else None
    result: Taken | Refused = await call.runtime.slots.write(
        concurrency.acquire_named,
        body.names,
        body.slots,
        body.mode,
        body.lease_duration,
        holder,
        workspace_id=call.workspace_id,
        names=body.names,
    )
    taken = _granted(result)
    return {"lease_id": taken.lease_id, "limits": _minimal(taken.limits)}


def _granted(result: Taken | Refused) -> Taken:
    """The slots taken; a refusal, whose count of denied slots is stored by then, becomes the error."""
    if isinstance(result, Refused):
        raise Locked(result.retry_after)
    return result


async def renew(call: Call, body: wire.Renewal) -> None:
    if not await call.write(concurrency.renew, call.path["lease_id"], body.lease_duration):
        raise Gone("Lease not found. It may have expired.")


async def decrement(call: Call, body: wire.Decrement) -> list[Row]:
    limits: list[Row] = await call.write(concurrency.release_named, body.names, body.slots, body.occupancy_seconds)
    return _minimal(limits)


async def decrement_with_lease(call: Call, body: wire.LeaseEnd) -> None:
    lease_id = str(body.lease_id)
    await call.runtime.slots.write(concurrency.release, lease_id, workspace_id=call.workspace_id, lease_id=lease_id)


def _minimal(limits: list[Row]) -> list[Row]:
    return [{name: limit[name] for name in ("id", "name", "limit")} for limit in limits]


ROUTES = (
    (wire.CREATE, create_limit),
    (wire.READ, read_limit),
    (wire.FILTER, list_limits),
    (wire.UPDATE, update_limit),
    (wire.DELETE, delete_limit),
    (wire.INCREMENT, increment),
    (wire.INCREMENT_WITH_LEASE, increment_with_lease),
    (wire.RENEW, renew),
    (wire.DECREMENT, decrement),
    (wire.DECREMENT_WITH_LEASE, decrement_with_lease),
)
