"""What a look at the server's own machine finds; it changes nothing, and a server may run meanwhile."""

import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, func, select

from podium.db import commands
from podium.db.backup.keys import unreadable
from podium.db.connections import open_engine
from podium.db.errors import DatabaseError
from podium.db.keys import key_file
from podium.db.options import Options
from podium.db.retention import pruning
from podium.db.tables.blocks import block_documents
from podium.db.tables.concurrency import concurrency_leases
from podium.db.tables.events import event_deliveries
from podium.db.unit import Tx
from podium.db.urls import is_in_memory, sqlite_path
from podium.profiles import Settings
from podium.server.checks import check_database, check_redis, check_settings
from podium.server.queries.services import read_services
from podium.wire.findings import Finding, found

LEAST_FREE: Final = 1 << 30
"""Bytes free on a disk below which it is time to do something; a tenth of them is too little to go on."""

LARGEST_TO_READ: Final = 2 << 30
"""Bytes of a SQLite file that is read as a whole."""

MOST_STRAY: Final = 100_000
LONG_WAIT: Final = timedelta(minutes=5)

_INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
_STRAY = "SELECT relname, reltuples::bigint FROM pg_class WHERE relname IN ('events_other', 'logs_other')"
_SIZE = "SELECT pg_database_size(current_database())"


def examine(settings: Settings, quick: bool = False) -> list[Finding]:
    """Looks at what a server with these settings works with. ``quick``: at nothing that reads whole tables."""
    url = settings.server.database.connection_url
    findings = [check_settings(settings), *check_redis(settings)]
    path = sqlite_path(url)
    if is_in_memory(url):
        return [*findings, found("database", "note", "it is in memory: nobody but its server can look at it")]
    if path is not None and not Path(path).expanduser().exists():
        return [*findings, found("database", "note", f"{path} is not there yet; the first start of a server makes it")]
    basics = check_database(settings)
    findings += basics
    if path is not None:
        findings += _disk(Path(path).expanduser())
    if any(each.check == "schema" and each.result == "ok" for each in basics):
        findings += _inside(settings, url, quick)
    return findings


def _disk(path: Path) -> Iterator[Finding]:
    """Room for the file, and who may read it and its key."""
    usage = shutil.disk_usage(path.parent)
    told = f"{usage.free / 1e9:.1f} GB of {usage.total / 1e9:.0f} GB are free where {path} is"
    if usage.free >= LEAST_FREE:
        yield found("disk", "ok", told)
    else:
        result: Any = "failed" if usage.free < LEAST_FREE // 10 else "warning"
        yield found("disk", result, f"{told}; make room, or let `podium server database prune` delete what is old")
    key = key_file(path)
    if key.exists() and stat.S_IMODE(key.stat().st_mode) & 0o077:
        yield found("key file", "failed", f"others may read {key}; chmod 600 {key}")
    log = Path(f"{path}-wal")
    if log.exists() and log.stat().st_size > LEAST_FREE:
        size = f"{log.stat().st_size / 1e9:.1f} GB"
        yield found("write-ahead log", "warning", f"{log} is {size} large; end what reads the database for so long")


def _inside(settings: Settings, url: str, quick: bool) -> Iterator[Finding]:
    """What the database holds, each look of its own: one that fails says so."""
    options = Options.of(settings.server.database)
    yield from _tables(url, options)
    engine = open_engine(url, options)
    try:
        with engine.connect() as connection:
            looks = SQLITE if connection.dialect.name == "sqlite" else POSTGRESQL
            for check, look in (*looks, *BOTH):
                if not (quick and check in SLOW):
                    yield from _tried(check, look, connection)
    finally:
        engine.dispose()
    yield from _keys(settings, url, options)
    if not quick:
        yield from _orphans(settings, url, options)


def _tried(check: str, look: Callable[[Connection], Iterator[Finding]], connection: Connection) -> list[Finding]:
    try:
        return list(look(connection))
    except Exception as error:
        return [found(check, "warning", f"could not be looked at: {type(error).__name__}: {error}")]


def _tables(url: str, options: Options) -> Iterator[Finding]:
    """Tables, columns and indexes as the code declares them."""
    try:
        problems = commands.check(url, options)
    except DatabaseError as error:
        yield found("tables", "failed", str(error))
        return
    if not problems:
        yield found("tables", "ok", "tables, columns and indexes are as declared")
    for problem in problems:
        kind = "indexes" if " index " in f" {problem}" else "tables"
        again = "`podium server database backup`, then `restore` into a new database, makes all of them anew"
        yield found(kind, "failed", f"{problem}; {again}")


def _integrity(connection: Connection) -> Iterator[Finding]:
    pages, size = (connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("page_count", "page_size"))
    if pages * size > LARGEST_TO_READ:
        yield found("integrity", "note", f"the file of {pages * size / 1e9:.1f} GB is too large to read it whole here")
        return
    damage = connection.exec_driver_sql("PRAGMA quick_check(3)").scalars().all()
    if damage == ["ok"]:
        yield found("integrity", "ok", "the file is whole")
    else:
        yield found("integrity", "failed", f"the file is damaged: {' '.join(damage)}; restore a backup")


