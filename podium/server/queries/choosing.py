"""Choosing the rows of a page before anything else is read of them.

The ids of a page are found and sorted alone; joins and wide columns are read for them only. SQLite keeps no statistics
of its rows, so it is told which way to go: where few rows match, they are found by the conditions and sorted; where
many do, the index of the order is walked, which meets enough of them soon.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, Text, bindparam, func, select

from podium.db.dialect import unindexed
from podium.db.types import Json
from podium.db.unit import WORKSPACE, Tx

FEW = 2000
"""As many matching rows are sorted rather than met on the way through an index."""

Condition = ColumnElement[bool]


def chosen(
    tx: Tx,
    table: Table,
    where: Sequence[Condition],
    order: Sequence[ColumnElement[Any]],
    limit: int | None,
    offset: int = 0,
) -> list[Condition]:
    """The conditions that a row of the table is on a page of those of the workspace that match."""
    if limit is None and not offset:
        return list(where)
    if where and tx.dialect == "sqlite":
        few = tx.column(_ids(table, where).limit(FEW))
        where = [_among(table, few)] if len(few) < FEW else [unindexed(condition) for condition in where]
    page = _ids(table, where).order_by(*order).limit(limit).offset(offset or None)
    return [table.c.id.in_(page.correlate(None))]


def _ids(table: Table, where: Sequence[Condition]) -> Select[Any]:
    return select(table.c.id).where(table.c.workspace_id == WORKSPACE, *where)


def _among(table: Table, ids: Sequence[str]) -> Condition:
    """That the id is one of many, as one parameter."""
    listed = func.json_each(bindparam(None, ids, type_=Json(), unique=True)).table_valued("value", name="listed")
    return table.c.id.in_(select(listed.c.value.cast(Text)).correlate(None))
