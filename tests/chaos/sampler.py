"""Looks at a chaos run from outside, every second: readiness of each process, rounds of the services, slots taken."""

import threading
from time import monotonic

import httpx
import psycopg

from tests.chaos.history import History
from tests.chaos.load import LIMIT
from tests.chaos.topology import Topology

_ROUNDS = (
    "SELECT name, min(interval), extract(epoch FROM max(last_finished))::float FROM service_heartbeats"
    " WHERE last_finished IS NOT NULL GROUP BY name"
)
_SLOTS = (
    "SELECT coalesce(sum(slots.slots), 0)::int FROM concurrency_lease_slots slots"
    " JOIN concurrency_limits_v2 held ON held.id = slots.concurrency_limit_id WHERE held.name = %s"
)


class Sampler:
    """Writes ``ready``, ``round`` and ``slots``; a question that nobody answers is no sample."""

    def __init__(self, topology: Topology, history: History) -> None:
        self._topology, self._history = topology, history
        self._closing = threading.Event()
        self._threads = [threading.Thread(target=self._watch, args=(name,), daemon=True) for name in topology.podium]
        self._threads.append(threading.Thread(target=self._count, daemon=True))

    def __enter__(self) -> "Sampler":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join(10)

    def _watch(self, name: str) -> None:
        with httpx.Client(base_url=self._topology.api_of(name), timeout=20) as client:
            while not self._closing.wait(1):
                start = monotonic()
                try:
                    answer = client.get("/ready")
                except httpx.TransportError:
                    continue
                troubles = {} if answer.is_success else answer.json().get("troubles", {})
                seconds = round(monotonic() - start, 2)
                self._history.note("ready", name=name, status=answer.status_code, seconds=seconds, troubles=troubles)

    def _count(self) -> None:
        while not self._closing.wait(1):
            try:
                with psycopg.connect(self._topology.database_url, connect_timeout=2) as connection:
                    for name, interval, finished in connection.execute(_ROUNDS).fetchall():
                        self._history.note("round", name=name, interval=interval, finished=finished)
                    taken = connection.execute(_SLOTS, (LIMIT,)).fetchone()
                    self._history.note("slots", taken=taken[0] if taken else 0)
            except psycopg.Error:
                continue
