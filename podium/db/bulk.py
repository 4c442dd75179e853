"""Inserting many rows at once, past SQLAlchemy: for tables that take thousands of rows a second."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Table
from sqlalchemy.exc import DBAPIError

from podium.db.unit import Tx

Convert = Callable[[Any], Any]


def insert_many(tx: Tx, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Inserts rows given as the values of ``columns``; no column default applies.

    Raises what SQLAlchemy would: ``IntegrityError`` and the other ``DBAPIError`` classes.
    """
    if not rows:
        return
    sql, conversions = _plan(table, tuple(columns), tx.connection.dialect)
    if conversions:
        rows = [_converted(row, conversions) for row in rows]
    raw: Any = tx.connection.connection.driver_connection
    driver_error = tx.connection.dialect.loaded_dbapi.Error
    try:
        if tx.dialect == "sqlite":
            raw.executemany(sql, rows)
        else:
            _copy(raw, sql, rows)
    except driver_error as error:
        raise DBAPIError.instance(sql, None, error, driver_error) from error


def _copy(raw: Any, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    with raw.cursor() as cursor, cursor.copy(sql) as copy:
        for row in rows:
            copy.write_row(row)


def _converted(row: Sequence[Any], conversions: Sequence[tuple[int, Convert]]) -> list[Any]:
    values = list(row)
    for place, convert in conversions:
        values[place] = convert(values[place])
    return values


@lru_cache(maxsize=64)
def _plan(table: Table, columns: tuple[str, ...], dialect: Dialect) -> tuple[str, tuple[tuple[int, Convert], ...]]:
    """The statement, and how values become what the driver takes, by their place in the row."""
    names = ", ".join(f'"{name}"' for name in columns)
    if dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        sql = f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'  # noqa: S608 - names of a declared table
    else:
        sql = f'COPY "{table.name}" ({names}) FROM STDIN'
    conversions: list[tuple[int, Convert]] = []
    for place, name in enumerate(columns):
        convert = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        if convert is not None:
            conversions.append((place, convert))
    return sql, tuple(conversions)
