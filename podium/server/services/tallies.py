"""Rolls up the runs and events of the past, so that counting all of them stays quick."""

from time import monotonic

from podium.db.engine import Database
from podium.server.queries.event_tallies import EVENT_TALLY
from podium.server.queries.run_tallies import FLOW_RUN_TALLY, TASK_RUN_TALLY
from podium.server.queries.tallies import Tally, closed_until, roll_up
from podium.server.runtime import Runtime

TALLIES: tuple[Tally, ...] = (FLOW_RUN_TALLY, TASK_RUN_TALLY, EVENT_TALLY)


async def roll_up_past(runtime: Runtime) -> None:
    """One round: for half its period at most, a few slices of time in a transaction."""
    settings = runtime.settings.server.services.tallies
    await roll_up_slices(runtime.database, settings.batch_size, settings.loop_seconds / 2)


async def roll_up_slices(database: Database, batch: int, seconds: float) -> None:
    """Rolls up what is due, for so many seconds at most."""
    end = monotonic() + seconds
    for tally in TALLIES:
        closed = await database.read(closed_until, tally)
        while await database.write(roll_up, tally, closed, batch) == batch and monotonic() < end:
            pass
