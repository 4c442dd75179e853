"""Storing and reading log lines."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, insert, select

from podium.db.tables.logs import logs
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.queries.generic import Entity
from podium.wire.logs import Log

LOGS = Entity(logs, Log, "Log")

COLUMNS = (*LOGS.columns, logs.c.created.label("updated"))
"""What the wire shows of a line; lines never change."""

_INSERT = insert(logs)
_OF_FLOW_RUN = (
    select(logs.c.timestamp, logs.c.level, logs.c.flow_run_id, logs.c.task_run_id, logs.c.message)
    .where(logs.c.workspace_id == WORKSPACE, logs.c.flow_run_id == bindparam("of_flow_run"))
    .order_by(logs.c.timestamp, logs.c.id)
)


def add_logs(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """Stores lines; each row has an id and all the fields of the wire."""
    for row in rows:
        row["workspace_id"] = tx.workspace_id
        row["created"] = tx.now
    tx.many(_INSERT, rows)


def list_logs(
    tx: Tx, where: Sequence[ColumnElement[bool]], order: Sequence[ColumnElement[Any]], limit: int, offset: int
) -> list[Row]:
    """The lines that match, in order, at most ``limit`` after the first ``offset``."""
    return tx.all(select(*COLUMNS).where(LOGS.mine, *where).order_by(*order).limit(limit).offset(offset))


def logs_of_flow_run(tx: Tx, flow_run_id: str) -> list[Row]:
    """Every line of a flow run and its task runs, oldest first."""
    return tx.all(_OF_FLOW_RUN, of_flow_run=flow_run_id)
