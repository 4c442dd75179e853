"""Clients that do the same thing over and over for a time, and what came of it."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bench import processes
from bench.http import Connection
from bench.servers import Server

GRACE = 12.0
RETREAT = 1.0  # after a refusal, as an SDK does: without it a busy server would only count its refusals


class Refused(Exception):
    """An answer other than the one the workload expects."""


@dataclass(slots=True)
class Outcome:
    """What a number of clients reached together; times in seconds."""

    done: int = 0
    seconds: float = 0.0
    cpu: float | None = None
    errors: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Finished pieces of work in a second."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def cpu_each(self) -> float | None:
        """The server's CPU time for one finished piece, in milliseconds."""
        return self.cpu / self.done * 1000 if self.cpu is not None and self.done else None

    def percentile(self, share: float) -> float:
        """The latency that this share of the calls stayed under, in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0

    def __add__(self, other: "Outcome") -> "Outcome":
        cpu = None if self.cpu is None or other.cpu is None else self.cpu + other.cpu
        return Outcome(
            self.done + other.done,
            self.seconds + other.seconds,
            cpu,
            self.errors + other.errors,
            self.latencies + other.latencies,
        )


class Client:
    """One of the clients: calls, times them, and refuses what is not a success."""

    def __init__(self, server: Server, outcome: Outcome) -> None:
        self._connection = Connection(server.target)
        self._outcome = outcome

    async def call(self, method: str, path: str, body: bytes = b"", expect: bytes = b"") -> bytes:
        """The body of a 2xx answer that contains what is expected. Raises Refused."""
        began = time.perf_counter()
        status, answer = await self._connection.request(method, path, body)
        self._outcome.latencies.append(time.perf_counter() - began)
        if not 200 <= status < 300:
            self._outcome.errors[str(status)] += 1
            raise Refused(f"{method} {path}: {status} {answer[:300].decode('utf-8', 'replace')}")
        if expect and expect not in answer:
            self._outcome.errors["unexpected"] += 1
            raise Refused(f"{method} {path}: no {expect.decode()} in {answer[:300].decode('utf-8', 'replace')}")
        return answer

    def close(self) -> None:
        """Drops the connection."""
        self._connection.close()


Work = Callable[[Client], Awaitable[None]]


async def drive(server: Server, work: Work, clients: int, seconds: float) -> Outcome:
    """Lets a number of clients repeat a piece of work for a time.

    What runs when the time is over may finish within a grace, so that a server that answers slowly is counted and one
    that never answers ends the measure all the same.
    """
    outcome = Outcome(cpu=None)
    pid = server.pid
    spent = processes.cpu_seconds(pid) if pid else 0.0
    began = time.perf_counter()
    last = began

    async def one() -> None:
        nonlocal last
        client = Client(server, outcome)
        try:
            while time.perf_counter() - began < seconds:
                try:
                    await work(client)
                    outcome.done += 1
                except Refused:
                    await asyncio.sleep(RETREAT)
                except (OSError, asyncio.IncompleteReadError):
                    outcome.errors["connection"] += 1
                    await asyncio.sleep(RETREAT)
                last = time.perf_counter()
        finally:
            client.close()

    tasks = [asyncio.create_task(one()) for _ in range(clients)]
    _, late = await asyncio.wait(tasks, timeout=seconds + GRACE)
    if late:
        outcome.errors["no answer"] += len(late)
        last = time.perf_counter()
        for task in late:
            task.cancel()
        await asyncio.wait(late)
    outcome.seconds = last - began
    outcome.cpu = processes.cpu_seconds(pid) - spent if pid else None
    return outcome
