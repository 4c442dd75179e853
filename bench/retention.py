"""`python -m bench.retention`: a server under load that deletes what is a minute old; its database stays as large.

Runs with states, task runs, subflows, log lines, artifacts and events come at an even pace. Events and lines are
deleted by the server, which keeps them for a minute; runs by `podium server database prune --older-than`, again and
again beside it, since a server keeps runs for an hour at least. Some runs are never over, and some that are have such a
run below them: they have to be there at the end, with all their lines. Passes when after the warm-up no size is further
than a tenth from the median. On SQLite the size is that of the file, on PostgreSQL that of the database.
"""

import argparse
import asyncio
import json
import os
import secrets
import statistics
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import uvloop

from bench import workloads
from bench.http import Connection
from bench.servers import OwnServer
from bench.workloads import encode, flow_run_body, state

POSTGRES = os.environ.get("PODIUM_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
KEPT = 60
"""Seconds that anything is kept."""

PACE = 0.6
"""Seconds from one cycle of a visitor to its next."""

VISITORS = 3
LINES = 20
ALLOWED = 0.1
VACUUM_EVERY = 60.0
WARM_UP = 0.5
"""This part of the time does not count: PostgreSQL vacuums a table once a minute."""

SETTINGS = {
    "PODIUM_SERVER_EVENTS_RETENTION_PERIOD": f"{KEPT}",
    "PODIUM_SERVER_SERVICES_DB_VACUUM_LOG_RETENTION_PERIOD": f"{KEPT}",
    "PODIUM_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS": "2",
    "PODIUM_SERVER_SERVICES_DB_VACUUM_ORPHAN_CLEANUP_LOOP_SECONDS": "20",
    "PODIUM_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,orphans",
}


class Visitor:
    """One client: its connection, the answers it got by status, and how many milliseconds each took."""

    def __init__(self, server: OwnServer, flow_id: str, answers: Counter[str], times: list[float]) -> None:
        self._connection = Connection(server.target)
        self.flow_id = flow_id
        self._answers = answers
        self._times = times

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded answer of a call, None where there is none to decode."""
        began = time.perf_counter()
        status, answer = await self._connection.request(method, path, _bytes(body))
        self._times.append((time.perf_counter() - began) * 1000)
        self._answers[f"{status}" if status < 300 else f"{status} {method} {path}: {answer[:200]!r}"] += 1
        return json.loads(answer) if answer[:1] in (b"{", b"[") else None

    async def run(self, parent: str | None = None) -> str:
        """A flow run that is running, with log lines."""
        body = json.loads(flow_run_body(self.flow_id)) | ({"parent_task_run_id": parent} if parent else {})
        run: str = (await self.call("POST", "/flow_runs/", body))["id"]
        await self.call("POST", f"/flow_runs/{run}/set_state", {"state": state("RUNNING")})
        now = datetime.now(UTC).isoformat()
        line = {"name": "retention", "level": 20, "timestamp": now, "flow_run_id": run}
        lines = [line | {"message": f"line {number} of {run}"} for number in range(LINES)]
        await self.call("POST", "/logs/", lines)
        return run

    async def task(self, run: str) -> str:
        """A task run of a flow run."""
        body = {"flow_run_id": run, "task_key": "t", "dynamic_key": f"{uuid.uuid4()}"}
        task: str = (await self.call("POST", "/task_runs/", body))["id"]
        return task

    async def end(self, run: str) -> None:
        """A flow run is over."""
        await self.call("POST", f"/flow_runs/{run}/set_state", {"state": state("COMPLETED")})

    async def cycle(self) -> None:
        """A run with a subflow, task runs that are reported by events, and artifacts."""
        run = await self.run()
        below = await self.run(await self.task(run))
        events = [json.loads(frame) for frame in workloads.task_run_frames(run, self.flow_id)]
        await self.call("POST", "/events", events)
        await self.call("POST", "/artifacts/", {"key": "report", "flow_run_id": run, "data": "x" * 500})
        await self.end(below)
        await self.end(run)


def _bytes(body: Any) -> bytes:
    return b"" if body is None else encode(body)


async def visit(visitor: Visitor, until: float) -> None:
    """Cycles at an even pace."""
    while time.monotonic() < until:
        began = time.monotonic()
        await visitor.cycle()
        await asyncio.sleep(max(0, PACE - (time.monotonic() - began)))


async def prune(server: OwnServer, until: float) -> list[float]:
    """Deletes old runs beside the server, again and again; the seconds it took each time."""
    command = [
        server.command,
        "server",
        "database",
        "prune",
        "--only",
        "flow_runs",
        "--older-than",
        f"{KEPT}s",
        "--yes",
    ]
    took = []
    while time.monotonic() < until:
        began = time.monotonic()
        pruning = await asyncio.create_subprocess_exec(
            *map(str, command),
            env=server.environment,
            cwd=server.home,
            stdout=asyncio.subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said, _ = await pruning.communicate()
        if pruning.returncode:
            raise RuntimeError(f"prune failed: {said.decode()}")
        took.append(time.monotonic() - began)
        await asyncio.sleep(5)
    return took


async def sample(size: Callable[[], int], seconds: float, every: float) -> list[int]:
    """The size of the database at even times, printed."""
    began = time.monotonic()
    taken = []
    while (passed := time.monotonic() - began) < seconds:
        await asyncio.sleep(min(every, seconds - passed))
        taken.append(await asyncio.to_thread(size))
        print(f"{time.monotonic() - began:6.0f} s  {taken[-1] / 1e6:7.1f} MB", flush=True)
    return taken


async def soak(name: str, url: str, size: Callable[[OwnServer], int], minutes: float, every: float) -> bool:
    """Runs the load against a server of its own on a database; whether the size stayed, and who is live."""
    print(f"{name}:", flush=True)
    server = OwnServer("podium")
    server.settings = SETTINGS | ({"PODIUM_SERVER_DATABASE_CONNECTION_URL": url} if url else {})
    answers: Counter[str] = Counter()
    times: list[float] = []
    try:
        await server.start()
        flow_id = await workloads.make_flow(server, "retention")
        visitors = [Visitor(server, flow_id, answers, times) for _ in range(VISITORS)]
        live = [await visitors[0].run() for _ in range(3)]
        above = await visitors[0].run()
        live.append(await visitors[0].run(await visitors[0].task(above)))
        await visitors[0].end(above)
        until = time.monotonic() + 60 * minutes
        async with asyncio.TaskGroup() as group:
            for visitor in visitors:
                group.create_task(visit(visitor, until))
            pruning = group.create_task(prune(server, until))
            sampling = group.create_task(sample(lambda: size(server), 60 * minutes, every))
        taken, took = sampling.result(), pruning.result()
        lost = await missing(visitors[0], live, above)
    finally:
        await server.stop()
        server.remove()
    return verdict(name, taken, times, answers, lost, took)


async def missing(visitor: Visitor, live: list[str], above: str) -> list[str]:
    """What is not there of the runs that are not over, their lines, and the run above one of them."""
    lost = [f"run {run}" for run in [*live, above] if await visitor.call("GET", f"/flow_runs/{run}") is None]
    for run in live:
        wanted = {"logs": {"flow_run_id": {"any_": [run]}}}
        found = len(await visitor.call("POST", "/logs/filter", wanted))
        if found != LINES:
            lost.append(f"{LINES - found} lines of {run}")
    return lost


def verdict(
    name: str, taken: list[int], times: list[float], answers: Counter[str], lost: list[str], took: list[float]
) -> bool:
    """Prints what was found; whether it is as it should be."""
    warm = taken[int(len(taken) * WARM_UP) :]
    middle = statistics.median(warm)
    off = max(abs(each - middle) / middle for each in warm)
    for what, count in answers.most_common():
        print(f"{count:8}  {what}")
    for what in lost:
        print(f"LOST: {what}")
    centiles = statistics.quantiles(times, n=100)
    print(f"requests: median {centiles[49]:.1f} ms, p99 {centiles[98]:.1f} ms; prune: {statistics.median(took):.1f} s")
    flat = off <= ALLOWED
    print(
        f"{name}: {middle / 1e6:.1f} MB after warm-up, from {min(warm) / 1e6:.1f} to {max(warm) / 1e6:.1f}: "
        f"±{off:.1%}, {'flat' if flat else 'NOT FLAT'}",
        flush=True,
    )
    return flat and not lost and all(what.isdigit() for what in answers)


def file_size(server: OwnServer) -> int:
    """Of the SQLite file in the server's home."""
    return sum(path.stat().st_size for path in Path(server.home).rglob("*.db"))


async def on_postgresql(minutes: float, every: float) -> bool:
    """The same on a PostgreSQL database made for it."""
    name = f"podium_retention_{secrets.token_hex(4)}"
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())

        vacuums = connection.execute("SHOW autovacuum").fetchone() == ("on",)
        if not vacuums:
            print("The PostgreSQL server has autovacuum switched off: the tables are vacuumed here, once a minute.")
        last = [time.monotonic()]

        def size(server: OwnServer) -> int:
            if not vacuums and time.monotonic() - last[0] > VACUUM_EVERY:
                last[0] = time.monotonic()
                with psycopg.connect(f"{POSTGRES.rpartition('/')[0]}/{name}", autocommit=True) as own:
                    own.execute("VACUUM (ANALYZE)")
            found = connection.execute("SELECT pg_database_size(%s)", (name,)).fetchone()
            assert found is not None
            return int(found[0])

        try:
            return await soak("PostgreSQL", f"{POSTGRES.rpartition('/')[0]}/{name}", size, minutes, every)
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


async def both(minutes: float, every: float, only: str | None) -> bool:
    """One database after the other."""
    passed = []
    if only in (None, "sqlite"):
        passed.append(await soak("SQLite", "", file_size, minutes, every))
    if only in (None, "postgresql"):
        passed.append(await on_postgresql(minutes, every))
    return all(passed)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench.retention", description=__doc__)
    parser.add_argument("--minutes", type=float, default=6.0, help="how long on each database (6)")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two looks at the size (10)")
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="one of the databases")
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(0 if runner.run(both(options.minutes, options.every, options.only)) else 1)


if __name__ == "__main__":
    main()
