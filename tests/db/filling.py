"""Rows for every table there is, made from what the code declares of it."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Boolean, Connection, Float, Integer, Table, delete, insert

from podium.db.connections import open_engine
from podium.db.ids import DEFAULT_WORKSPACE_ID
from podium.db.options import Options
from podium.db.tables import metadata
from podium.db.types import Id, Json, Timestamp

TEXTS = ("plain", 'with "quotes", \\ and\nlines', "käse ☃ 日本語", "")
START = (datetime.now(UTC) - timedelta(days=4)).replace(hour=12, minute=30, second=15, microsecond=123456)
"""Of these days: PostgreSQL has a partition for each day that a restored event is old."""


def fill(url: str, rows: int = 4) -> None:
    """Puts some rows into every table; what may be null is in the last of them."""
    engine = open_engine(url, Options())
    with engine.begin() as connection:
        chosen: dict[str, list[dict[str, Any]]] = {"workspaces": [{"id": DEFAULT_WORKSPACE_ID}]}
        for table in metadata.sorted_tables:
            if table.name == "workspaces":
                continue
            chosen[table.name] = [_row(table, number, number == rows - 1, chosen) for number in range(rows)]
            _insert(connection, table, chosen[table.name])
    engine.dispose()


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    connection.execute(delete(table))
    for row in rows:
        connection.execute(insert(table).values(**row))


def _row(table: Table, number: int, sparse: bool, chosen: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    row = {}
    for column in table.columns:
        if column.foreign_keys:
            target = next(iter(column.foreign_keys)).column
            parents = chosen.get(target.table.name, [])
            if parents:
                row[column.name] = parents[number % len(parents)][target.name]
            elif not column.nullable:
                raise AssertionError(f"{column}: its parent comes later")
            continue
        if sparse and column.nullable:
            continue
        row[column.name] = _value(table, column.name, column.type, number)
    return row


def _value(table: Table, name: str, kind: Any, number: int) -> Any:
    if name == "workspace_id":
        return DEFAULT_WORKSPACE_ID
    if isinstance(kind, Id):
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{table.name}.{name}.{number}"))
    if isinstance(kind, Json):
        return [{"text": TEXTS[number % 4]}, [1, 2.5, None], {}][number % 3]
    if isinstance(kind, Timestamp):
        return START + timedelta(days=number, microseconds=number)
    if isinstance(kind, Boolean):
        return number % 2 == 0
    if isinstance(kind, Float):
        return number / 3
    if isinstance(kind, Integer | BigInteger):
        return number + 1
    return f"{TEXTS[number % 4]}{number}"
