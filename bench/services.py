"""`python -m bench.services [schedule idle polls]`: what the background services cost, against the targets.

`schedule`: passes of the scheduler over 1,000 deployments whose schedules are intervals, crons and recurrence rules
that began in 2010: the first, which makes all their runs, those that find nothing to do, and later ones; target 500 ms
of processor time, the database's own included. `idle`: a server with 200 such deployments that nobody asks for
anything; target 1 % of a core and 2 SQL statements a second, counted in the driver. `polls`: 20 workers that poll a
pool with 1,000 deployments, beside the incumbent where its environment is there; target ten times its rate. Exit code 1
for a miss.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import uvloop

from bench import processes
from bench.http import Connection
from bench.load import Client, Outcome, drive
from bench.servers import COMMANDS, OwnServer, Server
from bench.workloads import encode
from podium.db import commands
from podium.profiles import load_settings
from podium.server.app import create_runtime
from podium.server.operations.scheduling import schedule_deployments
from podium.server.runtime import Runtime

POSTGRESQL = "postgresql://postgres@127.0.0.1:5432/postgres"
LONGEST_PASS = 0.5
MOST_CPU = 0.01
MOST_STATEMENTS = 2.0
TIMES_THE_INCUMBENT = 10.0
LATER = (5, 10, 15, 30, 60)
"""Minutes after the first pass at which a later one is measured."""

INTERVALS = (300, 900, 3600, 86400)
CRONS = ("*/5 * * * *", "0 9 * * 1-5", "15 3 1 * *", "0 */2 * * *")
RULES = (
    "FREQ=MINUTELY;INTERVAL=15",
    "FREQ=DAILY;BYHOUR=9,15;BYMINUTE=0;BYSECOND=0",
    "FREQ=MONTHLY;BYDAY=-1FR",
    "FREQ=HOURLY;INTERVAL=2",
    "FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "FREQ=YEARLY;BYMONTH=1,7;BYMONTHDAY=1",
)
ZONES = ("UTC", "America/New_York", "Europe/Paris")


def say(words: str) -> None:
    """A line of the result, as soon as it is known."""
    print(words, flush=True)


def schedules(number: int) -> Iterator[dict[str, Any]]:
    """So many schedules of the three kinds, the same ones every time."""
    chance = random.Random(2010)
    for place in range(number):
        zone = chance.choice(ZONES)
        if place % 3 == 0:
            anchor = "2010-01-01T00:00:00Z"
            yield {"interval": chance.choice(INTERVALS), "anchor_date": anchor, "timezone": zone}
        elif place % 3 == 1:
            yield {"cron": chance.choice(CRONS), "timezone": zone, "day_or": True}
        else:
            yield {"rrule": f"DTSTART:20100101T000000\n{chance.choice(RULES)}", "timezone": zone}


@contextmanager
def database(kind: str, server: str) -> Iterator[str]:
    """The URL of an empty database of this kind, gone afterwards."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="bench-services-") as folder:
            yield f"sqlite+aiosqlite:///{folder}/podium.db"
        return
    name = f"bench_services_{time.time_ns()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield f"{server.rpartition('/')[0]}/{name}"
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


# The scheduler


class _Spent:
    """The processor time of this process, and of the PostgreSQL processes that serve it where they run here.

    What asking for it takes is not in it.
    """

    def __init__(self, url: str) -> None:
        self._connection = None if url.startswith("sqlite") else psycopg.connect(url, autocommit=True)
        self._asking = 0.0

    def seconds(self) -> float:
        began, served = time.process_time(), 0.0
        if self._connection is not None:
            found = self._connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchall()
            served = sum(processes.cpu_seconds(pid) for (pid,) in found)
        now = time.process_time()
        self._asking += now - began
        return served + now - self._asking


