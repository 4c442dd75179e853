"""What a machine can do with nothing of Podium: `python -m bench.bare`. The floor under the figures of the table."""

import argparse
import asyncio
import os
import queue
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Column, MetaData, Table, Text, insert
from sqlalchemy.ext.asyncio import create_async_engine

from bench.load import Client, drive
from bench.servers import Server

INSERTS = 2000
WAITING = 32
RUNS = 500

APPLICATION = """
import falcon.asgi, sys, uvicorn
class Echo:
    async def on_post(self, request, response):
        await request.stream.read()
        response.data = b'{"ok":true}'
    async def on_get(self, request, response):
        response.data = b'{"ok":true}'
application = falcon.asgi.App()
application.add_route("/api/health", Echo())
uvicorn.run(application, port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False, log_level="error")
"""

SCHEMA = """
CREATE TABLE flow_run (id TEXT PRIMARY KEY, flow_id TEXT NOT NULL, name TEXT, parameters TEXT, tags TEXT,
  created INTEGER, updated INTEGER, state_id TEXT, state_type TEXT, state_name TEXT, state_timestamp INTEGER,
  start_time INTEGER, end_time INTEGER, run_count INTEGER DEFAULT 0, total_run_time REAL DEFAULT 0);
CREATE INDEX flow_run_by_flow ON flow_run (flow_id);
CREATE INDEX flow_run_by_state ON flow_run (state_type, state_timestamp);
CREATE TABLE flow_run_state (id TEXT PRIMARY KEY, flow_run_id TEXT NOT NULL, type TEXT, name TEXT, message TEXT,
  data TEXT, details TEXT, timestamp INTEGER);
CREATE INDEX state_by_run ON flow_run_state (flow_run_id, timestamp);
CREATE TABLE event (id TEXT PRIMARY KEY, occurred INTEGER, event TEXT, resource TEXT, related TEXT, payload TEXT);
CREATE INDEX event_by_time ON event (occurred);
"""
DETAILS = '{"flow_run_id":null,"task_run_id":null,"scheduled_time":null,"cache_key":null,"transition_id":null}'


@dataclass(frozen=True, slots=True)
class Figure:
    """CPU and wall-clock time of one piece, in milliseconds."""

    title: str
    cpu: float
    wall: float


@contextmanager
def database() -> Iterator[sqlite3.Connection]:
    """An empty SQLite file with the pragmas of a server and tables like Podium's for a run."""
    with tempfile.TemporaryDirectory(prefix="bench-bare-") as folder:
        connection = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(SCHEMA)
        yield connection
        connection.close()


async def timed(title: str, pieces: int, work: Callable[[], Awaitable[None]]) -> Figure:
    """The time of this process for one of the pieces that the work does."""
    cpu, wall = time.process_time(), time.perf_counter()
    await work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Figure(title, cpu / pieces * 1000, wall / pieces * 1000)


