"""`python -m bench.large`: every list, count and history on a large database, against a target of 100 ms at p95.

A database that is there already with the same number of runs is used again (`--fresh` makes it anew; `--drop` removes
it at the end). For each request: p50 and p95 through HTTP, and the CPU time that its statements take, measured apart in
this process: what a busy machine delays, it does not change. Exit code 1 where a p95 misses the target.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from math import ceil, inf
from pathlib import Path
from statistics import median

import psycopg

from bench.http import Connection
from bench.large_calls import Call, calls
from bench.large_data import Scale, fill
from bench.large_sql import Watched
from bench.servers import OwnServer
from podium.db import commands
from podium.db.engine import Database
from podium.server.services.tallies import roll_up_slices

TARGET = 100.0
MARK = "bench_large"
SIZES = {"sqlite": 200_000, "postgresql": 1_000_000}


class LargeServer(OwnServer):
    """Podium on a database that is there, without its services, which would change it."""

    arguments = ("--no-services",)

    def __init__(self, url: str) -> None:
        super().__init__("podium")
        self.url = url

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"PODIUM_SERVER_DATABASE_CONNECTION_URL": self.url}


def say(words: str) -> None:
    """Progress, beside the table."""
    print(words, file=sys.stderr, flush=True)


async def prepare(url: str, flow_runs: int, fresh: bool) -> Scale:
    """The database, filled: what is there of the right size is used, anything else made anew."""
    now = None if fresh else _made_at(url, flow_runs)
    if now is None:
        began = time.perf_counter()
        say(f"filling {url} for {flow_runs:,} flow runs")
        remove(url)
        if not url.startswith("sqlite"):
            _administer(url, "CREATE DATABASE {}")
        commands.upgrade(url)
        scale = Scale.of(flow_runs)
        fill(url, scale, say)
        say("  tallies")
        await roll_up_all(url)
        _note(url, scale)
        say(f"filled in {time.perf_counter() - began:.0f} s")
        return scale
    commands.upgrade(url)
    await roll_up_all(url)
    return Scale(flow_runs, now)


async def roll_up_all(url: str) -> None:
    """What the service does in the background, and then what autovacuum would."""
    database = Database(url)
    try:
        await roll_up_slices(database, 100, inf)
    finally:
        await database.close()
    if not url.startswith("sqlite"):
        with psycopg.connect(url, autocommit=True) as connection:
            lines = "flow_run_tallies, task_run_tallies, event_tallies"
            connection.execute(f"VACUUM ANALYZE {lines}, tally_notes, tally_horizons".encode())


def _made_at(url: str, flow_runs: int) -> int | None:
    """The moment up to which the database there was filled; None without one of this size."""
    try:
        if url.startswith("sqlite"):
            number, moment = json.loads(_beside(url).read_text("utf-8"))
        else:
            with psycopg.connect(url) as connection:
                number, moment = connection.execute(f"SELECT flow_runs, moment FROM {MARK}").fetchone() or (0, 0)
    except (OSError, psycopg.Error):
        return None
    return moment if number == flow_runs else None


def _note(url: str, scale: Scale) -> None:
    if url.startswith("sqlite"):
        _beside(url).write_text(json.dumps([scale.flow_runs, scale.now]), "utf-8")
        return
    with psycopg.connect(url) as connection:
        connection.execute(f"CREATE TABLE {MARK} AS SELECT {scale.flow_runs} AS flow_runs, {scale.now} AS moment")


def _beside(url: str) -> Path:
    return Path(url.partition(":///")[2] + ".large")


def remove(url: str) -> None:
    """Deletes the database."""
    if url.startswith("sqlite"):
        for suffix in ("", "-wal", "-shm", ".large"):
            Path(url.partition(":///")[2] + suffix).unlink(missing_ok=True)
    else:
        _administer(url, "DROP DATABASE IF EXISTS {} WITH (FORCE)")


def _administer(url: str, statement: str) -> None:
    server, _, name = url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(statement.format(f'"{name}"').encode())


@dataclass(frozen=True, slots=True)
class Line:
    """What a request took: milliseconds at p50 and p95, the length of its last answer, the status of a refusal."""

    p50: float
    p95: float
    size: int
    refused: int | None = None


async def measure(connection: Connection, call: Call, turns: int) -> Line:
    """Makes the request ``turns`` times, each with other values, and once before."""
    times, answer = [], b""
    for turn in range(-1, turns):
        body = b"" if call.body is None else json.dumps(call.body(turn % turns)).encode()
        began = time.perf_counter()
        status, answer = await connection.request(call.method, call.path(turn % turns), body)
        if status >= 300:
            return Line(0, inf, len(answer), status)
        if turn >= 0:
            times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return Line(median(times), percentile(times, 0.95), len(answer))


async def run(url: str, options: argparse.Namespace) -> int:
    """Measures one database and prints a line for each request; how many missed the target."""
    kind = "sqlite" if url.startswith("sqlite") else "postgresql"
    scale = await prepare(url, options.flow_runs or SIZES[kind], options.fresh)
    wanted = [call for call in calls(scale) if not options.only or any(word in call.name for word in options.only)]
    print(
        f"\n{kind}, {scale.flow_runs:,} flow runs; milliseconds, the best of {options.rounds} x {options.turns} calls"
    )
    print(f"{'request':<58} {'p50':>8} {'p95':>8} {'SQL CPU':>8} {'bytes':>9}", flush=True)
    missed = 0
    server = LargeServer(url)
    await server.start()
    connection = Connection(server.target)
    try:
        async with Watched(url) as podium:
            for call in wanted:
                lines = [await measure(connection, call, options.turns) for _ in range(options.rounds)]
                best = min(lines, key=lambda line: line.p95)
                in_sql = await podium.milliseconds(call, 5) if best.refused is None else inf
                missed += best.p95 > TARGET
                mark = f"  answered {best.refused}" if best.refused else "  over" if best.p95 > TARGET else ""
                figures = f"{best.p50:8.1f} {best.p95:8.1f} {in_sql:8.1f} {best.size:9,}{mark}"
                print(f"{call.name:<58} {figures}", flush=True)
    finally:
        connection.close()
        await server.stop()
        server.remove()
    print(f"{len(wanted)} requests, {missed} over {TARGET:.0f} ms")
    if options.drop:
        remove(url)
    return missed


def percentile(ordered: list[float], share: float) -> float:
    """The shortest time that no more than the rest of the calls exceeded (nearest rank)."""
    return ordered[max(0, ceil(len(ordered) * share) - 1)]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench.large", description=__doc__)
    home = Path(tempfile.gettempdir()) / "podium-large"
    parser.add_argument("--sqlite", default=str(home / "podium.db"), help="path of the SQLite database; empty: none")
    parser.add_argument(
        "--postgresql",
        default="postgresql://postgres@127.0.0.1:5432/podium_large",
        help="URL of the PostgreSQL database; empty: none",
    )
    parser.add_argument("--flow-runs", type=int, help="how many; 1,000,000 on PostgreSQL and 200,000 on SQLite")
    parser.add_argument("--turns", type=int, default=20, help="measured calls of each request")
    parser.add_argument("--rounds", type=int, default=3, help="how often each request is measured; the best counts")
    parser.add_argument("--only", nargs="+", help="requests with one of these words in their line")
    parser.add_argument("--fresh", action="store_true", help="fill the databases anew")
    parser.add_argument("--drop", action="store_true", help="remove the databases at the end")
    options = parser.parse_args()
    urls = [f"sqlite+aiosqlite:///{Path(options.sqlite).absolute()}"] if options.sqlite else []
    urls += [options.postgresql] if options.postgresql else []
    try:
        missed = sum(asyncio.run(run(url, options)) for url in urls)
    except (RuntimeError, OSError, psycopg.Error, subprocess.CalledProcessError) as error:
        sys.exit(f"bench.large: {error}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
