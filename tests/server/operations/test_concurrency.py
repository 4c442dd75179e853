"""Slots of concurrency limits: never more than the limit, each given back once, whatever happens to their holders."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from podium.db.ids import new_id
from podium.db.tables.concurrency import concurrency_leases
from podium.profiles import load_settings
from podium.server.errors import Invalid
from podium.server.operations import concurrency
from podium.server.operations.concurrency import FOREVER, Refused, Taken
from podium.server.operations.concurrency_limits import change_limit, delete_limit
from podium.server.queries import leases
from tests.server.conftest import Units
from tests.server.runs import Runs

MINUTE = timedelta(seconds=60)


def take(runs: Runs, *names: str, slots: int = 1, seconds: float | None = 60, **how: Any) -> Taken | Refused:
    """Takes slots with a lease, or without one for ``seconds=None``."""

    def unit(tx: Any) -> Taken | Refused:
        return concurrency.acquire_named(tx, names, slots, lease_seconds=seconds, **how)

    taken: Taken | Refused = runs.units.write(unit)
    return taken


def lease_id(taken: Taken | Refused) -> str:
    assert isinstance(taken, Taken) and taken.lease_id
    return taken.lease_id


def limit(runs: Runs, slots: int, **values: Any) -> str:
    """A limit; its name."""
    name = new_id()
    runs.limit(slots, name, **values)
    return name


def row(runs: Runs, name: str) -> Any:
    return runs.units.read(leases.find_limit, "name", name)


def test_all_or_none(runs: Runs) -> None:
    """Slots are taken of every limit named, or of none; unknown names and inactive limits do not limit."""
    wide, narrow, inactive = limit(runs, 5), limit(runs, 1), limit(runs, 1, active=False)
    taken = take(runs, wide, narrow, inactive, "unknown")
    assert isinstance(taken, Taken)
    assert {each["name"] for each in taken.limits} == {wide, narrow, inactive}
    assert isinstance(take(runs, wide, narrow), Refused)
    assert (runs.slots(wide), runs.slots(narrow), runs.slots(inactive)) == (1, 1, 0)
    assert isinstance(take(runs, inactive, slots=7), Taken)
    assert lease_id(take(runs, "unknown"))


def test_what_can_never_be_taken(runs: Runs) -> None:
    """More slots than a limit has, and a rate without a decay, are errors and not something to wait for."""
    name = limit(runs, 2)
    with pytest.raises(Invalid):
        take(runs, name, slots=3)
    with pytest.raises(Invalid):
        take(runs, name, mode="rate_limit")


def test_release(runs: Runs) -> None:
    """A lease is ended once; ending it again, or one that never was, does nothing."""
    name = limit(runs, 3)
    first, second = lease_id(take(runs, name, slots=2)), lease_id(take(runs, name))
    assert runs.slots(name) == 3
    assert runs.units.write(concurrency.release, first)
    assert not runs.units.write(concurrency.release, first)
    assert not runs.units.write(concurrency.release, new_id())
    assert runs.slots(name) == 1
    assert runs.units.write(concurrency.renew, second, 60)
    assert not runs.units.write(concurrency.renew, first, 60)


def test_expired_leases(runs: Runs) -> None:
    """A lease that expired can be renewed until its slots are another's; the service takes back what nobody needed."""
    name = limit(runs, 1)
    first = lease_id(take(runs, name, seconds=60))
    runs.wait(61)
    assert runs.units.write(concurrency.renew, first, 60)
    assert isinstance(take(runs, name), Refused)
    runs.wait(61)
    second = lease_id(take(runs, name, seconds=60))
    assert not runs.units.write(concurrency.renew, first, 60)
    assert not runs.units.write(concurrency.release, second, True)
    runs.wait(61)
    expired = [each["id"] for each in runs.units.read(leases.expired_leases, 1000)]
    assert second in expired and first not in expired
    assert runs.units.write(concurrency.release, second, True)
    assert runs.slots(name) == 0


def test_slots_without_a_lease(runs: Runs) -> None:
    """They are given back by name, never below none."""
    name = limit(runs, 2)
    take(runs, name, slots=2, seconds=None)
    assert isinstance(take(runs, name, seconds=None), Refused)
    runs.units.write(concurrency.release_named, [name, "unknown"], 1, 3.0)
    assert runs.slots(name) == 1
    runs.units.write(concurrency.release_named, [name], 5)
    assert runs.slots(name) == 0


