"""What the metrics tell out of the database: read when somebody asks, remembered for a while, never waited for long."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from sqlalchemy import text

from podium.db.engine import Database
from podium.db.errors import DatabaseUnavailable
from podium.db.unit import Tx
from podium.server.queries.metrics import State, count_states, read_state

logger = logging.getLogger("podium.server")

REMEMBERED = 5.0
"""Seconds for which a reading serves at least."""

SHARE = 0.005
"""Of the time, how much may go into a reading: what takes long is read the less often."""

LONGEST = 120.0
"""Seconds for which a reading serves at most."""

PATIENCE = 2.5
"""Seconds that somebody who asks waits for the database."""

_PING = text("SELECT 1")


@dataclass(slots=True)
class _Reading:
    """A reading of the database; ``value`` is None as long as it does not answer, ``until`` the time it serves."""

    unit: Callable[[Tx], Any]
    value: Any = None
    until: float = 0.0
    task: asyncio.Task[None] | None = None


def _ping(tx: Tx) -> bool:
    return bool(tx.value(_PING))


class Gauges:
    """The readings of a process, each of one unit of work at a time whoever asks."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._answers = _Reading(_ping)
        self._state = _Reading(read_state)
        self._counts = _Reading(count_states)

    async def read(self) -> tuple[bool, State | None, dict[str, int] | None]:
        """Whether the database answers, how the work stands, and the flow runs by state; None for what is not known."""
        readings = (self._answers, self._state, self._counts)
        now = monotonic()
        for reading in readings:
            if reading.task is None and now >= reading.until:
                reading.task = asyncio.create_task(self._renew(reading))
        waited = [reading.task for reading in readings if reading.task is not None]
        if waited:
            await asyncio.wait(waited, timeout=PATIENCE)
        if self._answers.task is not None or not self._answers.value:
            return False, None, None
        return True, self._state.value, self._counts.value

    async def _renew(self, reading: _Reading) -> None:
        began = monotonic()
        try:
            reading.value = await self._database.read(reading.unit)
        except DatabaseUnavailable:
            reading.value = None
        except Exception:
            logger.exception("The metrics of the database could not be read")
            reading.value = None
        finally:
            served = min(max(REMEMBERED, (monotonic() - began) / SHARE), LONGEST)
            reading.until = monotonic() + (0.0 if reading.value is None or reading is self._answers else served)
            reading.task = None
