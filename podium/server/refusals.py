"""What a foreign error that is the caller's doing means to the caller."""

from sqlalchemy.exc import IntegrityError

from podium.db.errors import ValueRefused
from podium.db.failures import failure_of
from podium.server.errors import Conflict, Invalid, Problem

REFUSED: tuple[type[Exception], ...] = (IntegrityError, ValueRefused, OverflowError, RecursionError)


def refusal_of(error: Exception) -> Problem | None:
    """The problem to tell of, for an error of a unit of work or one that came out of it; None: a mistake of ours."""
    error = failure_of(error)
    if isinstance(error, Problem):
        return error
    if isinstance(error, IntegrityError):
        return Conflict("The object exists already, or names one that does not exist.")
    if isinstance(error, ValueRefused):
        return Invalid(f"The database cannot hold a value: {error}")
    if isinstance(error, OverflowError):
        # Moments at the very ends of the calendar have no UTC, sums with them no result.
        return Invalid(f"A value is out of range: {error}")
    if isinstance(error, RecursionError):
        return Invalid("A value is nested too deeply.")
    return None
