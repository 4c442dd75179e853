"""Rules about the concurrency limits of a task run's tags."""

from typing import Any

import msgspec

from podium.server.operations import concurrency
from podium.server.operations.waiting import poisson_interval
from podium.server.orchestration.engine import ANY, Rule, only
from podium.server.orchestration.transition import TaskRunTransition
from podium.server.queries import leases

_decode_tags = msgspec.json.Decoder(list[str]).decode


def tag_names(transition: TaskRunTransition) -> list[str]:
    """The names that limits of the run's tags have."""
    stored = transition.run["tags"]
    tags = _decode_tags(stored) if isinstance(stored, msgspec.Raw) else stored
    return [concurrency.TAG_PREFIX + tag for tag in tags]


def _holder(transition: TaskRunTransition) -> concurrency.Holder:
    return ("task_run", transition.run["id"])


def _secure_slots(transition: TaskRunTransition) -> Any:
    tx, names = transition.tx, tag_names(transition)
    locked = [limit for limit in leases.lock_named(tx, names) if limit["active"]] if names else []
    if not locked:
        return None
    closed = next((limit["name"] for limit in locked if limit["limit"] == 0), None)
    if closed is not None:
        return transition.abort(f"The concurrency limit {closed!r} is 0.")
    held = {limit_id for _, limit_id in leases.leases_held_by(tx, _holder(transition))}
    wanted = [limit for limit in locked if limit["id"] not in held]
    if not wanted:
        return None
    taken = concurrency.acquire_locked(tx, wanted, 1, concurrency.FOREVER, _holder(transition))
    if isinstance(taken, concurrency.Taken):
        return taken.lease_id
    occupancy = min(taken.blocking["avg_slot_occupancy_seconds"], concurrency.longest_wait(tx, taken.blocking))
    delay = round(poisson_interval(occupancy))
    return transition.wait(delay, f"The concurrency limit {taken.blocking['name']!r} is reached.")


def _give_back(transition: TaskRunTransition, memo: Any) -> None:
    if memo is not None:
        concurrency.release(transition.tx, memo)


SECURE_TASK_CONCURRENCY_SLOTS = Rule(
    "SecureTaskConcurrencySlots", ANY, only("RUNNING"), before=_secure_slots, cleanup=_give_back
)


def _release_slots(transition: TaskRunTransition, memo: Any) -> None:
    proposed = transition.proposed
    if proposed is None or proposed.type in ("RUNNING", "CANCELLING"):
        return
    names = tag_names(transition)
    held = leases.leases_held_by(transition.tx, _holder(transition)) if names else []
    if held:
        on_tags = {limit["id"] for limit in leases.lock_named(transition.tx, names)}
        concurrency.release_for_holder(transition.tx, _holder(transition), on_tags)


RELEASE_TASK_CONCURRENCY_SLOTS = Rule("ReleaseTaskConcurrencySlots", after=_release_slots, always=True)
