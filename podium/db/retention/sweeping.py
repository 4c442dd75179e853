"""Carries rules out in small steps with rests between them, so that others do not notice."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from time import monotonic
from typing import Any

from sqlalchemy.exc import DBAPIError

from podium.db.engine import Database
from podium.db.errors import DatabaseUnavailable
from podium.db.partitions import FAMILIES, make_partition, missing, width_for
from podium.db.retention.ages import Ages
from podium.db.retention.rules import Rule
from podium.db.retention.steps import Step, Sweep, sum_up
from podium.db.unit import Tx

logger = logging.getLogger("podium.db")

FEWEST = 10
LONG, SHORT = 0.1, 0.03
"""Seconds of a step beyond which the next is smaller, and below which it may be larger."""

REST = 0.02
"""Seconds between two steps at least; as long as the step took where that is more."""

TRIES = 5
LOCK_NOT_AVAILABLE = "55P03"
DROPPED = ("42P01", "XX000")
"""What PostgreSQL says of a partition that somebody dropped since it was listed."""

PAGES_AT_ONCE = 200
SLACK = 4
"""Of SQLite's pages, one in so many may be free before some are given back: they are soon used again."""

Told = Callable[[Rule, Mapping[str, int]], None]
"""Called with a rule and how many rows of each table were deleted by it."""


async def carry_out(database: Database, rules: Iterable[Rule], ages: Ages, most: int, told: Told | None = None) -> int:
    """Deletes what the rules say, at most ``most`` rows of a rule (and what belongs to them) at a time; how many rows.

    It may be cancelled anywhere, and killed: nothing is half deleted, and the next time it finds the rest.
    """
    total = 0
    for rule in rules:
        deleted = await _sweep(database, rule.sweep, ages, most)
        rows = sum(deleted.values())
        if rows:
            logger.info("Deleted %d rows: %s (%s)", rows, rule.name, ", ".join(deleted))
        if told:
            told(rule, deleted)
        total += rows
    await shrink(database)
    return total


async def _sweep(database: Database, sweep: Sweep, ages: Ages, most: int) -> dict[str, int]:
    deleted: dict[str, int] = {}
    begin, size = None, min(most, 5 * FEWEST)
    while True:
        since = monotonic()
        step = await _step(database, sweep, ages, begin, size)
        took = monotonic() - since
        deleted = sum_up(deleted, step.deleted)
        if step.next is None:
            return deleted
        begin = step.next
        if took > LONG:
            size = max(FEWEST, size // 2)
        elif took < SHORT:
            size = min(most, size * 2)
        await asyncio.sleep(max(REST, took))


async def _step(database: Database, sweep: Sweep, ages: Ages, begin: Any, size: int) -> Step:
    """One step; tried again where somebody held a lock that is not waited for long, or dropped a partition of it."""
    tries = TRIES
    while True:
        try:
            done: Step = await database.write(sweep.step, ages, begin, size)
        except (DatabaseUnavailable, DBAPIError) as error:
            tries -= 1
            if _sqlstate(error) not in (LOCK_NOT_AVAILABLE, *DROPPED) or not tries:
                raise
            await asyncio.sleep(1)
        else:
            return done


def _sqlstate(error: BaseException) -> str | None:
    """What kind of error PostgreSQL says it is."""
    cause = error if isinstance(error, DBAPIError) else error.__cause__
    state: str | None = getattr(getattr(cause, "orig", None), "sqlstate", None)
    return state


async def make_partitions(database: Database, ages: Ages, soon: timedelta) -> None:
    """Makes the partitions of the time to come, at least for ``soon``; on PostgreSQL alone."""
    if database.dialect != "postgresql":
        return
    for family in FAMILIES:
        width = width_for(ages.events if family == "events" else ages.logs)
        for start, end in await database.read(missing, family, width, max(2 * width, soon)):
            try:
                await database.write(make_partition, family, start, end)
            except DatabaseUnavailable as error:
                if _sqlstate(error) != LOCK_NOT_AVAILABLE:
                    raise
                logger.info("The partition of %s from %s is made the next time: its table was in use", family, start)


async def shrink(database: Database) -> None:
    """Gives free pages of a SQLite file back to the disk, where there are many and the file was made for it."""
    more = database.dialect == "sqlite"
    while more:
        more = await database.write(give_back_pages)
        await asyncio.sleep(REST)


def give_back_pages(tx: Tx) -> bool:
    """Gives some pages back; whether there are still too many."""
    raw: Any = tx.connection.connection.driver_connection
    (mode,), (free,), (pages,) = (
        raw.execute(f"PRAGMA {name}").fetchone() for name in ("auto_vacuum", "freelist_count", "page_count")
    )
    surplus = free - pages // SLACK
    if mode != 2 or surplus <= PAGES_AT_ONCE:
        return False
    raw.execute(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})").fetchall()
    return bool(surplus > 2 * PAGES_AT_ONCE)
