"""One look at the database for all services: whether there may be work for each.

Most rounds of most services find nothing. What they would look for is asked for all of them by one statement, and a
service whose answer is no leaves its round out. So an idle server says little to its database.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from sqlalchemy import Select, exists, or_, select

from podium.db.engine import Database
from podium.db.prepared import Prepared
from podium.db.unit import Tx
from podium.profiles import Settings

FRESH = 1.5
"""Seconds for which an answer serves; work that comes right after it waits for the round after the next look."""


def _nothing(settings: Settings, now: datetime) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Look:
    """What a service would find (no row of any: it has nothing to do), and the values of the parameters.

    All looks share one statement: parameters of the same name have the same value; ``now`` is there for all.
    """

    finds: tuple[Select[Any], ...]
    values: Callable[[Settings, datetime], dict[str, Any]] = _nothing


class Glance:
    """The answers to the looks of the services of one process, by their names."""

    def __init__(self, database: Database, looks: Mapping[str, Look]) -> None:
        self._database = database
        self._looks = dict(looks)
        self._statement = Prepared(
            select(*(or_(*map(exists, look.finds)).label(f"look_{place}") for place, look in enumerate(looks.values())))
        )
        self._asking: asyncio.Task[dict[str, bool]] | None = None
        self._asked = float("-inf")

    async def may_find(self, name: str, interval: float = FRESH) -> bool:
        """Whether there may be work for a service that looks so often; always for one without a look."""
        if name not in self._looks:
            return True
        if self._asking is None or monotonic() - self._asked > min(FRESH, interval / 2):
            self._asked = monotonic()
            self._asking = asyncio.create_task(self._database.read(self._look))
        found: dict[str, bool] = await asyncio.shield(self._asking)
        return found[name]

    def _look(self, tx: Tx) -> dict[str, bool]:
        values: dict[str, Any] = {"now": tx.now}
        for look in self._looks.values():
            for name, value in look.values(tx.settings, tx.now).items():
                if values.setdefault(name, value) != value:
                    raise ValueError(f"two looks have different values of {name}")
        row = tx.one(self._statement, values)
        assert row is not None
        return {name: bool(found) for name, found in zip(self._looks, row.values(), strict=True)}
