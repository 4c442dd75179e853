"""`python -m bench.automations [cost latency]`: what automations cost events, and how soon they act.

`cost`: the processor time of storing an event, in units of one and of 200, with no automation and beside 1,000 that it
does not concern: of other event names, of its name but other tags, flows or runs, and of its name with other patterns;
target 1 ms more for each event. `latency`: a server on SQLite with its services, and one process that answers beside
one with the services on PostgreSQL and Redis; the time from the receipt of an event until the action of its automation
is done, by the rows of both; targets 1 and 2 s at the 99th percentile. Exit code 1 for a miss.
"""

import argparse
import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from statistics import median
from typing import Any

import httpx
import msgspec
import psycopg

from bench.servers import OwnServer
from bench.services import POSTGRESQL, database, say
from podium.db import commands
from podium.db.ids import new_id
from podium.db.unit import Tx
from podium.profiles import load_settings
from podium.server.app import create_runtime
from podium.server.events.event import Event, resource
from podium.server.operations.automations import create_automation
from podium.server.runtime import Runtime
from podium.wire.automations import AutomationCreate

AUTOMATIONS = 1000
MOST = 0.001
ROUNDS = 6
BATCH = 200
EVENTS = 400
PACE = 0.02
STARTING = 8.0
"""Seconds until services run that were just started."""

LATEST = {"sqlite": 1.0, "postgresql + redis": 2.0}
REDIS = "redis://127.0.0.1:6379"
NAME = "prefect.flow-run.Completed"

# What an event costs


def others(kind: str, number: int) -> dict[str, Any]:
    """A trigger that does not concern the events of the measurement."""
    trigger: dict[str, Any] = {"type": "event", "posture": "Reactive", "expect": [NAME]}
    if kind == "other names":
        trigger["expect"] = [f"garden.{number}.watered"]
    elif kind == "other tags":
        labels = {"prefect.resource.id": f"prefect.tag.{number}", "prefect.resource.role": "tag"}
        trigger |= {"match": {"prefect.resource.id": "prefect.flow-run.*"}, "match_related": labels}
    elif kind == "other flows":
        labels = {"prefect.resource.id": f"prefect.flow.{new_id()}", "prefect.resource.role": "flow"}
        trigger |= {"expect": ["prefect.flow-run.*"], "match_related": labels}
    elif kind == "other runs":
        trigger["match"] = {"prefect.resource.id": f"prefect.flow-run.{new_id()}"}
    else:
        trigger["match"] = {"prefect.resource.name": f"nightly-{number}-*"}
    return trigger


KINDS = ("other names", "other tags", "other flows", "other runs", "patterns of names")


def happened() -> Event:
    """A run of a flow completed."""
    flow, tag = resource("flow", new_id(), "flow", "water"), resource("tag", "garden", "tag")
    run = resource("flow-run", new_id(), name="lucky-otter")
    payload = {"validated_state": {"type": "COMPLETED"}}
    return Event(event=NAME, occurred=datetime.now(UTC), resource=run, related=[flow, tag], payload=payload)


def emit(tx: Tx, number: int) -> None:
    """A unit with so many events."""
    for _ in range(number):
        tx.emit(happened())


