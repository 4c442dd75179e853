"""What goes wrong during a chaos run, and when: a plan made from a seed."""

import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

import psycopg
import redis

from tests.chaos.history import History
from tests.chaos.topology import Topology

KILL_EVERY = 15.0
PAUSE = 2.0
APART = 32.0
"""Seconds more between outages in a long run: what must go on within half a minute is seen to, after each."""

FLICKER = 2.0
"""Seconds between two ends of all connections to PostgreSQL."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong ``at`` so many seconds after the start, for ``seconds``."""

    at: float
    what: str
    seconds: float = 0.0
    target: str = ""

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.0f} s" if self.seconds else ""
        return f"{self.at:.0f} s: {self.what} {self.target}".rstrip() + lasting


OUTAGES = ("postgres stops", "postgres stops long", "connections end", "redis freezes", "redis stops", "redis forgets")
"""Each hits all processes at once, so loops go on only after its end."""


def plan(seed: int, seconds: float, processes: list[str]) -> list[Fault]:
    """Every 15 seconds a process is killed; beside that one outage follows another, each kind once in so many."""
    source = random.Random(seed)
    kills = [
        Fault(KILL_EVERY * number - 10, "kill", target=source.choice(processes))
        for number in range(1, int((seconds + 10) // KILL_EVERY) + 1)
    ]
    return sorted([*kills, *_outages(source, seconds)], key=lambda fault: fault.at)


def _outages(source: random.Random, seconds: float) -> Iterator[Fault]:
    # A short run has every kind as well, each for less long.
    long = min(60.0, seconds / 8)
    lasting = {
        "postgres stops": min(5.0, seconds / 12),
        "postgres stops long": long,
        "connections end": min(20.0, seconds / 12),
        "redis freezes": long,
        "redis stops": min(5.0, seconds / 15),
        "redis forgets": 0.0,
    }
    at = 2.0
    while True:
        for what in source.sample(OUTAGES, len(OUTAGES)):
            if at + lasting[what] > seconds:
                return
            yield Fault(at, what, lasting[what])
            at += lasting[what] + source.uniform(PAUSE, 2 * PAUSE) + (APART if seconds >= 400 else 0)


class Faults:
    """Carries out a plan; each fault in a thread of its own, since they overlap."""

    def __init__(self, topology: Topology, history: History) -> None:
        self._topology, self._history = topology, history
        self._open = threading.Event()

    def run(self, faults: list[Fault]) -> None:
        """Returns when the last has ended."""
        start = monotonic()
        threads = []
        for fault in faults:
            self._open.wait(max(0.0, start + fault.at - monotonic()))
            thread = threading.Thread(target=self._do, args=(fault,), daemon=True)
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join()

    def _do(self, fault: Fault) -> None:
        self._history.note("fault", what=fault.what, target=fault.target)
        self._deeds[fault.what](fault)
        self._history.note("healed", what=fault.what, target=fault.target)

    @property
    def _deeds(self) -> dict[str, Callable[[Fault], None]]:
        return {
            "kill": self._kill,
            "postgres stops": self._stop_postgres,
            "postgres stops long": self._stop_postgres,
            "connections end": self._end_connections,
            "redis freezes": self._freeze_redis,
            "redis stops": self._stop_redis,
            "redis forgets": self._flush_redis,
        }

    def _kill(self, fault: Fault) -> None:
        process = self._topology.processes[fault.target]
        if process.alive:
            process.kill()

    def _stop_postgres(self, fault: Fault) -> None:
        self._topology.postgres.stop()
        self._open.wait(fault.seconds)
        self._topology.postgres.start()

    def _end_connections(self, fault: Fault) -> None:
        end = monotonic() + fault.seconds
        while monotonic() < end:
            with suppress(psycopg.OperationalError):
                self._topology.postgres.terminate_backends()
            self._open.wait(FLICKER)

    def _freeze_redis(self, fault: Fault) -> None:
        process = self._topology.processes["redis"]
        process.send(signal.SIGSTOP)
        self._open.wait(fault.seconds)
        process.send(signal.SIGCONT)

    def _stop_redis(self, fault: Fault) -> None:
        process = self._topology.processes["redis"]
        process.stop(signal.SIGKILL)
        self._open.wait(fault.seconds)
        process.start()

    def _flush_redis(self, fault: Fault) -> None:
        with suppress(redis.RedisError), redis.Redis.from_url(self._topology.redis_url, socket_timeout=5) as client:
            client.flushall()
