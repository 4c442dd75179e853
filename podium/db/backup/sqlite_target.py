"""Fills a SQLite file that nobody else uses with the rows of a backup."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from podium.db.backup.archive import Reader, TableEntry
from podium.db.backup.columns import for_sqlite
from podium.db.backup.saving import Progress
from podium.db.errors import BackupDamaged

_MADE = "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
_FAST = ("journal_mode = OFF", "synchronous = OFF", "foreign_keys = OFF", "cache_size = -65536")

_line = msgspec.json.Decoder(list[Any]).decode


def load(path: Path, archive: Reader, progress: Progress | None) -> None:
    """Puts all rows in the place of those that migrating made. A failure leaves a file that is of no use.

    Indexes are made afterwards, which is quicker, and triggers put back: what they would note is in the backup.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in _FAST:
            connection.execute(f"PRAGMA {pragma}")
        made = connection.execute(_MADE).fetchall()
        for kind, name, _ in made:
            connection.execute(f'DROP {kind} "{name}"')
        done = 0
        for table in archive.manifest.tables:
            connection.execute("BEGIN")
            connection.execute(f'DELETE FROM "{table.name}"')  # noqa: S608
            for rows in _rows(archive, table):
                _insert(connection, archive, table, rows)
                done += len(rows)
                if progress:
                    progress(table.name, done, archive.manifest.rows)
            connection.execute("COMMIT")
        for _, _, sql in made:
            connection.execute(sql)
        _check(connection, archive)
        connection.execute("PRAGMA journal_mode = WAL")
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rows(archive: Reader, table: TableEntry) -> Any:
    converts = for_sqlite(table.columns)
    for lines in archive.lines(table):
        rows = [_line(line) for line in lines]
        for place, convert in converts:
            for row in rows:
                row[place] = convert(row[place])
        yield rows


def _insert(connection: sqlite3.Connection, archive: Reader, table: TableEntry, rows: Sequence[Any]) -> None:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    marks = ", ".join("?" * len(table.columns))
    try:
        connection.executemany(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', rows)  # noqa: S608
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError) as error:
        raise BackupDamaged(f"{archive.file}: table {table.name} cannot be restored: {error}") from None


def _check(connection: sqlite3.Connection, archive: Reader) -> None:
    """What is there is whole, and refers to nothing that is not there."""
    lost = connection.execute("PRAGMA foreign_key_check").fetchone()
    if lost is not None:
        raise BackupDamaged(f"{archive.file}: a row of {lost[0]} refers to one of {lost[2]} that is not there")
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise BackupDamaged(f"{archive.file}: what was restored is not whole: {found}")