async def measure_passes(kind: str, url: str, number: int) -> bool:
    """Whether every pass kept to the target."""
    commands.upgrade(url)
    runtime = create_runtime(
        load_settings(flags={"PODIUM_SERVER_DATABASE_CONNECTION_URL": url}, environ={}),
    )
    await _add_deployments(runtime, number)
    spent, clock, well = _Spent(url), runtime.database.clock, True
    moments = [("first", 0), *(("nothing due", 0) for _ in range(3)), *((f"after {each} min", each) for each in LATER)]
    for name, minutes in moments:
        runtime.database.clock = lambda minutes=minutes: clock() + timedelta(minutes=minutes)  # type: ignore[misc]
        before, began = spent.seconds(), time.perf_counter()
        made = await schedule_deployments(runtime.database, runtime.settings.server.services.scheduler)
        took, cpu = time.perf_counter() - began, spent.seconds() - before
        well = well and cpu <= LONGEST_PASS
        say(f"  {kind:<10} {name:<13} {made:>5} runs  {cpu * 1000:>5.0f} ms of processor  {took * 1000:>5.0f} ms")
    await runtime.database.close()
    return well


async def _add_deployments(runtime: Runtime, number: int) -> None:
    from sqlalchemy import insert

    from podium.db.tables.deployments import deployment_schedules, deployments
    from podium.db.tables.flows import flows
    from podium.db.unit import Tx
    from podium.server.queries.generic import new_row

    def unit(tx: Tx) -> None:
        flow = new_row(tx, flows, {"name": "bench"})
        made = [new_row(tx, deployments, {"flow_id": flow["id"], "name": f"d{place}"}) for place in range(number)]
        plans = [
            new_row(tx, deployment_schedules, {"deployment_id": row["id"], "schedule": schedule, "active": True})
            for row, schedule in zip(made, schedules(number), strict=True)
        ]
        tx.run(insert(flows).values(flow))
        tx.many(insert(deployments), made)
        tx.many(insert(deployment_schedules), plans)

    await runtime.database.write(unit)


# Over HTTP


class ServerOn(OwnServer):
    """A server on a database of its own, whose SQL statements may be counted."""

    def __init__(self, name: str, url: str, counted: bool = False) -> None:
        super().__init__(name)
        self.settings = {} if url.startswith("sqlite") else {"PODIUM_SERVER_DATABASE_CONNECTION_URL": url}
        self.counts = self.home / "counts"
        if counted:
            self.before = (sys.executable, "-m", "bench.counted", str(self.counts))
            self.settings["PYTHONPATH"] = str(Path.cwd())

    def statements(self) -> tuple[int, int]:
        """Statements so far, and those among them that only begin and end transactions."""
        found = [json.loads(path.read_text("utf-8")) for path in self.home.glob("counts.*") if path.suffix != ".new"]
        return sum(each["statements"] for each in found), sum(each["control"] for each in found)


async def add_deployments(server: Server, number: int, far: bool) -> None:
    """Deployments with a schedule each on the pool `bench`; ``far``: none of their runs is due for a day."""
    connection = Connection(server.target)
    flow = await _post(connection, "/flows/", {"name": "bench"})
    await _post(connection, "/work_pools/", {"name": "bench", "type": "process", "base_job_template": {}})
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    daily = {"interval": 86400, "anchor_date": tomorrow, "timezone": "UTC"}
    for place, schedule in enumerate(schedules(number)):
        body = {"name": f"d{place}", "flow_id": flow["id"], "work_pool_name": "bench"}
        body["schedules"] = [{"schedule": daily if far else schedule, "active": True}]
        await _post(connection, "/deployments/", body)
    connection.close()


async def _post(connection: Connection, path: str, body: Any) -> Any:
    for _ in range(20):
        status, answer = await connection.request("POST", path, encode(body))
        if status < 300:
            return json.loads(answer)
        await asyncio.sleep(0.5)  # a busy server may refuse
    raise RuntimeError(f"POST {path}: {status} {answer[:300]!r}")


