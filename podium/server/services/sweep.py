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


def is_still_in(tx: Tx, run: Row) -> bool:
    """Whether a flow run that was read before is in the same state; it stays so until the unit ends."""
    state_id: str | None = tx.value(_STATE, run_id=run["id"])
    return state_id is not None and state_id == run["state_id"]
