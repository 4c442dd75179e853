"""Inserting many rows at once, past SQLAlchemy: for tables that take thousands of rows a second."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import Dialect, Table
from sqlalchemy.exc import DBAPIError

from podium.db.unit import Row, Tx

Convert = Callable[[Any], Any]

AT_ONCE = 100
"""Rows that a statement on SQLite inserts. Around each statement it notes all pages of table and indexes that the
statement touches, and gives that up again: for a row with a dozen indexes, more work than inserting it."""


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


def insert_new(tx: Tx, table: Table, rows: Sequence[Row]) -> list[str]:
    """Inserts rows but those that a uniqueness keeps out; the ids of the inserted.

    All rows have the same columns, ``id`` among them; no column default made in Python applies. What is the same in all
    rows is read once. On PostgreSQL they travel as one value: the text of a statement with a place for each value takes
    longer to read than to execute. Raises what SQLAlchemy would.
    """
    if not rows:
        return []
    names = tuple(rows[0])
    columns = dict(zip(names, zip(*(row.values() for row in rows), strict=True), strict=True))
    alike = {
        name: values[0] for name, values in columns.items() if name != "id" and values.count(values[0]) == len(rows) > 1
    }
    sql, conversions = _plan_new(table, names, frozenset(alike), tx.connection.dialect)
    raw: Any = tx.connection.connection.driver_connection
    driver_error = tx.connection.dialect.loaded_dbapi.Error
    try:
        if tx.dialect == "postgresql":
            new = [{name: row[name] for name in names if name not in alike} for row in rows]
            found = raw.execute(sql, tuple(msgspec.json.encode(each).decode() for each in (new, alike)))
        else:
            for place, convert in conversions:
                name, values = names[place], columns[names[place]]
                columns[name] = (convert(values[0]),) * len(rows) if name in alike else tuple(map(convert, values))
            _insert_repeatedly(raw, sql, list(zip(*columns.values(), strict=True)))
            ids = msgspec.json.encode(columns["id"]).decode()
            there = f'SELECT id FROM "{table.name}" WHERE id IN (SELECT value FROM json_each(?))'  # noqa: S608
            found = raw.execute(there, (ids,))
        return [row[0] for row in found.fetchall()]
    except driver_error as error:
        raise DBAPIError.instance(sql, None, error, driver_error) from error


def put_many(tx: Tx, table: Table, rows: Sequence[Row], key: Sequence[str]) -> None:
    """Inserts rows, or replaces those that have the same ``key``, by one statement.

    All rows have the same columns and none is there twice. Raises what SQLAlchemy would.
    """
    if not rows:
        return
    sql, conversions = _plan_put(table, tuple(rows[0]), tuple(key), tx.connection.dialect)
    raw: Any = tx.connection.connection.driver_connection
    driver_error = tx.connection.dialect.loaded_dbapi.Error
    values = rows if tx.dialect == "postgresql" else [_converted(list(row.values()), conversions) for row in rows]
    try:
        raw.execute(sql, (msgspec.json.encode(values).decode(),))
    except driver_error as error:
        raise DBAPIError.instance(sql, None, error, driver_error) from error


def set_many(tx: Tx, table: Table, column: str, values: Mapping[str, Any]) -> None:
    """Sets a column of the rows with these ids, each to its value, by one statement. Raises what SQLAlchemy would."""
    if not values:
        return
    sql, conversions = _plan_set(table, column, tx.connection.dialect)
    raw: Any = tx.connection.connection.driver_connection
    driver_error = tx.connection.dialect.loaded_dbapi.Error
    rows: list[Any] = [[row_id, value] for row_id, value in values.items()]
    if tx.dialect == "postgresql":
        rows = [{"id": row_id, column: value} for row_id, value in rows]
    else:
        rows = [_converted(row, conversions) for row in rows]
    try:
        raw.execute(sql, (msgspec.json.encode(rows).decode(),))
    except driver_error as error:
        raise DBAPIError.instance(sql, None, error, driver_error) from error


def _copy(raw: Any, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    with raw.cursor() as cursor, cursor.copy(sql) as copy:
        for row in rows:
            copy.write_row(row)


def _insert_repeatedly(raw: Any, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        raw.execute(_repeated(sql, len(some)), list(chain.from_iterable(some)))


@lru_cache(maxsize=256)
def _repeated(sql: str, times: int) -> str:
    """The statement that inserts so many rows instead of one."""
    before, marks, after = re.split(r"(\([?, ]+\))", sql)
    return f"{before}{', '.join([marks] * times)}{after}"


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


@lru_cache(maxsize=256)
def _plan_new(
    table: Table, columns: tuple[str, ...], alike: frozenset[str], dialect: Dialect
) -> tuple[str, tuple[tuple[int, Convert], ...]]:
    """The statement of ``insert_new``, and how values become what SQLite takes."""
    if dialect.name == "sqlite":
        sql, conversions = _plan(table, columns, dialect)
        return f"{sql} ON CONFLICT DO NOTHING", conversions

    def typed(names: Iterable[str]) -> str:
        return ", ".join(f'"{name}" {table.c[name].type.compile(dialect)}' for name in names)

    names = ", ".join(f'"{name}"' for name in columns)
    chosen = ", ".join(f'{"alike" if name in alike else "new"}."{name}"' for name in columns)
    rows = f"json_to_recordset(%s::json) AS new({typed(name for name in columns if name not in alike)})"
    once = f"json_to_record(%s::json) AS alike({typed(name for name in columns if name in alike) or '_ text'})"
    sql = f'INSERT INTO "{table.name}" ({names}) SELECT {chosen} FROM {rows}, {once}'  # noqa: S608
    return f"{sql} ON CONFLICT DO NOTHING RETURNING id", ()


@lru_cache(maxsize=64)
def _plan_put(
    table: Table, columns: tuple[str, ...], key: tuple[str, ...], dialect: Dialect
) -> tuple[str, tuple[tuple[int, Convert], ...]]:
    """The statement of ``put_many``, and how values become what SQLite takes."""
    names = ", ".join(f'"{name}"' for name in columns)
    keys = ", ".join(f'"{name}"' for name in key)
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name not in key)
    if dialect.name == "postgresql":
        chosen = f'{names} FROM json_populate_recordset(NULL::"{table.name}", %s::json)'
    else:
        values = ", ".join(f"json_extract(value, '$[{place}]')" for place in range(len(columns)))
        chosen = f"{values} FROM json_each(?)"
    insert = f'INSERT INTO "{table.name}" ({names}) SELECT {chosen} WHERE true'
    return f"{insert} ON CONFLICT ({keys}) DO UPDATE SET {changes}", _plan(table, columns, dialect)[1]


@lru_cache(maxsize=64)
def _plan_set(table: Table, column: str, dialect: Dialect) -> tuple[str, tuple[tuple[int, Convert], ...]]:
    """The statement of ``set_many``, and how values become what SQLite takes."""
    if dialect.name == "postgresql":
        values = f'json_populate_recordset(NULL::"{table.name}", %s::json) AS new'
        row_id, value = "new.id", f'new."{column}"'
    else:
        values = "json_each(?) AS new"
        row_id, value = "json_extract(new.value, '$[0]')", "json_extract(new.value, '$[1]')"
    change = f'UPDATE "{table.name}" SET "{column}" = {value} FROM {values}'  # noqa: S608
    sql = f'{change} WHERE "{table.name}".id = {row_id}'
    return sql, _plan(table, ("id", column), dialect)[1]
