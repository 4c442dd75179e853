"""Taking and giving back the slots of concurrency limits (contract: "Global concurrency limits (v2)").

Every change of a limit's slots holds the lock of the limit's row, and several are locked in the order of their ids:
slots are never given out twice, and two transactions never wait for each other. A lease that expired is taken back by
whoever needs its slots, or by the service that looks for such leases.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor
from typing import Literal

from podium.db.ids import new_id
from podium.db.unit import Row, Tx
from podium.server.errors import Invalid
from podium.server.operations.waiting import poisson_interval
from podium.server.queries import leases

Mode = Literal["concurrency", "rate_limit"]
Holder = tuple[str, str]
"""``flow_run``, ``task_run`` or ``deployment``, and an id."""

TAG_PREFIX = "tag:"
FOREVER = 100 * 365 * 86400.0
"""Seconds of a lease that nobody renews."""

SHORTEST_OCCUPANCY = 0.1


@dataclass(frozen=True, slots=True)
class Taken:
    """Slots were taken of these limits; ``lease_id`` is None when none was asked for."""

    limits: list[Row]
    lease_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """No slots were taken; ``blocking`` is the limit that makes wait longest, ``retry_after`` is in seconds."""

    retry_after: float
    blocking: Row


def acquire_named(
    tx: Tx,
    names: Sequence[str],
    slots: int,
    mode: Mode = "concurrency",
    lease_seconds: float | None = None,
    holder: Holder | None = None,
) -> Taken | Refused:
    """Takes slots of every limit named, or of none; names without a limit and inactive limits do not limit.

    Raises ``Invalid`` for more slots than a limit has, and for a rate limit on a limit without a decay.
    """
    found = leases.lock_named(tx, names) if names else []
    for limit in found:
        if limit["active"] and slots > limit["limit"]:
            raise Invalid("Slots requested is greater than the limit")
    if mode == "rate_limit":
        flat = [repr(limit["name"]) for limit in found if limit["active"] and not limit["slot_decay_per_second"]]
        if flat:
            raise Invalid(f"Only a limit whose slots decay can limit a rate; without a decay: {', '.join(flat)}")
    return acquire_locked(tx, found, slots, lease_seconds, holder)


def acquire_locked(
    tx: Tx, limits: list[Row], slots: int, lease_seconds: float | None = None, holder: Holder | None = None
) -> Taken | Refused:
    """Takes slots of all these limits, whose rows are locked, or of none of them."""
    active = [limit for limit in limits if limit["active"]]
    for limit in active:
        decay(tx, limit)
    if _full(tx, active, slots) and (not _take_back_expired(tx, active) or _full(tx, active, slots)):
        return _refuse(tx, active, slots)
    for limit in active:
        if lease_seconds is None or limit["slot_decay_per_second"]:
            limit["anonymous_slots"] += slots
            leases.store_counts(tx, limit)
    if lease_seconds is None:
        return Taken(limits)
    lease_id = new_id()
    until = expiry(tx, lease_seconds)
    leases.add_lease(tx, lease_id, until, holder, [(limit["id"], slots) for limit in active])
    return Taken(limits, lease_id)


def _full(tx: Tx, limits: Sequence[Row], slots: int) -> bool:
    used = slots_in_use(tx, limits)
    return any(used[limit["id"]] + slots > limit["limit"] for limit in limits)


def slots_in_use(tx: Tx, limits: Sequence[Row]) -> dict[str, int]:
    """For each limit the slots that leases hold and those taken without a lease."""
    steady = [limit["id"] for limit in limits if not limit["slot_decay_per_second"]]
    leased = leases.leased_slots(tx, steady) if steady else {}
    return {limit["id"]: limit["anonymous_slots"] + leased.get(limit["id"], 0) for limit in limits}


def _take_back_expired(tx: Tx, limits: Sequence[Row]) -> bool:
    expired = leases.expired_on(tx, [limit["id"] for limit in limits])
    locked = {limit["id"]: limit for limit in limits}
    for lease_id in expired:
        _end(tx, lease_id, leases.slots_of(tx, lease_id), locked, only_expired=True)
    return bool(expired)


def _refuse(tx: Tx, limits: Sequence[Row], slots: int) -> Refused:
    blocking = max(limits, key=lambda limit: _pressure(limit, slots))
    retry_after = poisson_interval(_average_wait(tx, blocking, slots))
    for limit in limits:
        limit["denied_slots"] += slots
        leases.store_counts(tx, limit)
    return Refused(retry_after, blocking)


def _pressure(limit: Row, slots: int) -> float:
    wanted: int = slots + limit["denied_slots"]
    return wanted if limit["slot_decay_per_second"] else wanted / max(limit["limit"], 1)


def _average_wait(tx: Tx, limit: Row, slots: int) -> float:
    if limit["slot_decay_per_second"]:
        wanted: int = slots + limit["denied_slots"]
        return wanted / float(limit["slot_decay_per_second"])
    longest = longest_wait(tx, limit)
    occupancy: float = min(limit["avg_slot_occupancy_seconds"], longest)
    return min(occupancy * _pressure(limit, slots), longest)


def longest_wait(tx: Tx, limit: Row) -> float:
    """How many seconds a client is told to wait at most, on average."""
    server = tx.settings.server
    if limit["name"].startswith(TAG_PREFIX):
        return server.tasks.tag_concurrency_slot_wait_seconds
    return server.concurrency.maximum_concurrency_slot_wait_seconds


def decay(tx: Tx, limit: Row) -> None:
    """Brings the counts that decay with time up to the unit's now.

    Only whole slots decay, and only their time is used up, however often this is done.
    """
    now, per_second = tx.now, limit["slot_decay_per_second"]
    decaying = limit["denied_slots"] + (limit["anonymous_slots"] if per_second else 0)
    if decaying <= 0:
        # A unit that waited for the lock may have begun before the one that had it.
        limit["slots_updated"] = max(now, limit["slots_updated"])
        return
    occupancy = max(min(limit["avg_slot_occupancy_seconds"], longest_wait(tx, limit)), SHORTEST_OCCUPANCY)
    rate = per_second or 1.0 / occupancy
    gone = floor(rate * max(0.0, (now - limit["slots_updated"]).total_seconds()))
    if gone <= 0:
        return
    limit["denied_slots"] = max(0, limit["denied_slots"] - gone)
    if per_second:
        limit["anonymous_slots"] = max(0, limit["anonymous_slots"] - gone)
    limit["slots_updated"] = min(now, limit["slots_updated"] + timedelta(seconds=gone / rate))


def renew(tx: Tx, lease_id: str, seconds: float) -> bool:
    """Lets a lease last so many seconds from now; False when it is gone and its slots may be another's."""
    return leases.extend_lease(tx, lease_id, expiry(tx, seconds))


