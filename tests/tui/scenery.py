"""What the pictures show: names that are long or not Latin, states of every kind, and always the same ages."""

import sqlite3
import time
from pathlib import Path
from typing import Any

import httpx

from tests.cli.garden import plant

HOUR = 3_600_000_000
"""Microseconds."""
AGE = 3 * HOUR + HOUR // 2

LONG = "recompute-the-quarterly-revenue-forecast-of-every-region-and-mail-it-to-the-board"
UNICODE = "日次レポート-für-Zürich-🌙"

RUNS = (
    ("etl", "calm-otter", "COMPLETED", "", {"minutes": 200, "took": 95}),
    (
        "etl",
        "brave-lynx",
        "FAILED",
        "Task 'load' failed: connection to db.example.com refused",
        {"minutes": 150, "took": 12},
    ),
    (LONG, "run-of-the-flow-with-the-longest-name-there-is-in-this-whole-company", "RUNNING", "", {"minutes": 130}),
    (UNICODE, "三毛猫-🐈", "CRASHED", "Flow run process exited with status -9", {"minutes": 125, "took": 700}),
    ("report", "late-bird", "SCHEDULED", "Late", {"minutes": 123}),
    ("report", "next-one", "SCHEDULED", "", {"minutes": -150}),
    ("report", "stopped-short", "CANCELLED", "Cancelled by an operator", {"minutes": 240, "took": 30}),
    ("etl", "waiting-wolf", "PAUSED", "", {"minutes": 300}),
    ("etl", "patient-panda", "PENDING", "", {"minutes": 122}),
)
"""Flow, name, state, its message (or its name, for one that is scheduled), when it began and how long it took."""


def build(url: str) -> None:
    """Makes everything the pictures show."""
    plant(url)
    with httpx.Client(base_url=url, timeout=30, follow_redirects=True) as api:

        def post(path: str, body: Any) -> Any:
            answer = api.post(path, json=body)
            assert answer.status_code < 300, (path, answer.text)
            return answer.json() if answer.content else None

        for flow, name, state, more, _ in RUNS:
            flow_id = post("/flows/", {"name": flow})["id"]
            scheduled = {"type": "SCHEDULED", "name": more} if state == "SCHEDULED" and more else {"type": "SCHEDULED"}
            body = {"flow_id": flow_id, "name": name, "tags": ["nightly", "größe"], "parameters": {"day": "2026-05-06"}}
            run = post("/flow_runs/", {**body, "state": scheduled})
            steps = {"SCHEDULED": [], "PENDING": ["PENDING"], "RUNNING": ["PENDING", "RUNNING"]}.get(
                state, ["PENDING", "RUNNING", state]
            )
            for step in steps:
                told = {"message": more} if step == state and more else {}
                post(f"/flow_runs/{run['id']}/set_state", {"state": {"type": step, **told}, "force": True})
        for number in range(30):
            post("/variables/", {"name": f"limit_{number:02}", "value": {"max": number, "note": "größer 🌙"}})
        post("/v2/concurrency_limits/", {"name": UNICODE, "limit": 5})
        post("/v2/concurrency_limits/", {"name": LONG, "limit": 100, "active": False})


RUN = "printf('%08x-0000-7000-8000-%012x', at, at)"
STATE = "printf('%08x-0000-7000-9000-%012x', at, at)"
COPIES = {
    "flow_runs": {
        "id": RUN,
        "name": "printf('copy-%06d', at)",
        "state_id": STATE,
        "idempotency_key": "NULL",
        "start_time": "start_time - at * 60000000",
        "expected_start_time": "expected_start_time - at * 60000000",
        "end_time": "end_time - at * 60000000",
    },
    "flow_run_states": {"id": STATE, "flow_run_id": RUN},
}
"""What is another value in the copy of this number (``at``)."""


def multiply(database: Path, number: int) -> None:
    """So many flow runs in all, copies of a completed one, each a minute older than the one before."""
    with sqlite3.connect(database, timeout=30) as connection:
        run, state = connection.execute("SELECT id, state_id FROM flow_runs WHERE name = 'calm-otter'").fetchone()
        more = number - connection.execute("SELECT count(*) FROM flow_runs").fetchone()[0]
        for table, row in (("flow_runs", run), ("flow_run_states", state)):
            columns = [each[1] for each in connection.execute(f"PRAGMA table_info({table})")]
            values = ", ".join(COPIES[table].get(name, name) for name in columns)
            connection.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) "
                "WITH RECURSIVE numbers(at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM numbers WHERE at < ?) "
                f"SELECT {values} FROM (SELECT * FROM {table} WHERE id = ?), numbers",
                (more, row),
            )


def divide(database: Path) -> None:
    """Takes the copies away."""
    with sqlite3.connect(database, timeout=30) as connection:
        connection.execute("DELETE FROM flow_runs WHERE name LIKE 'copy-%'")
        connection.execute("DELETE FROM flow_run_states WHERE id LIKE '%-0000-7000-9000-%'")


def age(database: Path) -> None:
    """Makes everything some hours old, and the runs as old as the list says, so that pictures tell the same ages."""
    now = time.time_ns() // 1000
    with sqlite3.connect(database, timeout=30) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            kinds = {row[1]: row[2] for row in connection.execute(f"PRAGMA table_info({table})")}
            for name in ("created", "updated", "timestamp", "last_polled", "last_heartbeat_time"):
                if kinds.get(name, "").upper() in ("INTEGER", "BIGINT"):
                    connection.execute(f"UPDATE {table} SET {name} = ? + rowid WHERE {name} IS NOT NULL", (now - AGE,))
        for runs, states in (("flow_runs", "flow_run_states"), ("task_runs", "task_run_states")):
            connection.execute(
                f"UPDATE {runs} SET state_timestamp = "
                f"(SELECT timestamp FROM {states} WHERE {states}.id = {runs}.state_id)"
            )
        long_ago = now - 400 * 60_000_000
        for runs in ("flow_runs", "task_runs"):
            connection.execute(
                f"UPDATE {runs} SET expected_start_time = ?, start_time = ?, end_time = ?, total_run_time = 0",
                (long_ago, long_ago, long_ago),
            )
        for _, name, state, _, times in RUNS:
            began = now - times["minutes"] * 60_000_000
            ended = began + times["took"] * 1_000_000 if "took" in times else None
            started = None if state in ("SCHEDULED", "PENDING") else began
            run_time = (ended - began) / 1_000_000 if ended else 0
            connection.execute(
                "UPDATE flow_runs SET expected_start_time = ?, start_time = ?, end_time = ?, total_run_time = ?, "
                "next_scheduled_start_time = CASE WHEN next_scheduled_start_time IS NULL THEN NULL ELSE ? END "
                "WHERE name = ?",
                (began, started, ended, run_time, began, name),
            )