async def bare_falcon(seconds: float = 3.0) -> Figure:
    """A POST with a body answered by Falcon on uvicorn, driven by 8 clients; CPU of the server alone."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", APPLICATION, str(port)])
    try:
        server = Server(f"http://127.0.0.1:{port}/api", "falcon", process.pid)
        await server.recover()
        body = b'{"state":{"type":"RUNNING","name":"Running","message":null,"data":null},"force":false}'

        async def work(client: Client) -> None:
            await client.call("POST", "/health", body)

        outcome = await drive(server, work, 8, seconds)
        return Figure("one request: Falcon on uvicorn", outcome.cpu_each or 0.0, 1000 / outcome.rate)
    finally:
        process.terminate()
        process.wait()


def insert_event(connection: sqlite3.Connection) -> None:
    """One row, committed with whatever is open."""
    values = (str(uuid.uuid4()), time.time_ns() // 1000, "prefect.flow-run.Running", "{}", "[]", DETAILS)
    connection.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", values)


async def insert_async_engine() -> Figure:
    """Through SQLAlchemy's async engine on aiosqlite, which changes threads at every statement."""
    table = Table("event", MetaData(), *(Column(name, Text) for name in ("id", "event", "payload")))
    with tempfile.TemporaryDirectory(prefix="bench-bare-") as folder:
        engine = create_async_engine(f"sqlite+aiosqlite:///{folder}/bare.db")
        async with engine.begin() as connection:
            await connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            await connection.run_sync(table.metadata.create_all)

        async def work() -> None:
            for _ in range(INSERTS // 4):
                async with engine.begin() as connection:
                    await connection.exec_driver_sql("PRAGMA synchronous = NORMAL")
                    await connection.execute(insert(table), {"id": str(uuid.uuid4()), "event": "x", "payload": DETAILS})

        figure = await timed("one insert: SQLAlchemy async on aiosqlite", INSERTS // 4, work)
        await engine.dispose()
        return figure


async def insert_in_one_hop() -> Figure:
    """On a plain connection in a thread, one hop there and back for each insert."""
    with database() as connection:
        loop = asyncio.get_running_loop()

        async def work() -> None:
            for _ in range(INSERTS):
                await loop.run_in_executor(None, insert_event, connection)

        return await timed("one insert: plain connection, one hop to a thread", INSERTS, work)


async def insert_inline() -> Figure:
    """On a plain connection in the loop itself."""
    with database() as connection:

        async def work() -> None:
            for _ in range(INSERTS):
                insert_event(connection)

        return await timed("one insert: plain connection, inline", INSERTS, work)


async def insert_with_shared_commit() -> Figure:
    """A writer's thread that commits together what waits, for 32 who wait for their commit."""
    waiting: queue.SimpleQueue[asyncio.Future[None] | None] = queue.SimpleQueue()
    loop = asyncio.get_running_loop()

    def writer(connection: sqlite3.Connection) -> None:
        while (first := waiting.get()) is not None:
            batch = [first]
            while len(batch) < WAITING and not waiting.empty():
                if (following := waiting.get()) is not None:
                    batch.append(following)
            connection.execute("BEGIN IMMEDIATE")
            for _ in batch:
                insert_event(connection)
            connection.execute("COMMIT")
            loop.call_soon_threadsafe(answer, batch)

    def answer(futures: list[asyncio.Future[None]]) -> None:
        for future in futures:
            future.set_result(None)

    async def client() -> None:
        for _ in range(INSERTS // WAITING):
            future = loop.create_future()
            waiting.put(future)
            await future

    async def work() -> None:
        await asyncio.gather(*(client() for _ in range(WAITING)))

    with database() as connection:
        thread = threading.Thread(target=writer, args=(connection,))
        thread.start()
        figure = await timed("one insert: writer's thread, shared commit", INSERTS, work)
        waiting.put(None)
        thread.join()
        return figure


def run_by_sql(connection: sqlite3.Connection) -> None:
    """The four calls of a flow run at bare SQL: three transactions and a read."""
    run_id = str(uuid.uuid4())
    connection.execute("BEGIN IMMEDIATE")
    now = time.time_ns() // 1000
    values = (run_id, "flow", "fast-otter", '{"x":1}', '["bench"]', now, now)
    columns = "id, flow_id, name, parameters, tags, created, updated"
    connection.execute(f"INSERT INTO flow_run ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    enter(connection, run_id, "PENDING")
    connection.execute("COMMIT")
    for type_ in ("RUNNING", "COMPLETED"):
        connection.execute("BEGIN IMMEDIATE")
        read(connection, run_id)
        enter(connection, run_id, type_)
        connection.execute("COMMIT")
        if type_ == "RUNNING":
            read(connection, run_id)


def read(connection: sqlite3.Connection, run_id: str) -> Any:
    """A run with its state."""
    joined = "SELECT * FROM flow_run r JOIN flow_run_state s ON s.id = r.state_id WHERE r.id = ?"
    return connection.execute(joined, (run_id,)).fetchone()


def enter(connection: sqlite3.Connection, run_id: str, type_: str) -> None:
    """The rows of a transition: the state, the run and the event."""
    now = time.time_ns() // 1000
    state_id = str(uuid.uuid4())
    row = (state_id, run_id, type_, type_.capitalize(), None, None, DETAILS, now)
    connection.execute("INSERT INTO flow_run_state VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    changes = "state_id = ?, state_type = ?, state_name = ?, state_timestamp = ?, updated = ?"
    connection.execute(f"UPDATE flow_run SET {changes} WHERE id = ?", (state_id, type_, type_, now, now, run_id))
    insert_event(connection)


async def runs_by_sql() -> Figure:
    """The four calls of a run's life, inline."""
    with database() as connection:

        async def work() -> None:
            for _ in range(RUNS):
                run_by_sql(connection)

        return await timed("a flow run's four calls: bare SQL", RUNS, work)


async def figures() -> list[Figure]:
    """Every bare figure, measured one after the other."""
    measures = (
        bare_falcon,
        insert_async_engine,
        insert_in_one_hop,
        insert_inline,
        insert_with_shared_commit,
        runs_by_sql,
    )
    return [await measure() for measure in measures]


def floor(measured: list[Figure]) -> float:
    """CPU of a flow run's four calls if nothing but Falcon and SQL took part, in milliseconds."""
    return 4 * measured[0].cpu + measured[-1].cpu


def render(measured: list[Figure]) -> str:
    """The figures as a table, and the floor they make."""
    width = max(len(figure.title) for figure in measured)
    lines = [f"{'bare'.ljust(width)}       CPU      wall", "-" * (width + 20)]
    lines += [f"{figure.title.ljust(width)}  {figure.cpu:5.2f} ms  {figure.wall:5.2f} ms" for figure in measured]
    return "\n".join([*lines, f"{'floor of a run: 4 requests and bare SQL'.ljust(width)}  {floor(measured):5.2f} ms"])


def main() -> None:
    """The command line."""
    argparse.ArgumentParser(prog="bench.bare", description=__doc__).parse_args()
    print(render(asyncio.run(figures())))
    print(f"\n{os.cpu_count()} cores")


if __name__ == "__main__":
    main()
