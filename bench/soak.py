"""`python -m bench.soak`: a server under mixed load for minutes; its memory has to stay level.

The load is runs and their states, logs, events, work handed out to a pool, lists, leases, subscribers that come and go
with and without a good-bye, downloads, and requests that are wrong. It is paced, so that the server has time to spare.
Passes when the median memory of the last fifth is at most 1.1 times that of the second fifth (of 10 minutes: of minutes
9 and 10, and of minutes 2 to 4).
"""

import argparse
import asyncio
import contextlib
import json
import random
import statistics
import sys
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
import websockets

from bench import processes, workloads
from bench.http import Connection
from bench.servers import OwnServer
from bench.workloads import encode, flow_run_body, state

ALLOWED = 1.1
EXPECTED = {200, 201, 204, 404, 410, 422, 423}
LINES = 20

Step = Callable[["Visitor"], Awaitable[None]]


class Visitor:
    """One client of the mix: its connection, its own random numbers, and the answers it got, by status."""

    def __init__(self, server: OwnServer, seed: int, answers: Counter[str], flow_id: str, pool: str) -> None:
        self.server = server
        self.random = random.Random(seed)
        self.answers = answers
        self.flow_id = flow_id
        self.pool = pool
        self.deployment_id = ""
        self.runs: list[str] = []
        self._connection = Connection(server.target)

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded answer of a call, None where there is none to decode."""
        sent = b"" if body is None else body if isinstance(body, bytes) else encode(body)
        status, answer = await self._connection.request(method, path, sent)
        self.answers[f"{status}" if status in EXPECTED else f"{status} {method} {path}: {answer[:200]!r}"] += 1
        return json.loads(answer) if answer[:1] in (b"{", b"[") else None

    def remember(self, run_id: str) -> None:
        """Keeps the last runs, for what refers to some."""
        self.runs = [*self.runs[-200:], run_id]


async def flow_run(visitor: Visitor) -> None:
    """A flow run's life, with its logs and an artifact."""
    run: str = (await visitor.call("POST", "/flow_runs/", flow_run_body(visitor.flow_id)))["id"]
    visitor.remember(run)
    await visitor.call("POST", f"/flow_runs/{run}/set_state", {"state": state("RUNNING")})
    lines = [
        {"name": "soak", "level": 20, "message": f"line {number} of {run}", "flow_run_id": run}
        | {"timestamp": f"2026-01-01T00:00:{number:02}Z"}
        for number in range(LINES)
    ]
    await visitor.call("POST", "/logs/", lines)
    await visitor.call("POST", "/artifacts/", {"key": f"soak-{visitor.random.randrange(50)}", "data": "x" * 500})
    await visitor.call("GET", f"/flow_runs/{run}")
    await visitor.call("POST", f"/flow_runs/{run}/set_state", {"state": state("COMPLETED")})


async def handed_out(visitor: Visitor) -> None:
    """A run of a deployment, from its worker's poll to its end."""
    if not visitor.deployment_id:
        made = {"name": f"soak-{uuid.uuid4()}", "flow_id": visitor.flow_id, "work_pool_name": visitor.pool}
        answer = await visitor.call("POST", "/deployments/", made | {"concurrency_limit": 3})
        visitor.deployment_id = answer["id"]
    await visitor.call("POST", f"/deployments/{visitor.deployment_id}/create_flow_run", {"parameters": {}})
    found = await visitor.call("POST", f"/work_pools/{visitor.pool}/get_scheduled_flow_runs", {"limit": 3})
    for each in found:
        path = f"/flow_runs/{each['flow_run']['id']}/set_state"
        for type_ in ("PENDING", "RUNNING", "COMPLETED"):
            await visitor.call("POST", path, {"state": state(type_)})
    heartbeat = {"name": f"worker-{visitor.random.randrange(20)}", "heartbeat_interval_seconds": 30}
    await visitor.call("POST", f"/work_pools/{visitor.pool}/workers/heartbeat", heartbeat)


