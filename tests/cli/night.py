"""What an operator finds in the morning: pools, deployments and the runs of a night."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

HOUR = 3600.0
TROUBLE = "could not connect to server: Connection refused; is it running on host warehouse.example (10.1.2.3)?"
TRACEBACK = f"""Encountered an exception during execution: OperationalError('{TROUBLE}')
Traceback (most recent call last):
  File "/opt/flows/orders.py", line 41, in load_orders
    connection = connect(url)
OperationalError: {TROUBLE}"""
_MOMENTS = ("expected_start_time", "next_scheduled_start_time", "start_time", "end_time", "state_timestamp")


class Night:
    """Writes to a server over its API; what was hours ago is moved there in its database, a file of SQLite."""

    def __init__(self, url: str, database: Path) -> None:
        self.url = url
        self.api = httpx.Client(base_url=url, timeout=30, follow_redirects=True)
        self._database = database
        self.runs: dict[str, str] = {}
        """The ids of the runs by their names."""

    def post(self, path: str, body: Any = None) -> Any:
        answer = self.api.post(path, json=body or {})
        assert answer.is_success, (path, answer.text)
        return answer.json() if answer.content else None

    def close(self) -> None:
        """Closes the connections."""
        self.api.close()

    def run(self, deployment: str, name: str, *states: str, ago: float = 0.0, message: str | None = None) -> str:
        """A run of a deployment that came through these states so many seconds ago."""
        body = {"name": name, "parameters": {"day": "2026-05-05"}, "tags": ["nightly"]}
        run = self.post(f"/deployments/{deployment}/create_flow_run", body)
        for state in states:
            kind, _, called = state.partition(":")
            said = {"message": message} if state == states[-1] else {}
            proposed = {"type": kind, "name": called or None, **said}
            self.post(f"/flow_runs/{run['id']}/set_state", {"state": proposed, "force": True})
        self.runs[name] = run["id"]
        if ago:
            self._move(run["id"], ago)
        return str(run["id"])

    def say(self, run_id: str, ago: float, *lines: tuple[int, str]) -> None:
        """Lines of a run's log, a second apart."""
        start = datetime.now(UTC) - timedelta(seconds=ago)
        body = [
            {"name": "prefect.flow_runs", "level": level, "message": text, "flow_run_id": run_id}
            | {"timestamp": (start + timedelta(seconds=at)).isoformat()}
            for at, (level, text) in enumerate(lines)
        ]
        self.post("/logs/", body)

    def secret(self, name: str) -> Any:
        """What a block of type secret holds."""
        answer = self.api.get(f"/block_types/slug/secret/block_documents/name/{name}?include_secrets=true")
        return answer.json()["data"]["value"]

    def state(self, name: str) -> str:
        """The name of the state that a run is in."""
        return str(self.api.get(f"/flow_runs/{self.runs[name]}").json()["state_name"])

    def _move(self, run_id: str, seconds: float) -> None:
        back = int(seconds * 1_000_000)
        moved = ", ".join(f"{column} = {column} - {back}" for column in _MOMENTS)
        with closing(sqlite3.connect(self._database, timeout=30)) as connection, connection:
            connection.execute(f"UPDATE flow_runs SET {moved} WHERE id = ?", (run_id,))
            connection.execute(
                f"UPDATE flow_run_states SET timestamp = timestamp - {back} WHERE flow_run_id = ?", (run_id,)
            )


def spend(url: str, database: Path) -> Night:
    """A night with a failure, crashes, runs that go on and one that is late."""
    night = Night(url, database)
    deployments = _deployments(night)
    orders, model, invoices = deployments["load-orders"], deployments["train-model"], deployments["send-invoices"]
    for number in range(6):
        night.run(orders, f"orders-{number}", "PENDING", "RUNNING", "COMPLETED", ago=(9 - number) * HOUR)
    failed = night.run(
        orders, "nimble-otter", "PENDING", "RUNNING", "FAILED", ago=7.5 * HOUR, message="Flow run failed: " + TROUBLE
    )
    lines = [(20, f"Loaded page {number} of 40 from https://shop.example/api/v2/orders") for number in range(1, 41)]
    night.say(failed, 7.5 * HOUR, *lines, (40, TRACEBACK), (40, "Finished in state Failed()"))
    for number in range(3):
        night.run(orders, f"lost-{number}", "PENDING", "RUNNING", "CRASHED", ago=HOUR, message="Its worker died.")
    for number in range(4):
        night.run(model, f"training-{number}", "PENDING", "RUNNING", ago=600)
    for number in range(3):
        night.run(deployments["resize-images"], f"resizing-{number}", "PENDING", "RUNNING", ago=300)
    night.run(invoices, "slow-heron", "SCHEDULED:Late", ago=1200)
    _limits(night)
    night.post("/variables/", {"name": "region", "value": "eu-west-1", "tags": ["prod"]})
    kind = night.api.get("/block_types/slug/secret").json()
    schema = night.post("/block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [kind["id"]]}}})[0]
    block = {"name": "warehouse", "data": {"value": "old-canary"}, "block_schema_id": schema["id"]}
    night.post("/block_documents/", {**block, "block_type_id": kind["id"]})
    return night


def _deployments(night: Night) -> dict[str, str]:
    night.post("/work_pools/", {"name": "etl", "type": "process", "concurrency_limit": 10})
    night.post("/work_pools/etl/queues", {"name": "urgent", "priority": 1})
    night.post("/work_pools/", {"name": "gpu", "type": "process", "description": "the two machines in the cellar"})
    night.post("/work_pools/etl/workers/heartbeat", {"name": "etl-1", "heartbeat_interval_seconds": 3600})
    made = {}
    for flow, name, pool, cron in (
        ("load-orders", "nightly", "etl", "0 3 * * *"),
        ("train-model", "weekly", "etl", "0 5 * * 1"),
        ("send-invoices", "daily", "gpu", "0 6 * * *"),
        ("resize-images", "hourly", "gpu", "0 * * * *"),
    ):
        flow_id = night.post("/flows/", {"name": flow})["id"]
        schedules = [{"schedule": {"cron": cron, "timezone": "Europe/Berlin"}, "slug": name}]
        body = {"name": name, "flow_id": flow_id, "work_pool_name": pool, "schedules": schedules, "tags": ["prod"]}
        made[flow] = night.post("/deployments/", body)["id"]
    return made


def _limits(night: Night) -> None:
    night.post("/concurrency_limits/", {"tag": "database", "concurrency_limit": 2})
    night.post("/v2/concurrency_limits/", {"name": "warehouse", "limit": 2})
    for number in range(2):
        run_id = night.runs[f"training-{number}"]
        task = {"flow_run_id": run_id, "task_key": "read", "dynamic_key": "0", "name": f"read-{number}"}
        made = night.post("/task_runs/", {**task, "tags": ["database"], "state": {"type": "PENDING"}})
        night.post(f"/task_runs/{made['id']}/set_state", {"state": {"type": "RUNNING"}})
        holder = {"type": "flow_run", "id": run_id}
        body = {"names": ["warehouse"], "slots": 1, "lease_duration": 3600, "holder": holder}
        night.post("/v2/concurrency_limits/increment-with-lease", body)
