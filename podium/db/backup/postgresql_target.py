"""Fills the tables of a PostgreSQL database with the rows of a backup, in one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
from sqlalchemy import Connection

from podium.db.backup import keys
from podium.db.backup.archive import Reader, TableEntry
from podium.db.backup.columns import for_postgresql
from podium.db.backup.saving import Progress
from podium.db.connections import open_engine
from podium.db.errors import BackupDamaged
from podium.db.options import Options
from podium.db.partitions import FAMILIES, make_partition, past_ranges, width_for
from podium.db.retention.ages import Ages
from podium.db.types import EPOCH
from podium.db.unit import Tx

_FOREIGN_KEYS = (
    "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE contype = 'f' AND conparentid = 0 AND connamespace = current_schema()::regnamespace"
)
_INDEXES = (
    "SELECT i.indexrelid::regclass::text, replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') "
    "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "WHERE c.relnamespace = current_schema()::regnamespace AND NOT c.relispartition "
    "AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)"
)
_TRIGGERS = (
    "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
    "WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace"
)
_PARTITIONED = "SELECT relname FROM pg_class WHERE relkind = 'p' AND relnamespace = current_schema()::regnamespace"
_NO_CHANGE_OF_HERE = "UPDATE tally_notes SET change = -change WHERE change > 0"
"""Notes name transactions of the cluster they come from, which are no longer told from those of this one."""
_TALLIED_WITHOUT_TAGS = (
    "DELETE FROM flow_run_tallies",
    "DELETE FROM task_run_tallies",
    "DELETE FROM tally_horizons WHERE runs IN ('flow_runs', 'task_runs')",
)
"""SQLite neither counts tags nor notes that they change: runs that come from there are tallied anew."""

_COUNTERS = (
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() "
    "AND (column_default LIKE 'nextval(%%' OR is_identity = 'YES')"
)

_line = msgspec.json.Decoder(list[Any]).decode


def make_partitions(url: str, options: Options, archive: Reader, ages: Ages | None) -> None:
    """Partitions for the past that the rows are of, as wide as for new ones: old ones are deleted whole then."""
    engine = open_engine(url, options)
    try:
        with engine.begin() as connection:
            partitioned = connection.exec_driver_sql(_PARTITIONED).scalars().all()
        for family, tables in FAMILIES.items():
            first = next((entry for entry in archive.manifest.tables if entry.name == tables[0][0].name), None)
            if first is None or first.times is None or first.name not in partitioned:
                continue
            age = None if ages is None else ages.events if family == "events" else ages.logs
            since = EPOCH + timedelta(microseconds=first.times[0])
            with engine.begin() as connection:
                ranges = past_ranges(Tx(connection), family, width_for(age), since)
            for start, end in ranges:
                with engine.begin() as connection:
                    make_partition(Tx(connection), family, start, end)
    finally:
        engine.dispose()


def load(url: str, options: Options, archive: Reader, progress: Progress | None) -> None:
    """Puts all rows in the place of those that are there, the key of a file among them. A failure changes nothing."""
    engine = open_engine(url, replace(options, timeout=0.0))
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            names = ", ".join(f'"{table.name}"' for table in archive.manifest.tables)
            connection.exec_driver_sql(f"TRUNCATE {names} CASCADE")
            with _unhindered(connection, archive):
                done = 0
                for table in archive.manifest.tables:
                    done = _copy(connection, archive, table, done, progress)
            if any(table.name == "tally_notes" for table in archive.manifest.tables):
                connection.exec_driver_sql(_NO_CHANGE_OF_HERE)
            if archive.manifest.database == "sqlite":
                for statement in _TALLIED_WITHOUT_TAGS:
                    connection.exec_driver_sql(statement)
            _advance(connection)
            keys.put_in_row(connection, archive.key())
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
    finally:
        engine.dispose()


@contextmanager
def _unhindered(connection: Connection, archive: Reader) -> Iterator[None]:
    """Without indexes and foreign keys, which are made again afterwards and then checked, and without triggers."""
    foreign_keys = connection.exec_driver_sql(_FOREIGN_KEYS).all()
    indexes = connection.exec_driver_sql(_INDEXES).all()
    triggered = connection.exec_driver_sql(_TRIGGERS).scalars().all()
    for table, name, _ in foreign_keys:
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for index, _ in indexes:
        connection.exec_driver_sql(f"DROP INDEX {index}")
    for table in triggered:
        connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    try:
        for _, definition in indexes:
            connection.exec_driver_sql(definition.replace("%", "%%"))
        for table, name, definition in foreign_keys:
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}".replace("%", "%%"))
    except Exception as error:
        cause = getattr(error, "orig", None)
        if isinstance(cause, psycopg.errors.IntegrityError):
            raise BackupDamaged(f"{archive.file}: its rows do not fit each other: {_first_line(cause)}") from None
        raise
    for table in triggered:
        connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _copy(connection: Connection, archive: Reader, table: TableEntry, done: int, progress: Progress | None) -> int:
    raw: Any = connection.connection.driver_connection
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    converts = for_postgresql(table.columns)
    try:
        with raw.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
            for lines in archive.lines(table):
                for line in lines:
                    row = _line(line)
                    for place, convert in converts:
                        row[place] = convert(row[place])
                    copy.write_row(row)
                done += len(lines)
                if progress:
                    progress(table.name, done, archive.manifest.rows)
    except (psycopg.errors.DataError, psycopg.errors.IntegrityError) as error:
        reason = _first_line(error)
        raise BackupDamaged(f"{archive.file}: table {table.name} cannot be restored: {reason}") from None
    return done


def _advance(connection: Connection) -> None:
    """What counts up goes on after the highest number that is there."""
    for table, column in connection.exec_driver_sql(_COUNTERS).all():
        connection.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('\"{table}\"', '{column}'), "  # noqa: S608 - names of our tables
            f'coalesce(max("{column}"), 0) + 1, false) FROM "{table}"'
        )


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0]
