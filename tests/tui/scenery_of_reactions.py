"""What the pictures of the server show: what automations did, who holds slots, services that stopped, odd events."""

import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx

from tests.cli.notifying import Sink, slack_block
from tests.cli.shell import until
from tests.tui import scenery
from tests.tui.scenery import AGE, HOUR, LONG, UNICODE

MOMENTS: Final = {
    "automation_firings": ("triggered",),
    "automation_actions": ("triggered", "ended"),
    "automation_refusals": ("first", "last"),
    "notification_deliveries": ("ended",),
    "events": ("occurred", "received", "recorded"),
}
"""The columns by which pictures tell ages."""
SERVICES: Final = (
    ("late-runs", 3 * HOUR, None),
    ("scheduler", HOUR // 3600, "OperationalError: database is locked, 日次 🌙; " + LONG),
    ("zombies", HOUR // 3600, None),
)
"""Name, how long ago its last round was, and what went wrong."""


def fire(api: httpx.Client, sink: Sink) -> None:
    """Has automations and a notification react to something; their services run."""
    pause = {"type": "pause-deployment", "source": "selected", "deployment_id": str(uuid4())}
    trigger = {"type": "event", "posture": "Reactive", "expect": ["demo.*"], "threshold": 2, "within": 600}
    trigger |= {"for_each": ["prefect.resource.id"]}
    actions = [{"type": "do-nothing"}, pause]
    made = _post(api, "/automations/", {"name": UNICODE, "trigger": trigger, "actions": actions})
    never = {"type": "event", "posture": "Reactive", "expect": ["never"], "threshold": 1, "within": 0}
    _post(
        api, "/automations/", {"name": "idle", "trigger": never, "actions": [{"type": "do-nothing"}], "enabled": False}
    )
    for place, resource in enumerate(("größe", "größe", LONG, LONG, "顧客 🌙")):
        _event(api, "demo.tick", resource, place)
    channel = slack_block(api, "my-slack", sink.url)
    told = _post(
        api, "/notifications/", {"name": "of-failures", "state_names": ["Failed"], "block_document_id": channel}
    )
    run = {"flow_id": _post(api, "/flows/", {"name": LONG})["id"], "name": "黒猫-🐈", "state": {"type": "RUNNING"}}
    run_id = _post(api, "/flow_runs/", run)["id"]
    failed = {"type": "FAILED", "message": "connection to db.example.com refused"}
    _post(api, f"/flow_runs/{run_id}/set_state", {"state": failed, "force": True})
    for automation, firings in ((made["id"], 2), (told["automation_id"], 1)):
        until(lambda of=automation, most=firings: len(_done(api, of)) == most)
    until(lambda: api.get(f"/automations/{made['id']}/refusals").json())
    until(lambda: sink.bodies)


def _done(api: httpx.Client, automation: str) -> list[Any]:
    """Its firings whose actions ended."""
    firings = api.get(f"/automations/{automation}/firings").json()
    over = ("executed", "failed")
    return [each for each in firings if each["actions"] and all(one["state"] in over for one in each["actions"])]


def _event(api: httpx.Client, name: str, resource: str, place: int) -> None:
    about = {"prefect.resource.id": f"demo.{resource}", "prefect.resource.name": resource}
    occurred = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=place - 10)
    body = {"id": str(uuid4()), "occurred": occurred.isoformat(), "event": name, "resource": about}
    _post(api, "/events", [body])


def take(api: httpx.Client) -> None:
    """Slots of limits of all kinds that are taken and waited for."""
    flow = _post(api, "/flows/", {"name": "etl"})["id"]
    run = _post(api, "/flow_runs/", {"flow_id": flow, "name": "calm-otter", "state": {"type": "RUNNING"}})["id"]
    for name, limit in (("database", 2), (UNICODE, 9), (LONG, 100), ("unused", 1)):
        _post(api, "/v2/concurrency_limits/", {"name": name, "limit": limit})
    lease = {"slots": 1, "lease_duration": 86_400, "holder": {"type": "flow_run", "id": run}}
    _post(api, "/v2/concurrency_limits/increment-with-lease", {"names": ["database", UNICODE, LONG], **lease})
    _post(api, "/v2/concurrency_limits/increment", {"names": ["database"], "slots": 1})
    _post(api, "/concurrency_limits/", {"tag": "gpu", "concurrency_limit": 1})
    for name in ("train-größe", f"train-顧客データ-🌙-{LONG}"):
        task = {"flow_run_id": run, "task_key": name, "dynamic_key": "0", "name": name, "tags": ["gpu"]}
        made = _post(api, "/task_runs/", {**task, "state": {"type": "PENDING"}})
        _post(api, f"/task_runs/{made['id']}/set_state", {"state": {"type": "RUNNING"}})
    _post(api, "/work_pools/", {"name": "k8s", "type": "process", "concurrency_limit": 4})
    prod = {"name": "prod", "flow_id": flow, "work_pool_name": "k8s", "concurrency_limit": 1}
    deployment = _post(api, "/deployments/", prod)["id"]
    for name in ("first", "second"):
        made = _post(api, f"/deployments/{deployment}/create_flow_run", {"name": name})
        _post(api, f"/flow_runs/{made['id']}/set_state", {"state": {"type": "PENDING"}})


def _post(api: httpx.Client, path: str, body: Any) -> Any:
    answer = api.post(path, json=body)
    assert answer.status_code < 300, (path, answer.text)
    return answer.json() if answer.content else None


def age(database: Path) -> None:
    """Makes all of it some hours old, and has services stop."""
    scenery.age(database)
    now = time.time_ns() // 1000
    then = (now - AGE) // 1_000_000 * 1_000_000
    with sqlite3.connect(database, timeout=30) as connection:
        for table, columns in MOMENTS.items():
            moved = ", ".join(f"{name} = {then} + rowid" for name in columns)
            connection.execute(f"UPDATE {table} SET {moved}")
        connection.execute("UPDATE concurrency_leases SET expiration = ?", (now + 23 * HOUR + HOUR // 2,))
        connection.execute("UPDATE flow_runs SET next_scheduled_start_time = ? WHERE name = 'second'", (now + AGE,))
        connection.execute("DELETE FROM service_heartbeats")
        for name, ago, error in SERVICES:
            connection.execute(
                "INSERT INTO service_heartbeats (name, process, interval, last_finished, last_failed, last_error) "
                "VALUES (?, 'test', 5, ?, ?, ?)",
                (name, now - ago, now if error else None, error),
            )
