"""What the services that go through many runs share."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from sqlalchemy import bindparam, select

from podium.db.engine import Database, Unit
from podium.db.errors import DatabaseUnavailable
from podium.db.tables.flow_runs import flow_runs
from podium.db.unit import WORKSPACE, Row, Tx

logger = logging.getLogger("podium.server.services")

AT_ONCE = 20
PAGE = 200
MOST_PAGES = 50

_STATE = (
    select(flow_runs.c.state_id)
    .where(flow_runs.c.id == bindparam("run_id"), flow_runs.c.workspace_id == WORKSPACE)
    .with_for_update()
)


async def for_each(database: Database, rows: Iterable[Row], unit: Unit, *args: Any) -> int:
    """Runs ``unit(tx, row, *args)`` for each row in the row's workspace; how many of them succeeded.

    A row whose unit fails is logged and left, so that it does not keep the others from their turn.
    """
    turns = asyncio.Semaphore(AT_ONCE)

    async def handle(row: Row) -> bool:
        async with turns:
            try:
                await database.write(unit, row, *args, workspace_id=row["workspace_id"])
            except DatabaseUnavailable:
                raise
            except Exception:
                logger.exception("%s failed for %s", getattr(unit, "__name__", unit), row["id"])
                return False
            return True

    return sum(await asyncio.gather(*(handle(row) for row in rows)))


async def page_by_page(database: Database, find: Unit, unit: Unit, *args: Any) -> None:
    """Runs ``unit(tx, row)`` for each row that ``find(tx, *args)`` finds, at most ``PAGE`` of them at a time.

    The unit takes a row out of what is found, so it is asked again until a page is not full. A page in which a row
    failed is the last of the round.
    """
    for _ in range(MOST_PAGES):
        rows = await database.read(find, *args)
        done = await for_each(database, rows, unit)
        if len(rows) < PAGE or done < len(rows):
            return


def is_still_in(tx: Tx, run: Row) -> bool:
    """Whether a flow run that was read before is in the same state; it stays so until the unit ends."""
    state_id: str | None = tx.value(_STATE, run_id=run["id"])
    return state_id is not None and state_id == run["state_id"]
