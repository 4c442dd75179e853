"""Storing and reading log lines."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, or_, select

from podium.db.bulk import insert_many
from podium.db.prepared import Prepared
from podium.db.tables.logs import logs
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.queries.generic import Entity
from podium.wire.logs import Log

LOGS = Entity(logs, Log, "Log")

COLUMNS = (*LOGS.columns, logs.c.created.label("updated"))
"""What the wire shows of a line; lines never change."""


class LogLine(NamedTuple):
    """A line as it is stored, and as those who listen see it."""

    id: str
    name: str
    level: int
    message: str
    timestamp: datetime
    flow_run_id: UUID | None
    task_run_id: UUID | None


_OF_FLOW_RUN = (
    select(logs.c.timestamp, logs.c.level, logs.c.flow_run_id, logs.c.task_run_id, logs.c.message, logs.c.id)
    .where(logs.c.workspace_id == WORKSPACE, logs.c.flow_run_id == bindparam("of_flow_run"))
    .order_by(logs.c.timestamp, logs.c.id)
    .limit(bindparam("most"))
)
_MOMENT = bindparam("moment", type_=logs.c.timestamp.type)
_FIRST = Prepared(_OF_FLOW_RUN)
# Without statistics of a table that grew quickly, PostgreSQL would sort all that is left for each of the pieces.
_ALONG_THE_INDEX = Prepared(
    select(func.set_config("enable_sort", "off", True), func.set_config("enable_bitmapscan", "off", True).label("too"))
)
_NEXT = Prepared(
    _OF_FLOW_RUN.where(
        logs.c.timestamp >= _MOMENT,
        or_(logs.c.timestamp > _MOMENT, logs.c.id > bindparam("last", type_=logs.c.id.type)),
    )
)


def add_logs(tx: Tx, lines: Sequence[LogLine]) -> None:
    """Stores lines."""
    stored = (tx.workspace_id, tx.now)
    insert_many(tx, logs, (*LogLine._fields, "workspace_id", "created"), [line + stored for line in lines])


def list_logs(
    tx: Tx, where: Sequence[ColumnElement[bool]], order: Sequence[ColumnElement[Any]], limit: int, offset: int
) -> list[Row]:
    """The lines that match, in order, at most ``limit`` after the first ``offset``."""
    return tx.all(select(*COLUMNS).where(LOGS.mine, *where).order_by(*order).limit(limit).offset(offset))


def logs_of_flow_run(tx: Tx, flow_run_id: str, after: Row | None, most: int) -> list[Row]:
    """The lines of a flow run and its task runs, oldest first: the next ``most`` after one that was read before."""
    if tx.dialect == "postgresql":
        tx.one(_ALONG_THE_INDEX)
    if after is None:
        return tx.all(_FIRST, of_flow_run=flow_run_id, most=most)
    return tx.all(_NEXT, of_flow_run=flow_run_id, moment=after["timestamp"], last=after["id"], most=most)
