"""One writer at a time."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from podium.profiles.errors import StoreBusy

try:
    import fcntl
except ImportError:  # not on Windows
    HAS_FCNTL: Final = False
else:
    HAS_FCNTL: Final = True  # type: ignore[misc]

PATIENCE: Final = 10.0
_PAUSE: Final = 0.02
_STALE: Final = 60.0


@contextmanager
def exclusive(path: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock file at `path`. Raises StoreBusy after `patience` seconds."""
    deadline = time.monotonic() + patience
    with _locked(path, deadline) if HAS_FCNTL else _created(path, deadline):
        yield


@contextmanager
def _locked(path: Path, deadline: float) -> Iterator[None]:
    # The file stays: removing it would let two writers hold locks on two files of one name.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                _wait(path, deadline)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _created(path: Path, deadline: float) -> Iterator[None]:
    while True:
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
            break
        except OSError:
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _STALE:
                    path.unlink()
            _wait(path, deadline)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _wait(path: Path, deadline: float) -> None:
    if time.monotonic() > deadline:
        raise StoreBusy(f"{path}: another program holds the lock; try again when it is done.")
    time.sleep(_PAUSE)