async def spent(runtime: Runtime, number: int, units: int) -> float:
    """The processor time of an event, in seconds: the least of some rounds, as others use the processor too."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(units):
            await runtime.database.write(emit, number)
        rounds.append((time.process_time() - began) / (units * number))
    return min(rounds)


async def measure_cost(kind: str, url: str) -> bool:
    """Whether 1,000 automations that it does not concern cost an event less than the target."""
    commands.upgrade(url)
    runtime = create_runtime(load_settings(flags={"PODIUM_SERVER_DATABASE_CONNECTION_URL": url}, environ={}))
    single, batched = await spent(runtime, 1, 100), await spent(runtime, BATCH, 3)
    say(f"  {kind:<10} no automation      {single * 1e6:>6.0f} µs alone  {batched * 1e6:>6.0f} µs in {BATCH}")
    well = True
    for each in KINDS:
        await runtime.database.write(_replace_all, each)
        new_single, new_batched = await spent(runtime, 1, 100), await spent(runtime, BATCH, 3)
        more = max(new_single - single, new_batched - batched)
        well = well and more <= MOST
        say(
            f"  {kind:<10} {each:<17}  {new_single * 1e6:>6.0f} µs alone  {new_batched * 1e6:>6.0f} µs in {BATCH}"
            f"  {more * 1e6:>+6.0f} µs"
        )
    await runtime.database.close()
    return well


def _replace_all(tx: Tx, kind: str) -> None:
    from sqlalchemy import delete

    from podium.db.tables.automations import automations

    tx.run(delete(automations))
    for number in range(AUTOMATIONS):
        body = {"name": f"{kind} {number}", "trigger": others(kind, number), "actions": [{"type": "do-nothing"}]}
        create_automation(tx, msgspec.convert(body, AutomationCreate))


# How soon an automation acts


@contextmanager
def embedded() -> Iterator[tuple[str, str]]:
    """The URL of a server that is one process, and its database."""
    server = OwnServer("podium")
    path = server.home / "bench.db"
    server.settings["PODIUM_SERVER_DATABASE_CONNECTION_URL"] = f"sqlite+aiosqlite:///{path}"
    with _running(server):
        time.sleep(STARTING)
        yield f"http://{server.target.host}:{server.target.port}/api", str(path)


@contextmanager
def distributed() -> Iterator[tuple[str, str]]:
    """The URL of a process that answers, with another for the services, and their database."""
    with ExitStack() as stack:
        url = stack.enter_context(database("postgresql", POSTGRESQL))
        server = OwnServer("podium")
        server.settings["PODIUM_SERVER_DATABASE_CONNECTION_URL"] = url
        server.settings["PODIUM_REDIS_URL"] = f"{REDIS}/9"
        server.arguments = ("--no-services",)
        stack.enter_context(_running(server))
        with (server.home / "services.log").open("ab") as log:
            services = subprocess.Popen(
                [str(server.command), "server", "services", "start"],
                cwd=server.home,
                env=server.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            time.sleep(STARTING)
            yield f"http://{server.target.host}:{server.target.port}/api", url
        finally:
            services.terminate()
            services.wait(20)


@contextmanager
def _running(server: OwnServer) -> Iterator[None]:
    try:
        asyncio.run(server.start())
        yield
    finally:
        asyncio.run(server.stop())
        server.remove()


def send(url: str) -> None:
    """Makes an automation, and sends events at an even pace that it fires for."""
    trigger = {"type": "event", "posture": "Reactive", "expect": ["kettle.boiled"]}
    body = {"name": "kettles", "trigger": trigger, "actions": [{"type": "do-nothing"}]}
    with httpx.Client(base_url=url, timeout=20) as client:
        client.post("/automations/", json=body).raise_for_status()
        for number in range(EVENTS):
            began = time.monotonic()
            event = {
                "id": new_id(),
                "occurred": datetime.now(UTC).isoformat(),
                "event": "kettle.boiled",
                "resource": {"prefect.resource.id": f"kettle.{number}"},
            }
            client.post("/events", json=[event]).raise_for_status()
            time.sleep(max(0.0, PACE - (time.monotonic() - began)))
    time.sleep(6)


SQLITE = """
SELECT (a.ended - e.received) / 1e6 FROM automation_actions a JOIN automation_firings f ON f.id = a.firing_id
JOIN events e ON e.id = f.triggering_event_id WHERE a.state = 'executed'
"""
POSTGRES = """
SELECT extract(epoch FROM a.ended - e.received)::float FROM automation_actions a
JOIN automation_firings f ON f.id = a.firing_id JOIN events e ON e.id = f.triggering_event_id WHERE a.state = 'executed'
"""


def report(kind: str, seconds: Sequence[float]) -> bool:
    """Whether every event was acted on, soon enough."""
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] if ordered else float("inf")
    target = LATEST[kind]
    say(
        f"  {kind:<18} {len(ordered)} of {EVENTS} acted on  median {median(ordered or [0]) * 1000:.0f} ms"
        f"  p99 {p99 * 1000:.0f} ms  target {target * 1000:.0f} ms"
    )
    return len(ordered) == EVENTS and p99 <= target


def measure_latency() -> bool:
    """Whether actions are done soon enough, embedded and distributed."""
    with embedded() as (url, path):
        send(url)
        with sqlite3.connect(path) as connection:
            well = report("sqlite", [row[0] for row in connection.execute(SQLITE)])
    with distributed() as (url, place):
        send(url)
        with psycopg.connect(place) as server:
            return report("postgresql + redis", [row[0] for row in server.execute(POSTGRES)]) and well


def main() -> int:
    """Measures what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.automations", description=__doc__)
    parser.add_argument("what", nargs="*", choices=["cost", "latency", []], help="both unless one is named")
    what = parser.parse_args().what or ["cost", "latency"]
    well = True
    if "cost" in what:
        say(f"What {AUTOMATIONS} automations cost an event that concerns none of them (processor time)")
        for kind in ("sqlite", "postgresql"):
            with database(kind, POSTGRESQL) as url:
                well = asyncio.run(measure_cost(kind, url)) and well
    if "latency" in what:
        say("From an event until the action of its automation is done")
        well = measure_latency() and well
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
