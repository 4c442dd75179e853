"""Inserting many rows at once, past SQLAlchemy: for tables that take thousands of rows a second."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import Column, Dialect, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

from podium.db.unit import Row, Tx

Convert = Callable[[Any], Any]

CHUNK = 128
"""Rows that SQLite takes with one statement. Around each statement it notes all pages of table and indexes that the
statement touches, and gives that up again: for a row with a dozen indexes, more work than inserting it."""

_UNREADABLE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])").search
"""Escapes in JSON that PostgreSQL stores, but may refuse to read: rows with any take the long way."""


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
            _insert_in_chunks(raw, sql, "", rows)
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
            texts = tuple(msgspec.json.encode(each).decode() for each in (new, alike))
            if any(map(_UNREADABLE, texts)):
                return _insert_new_singly(tx, table, rows)
            found = raw.execute(sql, texts)
        else:
            for place, convert in conversions:
                name, values = names[place], columns[names[place]]
                columns[name] = (convert(values[0]),) * len(rows) if name in alike else tuple(map(convert, values))
            _insert_in_chunks(raw, sql, "ON CONFLICT DO NOTHING", list(zip(*columns.values(), strict=True)))
            ids = msgspec.json.encode([row["id"] for row in rows]).decode()
            there = f'SELECT id FROM "{table.name}" WHERE id IN (SELECT value FROM json_each(?))'  # noqa: S608
            found = raw.execute(there, (ids,))
        return [row[0] for row in found.fetchall()]
    except driver_error as error:
        raise DBAPIError.instance(sql, None, error, driver_error) from error


def _insert_new_singly(tx: Tx, table: Table, rows: Sequence[Row]) -> list[str]:
    statement = postgresql.insert(table).on_conflict_do_nothing().returning(table.c.id)
    return [found["id"] for row in rows if (found := tx.one(statement, row))]


def put_missing(tx: Tx, table: Table, rows: Sequence[Row]) -> None:
    """Inserts rows but those that a uniqueness keeps out. All have the same columns. Raises what SQLAlchemy would."""
    _put(tx, table, rows, "ON CONFLICT DO NOTHING")


def put_newest(tx: Tx, table: Table, rows: Sequence[Row], moment: str, kept: Sequence[str]) -> None:
    """Inserts rows, or replaces those of the same ``id`` whose ``moment`` is earlier or null, but for what is ``kept``.

    All rows have the same columns and none is there twice. Raises what SQLAlchemy would.
    """
    if rows:
        _put(tx, table, rows, _newest(table, tuple(rows[0]), moment, tuple(kept)))


@lru_cache(maxsize=64)
def _newest(table: Table, columns: tuple[str, ...], moment: str, kept: tuple[str, ...]) -> str:
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name not in ("id", *kept))
    stored = f'"{table.name}"."{moment}"'
    return f'ON CONFLICT (id) DO UPDATE SET {changes} WHERE {stored} IS NULL OR {stored} < excluded."{moment}"'


def _put(tx: Tx, table: Table, rows: Sequence[Row], conflict: str) -> None:
    if not rows:
        return
    at_once, singly, conversions = _plan_conflict(table, tuple(rows[0]), conflict, tx.connection.dialect)
    raw: Any = tx.connection.connection.driver_connection
    driver_error = tx.connection.dialect.loaded_dbapi.Error
    try:
        if at_once and not _UNREADABLE(text := msgspec.json.encode(rows).decode()):
            raw.execute(at_once, (text,))
            return
        values = [_converted(list(row.values()), conversions) for row in rows]
        if at_once:
            raw.cursor().executemany(singly, values)
        else:
            _insert_in_chunks(raw, singly, conflict, values)
    except driver_error as error:
        raise DBAPIError.instance(singly, None, error, driver_error) from error


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
    """Sets a column of texts, numbers or moments, of the rows with these ids, each to its value, by one statement.

    Raises what SQLAlchemy would.
    """
    if not values:
        return
    sql, conversions = _plan_set(table, column, tx.connection.dialect)
    raw: Any = tx.connection.connection.driver_connection
    driver_error = tx.connection.dialect.loaded_dbapi.Error
    given: tuple[str, ...]
    if tx.dialect == "postgresql":
        given = (as_array(list(values)), as_array(list(values.values())))
    else:
        given = (msgspec.json.encode([_converted(row, conversions) for row in values.items()]).decode(),)
    try:
        raw.execute(sql, given)
    except driver_error as error:
        raise DBAPIError.instance(sql, None, error, driver_error) from error


def stored(tx: Tx, column: Column[Any], values: Sequence[Any]) -> Sequence[Any]:
    """The values of a column as the driver takes them."""
    dialect = tx.connection.dialect
    convert = column.type.dialect_impl(dialect).bind_processor(dialect)
    return values if convert is None else list(map(convert, values))


def insert_stored(
    tx: Tx, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]], conflict: str = ""
) -> int:
    """Inserts rows whose values are as SQLite's driver takes them; how many, where ``conflict`` leaves some out.

    Raises what SQLAlchemy would.
    """
    if not rows:
        return 0
    dialect = tx.connection.dialect
    sql, _ = _plan(table, tuple(columns), dialect)
    raw: Any = tx.connection.connection.driver_connection
    try:
        return _insert_in_chunks(raw, sql, conflict, rows)
    except dialect.loaded_dbapi.Error as error:
        raise DBAPIError.instance(sql, None, error, dialect.loaded_dbapi.Error) from error


def as_array(values: Sequence[Any]) -> str:
    """Texts, numbers, moments and nulls as the text of an array of PostgreSQL."""
    text = msgspec.json.encode(values).decode()
    if "\\" not in text:
        return f"{{{text[1:-1]}}}"  # a list of JSON without escapes is one, but for its brackets
    return f"{{{','.join(map(_element, values))}}}"


def _element(value: str | None) -> str:
    return "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _insert_in_chunks(raw: Any, insert: str, conflict: str, rows: Sequence[Sequence[Any]]) -> int:
    """Many rows with few calls of SQLite: after each this thread waits for its turn among those that run Python."""
    start = inserted = 0
    while start < len(rows):
        size = min(CHUNK, 1 << ((len(rows) - start).bit_length() - 1))
        chunk = rows[start : start + size]
        values = list(chain.from_iterable(chunk))
        inserted += raw.execute(_chunk(insert, conflict, len(chunk[0]), size), values).rowcount
        start += size
    return inserted


@lru_cache(maxsize=256)
def _chunk(insert: str, conflict: str, columns: int, size: int) -> str:
    marks = f"({', '.join('?' * columns)})"
    return f"{insert} VALUES {', '.join([marks] * size)} {conflict}"


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
        sql = f'INSERT INTO "{table.name}" ({names})'
    else:
        sql = f'COPY "{table.name}" ({names}) FROM STDIN'
    return sql, _conversions(table, columns, dialect)


def _conversions(table: Table, columns: tuple[str, ...], dialect: Dialect) -> tuple[tuple[int, Convert], ...]:
    """How values become what the driver takes, by their place in the row."""
    found = ((place, table.c[name].type) for place, name in enumerate(columns))
    each = ((place, type_.dialect_impl(dialect).bind_processor(dialect)) for place, type_ in found)
    return tuple((place, convert) for place, convert in each if convert is not None)


@lru_cache(maxsize=256)
def _plan_new(
    table: Table, columns: tuple[str, ...], alike: frozenset[str], dialect: Dialect
) -> tuple[str, tuple[tuple[int, Convert], ...]]:
    """The statement of ``insert_new``, and how values become what SQLite takes."""
    if dialect.name == "sqlite":
        return _plan(table, columns, dialect)

    def typed(names: Iterable[str]) -> str:
        return ", ".join(f'"{name}" {table.c[name].type.compile(dialect)}' for name in names)

    names = ", ".join(f'"{name}"' for name in columns)
    chosen = ", ".join(f'{"alike" if name in alike else "new"}."{name}"' for name in columns)
    rows = f"json_to_recordset(%s::json) AS new({typed(name for name in columns if name not in alike)})"
    once = f"json_to_record(%s::json) AS alike({typed(name for name in columns if name in alike) or '_ text'})"
    sql = f'INSERT INTO "{table.name}" ({names}) SELECT {chosen} FROM {rows}, {once}'  # noqa: S608
    return f"{sql} ON CONFLICT DO NOTHING RETURNING id", ()


@lru_cache(maxsize=64)
def _plan_conflict(
    table: Table, columns: tuple[str, ...], conflict: str, dialect: Dialect
) -> tuple[str, str, tuple[tuple[int, Convert], ...]]:
    """The statement for all rows as one value, that for one row or its beginning on SQLite, how values are given."""
    names = ", ".join(f'"{name}"' for name in columns)
    insert = f'INSERT INTO "{table.name}" ({names})'
    conversions = _conversions(table, columns, dialect)
    if dialect.name == "sqlite":
        return "", insert, conversions
    rows = f'json_populate_recordset(NULL::"{table.name}", %s::json)'
    at_once = f"{insert} SELECT {names} FROM {rows} {conflict}"  # noqa: S608
    return at_once, f"{insert} VALUES ({', '.join(['%s'] * len(columns))}) {conflict}", conversions


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
        types = (each.type.compile(dialect) for each in (table.c.id, table.c[column]))
        values = f"unnest({', '.join(f'%s::{type_}[]' for type_ in types)}) AS new(id, value)"
        row_id, value = "new.id", "new.value"
    else:
        values = "json_each(?) AS new"
        row_id, value = "json_extract(new.value, '$[0]')", "json_extract(new.value, '$[1]')"
    change = f'UPDATE "{table.name}" SET "{column}" = {value} FROM {values}'  # noqa: S608
    sql = f'{change} WHERE "{table.name}".id = {row_id}'
    return sql, _plan(table, ("id", column), dialect)[1]
