"""A clock that runs fast, the same for the server and its clients: leases of a minute expire in seconds."""

import os
import time
from datetime import UTC, datetime

ORIGIN = float(os.environ.get("FUZZ_ORIGIN", "0"))
SPEED = float(os.environ.get("FUZZ_SPEED", "1"))


def seconds() -> float:
    """Seconds since 1970, as the fast clock says."""
    return ORIGIN + (time.time() - ORIGIN) * SPEED


def now() -> datetime:
    """The same as a moment."""
    return datetime.fromtimestamp(seconds(), UTC)
