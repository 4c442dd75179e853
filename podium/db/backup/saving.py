"""Makes a backup while servers run."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from podium import __version__
from podium.db import commands
from podium.db.backup import sources
from podium.db.backup.archive import FORMAT, VERSION, KeyEntry, Manifest, TableEntry, Writer, new_file
from podium.db.backup.columns import tables_of
from podium.db.errors import BackupError, SchemaTooNew
from podium.db.keys import KEY_ROW, fingerprint, key_file
from podium.db.options import Options
from podium.db.tables.configuration import configuration
from podium.db.urls import sqlite_path
from podium.profiles.masking import mask_url

Progress = Callable[[str, int, int], None]
"""Told the table at hand, and how many rows of about how many are done."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A backup that was made: its manifest, its bytes, and what has to be kept beside it."""

    manifest: Manifest
    size: int
    keep: list[str]


def save(
    url: str,
    options: Options,
    file: Path,
    *,
    configured_keys: str | None = None,
    with_key: bool = True,
    replace: bool = False,
    progress: Progress | None = None,
) -> Saved:
    """Writes the state of a database at a moment after this call into ``file``; the file is whole or not there.

    Raises ``BackupExists``, ``BackupError`` without tables, and what reaching a database raises.
    """
    _check_revision(url, options)
    started = datetime.now(UTC)
    path = sqlite_path(url)
    with (
        new_file(file, replace=replace) as (folder, stream),
        Writer(stream) as writer,
        sources.snapshot(url, options, path, folder) as source,
    ):
        revision = sources.revision(source)
        if revision is None:
            raise BackupError(f"{mask_url(url)}: the database has no tables")
        held, key = _keys(source, path, configured_keys, with_key)
        tables = _write_tables(writer, source, with_key, progress)
        if key is not None:
            writer.key(key)
        documents = next((table.rows for table in tables if table.name == "block_documents"), 0)
        manifest = Manifest(
            format=FORMAT,
            version=VERSION,
            podium=__version__,
            database=source.connection.dialect.name,
            revision=revision,
            started=started,
            taken=source.taken,
            key=KeyEntry(documents, held.held, held.settings, held.fingerprints),
            tables=tables,
        )
        writer.finish(manifest)
    return Saved(manifest, file.stat().st_size, _keep(manifest, path))


def _check_revision(url: str, options: Options) -> None:
    """An older database may be saved, one whose tables the code does not know may not."""
    revision = commands.current(url, options)
    if revision is None:
        raise BackupError(f"{mask_url(url)}: the database has no tables, so there is nothing to keep")
    if commands.state_of(revision) == "unknown":
        raise SchemaTooNew(
            f"{mask_url(url)}: the tables are of a newer Podium (revision {revision}); back up with that"
        )


def _write_tables(
    writer: Writer, source: sources.Source, with_key: bool, progress: Progress | None
) -> list[TableEntry]:
    """All tables, as they are; a key among the rows only if it may be."""
    tables = tables_of(source.connection)
    total = 0
    if progress:
        expected = sources.estimated_rows(source, [table for table, _ in tables])
        total = sum(expected.get(table.name, 0) for table, _ in tables)
    done, entries = 0, []
    for table, columns in tables:
        where = sources.WITHOUT_KEY if table is configuration and not with_key else None
        times = sources.times_of(source, table)
        with writer.table(table.name) as lines:
            for block, count in source.lines(table, columns, where):
                lines.write(block, count)
                if progress:
                    done += count
                    progress(table.name, done, max(total, done))
        entries.append(lines.entry(str(table.name), columns, times))
    return entries


def _keys(
    source: sources.Source, path: str | None, configured: str | None, with_key: bool
) -> tuple[KeyEntry, str | None]:
    """What the backup holds of the keys, and the one of the file: read after the rows that it encrypted."""
    known = [key.strip() for key in configured.split(",")] if configured else []
    of_file = None
    if path is not None:
        with suppress(FileNotFoundError):
            of_file = key_file(Path(path).expanduser()).read_text("ascii").strip()
    of_row = sources.stored_key(source)
    found = [key for key in (*known, of_file, of_row) if key]
    held = "no" if not with_key else "file" if of_file else "database" if of_row else "no"
    entry = KeyEntry(0, held, bool(known), [fingerprint(key) for key in dict.fromkeys(found)])  # type: ignore[arg-type]
    return entry, of_file if with_key else None


def _keep(manifest: Manifest, path: str | None) -> list[str]:
    """What the documents cannot be read without, and is not in the backup."""
    if not manifest.key.documents:
        return []
    keep = ["the value of PODIUM_SERVER_ENCRYPTION_KEY"] if manifest.key.settings else []
    others = len(manifest.key.fingerprints) > manifest.key.settings
    if manifest.key.held == "no" and others:
        where = f"the key file {key_file(path)}" if path else f"the row {KEY_ROW} of the table configuration"
        keep.append(where)
    return keep
