"""What an error in a unit of work means: trouble with the database, a value it cannot hold, or a mistake of ours.

Errors are told by the names PEP 249 gives them, since a driver is only loaded where its database is used.
"""

import re
import sqlite3

from sqlalchemy.exc import IntegrityError, StatementError

from podium.db.errors import DatabaseUnavailable, ValueRefused

DRIVERS = {"sqlite3", "psycopg"}

# SQLite tells a statement that asks too much from a faulty one by the text alone.
_TOO_MUCH = re.compile(r"too many SQL variables|is too large|too complex|malformed JSON")
_TOO_MANY_PARAMETERS = "number of parameters must be"
_PROGRAM_LIMIT_EXCEEDED = "54"
_READ_ONLY = "25006"


def failure_of(error: Exception) -> Exception:
    """The error to raise for one that came out of a unit.

    ``DatabaseUnavailable``: the same unit may work later. ``ValueRefused``: it never will. ``IntegrityError``: also of
    a statement that went past SQLAlchemy. Others stay as they are.
    """
    cause = error.orig if isinstance(error, StatementError) and error.orig is not None else error
    names = {kind.__name__ for kind in type(cause).__mro__ if kind.__module__.partition(".")[0] in DRIVERS}
    reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    if "DataError" in names or isinstance(cause, OverflowError | UnicodeEncodeError):
        return ValueRefused(reason)
    if "IntegrityError" in names:
        return error if isinstance(error, IntegrityError) else IntegrityError("", None, cause)
    if "OperationalError" in names:
        return _of_operation(error, cause, reason)
    if getattr(error, "connection_invalidated", False) or getattr(cause, "sqlstate", None) == _READ_ONLY:
        return DatabaseUnavailable(reason)
    return error


def _of_operation(error: Exception, cause: BaseException, reason: str) -> Exception:
    if isinstance(cause, sqlite3.OperationalError):
        if _TOO_MUCH.search(reason):
            return ValueRefused(reason)
        faulty = getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
        return error if faulty else DatabaseUnavailable(reason)
    sqlstate = getattr(cause, "sqlstate", None) or ""
    if sqlstate.startswith(_PROGRAM_LIMIT_EXCEEDED) or _TOO_MANY_PARAMETERS in reason:
        return ValueRefused(reason)
    return DatabaseUnavailable(reason)