def test_rate_limits(runs: Runs) -> None:
    """Slots of a limit with a decay come back with time, however often somebody looks at it."""
    name = limit(runs, 10, slot_decay_per_second=2.0)
    assert isinstance(take(runs, name, slots=10, seconds=None, mode="rate_limit"), Taken)
    refused = take(runs, name, slots=4, seconds=None, mode="rate_limit")
    assert isinstance(refused, Refused) and 1.0 <= refused.retry_after <= 4.0
    for _ in range(20):
        runs.wait(0.1)
        take(runs, name, slots=10, seconds=None, mode="rate_limit")
    assert runs.slots(name) == 6
    assert isinstance(take(runs, name, slots=4, seconds=None, mode="rate_limit"), Taken)
    runs.wait(100)
    assert runs.slots(name) == 0


def test_leases_on_limits_that_decay(runs: Runs) -> None:
    """Their slots come back with time or with the end of the lease, whichever is first."""
    name = limit(runs, 4, slot_decay_per_second=0.1)
    held = lease_id(take(runs, name, slots=4, seconds=3600))
    runs.wait(10)
    assert runs.slots(name) == 3
    runs.units.write(concurrency.release, held)
    assert runs.slots(name) == 0


def test_how_long_to_wait(runs: Runs) -> None:
    """The wait follows how long slots are held and how many wait, up to 30 s on average, 10 s for tags."""
    name = limit(runs, 1)
    held = lease_id(take(runs, name))
    waits = [refused.retry_after for _ in range(3) if isinstance(refused := take(runs, name), Refused)]
    for queue, seconds in enumerate(waits, start=1):
        assert 0.8 * 2.0 * queue <= seconds <= 1.3 * 2.0 * queue
    runs.wait(100)
    runs.units.write(concurrency.release, held)
    assert row(runs, name)["avg_slot_occupancy_seconds"] == pytest.approx(51, abs=0.1)
    take(runs, name)
    refused = take(runs, name)
    assert isinstance(refused, Refused) and refused.retry_after <= 39.0
    tag = f"tag:{name}"
    runs.limit(1, tag, avg_slot_occupancy_seconds=500.0)
    take(runs, tag)
    refused = take(runs, tag)
    assert isinstance(refused, Refused) and refused.retry_after <= 13.0


