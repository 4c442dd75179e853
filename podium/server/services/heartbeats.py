"""When each service of this process last ran, in memory for the process itself and in the database for all others."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_

from podium.db.bulk import put_many
from podium.db.tables.services import service_heartbeats
from podium.db.unit import Row, Tx

REMEMBERED = timedelta(days=1)
"""How long the heartbeats of a process that died tell of it."""

_KEY = ("name", "process")


def this_process() -> str:
    """The name of this process among all of a database; asked when it is needed, since a supervisor forks what it
    runs."""
    return f"{socket.gethostname()}:{os.getpid()}"


@dataclass(slots=True)
class Heartbeat:
    """The last rounds of a service; ``interval`` and ``duration`` are in seconds."""

    name: str
    interval: float
    last_started: datetime | None = None
    last_finished: datetime | None = None
    duration: float | None = None
    last_error: str | None = None
    last_failed: datetime | None = None


class Heartbeats:
    """Takes down starts and ends; ``changed`` gives what was not written to the database yet."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.of: dict[str, Heartbeat] = {}
        self._changed: set[str] = set()
        self._expected: dict[str, datetime] = {}

    def silence(self, now: datetime) -> dict[str, timedelta]:
        """How long ago each service finished a round, or was expected to begin."""
        return {name: now - (beat.last_finished or self._expected[name]) for name, beat in self.of.items()}

    def expect(self, name: str, interval: float) -> None:
        """A service will run here."""
        self.of[name] = Heartbeat(name, interval)
        self._expected[name] = self._clock()
        self._changed.add(name)

    def started(self, name: str) -> None:
        """A round begins."""
        self.of[name].last_started = self._clock()

    def finished(self, name: str) -> None:
        """A round ended well."""
        beat = self.of[name]
        beat.last_finished = self._clock()
        if beat.last_started is not None:
            beat.duration = (beat.last_finished - beat.last_started).total_seconds()
        self._changed.add(name)

    def failed(self, name: str, error: BaseException) -> None:
        """A round ended with an error."""
        beat = self.of[name]
        beat.last_failed, beat.last_error = self._clock(), f"{type(error).__name__}: {error}"[:1000]
        self._changed.add(name)

    def changed(self) -> list[Row]:
        """The rows to write; they count as written."""
        process = this_process()
        rows = [
            {
                "name": name,
                "process": process,
                **{field: getattr(self.of[name], field) for field in Heartbeat.__slots__ if field != "name"},
            }
            for name in sorted(self._changed)
        ]
        self._changed.clear()
        return rows


def store_heartbeats(tx: Tx, rows: list[Row]) -> None:
    """Writes the heartbeats of this process."""
    put_many(tx, service_heartbeats, rows, _KEY)


def forget_heartbeats(tx: Tx) -> None:
    """Removes those of this process, and of processes that died long ago."""
    lost = service_heartbeats.c.last_started < tx.now - REMEMBERED
    tx.run(service_heartbeats.delete().where(or_(service_heartbeats.c.process == this_process(), lost)))
