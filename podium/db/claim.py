"""What only one process at a time may do with a database: held while the process lives, let go when it ends."""

import contextlib
import fcntl
import logging
from pathlib import Path
from typing import IO, Protocol

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from podium.db.connections import open_engine
from podium.db.options import Options
from podium.db.urls import is_in_memory, sqlite_path

logger = logging.getLogger("podium.db")

SERVICES = 0x706F6469756E
"""The key of the claim on the background services (an advisory lock on PostgreSQL)."""


class Claim(Protocol):
    """A claim that this process makes."""

    def take(self) -> bool:
        """Makes or keeps the claim; False when another process holds it."""

    def release(self) -> None:
        """Lets it go."""


def services_claim(url: str, options: Options) -> Claim:
    """The claim on running the background services of a database alone."""
    if is_in_memory(url):
        return _NoClaim()
    path = sqlite_path(url)
    if path is not None:
        return _FileClaim(Path(path).expanduser())
    return _PostgresqlClaim(url, options)


class _NoClaim:
    """Nobody else can reach the database."""

    def take(self) -> bool:
        return True

    def release(self) -> None:
        """There is nothing to let go."""


class _FileClaim:
    """A lock on a file beside the database's."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}.services")
        self._file: IO[bytes] | None = None

    def take(self) -> bool:
        if self._file is not None:
            return True
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class _PostgresqlClaim:
    """An advisory lock of a connection of its own."""

    def __init__(self, url: str, options: Options) -> None:
        self._engine = open_engine(url, options)
        self._connection: Connection | None = None

    def take(self) -> bool:
        if self._connection is not None:
            try:
                self._connection.execute(text("SELECT 1"))
            except DBAPIError:
                logger.warning("The connection that held the claim on the background services broke")
                self.release()
            else:
                return True
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": SERVICES}).scalar():
            self._connection = connection
            return True
        connection.close()
        return False

    def release(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(DBAPIError):
                self._connection.invalidate()
                self._connection.close()
            self._connection = None