async def lists(visitor: Visitor) -> None:
    """Pages and numbers of what is there, with filters of every length."""
    some = visitor.random.sample(visitor.runs, visitor.random.randint(0, len(visitor.runs)))
    names = [f"{uuid.uuid4()}" for _ in range(visitor.random.randint(1, 40))]
    by_id = {"flow_runs": {"id": {"any_": some}, "name": {"not_any_": names}}}
    await visitor.call("POST", "/flow_runs/filter", by_id | {"limit": 50, "sort": "EXPECTED_START_TIME_DESC"})
    await visitor.call("POST", "/flow_runs/count", {"flow_runs": {"tags": {"all_": names[:5]}}})
    await visitor.call("POST", "/logs/filter", {"logs": {"flow_run_id": {"any_": some[:30]}}, "limit": 200})
    await visitor.call("POST", "/events/filter", {"filter": {"event": {"prefix": ["prefect.flow-run"]}}, "limit": 50})
    await visitor.call("POST", "/task_runs/filter", {"task_runs": {"flow_run_id": {"any_": some[:20]}}, "limit": 50})
    for path in ("/deployments/filter", "/work_pools/filter", "/artifacts/filter", "/flows/filter"):
        await visitor.call("POST", path, {"limit": 20})


async def slots(visitor: Visitor) -> None:
    """Slots of a few limits, most of them given back."""
    names = [f"soak-{number}" for number in visitor.random.sample(range(6), visitor.random.randint(1, 6))]
    if visitor.random.random() < 0.02:
        await visitor.call("POST", "/v2/concurrency_limits/filter", {})
    body = {"names": names, "slots": 1, "lease_duration": 60}
    taken = await visitor.call("POST", "/v2/concurrency_limits/increment-with-lease", body)
    if taken and "lease_id" in taken:
        lease = taken["lease_id"]
        await visitor.call("POST", f"/v2/concurrency_limits/leases/{lease}/renew", {"lease_duration": 60})
        if visitor.random.random() < 0.95:
            await visitor.call("POST", "/v2/concurrency_limits/decrement-with-lease", {"lease_id": lease})


async def task_events(visitor: Visitor) -> None:
    """Task runs reported by events over a socket that is then closed, or just dropped."""
    if not visitor.runs:
        return
    url = f"{visitor.server.target.websocket}/events/in"
    async with websockets.connect(url, subprotocols=[websockets.Subprotocol("prefect")]) as socket:
        await socket.send('{"type":"auth","token":null}')
        await socket.recv()
        for _ in range(10):
            for frame in workloads.task_run_frames(visitor.random.choice(visitor.runs), visitor.flow_id):
                await socket.send(frame)
        if visitor.random.random() < 0.5:
            await (await socket.ping())
        else:
            socket.transport.abort()


async def subscriber(visitor: Visitor) -> None:
    """A subscriber that reads for a while, or not at all, and leaves with or without a good-bye."""
    url = f"{visitor.server.target.websocket}/events/out"
    async with websockets.connect(url, subprotocols=[websockets.Subprotocol("prefect")]) as socket:
        await socket.send('{"type":"auth","token":null}')
        await socket.recv()
        wanted = {"event": {"prefix": ["prefect."]}, "occurred": {"since": "2026-01-01T00:00:00Z"}}
        await socket.send(json.dumps({"type": "filter", "filter": wanted, "backfill": False}))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(visitor.random.uniform(0.1, 3)):
                while visitor.random.random() < 0.995:
                    await socket.recv()
        if visitor.random.random() < 0.5:
            socket.transport.abort()


async def downloads(visitor: Visitor) -> None:
    """The logs of a run as a file, its graph, and the page at the root of the API."""
    if visitor.runs:
        run = visitor.random.choice(visitor.runs)
        await visitor.call("GET", f"/flow_runs/{run}/logs/download")
        await visitor.call("GET", f"/flow_runs/{run}/graph-v2")
    await visitor.call("GET", "/admin/settings")


