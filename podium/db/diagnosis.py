"""Turns what a database driver raises into one of our errors, with the fix."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from podium.db.errors import AuthenticationFailed, DatabaseError, DatabaseUnreachable, UnsupportedDatabase
from podium.db.failures import DRIVERS
from podium.db.urls import sqlite_path
from podium.profiles.masking import mask_url

OLDEST_POSTGRESQL = (14, 9)
OLDEST_SQLITE = (3, 35, 0)

NO_AUTHENTICATION = re.compile(
    r"authentication failed|no password supplied|no pg_hba.conf entry|role .* does not exist|"
    r"is not permitted to log in|permission denied for"
)
NO_DATABASE = re.compile(r"database .* does not exist")
NOT_A_DATABASE = "file is not a database"


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Says what is wrong when connecting to ``url`` fails inside the block."""
    try:
        yield
    except (DBAPIError, OSError) as error:
        raise diagnose(url, error) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] in DRIVERS:
            raise diagnose(url, error) from error
        raise


def diagnose(url: str, error: Exception) -> DatabaseError:
    """Our error for one that came from connecting to ``url``."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    reason = _reason(cause)
    where = mask_url(url)
    path = sqlite_path(url)
    if path is not None:
        if NOT_A_DATABASE in reason:
            return UnsupportedDatabase(f"{where}: {path} is not a SQLite database; name another file")
        return DatabaseUnreachable(f"{where}: {reason}; check that {path} can be read and written")
    if NO_AUTHENTICATION.search(reason):
        return AuthenticationFailed(
            f"{where}: {reason}; check user and password (PODIUM_SERVER_DATABASE_CONNECTION_URL, …_PASSWORD)"
        )
    if NO_DATABASE.search(reason):
        return DatabaseUnreachable(f"{where}: {reason}; create it with createdb, or name another")
    return DatabaseUnreachable(f"{where}: {reason}; check that PostgreSQL runs there and takes connections")


def check_version(url: str, connection: Connection) -> None:
    """Raises ``UnsupportedDatabase`` when the database is older than the oldest that Podium runs on."""
    if connection.dialect.name == "sqlite":
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise _too_old(url, "SQLite", sqlite3.sqlite_version_info, OLDEST_SQLITE)
        return
    found = connection.dialect.server_version_info or ()
    if found < OLDEST_POSTGRESQL:
        raise _too_old(url, "PostgreSQL", found, OLDEST_POSTGRESQL)


def _too_old(url: str, name: str, found: tuple[int | str, ...], oldest: tuple[int, ...]) -> UnsupportedDatabase:
    shown, wanted = (".".join(map(str, version)) for version in (found, oldest))
    return UnsupportedDatabase(f"{mask_url(url)}: {name} {shown} is too old; Podium needs {wanted} or newer")


def _reason(error: BaseException) -> str:
    """The part of a driver's message that says what is wrong, in one line."""
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    first = lines[0] if lines else type(error).__name__
    return re.sub(r"^.*?(?:FATAL|ERROR):\s+|^connection failed: |^connection is bad: ", "", first)
