"""What the clients do: the same requests an SDK sends, with bodies made beforehand."""

import asyncio
import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import websockets

from bench import processes
from bench.http import Connection
from bench.load import Client, Outcome, Refused, Work, drive
from bench.servers import Server

NO_DETAILS = dict.fromkeys(
    (
        "flow_run_id",
        "task_run_id",
        "child_flow_run_id",
        "scheduled_time",
        "cache_key",
        "cache_expiration",
        "pause_timeout",
        "run_input_keyset",
        "refresh_cache",
        "retriable",
        "task_parameters_id",
        "traceparent",
    )
) | {"deferred": False, "untrackable_result": False, "pause_reschedule": False}
TASK_RUNS = 300
EVENTS_EACH = 3
READABLE_LIMIT = 60.0


def state(type_: str) -> dict[str, Any]:
    """A state as the SDK proposes it."""
    return {
        "type": type_,
        "name": type_.capitalize(),
        "message": None,
        "data": None,
        "state_details": NO_DETAILS | {"transition_id": str(uuid.uuid4())},
    }


def encode(body: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(body, separators=(",", ":")).encode()


async def post(server: Server, path: str, body: Any) -> Any:
    """One call outside the measure, repeated where the server is busy; the decoded answer. Raises Refused."""
    connection = Connection(server.target)
    try:
        for _ in range(10):
            status, answer = await connection.request("POST", path, encode(body))
            if 200 <= status < 300:
                return json.loads(answer)
            await asyncio.sleep(0.5)
        raise Refused(f"POST {path}: {status} {answer[:300].decode('utf-8', 'replace')}")
    finally:
        connection.close()


async def make_flow(server: Server, name: str) -> str:
    """The id of a flow."""
    flow: str = (await post(server, "/flows/", {"name": name, "tags": [], "labels": {}}))["id"]
    return flow


def flow_run_body(flow_id: str, **fields: Any) -> bytes:
    """The body that creates a pending flow run."""
    body = {
        "flow_id": flow_id,
        "name": None,
        "flow_version": "1",
        "parameters": {"x": 1, "name": "bench"},
        "context": {},
        "parent_task_run_id": None,
        "empirical_policy": {"retries": 0, "retry_delay": 0},
        "tags": ["bench"],
        "state": state("PENDING"),
    }
    return encode(body | fields)


def flow_run_life(flow_id: str) -> Work:
    """The four calls of a flow run's life: create it pending, run, read, complete."""
    create = flow_run_body(flow_id)
    running = encode({"state": state("RUNNING"), "force": False})
    completed = encode({"state": state("COMPLETED"), "force": False})

    async def work(client: Client) -> None:
        answer = await client.call("POST", "/flow_runs/", create)
        at = answer.index(b'"id":"') + 6
        path = f"/flow_runs/{answer[at : at + 36].decode()}"
        await client.call("POST", f"{path}/set_state", running, expect=b'"ACCEPT"')
        await client.call("GET", path, expect=b'"RUNNING"')
        await client.call("POST", f"{path}/set_state", completed, expect=b'"ACCEPT"')

    return work


async def flow_runs(server: Server, clients: int, seconds: float) -> Outcome:
    """Flow runs, each with its four calls."""
    return await drive(server, flow_run_life(await make_flow(server, "bench")), clients, seconds)


async def leases(server: Server, seconds: float, clients: int = 32) -> Outcome:
    """Pairs of taking a slot with a lease and giving it back, of one limit that has a slot for every client."""
    name = f"bench-{uuid.uuid4()}"
    await post(server, "/v2/concurrency_limits/", {"name": name, "limit": clients})
    body = {"names": [name], "slots": 1, "mode": "concurrency", "lease_duration": 300}
    take = encode(body)

    async def work(client: Client) -> None:
        answer = await client.call("POST", "/v2/concurrency_limits/increment-with-lease", take, expect=b'"limits":[{')
        at = answer.index(b'"lease_id":"') + 12
        end = b'{"lease_id":"' + answer[at : at + 36] + b'"}'
        await client.call("POST", "/v2/concurrency_limits/decrement-with-lease", end)

    return await drive(server, work, clients, seconds)


async def log_batches(server: Server, seconds: float, clients: int = 8, lines: int = 100) -> Outcome:
    """Log lines; each call brings a batch of them."""
    flow_id = await make_flow(server, "bench")
    run = json.loads(await _once(server, "POST", "/flow_runs/", flow_run_body(flow_id)))["id"]
    began = datetime.now(UTC)
    batch = [
        {
            "name": "prefect.flow_runs",
            "level": 20,
            "message": f"line {number}: processed the batch of customer records from the warehouse in 0.{number:03} s",
            "timestamp": (began + timedelta(milliseconds=number)).isoformat(),
            "flow_run_id": run,
            "task_run_id": None,
        }
        for number in range(lines)
    ]
    body = encode(batch)

    async def work(client: Client) -> None:
        await client.call("POST", "/logs/", body)

    outcome = await drive(server, work, clients, seconds)
    outcome.done *= lines
    return outcome


async def task_run_events(server: Server, seconds: float) -> Outcome:
    """Task-run events over one socket, counted when their task runs can be read as completed."""
    outcome = Outcome(cpu=None)
    pid = server.pid
    spent = processes.cpu_seconds(pid) if pid else 0.0
    while outcome.seconds < seconds:
        flow_id = await make_flow(server, "bench")
        run = json.loads(await _once(server, "POST", "/flow_runs/", flow_run_body(flow_id)))["id"]
        frames = [frame for _ in range(TASK_RUNS) for frame in task_run_frames(run, flow_id)]
        began = time.perf_counter()
        done = await _send_until_readable(server, run, frames)
        outcome.seconds += time.perf_counter() - began
        outcome.done += done * EVENTS_EACH
        if done < TASK_RUNS:
            outcome.errors["never readable"] += (TASK_RUNS - done) * EVENTS_EACH
            break
    outcome.cpu = processes.cpu_seconds(pid) - spent if pid else None
    return outcome


async def _send_until_readable(server: Server, flow_run_id: str, frames: list[str]) -> int:
    """Sends the frames and waits for the server to have read them, then until the task runs are there."""
    done = encode(
        {
            "flow_runs": {"id": {"any_": [flow_run_id]}},
            "task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}},
        }
    )
    url = f"{server.target.websocket}/events/in"
    async with websockets.connect(url, subprotocols=[websockets.Subprotocol("prefect")], compression=None) as socket:
        await socket.send('{"type":"auth","token":null}')
        await socket.recv()
        for frame in frames:
            await socket.send(frame)
        await asyncio.wait_for(await socket.ping(), READABLE_LIMIT)
        deadline = time.perf_counter() + READABLE_LIMIT
        count = 0
        while time.perf_counter() < deadline:
            count = int(await _once(server, "POST", "/task_runs/count", done))
            if count == TASK_RUNS:
                break
            await asyncio.sleep(0.05)
    return count


def task_run_frames(flow_run_id: str, flow_id: str) -> list[str]:
    """The events of one task run's life, as the SDK sends them."""
    task_run_id = str(uuid.uuid4())
    began = datetime.now(UTC)
    frames: list[str] = []
    previous: dict[str, Any] | None = None
    follows = None
    for number, type_ in enumerate(("PENDING", "RUNNING", "COMPLETED")):
        at = (began + timedelta(milliseconds=number)).isoformat()
        details = NO_DETAILS | {"flow_run_id": flow_run_id, "task_run_id": task_run_id}
        validated = {"type": type_, "name": type_.capitalize(), "message": "", "state_details": details, "data": None}
        event = {
            "id": str(uuid.uuid4()),
            "occurred": at,
            "event": f"prefect.task-run.{type_.capitalize()}",
            "resource": {
                "prefect.resource.id": f"prefect.task-run.{task_run_id}",
                "prefect.resource.name": "work-0",
                "prefect.run-count": "1",
                "prefect.state-message": "",
                "prefect.state-name": type_.capitalize(),
                "prefect.state-timestamp": at,
                "prefect.state-type": type_,
                "prefect.orchestration": "client",
            },
            "related": [
                _related("flow-run", flow_run_id, "fast-otter"),
                _related("flow", flow_id, "bench"),
            ],
            "payload": {
                "intended": {"from": previous and previous["type"], "to": type_},
                "initial_state": previous,
                "validated_state": validated,
                "task_run": _task_run(task_run_id, began, finished=type_ == "COMPLETED"),
            },
            "follows": follows,
        }
        frames.append(encode(event).decode())
        follows, previous = event["id"], {"type": type_, "name": type_.capitalize(), "message": ""}
    return frames


def _related(kind: str, id_: str, name: str) -> dict[str, str]:
    resource_id = f"prefect.{kind}.{id_}"
    return {"prefect.resource.id": resource_id, "prefect.resource.role": kind, "prefect.resource.name": name}


def _task_run(task_run_id: str, began: datetime, *, finished: bool) -> dict[str, Any]:
    return {
        "name": "work-0",
        "task_key": "work-1a2b3c4d",
        "dynamic_key": task_run_id,
        "cache_key": None,
        "cache_expiration": None,
        "task_version": None,
        "empirical_policy": {"max_retries": 0, "retry_delay_seconds": 0.0, "retries": 0, "retry_delay": 0},
        "tags": ["bench"],
        "labels": {},
        "task_inputs": {"x": []},
        "run_count": 1,
        "flow_run_run_count": 1,
        "expected_start_time": began.isoformat(),
        "start_time": began.isoformat(),
        "end_time": (began + timedelta(milliseconds=2)).isoformat() if finished else None,
        "total_run_time": 0.001,
        "estimated_run_time": 0.001,
        "estimated_start_time_delta": 0.0,
    }


async def seed(server: Server, runs: int) -> None:
    """Flows, flow runs and log lines to read from."""
    flows = [await make_flow(server, f"bench-seed-{number}") for number in range(4)]
    connection = Connection(server.target)
    try:
        for number in range(runs):
            body = flow_run_body(flows[number % 4], name=f"seeded-{number}", tags=["seeded", f"shard-{number % 10}"])
            status = 0
            while not 200 <= status < 300:
                status, _ = await connection.request("POST", "/flow_runs/", body)
    finally:
        connection.close()


async def filter_reads(server: Server, seconds: float, clients: int = 4) -> Outcome:
    """Reads of a seeded database: a page of runs by state, flow and tag, their number, and the flows."""
    page = {"sort": "EXPECTED_START_TIME_DESC", "limit": 50}
    by_flow = {"flows": {"name": {"any_": ["bench-seed-1"]}}}
    by_state = {"flow_runs": {"state": {"type": {"any_": ["PENDING", "RUNNING"]}}}}
    by_tag = {"flow_runs": {"tags": {"all_": ["shard-3"]}}}
    reads = [
        ("/flow_runs/filter", encode(page | by_state)),
        ("/flow_runs/filter", encode(page | by_flow)),
        ("/flow_runs/filter", encode(page | by_tag)),
        ("/flow_runs/count", encode(by_state)),
        ("/flows/filter", encode({"limit": 50, "sort": "NAME_ASC"})),
    ]

    async def work(client: Client) -> None:
        for path, body in reads:
            await client.call("POST", path, body)

    outcome = await drive(server, work, clients, seconds)
    outcome.done *= len(reads)
    return outcome


async def _once(server: Server, method: str, path: str, body: bytes) -> bytes:
    connection = Connection(server.target)
    try:
        for _ in range(20):
            status, answer = await connection.request(method, path, body)
            if 200 <= status < 300:
                return answer
            await asyncio.sleep(0.25)
        raise Refused(f"{method} {path}: {status} {answer[:300].decode('utf-8', 'replace')}")
    finally:
        connection.close()
