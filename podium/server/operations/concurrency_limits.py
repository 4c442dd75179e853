"""Making, changing and reading concurrency limits, and their older face: one limit for each tag of task runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.exc import IntegrityError

from podium.db.ids import canonical_id, new_id
from podium.db.unit import Row, Tx
from podium.server.errors import Conflict, NotFound
from podium.server.events.lifecycle import concurrency_limit_event, tag_concurrency_limit_event
from podium.server.operations import concurrency
from podium.server.operations.concurrency import FOREVER, TAG_PREFIX, Refused
from podium.server.queries import leases

_SHOWN = ("id", "created", "updated", "active", "name", "limit", "slot_decay_per_second")


def create_limit(tx: Tx, values: Mapping[str, Any]) -> Row:
    """Makes a limit: ``name``, ``limit``, and what else is not the default; raises ``Conflict`` for a taken name."""
    try:
        row = leases.add_limit(tx, values)
    except IntegrityError:
        raise Conflict(f"A concurrency limit named {values['name']!r} already exists.") from None
    _tell(tx, "created", row)
    counts = {name: row[name] for name in ("denied_slots", "avg_slot_occupancy_seconds")}
    return {**as_answer({**row, "leased_slots": 0}, tx), **counts}


def as_answer(limit: Row, tx: Tx) -> Row:
    """What the wire shows of a limit that was read with its ``leased_slots``."""
    concurrency.decay(tx, limit)
    return {name: limit[name] for name in _SHOWN} | {"active_slots": limit["anonymous_slots"] + limit["leased_slots"]}


def get_limit(tx: Tx, id_or_name: str) -> Row:
    """The row of a limit with its ``leased_slots``; ``NotFound`` when there is none."""
    limit_id = canonical_id(id_or_name)
    limit = leases.find_limit(tx, "id", limit_id) if limit_id else None
    limit = limit or leases.find_limit(tx, "name", id_or_name)
    if limit is None:
        raise NotFound("Concurrency limit not found")
    return limit


def read_limit(tx: Tx, id_or_name: str) -> Row:
    """What the wire shows of a limit; ``NotFound`` when there is none."""
    return as_answer(get_limit(tx, id_or_name), tx)


def list_limits(tx: Tx, limit: int, offset: int) -> list[Row]:
    """What the wire shows of the limits, by name."""
    return [as_answer(row, tx) for row in leases.list_limits(tx, limit, offset)]


def change_limit(tx: Tx, id_or_name: str, values: Mapping[str, Any]) -> None:
    """Sets columns of a limit; ``active_slots`` are those in use in all, of which leases may hold some.

    Raises ``NotFound`` without the limit, and ``Conflict`` for a name that another one has.
    """
    limit = get_limit(tx, id_or_name)
    locked = leases.lock_limits(tx, [limit["id"]])[0]
    concurrency.decay(tx, locked)
    leased = leases.leased_slots(tx, [limit["id"]]).get(limit["id"], 0)
    changes = {name: value for name, value in values.items() if name != "active_slots"}
    decays = bool(changes.get("slot_decay_per_second", locked["slot_decay_per_second"]))
    used = locked["anonymous_slots"] + (0 if locked["slot_decay_per_second"] else leased)
    used = values.get("active_slots", used)
    changes["anonymous_slots"] = used if decays else max(0, used - leased)
    changes.setdefault("denied_slots", locked["denied_slots"])
    changes["slots_updated"] = locked["slots_updated"]
    try:
        leases.change_limit(tx, limit["id"], changes)
    except IntegrityError:
        raise Conflict(f"A concurrency limit named {values.get('name')!r} already exists.") from None
    _tell(tx, "updated", {**limit, **changes})


def delete_limit(tx: Tx, id_or_name: str) -> None:
    """Deletes a limit; ``NotFound`` when there is none."""
    limit = get_limit(tx, id_or_name)
    leases.remove_limit(tx, limit["id"])
    _tell(tx, "deleted", limit)


def _tell(tx: Tx, verb: Any, limit: Row) -> None:
    if limit["name"].startswith(TAG_PREFIX):
        tagged = {"id": limit["id"], "tag": _tag(limit), "concurrency_limit": limit["limit"]}
        tx.emit(tag_concurrency_limit_event(verb, tagged, tx.now))
    else:
        tx.emit(concurrency_limit_event(verb, limit, tx.now))


def _tag(limit: Row) -> str:
    name: str = limit["name"]
    return name.removeprefix(TAG_PREFIX)


def set_tag_limit(tx: Tx, tag: str, limit: int) -> tuple[Row, bool]:
    """Makes or changes the limit of a tag; what the older wire shows of it, and whether it is new."""
    found = leases.find_limit(tx, "name", TAG_PREFIX + tag)
    if found is not None:
        change_limit(tx, found["id"], {"limit": limit})
        return read_tag_limit(tx, tag), False
    create_limit(tx, {"name": TAG_PREFIX + tag, "limit": limit})
    return read_tag_limit(tx, tag), True


def read_tag_limit(tx: Tx, tag: str) -> Row:
    """What the older wire shows of the limit of a tag; ``NotFound`` when there is none."""
    return _as_tag_answers(tx, [get_limit(tx, TAG_PREFIX + tag)])[0]


def read_tag_limit_by_id(tx: Tx, limit_id: str) -> Row:
    """What the older wire shows of the limit with this id; ``NotFound`` when it is none of a tag."""
    limit = get_limit(tx, limit_id)
    if not limit["name"].startswith(TAG_PREFIX):
        raise NotFound("Concurrency limit not found")
    return _as_tag_answers(tx, [limit])[0]


def list_tag_limits(tx: Tx, limit: int, offset: int) -> list[Row]:
    """What the older wire shows of the limits of tags, by tag."""
    return _as_tag_answers(tx, leases.list_limits(tx, limit, offset, TAG_PREFIX))


def _as_tag_answers(tx: Tx, limits: Sequence[Row]) -> list[Row]:
    holders: dict[str, list[str]] = {limit["id"]: [] for limit in limits}
    for row in leases.holders_of(tx, list(holders)) if holders else ():
        if row["holder_type"] == "task_run":
            holders[row["concurrency_limit_id"]].append(row["holder_id"])
    return [
        {
            "id": limit["id"],
            "created": limit["created"],
            "updated": limit["updated"],
            "tag": _tag(limit),
            "concurrency_limit": limit["limit"],
            "active_slots": holders[limit["id"]],
        }
        for limit in limits
    ]


def delete_tag_limit_by_id(tx: Tx, limit_id: str) -> None:
    """Deletes the limit with this id; ``NotFound`` when it is none of a tag."""
    read_tag_limit_by_id(tx, limit_id)
    delete_limit(tx, limit_id)


def reset_tag_limit(tx: Tx, tag: str, holders: Sequence[str]) -> None:
    """Ends all leases on the limit of a tag; then these task runs hold a slot each, whatever the limit is."""
    limit = get_limit(tx, TAG_PREFIX + tag)
    leases.lock_limits(tx, [limit["id"]])
    for row in leases.holders_of(tx, [limit["id"]]):
        concurrency.release(tx, row["id"])
    change_limit(tx, limit["id"], {"active_slots": 0})
    for task_run_id in holders:
        until = concurrency.expiry(tx, FOREVER)
        leases.add_lease(tx, new_id(), until, ("task_run", task_run_id), [(limit["id"], 1)])


def take_tag_slots(tx: Tx, tags: Sequence[str], task_run_id: str) -> list[Row] | Refused:
    """Takes a slot of each tag's limit for a task run, where it holds none yet, or none at all."""
    holder = ("task_run", task_run_id)
    locked = leases.lock_named(tx, [TAG_PREFIX + tag for tag in tags]) if tags else []
    held = {limit_id for _, limit_id in leases.leases_held_by(tx, holder)}
    wanted = [limit for limit in locked if limit["id"] not in held]
    if wanted:
        taken = concurrency.acquire_locked(tx, wanted, 1, FOREVER, holder)
        if isinstance(taken, Refused):
            return taken
    return [{"id": limit["id"], "name": _tag(limit), "limit": limit["limit"]} for limit in locked]


def give_back_tag_slots(tx: Tx, tags: Sequence[str], task_run_id: str) -> list[Row]:
    """Ends what a task run holds of the limits of these tags; the limits that exist among them."""
    locked = leases.lock_named(tx, [TAG_PREFIX + tag for tag in tags]) if tags else []
    concurrency.release_for_holder(tx, ("task_run", task_run_id), [limit["id"] for limit in locked])
    return [{"id": limit["id"], "name": _tag(limit), "limit": limit["limit"]} for limit in locked]
