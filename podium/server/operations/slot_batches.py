"""Slots taken and given back together: on PostgreSQL, what waits at the same moment shares one transaction.

Whoever wants slots of a limit waits for the limit's row. Alone, each would keep all the others waiting for its own
statements and its own commit, and would keep a connection while it waits. SQLite's writer shares its commits anyway.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from podium.db.engine import Database
from podium.db.unit import Tx
from podium.server.errors import Problem
from podium.server.queries import leases

MOST_TOGETHER = 64


@dataclass(slots=True)
class _Asked:
    unit: Callable[..., Any]
    args: tuple[Any, ...]
    names: Sequence[str]
    lease_id: str | None
    answer: asyncio.Future[Any]


class SlotBatches:
    """Runs units that take or give back slots; one batch of a workspace at a time, the next gathers meanwhile."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, list[_Asked]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def write(
        self,
        unit: Callable[..., Any],
        *args: Any,
        workspace_id: str,
        names: Sequence[str] = (),
        lease_id: str | None = None,
    ) -> Any:
        """The result of ``unit(tx, *args)`` after its commit; ``names`` and ``lease_id`` say which limits it locks.

        A unit that raises a ``Problem`` has changed nothing by then.
        """
        if self._database.dialect == "sqlite":
            return await self._database.write(unit, *args, workspace_id=workspace_id)
        asked = _Asked(unit, args, names, lease_id, asyncio.get_running_loop().create_future())
        waiting = self._waiting.get(workspace_id)
        if waiting is None:
            self._waiting[workspace_id] = [asked]
            task = asyncio.create_task(self._drain(workspace_id))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        else:
            waiting.append(asked)
        return await asked.answer

    async def _drain(self, workspace_id: str) -> None:
        waiting = self._waiting[workspace_id]
        while waiting:
            batch, waiting[:] = waiting[:MOST_TOGETHER], waiting[MOST_TOGETHER:]
            try:
                outcomes = await self._database.write(_run, batch, workspace_id=workspace_id)
            except Exception as error:
                outcomes = [(None, error)] * len(batch)
            for asked, (result, failure) in zip(batch, outcomes, strict=True):
                if asked.answer.done():
                    continue
                if failure is None:
                    asked.answer.set_result(result)
                else:
                    asked.answer.set_exception(failure)
        del self._waiting[workspace_id]


def _run(tx: Tx, batch: Sequence[_Asked]) -> list[tuple[Any, Exception | None]]:
    """What became of each unit. The limits of all are locked first, in the order of their ids, as everywhere."""
    if len(batch) > 1:
        names = {name for asked in batch for name in asked.names}
        leases.lock_limits_for(tx, sorted(names), sorted({asked.lease_id for asked in batch if asked.lease_id}))
    outcomes: list[tuple[Any, Exception | None]] = []
    for asked in batch:
        try:
            outcomes.append((asked.unit(tx, *asked.args), None))
        except Problem as problem:
            outcomes.append((None, problem))
    return outcomes