def expiry(tx: Tx, seconds: float) -> datetime:
    """When a lease of so many seconds ends that starts now."""
    return tx.now + timedelta(seconds=seconds)


def release(tx: Tx, lease_id: str, only_expired: bool = False) -> bool:
    """Ends a lease and gives back its slots; False when there is none (or it has not expired)."""
    limits = leases.lock_limits_of(tx, lease_id)
    slots = {limit["id"]: limit["slots"] for limit in limits}
    return _end(tx, lease_id, slots, {limit["id"]: limit for limit in limits}, only_expired)


def release_for_holder(tx: Tx, holder: Holder, limit_ids: Iterable[str]) -> int:
    """Ends the leases a holder has on any of these limits; how many there were."""
    wanted = set(limit_ids)
    held = leases.leases_held_by(tx, holder)
    chosen = {lease_id for lease_id, limit_id in held if limit_id in wanted}
    return _release_several(tx, [each for each in held if each[0] in chosen])


def release_all_of(tx: Tx, holder: Holder) -> int:
    """Ends every lease of a holder; how many there were."""
    return _release_several(tx, leases.leases_held_by(tx, holder))


def _release_several(tx: Tx, held: Sequence[tuple[str, str]]) -> int:
    """Ends leases, given with each limit they hold; all the limits are locked first, in the order of their ids."""
    lease_ids = sorted({lease_id for lease_id, _ in held})
    if len(lease_ids) > 1:
        leases.lock_limits(tx, sorted({limit_id for _, limit_id in held}))
    return sum(release(tx, lease_id) for lease_id in lease_ids)


def _end(tx: Tx, lease_id: str, slots: dict[str, int], locked: dict[str, Row], only_expired: bool) -> bool:
    """Ends a lease; those of its limits that are locked also learn how long its slots were held."""
    since = leases.end_lease(tx, lease_id, only_expired)
    if since is None:
        return False
    seconds = (tx.now - since).total_seconds()
    for limit_id, count in slots.items():
        if limit_id in locked:
            _give_back(tx, locked[limit_id], count, seconds, leased=True)
    return True


def release_named(tx: Tx, names: Sequence[str], slots: int, occupancy_seconds: float | None = None) -> list[Row]:
    """Gives back slots that were taken without a lease; the limits that exist among those named."""
    limits = leases.lock_named(tx, names)
    for limit in limits:
        _give_back(tx, limit, slots, occupancy_seconds, leased=False)
    return limits


def _give_back(tx: Tx, limit: Row, slots: int, occupancy_seconds: float | None, leased: bool) -> None:
    """Updates the counts of a locked limit; leased slots are counted by their lease unless they decay."""
    decay(tx, limit)
    if not leased or limit["slot_decay_per_second"]:
        limit["anonymous_slots"] = max(0, limit["anonymous_slots"] - slots)
    if occupancy_seconds is not None and slots > 0:
        each = max(occupancy_seconds / slots, SHORTEST_OCCUPANCY)
        weight = 1.0 / (2.0 * max(limit["limit"], 1))
        remaining = (1.0 - weight) ** slots
        limit["avg_slot_occupancy_seconds"] = each + (limit["avg_slot_occupancy_seconds"] - each) * remaining
    leases.store_counts(tx, limit)
