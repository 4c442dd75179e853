"""What an operator does to the database as a whole: bring its tables up to date, back, or to the beginning.

All take a database URL; ``upgrade_connection`` is for a database in memory, which exists on its connection only.
Alembic is loaded only to migrate; comparing the revision needs one SELECT.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from podium.db.connections import open_engine
from podium.db.diagnosis import check_version, reaching
from podium.db.errors import DatabaseUnreachable, MigrationFailed, SchemaBehind, SchemaTooNew, UnknownRevision
from podium.db.migrations import HEAD, REVISIONS
from podium.db.options import Options
from podium.db.urls import sqlite_path, sync_url
from podium.profiles.masking import mask_url

if TYPE_CHECKING:
    from podium.db.migrations.running import Progress

State = Literal["empty", "current", "behind", "unknown"]

ADVISORY_LOCK = 0x706F6469756D
SQLITE_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Change:
    """Revisions before and after; None: no tables."""

    before: str | None
    after: str | None


def schema_state(url: str, options: Options | None = None) -> State:
    """How the tables stand to this code: none yet, as declared, older, or of a revision this code does not know.

    Creates nothing. Raises ``DatabaseUnreachable``, ``AuthenticationFailed`` or ``UnsupportedDatabase``.
    """
    return state_of(current(url, options))


def current(url: str, options: Options | None = None) -> str | None:
    """The revision of the tables as it is stored; None without tables."""
    if _is_missing_file(url):
        return None
    with _opened(url, options) as (_, connection):
        return revision_of(connection)


def ensure_current(
    url: str,
    *,
    migrate: bool,
    options: Options | None = None,
    timeout: float | None = None,
    progress: "Progress | None" = None,
) -> None:
    """Makes sure that the code may use the tables; brings them up to date first where ``migrate`` allows it.

    Raises ``SchemaBehind`` or ``SchemaTooNew`` where it may not.
    """
    state = state_of(_known(url, current(url, options)))
    if state == "current":
        return
    if migrate:
        upgrade(url, options=options, timeout=timeout, progress=progress)
        return
    told = "has no tables yet" if state == "empty" else "has tables of an older Podium"
    raise SchemaBehind(
        f"{mask_url(url)}: the database {told}; run `podium server database upgrade`, "
        "or set PODIUM_SERVER_DATABASE_MIGRATE_ON_START=true"
    )


def plan_upgrade(url: str, target: str = "head", options: Options | None = None) -> Change:
    """What ``upgrade`` would do. Changes nothing."""
    return _forward(_known(url, current(url, options)), target)


def plan_downgrade(url: str, target: str = "-1", options: Options | None = None) -> Change:
    """What ``downgrade`` would do. Changes nothing."""
    return _back(_known(url, current(url, options)), target)


def upgrade(
    url: str,
    target: str = "head",
    *,
    options: Options | None = None,
    timeout: float | None = None,
    progress: "Progress | None" = None,
) -> Change:
    """Brings the tables to ``target``: ``head``, a revision, or ``+n``. ``timeout``: seconds a statement may take.

    Does nothing when another process has done it meanwhile. Raises ``MigrationFailed`` after rolling back.
    """
    with _alone(url, options, timeout) as connection:
        change = _forward(_known_revision(url, connection), target)
        _migrate(url, connection, [(change.before, change.after)], progress)
    return change


def downgrade(
    url: str,
    target: str = "-1",
    *,
    options: Options | None = None,
    timeout: float | None = None,
    progress: "Progress | None" = None,
) -> Change:
    """Takes the tables back to ``target``: ``base`` (no tables), a revision, or ``-n``. What they held is lost."""
    if _is_missing_file(url):
        return _back(None, target)
    with _alone(url, options, timeout) as connection:
        change = _back(_known_revision(url, connection), target)
        _migrate(url, connection, [(change.before, change.after)], progress)
    return change


def reset(
    url: str, *, options: Options | None = None, timeout: float | None = None, progress: "Progress | None" = None
) -> Change:
    """Deletes all tables with everything in them, and creates them anew; on PostgreSQL in two transactions."""
    with _alone(url, options, timeout) as connection:
        before = _known_revision(url, connection)
        _migrate(url, connection, [(before, None), (None, HEAD)], progress)
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("VACUUM")
    return Change(before, HEAD)


def check(url: str, options: Options | None = None) -> list[str]:
    """What is not as it should be, a line each: tables missing or old, or not as the code declares them."""
    state = schema_state(url, options)
    if state == "empty":
        return ["the database has no tables yet: run `podium server database upgrade`"]
    with _opened(url, options) as (_, connection):
        revision = _known_revision(url, connection)
        if state == "behind":
            return [f"the tables are of revision {revision}, not {HEAD}: run `podium server database upgrade`"]
        from podium.db.migrations.comparison import differences  # Alembic is slow to load

        return differences(connection)


def history() -> dict[str, str]:
    """All revisions, oldest first, and what each does."""
    from podium.db.migrations import running  # Alembic is slow to load

    return running.titles()


def migration_sql(url: str, start: str | None, goal: str | None) -> str:
    """The statements that would take this database from ``start`` to ``goal``. Executes nothing."""
    from podium.db.migrations import running  # Alembic is slow to load

    return running.render_sql(sync_url(url).partition(":")[0].partition("+")[0], start, goal)


def upgrade_connection(connection: Connection) -> None:
    """Brings the database of this connection up to date; meant for SQLite in memory."""
    _migrate(str(connection.engine.url), connection, [(revision_of(connection), HEAD)], None)


def revision_of(connection: Connection) -> str | None:
    """The revision stored in the database; None without tables."""
    try:
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    except (OperationalError, ProgrammingError) as error:
        if not _is_missing_table(error):
            raise
        found = None
    if connection.dialect.name == "postgresql":
        connection.rollback()
    return None if found is None else str(found)


def state_of(revision: str | None) -> State:
    """How a stored revision stands to this code."""
    if revision is None:
        return "empty"
    if revision == HEAD:
        return "current"
    return "behind" if revision in REVISIONS else "unknown"


def resolve(target: str, start: str | None) -> str | None:
    """The revision that ``target`` means: ``head``, ``base``, its first letters, or ``+n`` and ``-n`` from ``start``.

    Raises ``UnknownRevision``.
    """
    revisions: list[str | None] = [None, *REVISIONS]
    if target in ("head", "heads"):
        return HEAD
    if target == "base":
        return None
    if target[:1] in ("+", "-") and target[1:].isdigit():
        index = revisions.index(start) + int(target)
        if 0 <= index < len(revisions):
            return revisions[index]
        raise UnknownRevision(
            f"there is no revision {target} from {start or 'base'}; see `podium server database history`"
        )
    found = [revision for revision in REVISIONS if revision.startswith(target)] if target else []
    if len(found) != 1:
        raise UnknownRevision(f"there is no revision {target!r}; see `podium server database history`")
    return found[0]


def _forward(before: str | None, target: str) -> Change:
    goal = resolve(target, before)
    if _position(goal) < _position(before):
        raise UnknownRevision(
            f"revision {goal or 'base'} is older than the database's {before}; "
            f"run `podium server database downgrade -r {goal or 'base'}`"
        )
    return Change(before, goal)


def _back(before: str | None, target: str) -> Change:
    goal = resolve(target, before)
    if _position(goal) > _position(before):
        raise UnknownRevision(
            f"revision {goal} is newer than the database's {before or 'base'}; "
            f"run `podium server database upgrade -r {goal}`"
        )
    return Change(before, goal)


def _known_revision(url: str, connection: Connection) -> str | None:
    return _known(url, revision_of(connection))


def _known(url: str, revision: str | None) -> str | None:
    """The revision, if this code knows it. Raises ``SchemaTooNew``."""
    if state_of(revision) == "unknown":
        raise SchemaTooNew(
            f"{mask_url(url)}: the tables are of revision {revision}, which this Podium (up to {HEAD}) does not know: "
            "install the version that made them, or name another database"
        )
    return revision


def _position(revision: str | None) -> int:
    return 0 if revision is None else REVISIONS.index(revision) + 1


def _is_missing_file(url: str) -> bool:
    path = sqlite_path(url)
    return path is not None and not Path(path).expanduser().exists()


def _is_missing_table(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) == "42P01" or "no such table" in str(error.orig)


@contextmanager
def _opened(url: str, options: Options | None) -> Iterator[tuple[Engine, Connection]]:
    """A connection of its own to a database that is new enough."""
    with reaching(url):
        engine = open_engine(url, replace(options or Options(), pool_size=2, max_overflow=0))
    try:
        with reaching(url):
            connection = engine.connect()
        with connection:
            check_version(url, connection)
            yield engine, connection
    finally:
        engine.dispose()


@contextmanager
def _alone(url: str, options: Options | None, timeout: float | None) -> Iterator[Connection]:
    """A connection on which to migrate while no other process does.

    PostgreSQL: a second connection holds the lock, since migrations may commit in between. SQLite: the migration's own
    transaction is enough, with patience to wait for another's.
    """
    waits = SQLITE_PATIENCE if sqlite_path(url) is not None else timeout or 0
    with _opened(url, replace(options or Options(), timeout=waits)) as (engine, connection):
        if engine.dialect.name != "postgresql":
            yield connection
            return
        with engine.begin() as guard:
            guard.exec_driver_sql("SET LOCAL statement_timeout = 0")
            guard.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            guard.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
            yield connection


def _migrate(
    url: str,
    connection: Connection,
    legs: list[tuple[str | None, str | None]],
    progress: "Progress | None",
) -> None:
    legs = [(start, goal) for start, goal in legs if start != goal]
    if not legs:
        return
    from podium.db.migrations import running  # Alembic is slow to load

    try:
        with _sqlite_transaction(connection):
            for start, goal in legs:
                running.run(connection, start, goal, progress)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise DatabaseUnreachable(f"{mask_url(url)}: lost while migrating: {error.orig}") from error
        reason = str(error.orig).splitlines()[0]
        raise MigrationFailed(f"{mask_url(url)}: the migration failed and was rolled back: {reason}") from error


@contextmanager
def _sqlite_transaction(connection: Connection) -> Iterator[None]:
    """One transaction for all steps on SQLite; nothing on PostgreSQL, where each step has its own.

    Foreign keys are not enforced meanwhile: rebuilding a table would delete the rows that refer to it.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
    finally:
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