def test_settings_cap_the_wait(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest waits are settings: one for tags, one for all other limits; nothing to wait is allowed too."""
    flags = {
        "server.concurrency.maximum_concurrency_slot_wait_seconds": 4,
        "server.tasks.tag_concurrency_slot_wait_seconds": 0,
    }
    monkeypatch.setattr(runs.units.database, "settings", load_settings(flags=flags, environ={}))
    name = limit(runs, 1, avg_slot_occupancy_seconds=500.0)
    tag = f"tag:{name}"
    runs.limit(1, tag, avg_slot_occupancy_seconds=500.0)
    for each, longest in ((name, 4.0), (tag, 0.0)):
        take(runs, each)
        runs.wait(1)
        refused = take(runs, each)
        assert isinstance(refused, Refused) and 0.5 * longest <= refused.retry_after <= 1.3 * longest


def test_denied_slots_are_forgotten(runs: Runs) -> None:
    """Each refusal counts, and is forgotten in the time a slot is held."""
    name = limit(runs, 1)
    take(runs, name, seconds=FOREVER)
    for _ in range(4):
        take(runs, name)
    assert row(runs, name)["denied_slots"] == 4
    runs.wait(4.1)
    take(runs, name)
    assert row(runs, name)["denied_slots"] == 3


def test_holders(runs: Runs) -> None:
    """What a holder has on some limits is ended; its other leases and others' are not."""
    one, two = limit(runs, 5), limit(runs, 5)
    holder, other = ("task_run", new_id()), ("task_run", new_id())
    take(runs, one, two, holder=holder)
    take(runs, one, holder=holder)
    take(runs, two, holder=holder)
    take(runs, one, holder=other)
    assert runs.units.write(concurrency.release_for_holder, holder, [row(runs, one)["id"]]) == 2
    assert (runs.slots(one), runs.slots(two)) == (1, 1)
    assert runs.units.write(concurrency.release_all_of, holder) == 1
    assert runs.slots(two) == 0


def test_changing_a_limit_keeps_its_slots(runs: Runs) -> None:
    """The slots in use stay what they are when the limit, or its decay, changes; the operator may set them."""
    name = limit(runs, 5)
    take(runs, name, slots=2, seconds=3600)
    take(runs, name, slots=1, seconds=None)
    for values in ({"limit": 2}, {"slot_decay_per_second": 0.001}, {"slot_decay_per_second": 0.0}, {"active": True}):
        runs.units.write(change_limit, name, values)
        assert runs.slots(name) == 3
    runs.units.write(change_limit, name, {"active_slots": 4})
    assert runs.slots(name) == 4
    runs.units.write(change_limit, name, {"active_slots": 0})
    assert runs.slots(name) == 2


def test_deleting_a_limit(runs: Runs) -> None:
    """Leases on it live on without it."""
    name = limit(runs, 1)
    held = lease_id(take(runs, name))
    runs.units.write(delete_limit, name)
    assert runs.units.write(concurrency.renew, held, 60)
    assert runs.units.write(concurrency.release, held)


def test_many_at_once(runs: Runs) -> None:
    """Of many who ask at the same moment exactly as many get a slot as there are, and nobody an error."""
    one, two = limit(runs, 5), limit(runs, 3)

    async def ask() -> list[Any]:
        write = runs.units.database.write
        names = [[one], [two], [one, two], [two, one]]
        asking = [write(concurrency.acquire_named, names[place % 4], 1, "concurrency", 60) for place in range(40)]
        return await asyncio.gather(*asking)

    results = runs.units.run(ask())
    taken = [each for each in results if isinstance(each, Taken)]
    used = Counter(each["name"] for result in taken for each in result.limits)
    assert (runs.slots(one), runs.slots(two)) == (used[one], used[two])
    assert used[two] == 3
    assert used[one] <= 5


class Slots(RuleBasedStateMachine):
    """Takes, renews, releases and loses leases in any order, beside a plain account of who holds what until when."""

    units: Units

    @initialize(first=st.integers(1, 4), second=st.integers(1, 4))
    def start(self, first: int, second: int) -> None:
        self.runs = Runs(self.units)
        self.limits = {limit(self.runs, first): first, limit(self.runs, second): second}
        self.held: dict[str, tuple[dict[str, int], Any]] = {}
        self.anonymous = dict.fromkeys(self.limits, 0)

    def used(self, name: str, at_least_until: Any = None) -> int:
        """Slots held without a lease and by leases; only by those that last, when a moment is given."""
        leased = (
            slots.get(name, 0)
            for slots, until in self.held.values()
            if at_least_until is None or until > at_least_until
        )
        return self.anonymous[name] + sum(leased)

    @rule(which=st.sampled_from([(0,), (1,), (0, 1)]), slots=st.integers(1, 2), leased=st.booleans())
    def take(self, which: tuple[int, ...], slots: int, leased: bool) -> None:
        names = [list(self.limits)[place] for place in which]
        if any(slots > self.limits[name] for name in names):
            return
        now = self.runs.now
        fits = all(self.used(name, now) + slots <= self.limits[name] for name in names)
        taken = take(self.runs, *names, slots=slots, seconds=60 if leased else None)
        assert isinstance(taken, Taken) == fits
        self.forget_the_lost()
        if isinstance(taken, Refused):
            return
        if taken.lease_id:
            self.held[taken.lease_id] = (dict.fromkeys(names, slots), self.runs.now + MINUTE)
        else:
            for name in names:
                self.anonymous[name] += slots

    def forget_the_lost(self) -> None:
        left = {row["id"] for row in self.units.all(select(concurrency_leases.c.id))}
        for lost in self.held.keys() - left:
            assert self.held.pop(lost)[1] <= self.runs.now

    @precondition(lambda self: self.held)
    @rule(place=st.integers(0, 9))
    def renew(self, place: int) -> None:
        chosen = list(self.held)[place % len(self.held)]
        assert self.units.write(concurrency.renew, chosen, 60)
        self.held[chosen] = (self.held[chosen][0], self.runs.now + MINUTE)

    @precondition(lambda self: self.held)
    @rule(place=st.integers(0, 9))
    def release(self, place: int) -> None:
        chosen = list(self.held)[place % len(self.held)]
        assert self.units.write(concurrency.release, chosen)
        del self.held[chosen]
        assert not self.units.write(concurrency.release, chosen)

    @rule(slots=st.integers(1, 2), place=st.integers(0, 1))
    def give_back(self, slots: int, place: int) -> None:
        name = list(self.limits)[place]
        self.units.write(concurrency.release_named, [name], slots)
        self.anonymous[name] = max(0, self.anonymous[name] - slots)

    @rule(seconds=st.sampled_from([1, 30, 61]))
    def wait(self, seconds: int) -> None:
        self.runs.wait(seconds)

    @rule()
    def sweep(self) -> None:
        for each in self.units.read(leases.expired_leases, 1000):
            self.units.write(concurrency.release, each["id"], True)
        self.forget_the_lost()

    @invariant()
    def never_above_the_limit(self) -> None:
        for name, most in getattr(self, "limits", {}).items():
            assert self.runs.slots(name) == self.used(name) <= most


def test_any_order_of_events(units: Units) -> None:
    """Whatever leases go through, the slots in use are those of the account and never more than the limit."""
    machine = type("SlotsOfThisDatabase", (Slots,), {"units": units})
    examples = settings(max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=examples)