async def measure_idle(kind: str, url: str, number: int, seconds: float) -> bool:
    """Whether a server that nobody asks for anything keeps to the targets."""
    server = ServerOn("podium", url, counted=True)
    try:
        await server.start()
        await add_deployments(server, number, far=False)
        await asyncio.sleep(20)
        assert server.pid is not None
        before, cpu, began = server.statements(), processes.cpu_seconds(server.pid), time.perf_counter()
        await asyncio.sleep(seconds)
        after, took = server.statements(), time.perf_counter() - began
        share = (processes.cpu_seconds(server.pid) - cpu) / took
    finally:
        await server.stop()
        server.remove()
    statements, control = ((new - old) / took for new, old in zip(after, before, strict=True))
    say(f"  {kind:<10} {share:.2%} of a core, {statements:.2f} statements a second, {control:.2f} BEGIN and such")
    return share <= MOST_CPU and statements <= MOST_STATEMENTS


async def measure_polls(name: str, url: str, number: int, clients: int, seconds: float) -> Outcome:
    """Workers that ask one after the other, as fast as they are answered."""
    server = ServerOn(name, url)
    try:
        await server.start()
        await add_deployments(server, number, far=True)
        await asyncio.sleep(10)
        before = (datetime.now(UTC) + timedelta(seconds=10)).isoformat()
        body = encode({"work_queue_names": ["default"], "scheduled_before": before})

        async def poll(client: Client) -> None:
            await client.call("POST", "/work_pools/bench/get_scheduled_flow_runs", body)

        await drive(server, poll, clients, 1.0)
        return await drive(server, poll, clients, seconds)
    finally:
        await server.stop()
        server.remove()


async def compare_polls(kinds: list[str], postgresql: str, options: argparse.Namespace) -> bool:
    """Whether Podium answers ten times as many polls as the incumbent on SQLite, where that is there."""
    rates: dict[str, float] = {}
    cases = [(f"podium, {kind}", "podium", kind) for kind in kinds]
    if options.against and COMMANDS["prefect"].exists():
        cases.append(("prefect, sqlite", "prefect", "sqlite"))
    for title, name, kind in cases:
        with database(kind, postgresql) as url:
            found = await measure_polls(name, url, options.deployments, options.clients, options.seconds)
        rates[title] = found.rate
        cpu = "" if found.cpu_each is None else f"  {found.cpu_each:.2f} ms of processor each"
        errors = f"  {dict(found.errors)}" if found.errors else ""
        say(f"  {title:<20} {found.rate:>7.1f} polls/s  p95 {found.percentile(0.95):>6.1f} ms{cpu}{errors}")
    incumbent = rates.pop("prefect, sqlite", 0.0)
    return all(rate >= TIMES_THE_INCUMBENT * incumbent for rate in rates.values())


async def run(options: argparse.Namespace) -> bool:
    """Measures what is asked for; whether all of it kept to its targets."""
    well = True
    kinds = options.databases
    if "schedule" in options.what:
        say(f"A pass over {options.deployments:,} deployments (target {LONGEST_PASS * 1000:.0f} ms)")
        for kind in kinds:
            with database(kind, options.postgresql) as url:
                well = await measure_passes(kind, url, options.deployments) and well
    if "idle" in options.what:
        say(f"Idle with 200 deployments (target {MOST_CPU:.0%} and {MOST_STATEMENTS:g} statements a second)")
        for kind in kinds:
            with database(kind, options.postgresql) as url:
                well = await measure_idle(kind, url, 200, options.idle) and well
    if "polls" in options.what:
        say(f"{options.clients} workers polling {options.deployments:,} deployments")
        well = await compare_polls(kinds, options.postgresql, options) and well
    return well


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench.services", description=__doc__)
    parser.add_argument("what", nargs="*", default=["schedule", "idle", "polls"])
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"])
    parser.add_argument("--postgresql", default=POSTGRESQL, help="a server where databases may be made")
    parser.add_argument("--deployments", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=8.0, help="how long workers poll")
    parser.add_argument("--idle", type=float, default=60.0, help="seconds for which an idle server is watched")
    parser.add_argument("--against", action=argparse.BooleanOptionalAction, default=True, help="poll the incumbent too")
    options = parser.parse_args()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            well = runner.run(run(options))
    except RuntimeError as error:
        sys.exit(f"bench.services: {error}")
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