def _references(connection: Connection) -> Iterator[Finding]:
    lost = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if lost:
        tables = ", ".join(sorted({f"{row[0]} to {row[2]}" for row in lost}))
        told = f"{len(lost)} rows refer to rows that are not there ({tables})"
        yield found("references", "failed", f"{told}; delete them, or restore a backup")
    else:
        yield found("references", "ok", "every row that another refers to is there")


def _invalid_indexes(connection: Connection) -> Iterator[Finding]:
    for name in connection.exec_driver_sql(_INVALID).scalars():
        yield found("indexes", "failed", f"the index {name} is not valid, so nobody uses it; REINDEX INDEX {name}")


def _partitions(connection: Connection) -> Iterator[Finding]:
    for name, rows in connection.exec_driver_sql(_STRAY).all():
        if rows > MOST_STRAY:
            fix = "let the db_vacuum service run, which makes partitions ahead of time"
            yield found("partitions", "warning", f"{name} has about {rows} rows that no partition took; {fix}")


def _size(connection: Connection) -> Iterator[Finding]:
    size = connection.exec_driver_sql(_SIZE).scalar_one()
    yield found("size", "note", f"the database is {size / 1e9:.2f} GB large")


def _services(connection: Connection) -> Iterator[Finding]:
    """By what the processes last said: whether any loop stopped."""
    services = read_services(Tx(connection))
    stopped = [each for each in services if each.state in ("late", "failing")]
    for each in stopped:
        last = f"{each.last_finished:%Y-%m-%d %H:%M:%S} UTC" if each.last_finished else "never"
        why = f": {each.last_error}" if each.last_error else ""
        fix = "look at the server's log, and start it again"
        yield found("services", "failed", f"{each.name} is {each.state}, its last good round was {last}{why}; {fix}")
    if services and not stopped:
        yield found("services", "ok", f"{len(services)} background services do their rounds")
    if not services:
        yield found("services", "note", "no server runs background services on this database")


def _deliveries(connection: Connection) -> Iterator[Finding]:
    """Work of events that nobody does."""
    delivery = event_deliveries.c
    statement = select(delivery.consumer, func.count(), func.max(delivery.attempts)).group_by(delivery.consumer)
    for consumer, rows, attempts in connection.execute(statement).all():
        if attempts and attempts > 1:
            fix = "the server's log says why; after five attempts an event is left out"
            yield found("deliveries", "warning", f"{consumer} failed at events, {rows} of which wait; {fix}")
        elif rows > MOST_STRAY:
            yield found("deliveries", "warning", f"{rows} events wait for {consumer}; is its service running?")


def _leases(connection: Connection) -> Iterator[Finding]:
    now: datetime = Tx(connection).now
    old = select(func.count()).where(concurrency_leases.c.expiration < now - LONG_WAIT)
    number = connection.execute(old).scalar_one()
    if number:
        fix = "they are taken back as soon as the repossessor service runs"
        yield found("leases", "warning", f"{number} leases expired more than five minutes ago and hold slots; {fix}")


def _keys(settings: Settings, url: str, options: Options) -> Iterator[Finding]:
    engine = open_engine(url, options)
    with engine.connect() as connection:
        documents = connection.execute(select(func.count()).select_from(block_documents)).scalar_one()
    engine.dispose()
    closed = unreadable(url, options, settings.server.encryption_key) if documents else 0
    if closed:
        fix = "put back the key file, or name the key in PODIUM_SERVER_ENCRYPTION_KEY"
        yield found("blocks", "failed", f"{closed} of {documents} block documents cannot be read; {fix}")
    elif documents:
        yield found("blocks", "ok", f"the key opens all {documents} block documents")


def _orphans(settings: Settings, url: str, options: Options) -> Iterator[Finding]:
    """Rows of runs that are not there."""
    wanted = pruning.Wanted(frozenset({"orphans"}), pruning.wanted(settings, None, (), ()).ages)
    try:
        lost = [each for each in pruning.look(url, options, settings, wanted) if each.rows]
    except DatabaseError as error:
        yield found("orphans", "warning", f"could not be counted: {error}")
        return
    for each in lost:
        fix = "podium server database prune --only orphans"
        yield found("orphans", "warning", f"{each.rows} rows of {each.table}: {each.rule}; {fix}")
    if not lost:
        yield found("orphans", "ok", "no log lines or artifacts of runs that are not there")


Look = tuple[str, Callable[[Connection], Iterator[Finding]]]

SQLITE: Final[tuple[Look, ...]] = (("integrity", _integrity), ("references", _references))
POSTGRESQL: Final[tuple[Look, ...]] = (("indexes", _invalid_indexes), ("partitions", _partitions), ("size", _size))
BOTH: Final[tuple[Look, ...]] = (("services", _services), ("deliveries", _deliveries), ("leases", _leases))
SLOW: Final = frozenset({"integrity", "references"})
