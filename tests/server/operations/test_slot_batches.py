"""Slots that are asked for at the same moment are given in one go, each by its own merits."""

import asyncio
from typing import Any

from podium.db.ids import DEFAULT_WORKSPACE_ID, new_id
from podium.server.errors import Invalid
from podium.server.operations import concurrency
from podium.server.operations.concurrency import Refused, Taken
from tests.server.runs import Runs


def test_each_of_many_gets_its_own_answer(runs: Runs) -> None:
    """As many as there are slots are granted; who is refused, or asks for what cannot be, harms no other."""
    one, two = new_id(), new_id()
    runs.limit(5, one)
    runs.limit(3, two)
    slots = runs.units.runtime.slots

    def ask(*names: str, number: int = 1) -> Any:
        arguments = (names, number, "concurrency", 60.0)
        return slots.write(concurrency.acquire_named, *arguments, workspace_id=DEFAULT_WORKSPACE_ID, names=names)

    async def all_at_once() -> list[Any]:
        asking = [ask(*names) for names in ([one], [two], [one, two], ["unknown"]) for _ in range(25)]
        wrong = [ask(two, number=4) for _ in range(5)]
        return await asyncio.gather(*wrong, *asking, return_exceptions=True)

    results = runs.units.run(all_at_once())
    assert all(isinstance(each, Invalid) for each in results[:5])
    assert all(isinstance(each, Taken | Refused) for each in results[5:])
    taken = [each for each in results if isinstance(each, Taken) and each.limits]
    held = [limit["name"] for each in taken for limit in each.limits]
    assert (runs.slots(one), runs.slots(two)) == (held.count(one), held.count(two))
    assert (held.count(one), held.count(two)) == (5, 3)

    async def give_back() -> list[Any]:
        ended = [each.lease_id for each in taken if each.lease_id]
        releases = (
            slots.write(concurrency.release, lease, workspace_id=DEFAULT_WORKSPACE_ID, lease_id=lease)
            for lease in [*ended, new_id(), *ended]
        )
        return await asyncio.gather(*releases)

    assert runs.units.run(give_back()).count(True) == len(taken)
    assert (runs.slots(one), runs.slots(two)) == (0, 0)


def test_a_database_that_fails_is_told_to_all_who_wait(runs: Runs) -> None:
    """And the next who ask are served again."""
    slots = runs.units.runtime.slots

    def broken(tx: Any) -> None:
        raise ConnectionError("gone")

    async def ask() -> list[Any]:
        asking = [slots.write(broken, workspace_id=DEFAULT_WORKSPACE_ID) for _ in range(3)]
        return await asyncio.gather(*asking, return_exceptions=True)

    assert all(isinstance(each, Exception) for each in runs.units.run(ask()))
    answer = slots.write(lambda tx: "served", workspace_id=DEFAULT_WORKSPACE_ID)
    assert runs.units.run(answer) == "served"
