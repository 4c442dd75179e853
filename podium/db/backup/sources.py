"""Where a backup reads: one moment's state of a database, table by table, while others go on writing."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec
from sqlalchemy import Connection, Engine, Table, bindparam, create_engine, func, select
from sqlalchemy.pool import StaticPool

from podium.db.backup.archive import Column
from podium.db.backup.columns import tables_of
from podium.db.connections import open_engine
from podium.db.errors import BackupError
from podium.db.keys import KEY_ROW
from podium.db.options import Options
from podium.db.partitions import FAMILIES
from podium.db.tables.configuration import configuration
from podium.db.types import EPOCH, MICROSECOND
from podium.profiles.masking import mask_url

BATCH = 1000
"""Rows that are written at once."""

WITHOUT_KEY = f"key <> '{KEY_ROW}'"

_STORED_KEY = select(configuration.c.value).where(configuration.c.key == bindparam("name"))
_ESTIMATES = (
    "SELECT coalesce(p.inhparent::regclass, c.oid::regclass)::text, sum(greatest(c.reltuples, 0))::bigint "
    "FROM pg_class c LEFT JOIN pg_inherits p ON p.inhrelid = c.oid "
    "WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace GROUP BY 1"
)
_TIMES = {table.name: column for family in FAMILIES.values() for table, column in family}

_lines = msgspec.json.Encoder().encode_lines


class Source(Protocol):
    """The state of a database at one moment."""

    connection: Connection
    taken: datetime
    """When the moment had certainly come."""

    def lines(self, table: Table, columns: Sequence[Column], where: str | None) -> Iterator[tuple[bytes, int]]:
        """The lines of the rows of a table for which ``where`` holds, some at a time, and how many they are."""


@contextmanager
def snapshot(url: str, options: Options, path: str | None, folder: Path) -> Iterator[Source]:
    """The state of a database from now on. ``path``: SQLite's file; of it a copy is made in ``folder``, then read."""
    if path is not None:
        with _sqlite_copy(Path(path).expanduser(), folder / "copy.db", url) as source:
            yield source
        return
    engine = open_engine(url, options)
    try:
        with _postgresql(engine) as source:
            yield source
    finally:
        engine.dispose()


def estimated_rows(source: Source, tables: Sequence[Table]) -> dict[str, int]:
    """About how many rows the tables have: SQLite counts, PostgreSQL remembers."""
    connection = source.connection
    if connection.dialect.name == "sqlite":
        counts = {table.name: select(func.count()).select_from(table) for table in tables}
        return {name: connection.execute(count).scalar_one() for name, count in counts.items()}
    return {name: max(0, rows) for name, rows in connection.exec_driver_sql(_ESTIMATES)}


def stored_key(source: Source) -> str | None:
    """The key that is a row of the database."""
    value = source.connection.execute(_STORED_KEY, {"name": KEY_ROW}).scalar()
    return None if value is None else str(msgspec.json.decode(value)["fernet_key"])


def times_of(source: Source, table: Table) -> tuple[int, int] | None:
    """The first and last moment of a table that PostgreSQL keeps in partitions; None for others, and without rows."""
    if table.name not in _TIMES:
        return None
    column = table.c[_TIMES[table.name]]
    found = [source.connection.execute(select(edge(column))).scalar() for edge in (func.min, func.max)]
    first, last = ((moment - EPOCH) // MICROSECOND if moment else None for moment in found)
    return None if first is None or last is None else (first, last)


def revision(source: Source) -> str | None:
    """The revision of the tables, as of the moment."""
    found = source.connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)


class _Sqlite:
    """A copy that nobody else has."""

    def __init__(self, connection: Connection, taken: datetime) -> None:
        self.connection = connection
        self.taken = taken

    def lines(self, table: Table, columns: Sequence[Column], where: str | None) -> Iterator[tuple[bytes, int]]:
        raw: Any = self.connection.connection.driver_connection
        booleans = [place for place, column in enumerate(columns) if column.kind == "boolean"]
        cursor = raw.execute(_select(table, [f'"{column.name}"' for column in columns], where))
        while rows := cursor.fetchmany(BATCH):
            if booleans:
                rows = [_with_booleans(row, booleans) for row in rows]
            yield _lines(rows), len(rows)


def _with_booleans(row: Sequence[Any], places: Sequence[int]) -> list[Any]:
    values = list(row)
    for place in places:
        values[place] = None if values[place] is None else bool(values[place])
    return values


def _select(table: Table, values: Sequence[str], where: str | None) -> str:
    return f'SELECT {", ".join(values)} FROM "{table.name}"' + (f" WHERE {where}" if where else "")  # noqa: S608


@contextmanager
def _sqlite_copy(path: Path, copy: Path, url: str) -> Iterator[Source]:
    """SQLite's own online backup, in one step: in steps each write of others would make it begin anew.

    Writers go on, since a reader of the write-ahead log keeps nobody waiting.
    """
    with closing(sqlite3.connect(copy, isolation_level=None, check_same_thread=False)) as target:
        target.execute("PRAGMA synchronous = OFF")
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=60)) as origin:
            origin.backup(target)
        taken = datetime.now(UTC)
        damage = target.execute("PRAGMA quick_check(1)").fetchone()[0]
        if damage != "ok":
            raise BackupError(f"{mask_url(url)}: the database is damaged, so nothing was kept of it: {damage}")
        target.execute("PRAGMA journal_mode = OFF")
        target.text_factory = _text
        engine = create_engine("sqlite://", creator=lambda: target, poolclass=StaticPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            yield _Sqlite(connection, taken)


def _text(value: bytes) -> str:
    """What is no UTF-8, which only another program can have written, fails no backup."""
    return value.decode("utf-8", "replace")


class _Postgresql:
    """A transaction that sees what was committed when it began."""

    def __init__(self, connection: Connection, taken: datetime) -> None:
        self.connection = connection
        self.taken = taken

    def lines(self, table: Table, columns: Sequence[Column], where: str | None) -> Iterator[tuple[bytes, int]]:
        raw: Any = self.connection.connection.driver_connection
        values = ", ".join(_json_value(column) for column in columns)
        statement = _select(table, [f"json_build_array({values})::text"], where)
        found: list[bytes] = []
        with raw.cursor() as cursor, cursor.copy(f"COPY ({statement}) TO STDOUT (FORMAT BINARY)") as copy:
            for (line,) in copy.rows():
                found.append(line)
                if len(found) == BATCH:
                    yield _joined(found), BATCH
                    found = []
        if found:
            yield _joined(found), len(found)


def _joined(lines: list[bytes]) -> bytes:
    return b"\n".join((*lines, b""))


def _json_value(column: Column) -> str:
    if column.kind == "json":
        return f'"{column.name}"::text'
    if column.kind == "time":
        return f'(extract(epoch FROM "{column.name}") * 1000000)::bigint'
    return f'"{column.name}"'


@contextmanager
def _postgresql(engine: Engine) -> Iterator[Source]:
    """One transaction that sees one moment. A partition may not be dropped before it is read, so all are locked."""
    with engine.connect() as connection:
        names = ", ".join(f'"{table.name}"' for table, _ in tables_of(connection))
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection, connection.begin():
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {limit} = 0")
        if names:
            connection.exec_driver_sql(f"LOCK TABLE {names} IN ACCESS SHARE MODE")
        connection.exec_driver_sql("SELECT 1 FROM pg_class LIMIT 1")  # the moment: locking alone does not choose it
        yield _Postgresql(connection, datetime.now(UTC))
