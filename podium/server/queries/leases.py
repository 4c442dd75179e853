"""Rows of concurrency limits and of the leases on their slots.

The slots of a limit are in use by the leases that exist, plus ``anonymous_slots``. An expired lease counts until its
row is deleted, which whoever needs its slots does: so a lease can be renewed exactly as long as nobody was given its
slots.
The slots of a limit with a decay are all anonymous: there a lease only remembers how many to give back.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, func, insert, literal, or_, select, update

from podium.db.prepared import Prepared
from podium.db.tables.concurrency import concurrency_lease_slots, concurrency_leases, concurrency_limits_v2
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.queries.among import Among
from podium.server.queries.generic import new_row

limits = concurrency_limits_v2
leases = concurrency_leases
held = concurrency_lease_slots

_LEASED = (
    select(func.coalesce(func.sum(held.c.slots), 0))
    .where(held.c.concurrency_limit_id == limits.c.id)
    .correlate(limits)
    .scalar_subquery()
)

LEASED_SLOTS: ColumnElement[int] = case((limits.c.slot_decay_per_second > 0, literal(0)), else_=_LEASED)
"""In a query of ``concurrency_limits_v2``: the slots that leases hold; 0 for a limit with a decay."""

_COLUMNS = tuple(limits.c)
_MINE = limits.c.workspace_id == WORKSPACE
_ORDERED = select(*_COLUMNS).where(_MINE).order_by(limits.c.id)

_LOCKED = _ORDERED.with_for_update(of=limits, key_share=True)
_LOCK_BY_NAME = Among(_LOCKED, limits.c.name)
_LOCK_BY_ID = Among(_LOCKED, limits.c.id)
_LOCK_OF_LEASE = Prepared(
    _LOCKED.add_columns(held.c.slots)
    .join(held, held.c.concurrency_limit_id == limits.c.id)
    .where(held.c.lease_id == bindparam("lease_id"))
)
_LOCK_FOR = (
    select(limits.c.id)
    .where(
        _MINE,
        or_(
            limits.c.name.in_(bindparam("names", expanding=True)),
            limits.c.id.in_(
                select(held.c.concurrency_limit_id).where(held.c.lease_id.in_(bindparam("lease_ids", expanding=True)))
            ),
        ),
    )
    .order_by(limits.c.id)
    .with_for_update(of=limits, key_share=True)
)
_LEASED_BY_LIMIT = Among(
    select(held.c.concurrency_limit_id, func.sum(held.c.slots).label("slots")).group_by(held.c.concurrency_limit_id),
    held.c.concurrency_limit_id,
)
_STORE_LIMIT = Prepared(
    update(limits)
    .where(limits.c.id == bindparam("limit_id"))
    .values(
        anonymous_slots=bindparam("anonymous_slots"),
        denied_slots=bindparam("denied_slots"),
        avg_slot_occupancy_seconds=bindparam("avg_slot_occupancy_seconds"),
        slots_updated=bindparam("slots_updated"),
    )
)
_READ = select(*_COLUMNS, LEASED_SLOTS.label("leased_slots")).where(_MINE)
_READ_ONE = {name: _READ.where(limits.c[name] == bindparam("key")) for name in ("id", "name")}
_LIST = (
    _READ.where(func.substr(limits.c.name, 1, func.length(bindparam("prefix"))) == bindparam("prefix"))
    .order_by(limits.c.name)
    .limit(bindparam("most"))
    .offset(bindparam("skip"))
)

_LIVE = (
    select(func.coalesce(func.sum(held.c.slots), 0))
    .join(leases, leases.c.id == held.c.lease_id)
    .where(held.c.concurrency_limit_id == limits.c.id)
    .where(leases.c.expiration > bindparam("now", type_=leases.c.expiration.type))
    .correlate(limits)
    .scalar_subquery()
)
FULL = and_(
    _MINE, limits.c.active, limits.c.slot_decay_per_second == 0, limits.c.anonymous_slots + _LIVE >= limits.c.limit
)
"""In a query of ``concurrency_limits_v2`` with the parameter ``now``: the limits that have no slot to give."""

_NEW = {
    "active": True,
    "slot_decay_per_second": 0.0,
    "avg_slot_occupancy_seconds": 2.0,
    "anonymous_slots": 0,
    "denied_slots": 0,
}
_ADD_LIMIT = insert(limits)
_ADD_LEASE = Prepared(insert(leases))
_ADD_SLOTS = Prepared(insert(held))
_RENEW = Prepared(
    update(leases)
    .where(leases.c.id == bindparam("lease_id"), leases.c.workspace_id == WORKSPACE)
    .values(expiration=bindparam("until"), updated=bindparam("now"))
)
_SLOTS_OF_LEASE = select(held.c.concurrency_limit_id, held.c.slots).where(held.c.lease_id == bindparam("lease_id"))
_END = Prepared(
    delete(leases)
    .where(leases.c.id == bindparam("lease_id"), leases.c.workspace_id == WORKSPACE)
    .returning(leases.c.created)
)
_IS_EXPIRED = leases.c.expiration <= bindparam("now", type_=leases.c.expiration.type)
_END_EXPIRED = delete(leases).where(leases.c.id == bindparam("lease_id"), _IS_EXPIRED).returning(leases.c.created)
_EXPIRED = (
    select(leases.c.id, leases.c.workspace_id).where(_IS_EXPIRED).order_by(leases.c.expiration).limit(bindparam("most"))
)
ANY_EXPIRED = select(leases.c.id).where(_IS_EXPIRED)
"""With the parameter ``now``: the leases of every workspace that can be taken back."""

_EXPIRED_ON_LIMITS = (
    select(leases.c.id)
    .distinct()
    .join(held, held.c.lease_id == leases.c.id)
    .where(held.c.concurrency_limit_id.in_(bindparam("limit_ids", expanding=True)), _IS_EXPIRED)
    .order_by(leases.c.id)
)
_HELD_BY = Prepared(
    select(leases.c.id, held.c.concurrency_limit_id)
    .join(held, held.c.lease_id == leases.c.id)
    .where(
        leases.c.holder_id == bindparam("holder_id"),
        leases.c.holder_type == bindparam("holder_type"),
        leases.c.workspace_id == WORKSPACE,
    )
)
_HOLDERS = (
    select(held.c.concurrency_limit_id, leases.c.id, leases.c.holder_type, leases.c.holder_id, held.c.slots)
    .join(leases, leases.c.id == held.c.lease_id)
    .where(held.c.concurrency_limit_id.in_(bindparam("limit_ids", expanding=True)))
    .order_by(leases.c.created, leases.c.id)
)


def lock_named(tx: Tx, names: Sequence[str]) -> list[Row]:
    """The limits with these names, locked in the order of their ids."""
    return _LOCK_BY_NAME.rows(tx, names)


def lock_limits(tx: Tx, limit_ids: Sequence[str]) -> list[Row]:
    """The limits with these ids, locked in the order of their ids."""
    return _LOCK_BY_ID.rows(tx, limit_ids)


def lock_limits_of(tx: Tx, lease_id: str) -> list[Row]:
    """The limits that a lease holds slots of, each with its ``slots``, locked in the order of their ids."""
    return tx.all(_LOCK_OF_LEASE, lease_id=lease_id)


def lock_limits_for(tx: Tx, names: Sequence[str], lease_ids: Sequence[str]) -> None:
    """Locks the limits with these names and those that these leases hold slots of, in the order of their ids."""
    tx.all(_LOCK_FOR, names=list(names), lease_ids=list(lease_ids))


def leased_slots(tx: Tx, limit_ids: Sequence[str]) -> dict[str, int]:
    """For each limit that has leases, how many slots they hold."""
    rows = _LEASED_BY_LIMIT.rows(tx, limit_ids)
    return {row["concurrency_limit_id"]: int(row["slots"]) for row in rows}


def store_counts(tx: Tx, limit: Row) -> None:
    """Stores the counts of a locked limit."""
    tx.run(
        _STORE_LIMIT,
        limit_id=limit["id"],
        anonymous_slots=limit["anonymous_slots"],
        denied_slots=limit["denied_slots"],
        avg_slot_occupancy_seconds=limit["avg_slot_occupancy_seconds"],
        slots_updated=limit["slots_updated"],
    )


def find_limit(tx: Tx, column: str, key: str) -> Row | None:
    """The limit whose ``id`` or ``name`` is ``key``, with its ``leased_slots``."""
    return tx.one(_READ_ONE[column], key=key)


def list_limits(tx: Tx, most: int, skip: int, prefix: str = "") -> list[Row]:
    """Limits by name, those whose name starts with the prefix, with their ``leased_slots``."""
    return tx.all(_LIST, most=most, skip=skip, prefix=prefix)


def add_lease(
    tx: Tx, lease_id: str, until: datetime, holder: tuple[str, str] | None, slots: Sequence[tuple[str, int]]
) -> None:
    """Inserts a lease on ``(limit id, slots)`` pairs; ``holder`` is a type and an id."""
    kind, key = holder or (None, None)
    row: Row = {
        "id": lease_id,
        "workspace_id": tx.workspace_id,
        "expiration": until,
        "holder_type": kind,
        "holder_id": key,
        "created": tx.now,
        "updated": tx.now,
    }
    tx.run(_ADD_LEASE, row)
    for limit_id, count in slots:
        tx.run(
            _ADD_SLOTS,
            lease_id=lease_id,
            concurrency_limit_id=limit_id,
            workspace_id=tx.workspace_id,
            slots=count,
        )


def extend_lease(tx: Tx, lease_id: str, until: datetime) -> bool:
    """Sets when a lease expires; whether it still exists."""
    return tx.run(_RENEW, lease_id=lease_id, until=until, now=tx.now) > 0


def slots_of(tx: Tx, lease_id: str) -> dict[str, int]:
    """The slots a lease holds, by limit."""
    return {row["concurrency_limit_id"]: row["slots"] for row in tx.all(_SLOTS_OF_LEASE, lease_id=lease_id)}


def end_lease(tx: Tx, lease_id: str, only_expired: bool = False) -> datetime | None:
    """Deletes a lease; when it was made, or None if there was none (or it had not expired)."""
    if only_expired:
        ended: datetime | None = tx.value(_END_EXPIRED, lease_id=lease_id, now=tx.now)
    else:
        ended = tx.value(_END, lease_id=lease_id)
    return ended


def expired_leases(tx: Tx, most: int) -> list[Row]:
    """Ids and workspaces of the leases of every workspace that expired first."""
    return tx.all(_EXPIRED, now=tx.now, most=most)


def expired_on(tx: Tx, limit_ids: Sequence[str]) -> list[str]:
    """The expired leases that hold slots of these limits."""
    return tx.column(_EXPIRED_ON_LIMITS, limit_ids=list(limit_ids), now=tx.now)


def leases_held_by(tx: Tx, holder: tuple[str, str]) -> list[tuple[str, str]]:
    """``(lease id, limit id)`` of everything a holder has."""
    kind, key = holder
    rows = tx.all(_HELD_BY, holder_type=kind, holder_id=key)
    return [(row["id"], row["concurrency_limit_id"]) for row in rows]


def holders_of(tx: Tx, limit_ids: Sequence[str]) -> list[Row]:
    """Who holds slots of these limits: concurrency_limit_id, id (of the lease), holder_type, holder_id, slots."""
    return tx.all(_HOLDERS, limit_ids=list(limit_ids))


def add_limit(tx: Tx, values: Mapping[str, Any]) -> Row:
    """Inserts a limit (``name``, ``limit`` and what is not as usual); its row.

    A name that exists raises ``IntegrityError``.
    """
    row = {**new_row(tx, limits, _NEW), "slots_updated": tx.now, **values}
    tx.run(_ADD_LIMIT, row)
    return row


def change_limit(tx: Tx, limit_id: str, values: dict[str, Any]) -> None:
    """Sets columns of a limit."""
    tx.run(update(limits).where(limits.c.id == limit_id, _MINE).values({**values, "updated": tx.now}))


def remove_limit(tx: Tx, limit_id: str) -> bool:
    """Deletes a limit; its leases hold nothing of it any more. Whether there was one."""
    return tx.run(delete(limits).where(limits.c.id == limit_id, _MINE)) > 0