async def mistakes(visitor: Visitor) -> None:
    """Requests that are refused, each with words of its own."""
    unknown = uuid.UUID(int=visitor.random.getrandbits(128))
    await visitor.call("GET", f"/flow_runs/{unknown}")
    await visitor.call("GET", f"/flows/name/{unknown}")
    await visitor.call("POST", "/flow_runs/", {f"{unknown}": 1})
    await visitor.call("POST", "/flow_runs/filter", {"limit": -visitor.random.randrange(1, 10**6)})


MIX: tuple[tuple[Step, int, float], ...] = (
    (flow_run, 4, 0.1),
    (handed_out, 2, 0.2),
    (lists, 2, 0.4),
    (slots, 3, 0.05),
    (task_events, 2, 0.5),
    (subscriber, 6, 0.1),
    (downloads, 1, 0.3),
    (mistakes, 1, 0.1),
)
"""What is done, by how many at once, and how many seconds each rests between two times."""


async def repeat(visitor: Visitor, step: Step, rest: float, until: float) -> None:
    """Does one thing over and over."""
    while time.monotonic() < until:
        try:
            await step(visitor)
        except (OSError, asyncio.IncompleteReadError, websockets.WebSocketException) as error:
            visitor.answers[f"{step.__name__}: {type(error).__name__}"] += 1
        await asyncio.sleep(visitor.random.uniform(0.5, 1.5) * rest)


async def sample(server: OwnServer, seconds: float, every: float) -> list[float]:
    """The resident memory of the server in MB, taken at even times and printed."""
    assert server.pid is not None
    began = time.monotonic()
    taken = []
    while (passed := time.monotonic() - began) < seconds:
        await asyncio.sleep(min(every, seconds - passed))
        taken.append(processes.memory(server.pid)[1])
        print(f"{time.monotonic() - began:6.0f} s  {taken[-1]:7.1f} MB", flush=True)
    return taken


def verdict(taken: list[float]) -> tuple[float, float]:
    """The medians of the second and of the last fifth."""
    fifth = max(1, len(taken) // 5)
    return statistics.median(taken[fifth : 2 * fifth] or taken), statistics.median(taken[-fifth:])


async def soak(minutes: float, every: float, database_url: str | None) -> bool:
    """Runs the mix against a server of its own; whether its memory stayed level."""
    server = OwnServer("podium")
    if database_url:
        server.settings["PODIUM_SERVER_DATABASE_CONNECTION_URL"] = database_url
    answers: Counter[str] = Counter()
    try:
        await server.start()
        flow_id = await workloads.make_flow(server, "soak")
        pool: str = (await workloads.post(server, "/work_pools/", {"name": "soak", "type": "process"}))["name"]
        for number in range(4):
            await workloads.post(server, "/v2/concurrency_limits/", {"name": f"soak-{number}", "limit": 2 + number})
        until = time.monotonic() + 60 * minutes
        work = [
            repeat(Visitor(server, 100 * place + number, answers, flow_id, pool), step, rest, until)
            for place, (step, count, rest) in enumerate(MIX)
            for number in range(count)
        ]
        busy = asyncio.gather(*work)
        taken = await sample(server, 60 * minutes, every)
        await busy
    finally:
        await server.stop()
        server.remove()
    early, late = verdict(taken)
    for what, count in answers.most_common():
        print(f"{count:8}  {what}")
    unexpected = {what for what in answers if not what.isdigit()}
    level = late <= ALLOWED * early
    words = "level" if level else "GROWING"
    print(f"second fifth {early:.1f} MB, last fifth {late:.1f} MB: {late / early:.2f} of it, {words}")
    return level and not unexpected


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (10)")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two looks at the memory (10)")
    parser.add_argument("--database", help="the URL of an empty database (a SQLite file of its own)")
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(0 if runner.run(soak(options.minutes, options.every, options.database)) else 1)


if __name__ == "__main__":
    main()
