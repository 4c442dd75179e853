"""What the pictures of runs show: one with all there is, one of nothing, one that is under way, and why others wait."""

import json
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.tui import scenery
from tests.tui.scenery import AGE, LONG, UNICODE
from tests.tui.story import Story

FULL: Final = "夜間-nightly-🌙-of-the-sixth-of-may-with-a-name-that-goes-on"
BARE: Final = "nothing-was-done"
LIVE: Final = "still-at-it"
WIDE: Final = "three-hundred"

LINES: Final = 10_000
WIDE_TASKS: Final = 300

TRACEBACK: Final = """Encountered an exception during execution:
Traceback (most recent call last):
  File "/opt/flows/load.py", line 41, in load
    rows = warehouse.insert(table="größe", rows=batch, 備考="本日は晴天なり 🌞")
ConnectionRefusedError: [Errno 111] connection to db.example.com refused"""


class Task(NamedTuple):
    """A task run: when it began and how long it took, in seconds of its flow run; none of both for one that waits."""

    name: str
    state: str
    begins: float
    takes: float | None
    after: tuple[str, ...] = ()


TASKS: Final = (
    Task("extract-orders", "COMPLETED", 0.5, 12),
    Task("extract-顧客データ-🌙", "COMPLETED", 0.7, 31),
    Task("extract-of-every-table-of-the-legacy-warehouse-in-the-old-data-centre-17", "COMPLETED", 1, 44),
    Task("clean", "COMPLETED", 13, 9, ("extract-orders",)),
    Task("rechne-Größen-um", "CANCELLED", 32, 3, ("extract-顧客データ-🌙",)),
    Task(
        "merge",
        "COMPLETED",
        46,
        20,
        ("clean", TASK := "extract-of-every-table-of-the-legacy-warehouse-in-the-old-data-centre-17"),
    ),
    Task("check", "COMPLETED", 66.2, 0.25, ("merge",)),
    Task("load", "FAILED", 67, 30, ("check", "merge", "clean")),
    Task("notify-the-board", "CRASHED", 67.5, 8, ("merge",)),
    Task("tidy-up", "PENDING", 98, None, ("load", "notify-the-board", "check", "clean", "merge")),
)
"""Of the run with all there is, which took two minutes."""

TOOK: Final = 120.0
PARAMETERS: Final = {
    "day": "2026-05-06",
    "tables": ["orders", "größe", "顧客 🌙"],
    "target": {"host": "db.example.com", "port": 5432, "options": {"retries": 3, "timeout": None}},
    "full": True,
    "note": f"{LONG} {UNICODE} " * 3,
}
ROWS_KEY: Final = "rows-of-every-table-that-was-loaded-in-this-night"
ROWS: Final = [
    {"table": name, "rows": number * 1_000_003, "größe": f"{number} GB", "remark": remark}
    for number, (name, remark) in enumerate(
        (("orders", "all is well"), ("顧客データ", "日次 🌙 ok"), (LONG, f"{LONG} {LONG}"), ("empty", "")), 1
    )
]
REPORT: Final = f"""# Report of the night 🌙

All **is** well but `load`: see [the runbook](https://example.com/runbook/{LONG}).

| table | rows | größe |
|---|---|---|
| orders | 1,000,003 | 1 GB |
| 顧客データ | 2,000,006 | 2 GB |

- first the *orders*
- then 顧客データ

```python
warehouse.insert(table="größe")
```
"""


def build(url: str) -> None:
    """Makes the runs. `age` moves them to their times."""
    _full(url)
    with Story(url, BARE) as story:
        story.become("COMPLETED")
    with Story(url, LIVE, LONG) as story:
        _tasks(story, (Task("first", "COMPLETED", 0, 12), Task("endless-日次-🌙", "RUNNING", 0, None, ("first",))))
    with Story(url, WIDE) as story:
        _tasks(story, WIDE_RUN)
        story.become("COMPLETED")
    _waiting(url)


WIDE_RUN: Final = tuple(
    Task(
        f"part-{number:03}",
        "FAILED" if number % 50 == 49 else "COMPLETED",
        number * 0.35,
        5 + number % 7,
        (f"part-{number - 10:03}",) if number >= 10 else (),
    )
    for number in range(WIDE_TASKS)
)


def _tasks(story: Story, tasks: tuple[Task, ...]) -> dict[str, str]:
    ids: dict[str, str] = {}
    for task in tasks:
        given = {"given": [{"input_type": "task_run", "id": ids[name]} for name in task.after]}
        body = {"flow_run_id": story.id, "task_key": task.name, "dynamic_key": "0", "name": task.name}
        made = story.post(
            "/task_runs/", {**body, "task_inputs": given, "tags": ["größe"], "state": {"type": task.state}}
        )
        ids[task.name] = made["id"]
    return ids


