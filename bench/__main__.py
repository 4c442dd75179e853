"""`python -m bench [--url URL|podium|prefect] [--against URL|podium|prefect]`: measure one server, or two in turn.

A name starts that server in a home of its own (SQLite) and also measures its start, memory and commands. Podium on
PostgreSQL and Redis is podium-postgresql, and podium-postgresql-2 with two processes that answer and one of services.
A URL is a server that runs already. Only one server gets CPU time at once: one started here is frozen while the other
is measured.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from bench import bare, processes, workloads
from bench.load import Refused
from bench.servers import COMMANDS, OwnServer, Server
from bench.shared import WORKERS, SharedServer
from bench.table import ROWS, Cell, Results, cpu_each, render

IDLE = 10.0
SEEDED_RUNS = 400

Measure = Callable[[Server, float], Awaitable[Any]]

WORK: dict[str, Measure] = {
    "reads": workloads.filter_reads,
    "runs-1": lambda server, seconds: workloads.flow_runs(server, 1, seconds),
    "leases": workloads.leases,
    "logs": workloads.log_batches,
    "events": workloads.task_run_events,
    "runs-8": lambda server, seconds: workloads.flow_runs(server, 8, seconds),
    "runs-32": lambda server, seconds: workloads.flow_runs(server, 32, seconds * 1.5),
}


def say(words: str) -> None:
    """Progress, beside the table."""
    print(words, file=sys.stderr, flush=True)


async def measure_starts(server: OwnServer, cells: dict[str, Cell], rounds: int) -> None:
    """Starts in an empty home and again; leaves the last one running and measures its idle memory."""
    for number in range(rounds):
        server.restart_empty()
        cells["start-1"].add(await server.start())
        await server.stop()
        cells["start-2"].add(await server.start())
        if number < rounds - 1:
            await server.stop()
    await asyncio.sleep(IDLE)
    assert server.pid is not None
    cells["memory"].add(processes.memory(server.pid))


def measure_commands(server: OwnServer, cells: dict[str, Cell], repeats: int) -> None:
    """How long a command takes from the shell, on a home that exists."""
    for key, arguments in (("version", ["--version"]), ("config", ["config", "view"])):
        for _ in range(repeats):
            began = time.perf_counter()
            subprocess.run(
                [server.command, *arguments],
                env=server.environment | {"NO_COLOR": "1"},
                stdin=subprocess.DEVNULL,
                check=True,
                capture_output=True,
            )
            cells[key].add(time.perf_counter() - began)


async def measure(servers: list[Server], options: argparse.Namespace) -> Results:
    """Every row that is asked for, on every server, in rounds that take turns."""
    results: Results = {server.name: {row.key: Cell() for row in ROWS} for server in servers}
    for server in servers:
        if isinstance(server, OwnServer) and options.only:
            await server.start()
            server.freeze()
        elif isinstance(server, OwnServer):
            say(f"{server.name}: starts, idle memory, commands")
            await measure_starts(server, results[server.name], options.rounds)
            measure_commands(server, results[server.name], 5 if options.rounds > 1 else 1)
            server.freeze()
    work = {key: measure for key, measure in WORK.items() if not options.only or key in options.only}
    for server in servers if "reads" in work else []:
        await server.thaw()
        await workloads.seed(server, SEEDED_RUNS)
        server.freeze()
    for key, measure_work in work.items():
        for number in range(options.rounds):
            for server in servers:
                await server.thaw()
                outcome = await measure_work(server, options.seconds)
                if outcome.errors["no answer"]:
                    await server.recover()
                server.freeze()
                results[server.name][key].add(outcome)
                say(f"{key}, round {number + 1}, {server.name}: {outcome.rate:.1f}/s {dict(outcome.errors) or ''}")
    return results


def server_of(word: str) -> Server:
    """A server to start, by name, or one that runs, by URL."""
    if word in WORKERS:
        return SharedServer(word)
    return OwnServer(word) if word in COMMANDS else Server(word)


async def beside_the_bare(server: Server, results: Results) -> str:
    """The bare figures of this machine, and how near the first server comes to them."""
    measured = await bare.figures()
    row = next(row for row in ROWS if row.value is cpu_each)
    spent = results[server.name][row.key].value(row)
    share = f"{server.name} spends {spent:.2f} ms, {bare.floor(measured) / spent:.0%} of it the floor" if spent else ""
    return f"{bare.render(measured)}\n{share}"


def record(path: Path, results: Results) -> None:
    """Keeps the figures for comparison by machine."""
    figures = {
        server: {
            f"{row.title} ({row.unit})": value
            for row in ROWS
            if (value := cells.get(row.key, Cell()).value(row)) is not None
        }
        for server, cells in results.items()
    }
    path.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


async def run(options: argparse.Namespace) -> None:
    """Measures and prints."""
    servers = [server_of(word) for word in (options.url, options.against) if word]
    if len({server.name for server in servers}) < len(servers):
        servers[1].name += " (2)"
    began = time.perf_counter()
    try:
        results = await measure(servers, options)
    finally:
        for server in servers:
            if isinstance(server, OwnServer):
                await server.stop()
                server.remove()
    print(render([server.name for server in servers], results))
    if options.bare:
        print(f"\n{await beside_the_bare(servers[0], results)}")
    say(f"\n{os.cpu_count()} cores, {time.perf_counter() - began:.0f} s")
    if options.json:
        record(options.json, results)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--url", default="podium", help="the server: a name or a URL ending in /api")
    parser.add_argument("--against", help="another one to measure in turn and compare with")
    parser.add_argument("--rounds", type=int, default=2, help="how often the servers take turns in each row")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long a turn lasts")
    parser.add_argument(
        "--only", nargs="+", choices=sorted(WORK), help="these rows of work alone, no starts or commands"
    )
    parser.add_argument("--bare", action="store_true", help="also measure what the machine does with nothing of Podium")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(options))
    except (RuntimeError, Refused, subprocess.CalledProcessError) as error:
        sys.exit(f"bench: {error}")


if __name__ == "__main__":
    main()
