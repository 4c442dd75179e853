"""Restores a backup into a database of either kind, and says whether it is whole."""

import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, inspect, select, text

from podium.db import commands
from podium.db.backup import keys, postgresql_target, sqlite_target
from podium.db.backup.archive import Manifest, Reader
from podium.db.backup.saving import Progress
from podium.db.claim import services_claim
from podium.db.connections import open_engine
from podium.db.diagnosis import reaching
from podium.db.errors import DatabaseInUse, DatabaseNotEmpty, SchemaTooNew
from podium.db.migrations import HEAD, REVISIONS
from podium.db.options import Options
from podium.db.retention.ages import Ages
from podium.db.tables import metadata
from podium.db.urls import sqlite_path
from podium.profiles.masking import mask_url

OWN = frozenset(
    {
        "api_presence",
        "automation_generations",
        "block_schema_references",
        "block_schemas",
        "block_types",
        "configuration",
        "csrf_tokens",
        "service_heartbeats",
        "tally_horizons",
        "tally_notes",
        "workspaces",
    }
)
"""What a server writes that nobody has used yet."""

LEAVING = 1.0
"""Seconds that PostgreSQL may take to end a session that is closed; a command before this one, for instance."""

_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = :name "
    "AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and how many block documents none of the keys at hand opens."""

    manifest: Manifest
    unreadable: int


def verify(file: Path, progress: Progress | None = None) -> Manifest:
    """Reads a backup from end to end. Raises ``BackupDamaged``."""
    with Reader(file) as archive:
        _check_revision(file, archive.manifest)
        archive.key()
        done = 0
        for table in archive.manifest.tables:
            for lines in archive.lines(table):
                done += len(lines)
                if progress:
                    progress(table.name, done, archive.manifest.rows)
        return archive.manifest


def rehearse(file: Path, configured_keys: str | None, progress: Progress | None = None) -> Restored:
    """Restores a backup into a SQLite file that is thrown away: what works there works."""
    with tempfile.TemporaryDirectory(prefix="podium-verify-") as folder:
        url = f"sqlite:///{folder}/podium.db"
        return restore(url, Options(), file, configured_keys=configured_keys, progress=progress)


def restore(
    url: str,
    options: Options,
    file: Path,
    *,
    force: bool = False,
    configured_keys: str | None = None,
    ages: Ages | None = None,
    progress: Progress | None = None,
) -> Restored:
    """Puts what a backup holds into a database, which has it all afterwards, or what it had before.

    ``force``: what the database holds may be deleted. ``ages`` say how wide partitions are. Raises
    ``DatabaseNotEmpty``, ``DatabaseInUse`` where a server works with it, ``BackupDamaged``, and what migrating raises.
    """
    with Reader(file) as archive:
        _check_revision(file, archive.manifest)
        occupied = occupants(url, options)
        if occupied and not force:
            raise DatabaseNotEmpty(
                f"{mask_url(url)} holds {_listed(occupied)}; "
                "restore into an empty database, or give --force to delete that"
            )
        path = sqlite_path(url)
        if path is not None:
            return _restore_sqlite(url, options, Path(path).expanduser(), archive, configured_keys, progress)
        return _restore_postgresql(url, options, archive, configured_keys, ages, progress)


def _check_revision(file: Path, manifest: Manifest) -> None:
    if manifest.revision not in REVISIONS:
        raise SchemaTooNew(
            f"{file}: of revision {manifest.revision}, which this Podium (up to {HEAD}) does not know: "
            f"restore it with Podium {manifest.podium} or newer"
        )


def occupants(url: str, options: Options) -> list[str]:
    """The tables in which a database holds what somebody made."""
    if commands.current(url, options) is None:
        return []
    engine = open_engine(url, options)
    try:
        with engine.connect() as connection:
            there = set(inspect(connection).get_table_names())
            names = [table.name for table in metadata.sorted_tables if table.name in there - OWN]
            return [name for name in names if _has_rows(connection, name)]
    finally:
        engine.dispose()


def _has_rows(connection: Connection, name: str) -> bool:
    column = next(iter(metadata.tables[name].columns))
    return connection.execute(select(column).limit(1)).first() is not None


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _restore_sqlite(
    url: str,
    options: Options,
    path: Path,
    archive: Reader,
    configured: str | None,
    progress: Progress | None,
) -> Restored:
    """Made beside the database, checked, and put into its place at once: by a name, or by SQLite's own backup."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        _nobody_else(url, options),
        tempfile.TemporaryDirectory(prefix=".podium-", dir=path.parent) as folder,
    ):
        draft = Path(folder) / path.name
        commands.upgrade(f"sqlite:///{draft}", archive.manifest.revision)
        sqlite_target.load(draft, archive, progress)
        commands.upgrade(f"sqlite:///{draft}")
        keys.put_beside(path, draft, archive.key())
        if path.exists() and path.stat().st_size:
            _copy_over(draft, path)
        else:
            draft.chmod(0o600)
            draft.replace(path)
    return _with_keys(url, options, archive, configured)


def _copy_over(draft: Path, path: Path) -> None:
    with closing(sqlite3.connect(draft)) as origin, closing(sqlite3.connect(path, timeout=60)) as target:
        origin.backup(target)


def _restore_postgresql(
    url: str,
    options: Options,
    archive: Reader,
    configured: str | None,
    ages: Ages | None,
    progress: Progress | None,
) -> Restored:
    """In one transaction, so that a restore that fails leaves what was there."""
    revision = archive.manifest.revision
    with _nobody_else(url, options):
        if commands.current(url, options) not in (None, revision):
            commands.downgrade(url, "base", options=options)
        commands.upgrade(url, revision, options=options)
        postgresql_target.make_partitions(url, options, archive, ages)
        postgresql_target.load(url, options, archive, progress)
        commands.upgrade(url, options=options)
    return _with_keys(url, options, archive, configured)


@contextmanager
def _nobody_else(url: str, options: Options) -> Iterator[None]:
    """Holds what a server's background services hold, so that none works with the database meanwhile."""
    if sqlite_path(url) is None:
        _check_connections(url, options)
    claim = services_claim(url, options)
    if not claim.take():
        raise DatabaseInUse(f"{mask_url(url)}: a server works with it; stop it first (`podium server stop`)")
    try:
        yield
    finally:
        claim.release()


def _check_connections(url: str, options: Options) -> None:
    """Where background services are shared they make no claim; a server is seen by its connections."""
    with reaching(url):
        engine = open_engine(url, options)
        try:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                deadline = time.monotonic() + LEAVING
                while others := connection.execute(_OTHERS, {"name": options.application_name}).scalar_one():
                    if time.monotonic() > deadline:
                        break
                    time.sleep(0.05)
        finally:
            engine.dispose()
    if others:
        raise DatabaseInUse(f"{mask_url(url)}: {others} connections of servers are open; stop all of them first")


def _with_keys(url: str, options: Options, archive: Reader, configured: str | None) -> Restored:
    """Whether the block documents can be read where they are now."""
    unreadable = keys.unreadable(url, options, configured) if archive.manifest.key.documents else 0
    return Restored(archive.manifest, unreadable)