def _full(url: str) -> None:
    with Story(url, FULL, LONG, parameters=PARAMETERS, tags=["nightly", "größe", "日次 🌙"]) as story:
        ids = _tasks(story, TASKS)
        failed = {"type": "FAILED", "message": TRACEBACK.splitlines()[-1]}
        story.post(f"/task_runs/{ids['load']}/set_state", {"state": failed, "force": True})
        story.subflow("inner-audit-🌙", "COMPLETED")
        story.post(f"/flow_runs/{story.id}/input", {"key": "answer", "value": '{"approved": true}', "sender": "größe"})
        story.make("progress", 62.5, "so-far")
        story.make("image", f"https://example.com/{LONG}/plot.png", "plot")
        story.make("markdown", "[The dashboard 🌙](https://example.com/board)", "link")
        story.make("markdown", REPORT, "report")
        story.make("table", json.dumps(ROWS), ROWS_KEY)
        _log(story, ids["load"])
        story.become("FAILED", message="1 of 10 task runs failed: " + TRACEBACK.splitlines()[-1])


def _log(story: Story, task: str) -> None:
    start = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
    lines: list[dict[str, Any]] = []
    for number in range(LINES):
        level = 30 if number % 97 == 96 else 10 if number % 10 == 9 else 20
        text = f"Loaded page {number} of {LINES} from https://shop.example/api/v2/größe?page={number}"
        if number % 40 == 35:
            text = f"顧客データ 🌙 {number}: {LONG} {LONG} {LONG}"
        if number == LINES - 4:
            level, text = 40, TRACEBACK
        stamp = (start + timedelta(seconds=number)).isoformat()
        of = {"flow_run_id": story.id, "task_run_id": task if number >= LINES - 30 else None}
        lines.append({"name": "prefect.flow_runs", "level": level, "message": text, "timestamp": stamp, **of})
    for at in range(0, LINES, 1000):
        story.post("/logs/", lines[at : at + 1000])


def _waiting(url: str) -> None:
    """Runs that wait for something, each for something else."""
    with Story(url, "of-nothing", "report") as story:
        story.post("/work_pools/", {"name": UNICODE, "type": "process", "concurrency_limit": 2})
        story.post("/work_pools/", {"name": "paused-pool", "type": "process", "is_paused": True})
        for pool, name, runs in ((UNICODE, f"{LONG}-日次", 4), ("paused-pool", "daily", 1)):
            body = {"name": name, "flow_id": story.flow_id, "work_pool_name": pool}
            deployment = story.post("/deployments/", body)["id"]
            for number in range(runs):
                named = {"name": f"{'holds' if number < 2 else 'waits'}-{number}-🌙" if runs > 1 else "late-bird"}
                run = story.post(f"/deployments/{deployment}/create_flow_run", named)["id"]
                for state in ("PENDING", "RUNNING") if runs > 1 and number < 2 else ():
                    story.post(f"/flow_runs/{run}/set_state", {"state": {"type": state}, "force": True})
                if runs == 1:
                    late = {"type": "SCHEDULED", "name": "Late"}
                    story.post(f"/flow_runs/{run}/set_state", {"state": late, "force": True})
        story.post(f"/work_pools/{UNICODE}/workers/heartbeat", {"name": "one", "heartbeat_interval_seconds": 86_400})
        story.become("COMPLETED")


def age(database: Path) -> None:
    """Makes all of it some hours old; task runs began and ended, and lines were logged, when they are said to."""
    scenery.age(database)
    began = time.time_ns() // 1000 - AGE
    with sqlite3.connect(database, timeout=30) as connection:

        def timed(table: str, where: str, given: str, begins: float, takes: float | None) -> None:
            start = began + round(begins * 1_000_000)
            end = None if takes is None else start + round(takes * 1_000_000)
            connection.execute(
                f"UPDATE {table} SET expected_start_time = ?, start_time = ?, end_time = ?, total_run_time = ? "
                f"WHERE {where}",
                (start, start, end, takes or 0, given),
            )

        connection.execute("UPDATE flow_runs SET next_scheduled_start_time = ? WHERE name LIKE 'waits-%'", (began,))
        connection.execute("UPDATE logs SET timestamp = timestamp + rowid * 1000000")
        for name in (FULL, BARE, WIDE):
            timed("flow_runs", "name = ?", name, 0, TOOK)
        timed("flow_runs", "name = ?", LIVE, 0, None)
        timed("flow_runs", "name = ?", "inner-audit-🌙", 70, 15)
        timed("task_runs", "name = ?", "inner-audit-🌙", 70, 15)
        for task in (*TASKS, *WIDE_RUN, Task("first", "", 0, 12), Task("endless-日次-🌙", "", 0, None)):
            timed("task_runs", "name = ?", task.name, task.begins, task.takes)
