"""One of every noun on a server, for tests of commands."""

from collections.abc import Callable
from typing import Any

import httpx

STARTED = "2026-05-06T07:08:09.123456Z"


def plant_schedule(post: Callable[[str, Any], Any]) -> None:
    """Makes a schedule of a command."""
    post("/work_pools/", {"name": "shell", "type": "podium"})
    backup = post("/flows/", {"name": "backup"})
    command = {"command": ["rsync", "-a", "/srv/my data"], "timeout": 60}
    schedule = {"schedule": {"interval": 900}, "slug": "quarterly"}
    post(
        "/deployments/",
        {
            "name": "backup",
            "flow_id": backup["id"],
            "work_pool_name": "shell",
            "schedules": [schedule],
            "job_variables": command,
        },
    )


def plant(url: str) -> dict[str, str]:
    """Makes one of every noun; by the noun, what its commands take for it."""
    with httpx.Client(base_url=url, timeout=30, follow_redirects=True) as api:

        def post(path: str, body: Any) -> Any:
            answer = api.post(path, json=body)
            assert answer.status_code < 300, (path, answer.text)
            return answer.json() if answer.content else None

        flow = post("/flows/", {"name": "etl", "tags": ["nightly"]})
        post("/work_pools/", {"name": "pool", "type": "process", "concurrency_limit": 3})
        queue = post("/work_pools/pool/queues", {"name": "urgent", "priority": 1})
        schedule = {"schedule": {"cron": "0 3 * * *", "timezone": "Europe/Berlin"}, "slug": "nightly"}
        deployment = post(
            "/deployments/",
            {"name": "prod", "flow_id": flow["id"], "work_pool_name": "pool", "schedules": [schedule], "tags": ["eu"]},
        )
        plant_schedule(post)
        run = post(
            f"/deployments/{deployment['id']}/create_flow_run",
            {"name": "first-run", "parameters": {"day": "2026-05-06"}, "tags": ["eu"]},
        )
        for state in ({"type": "PENDING"}, {"type": "RUNNING"}, {"type": "FAILED", "message": "it broke"}):
            post(f"/flow_runs/{run['id']}/set_state", {"state": state})
        task = {"flow_run_id": run["id"], "task_key": "load", "dynamic_key": "0", "name": "load-0", "tags": ["db"]}
        task_run = post("/task_runs/", {**task, "state": {"type": "COMPLETED"}})
        line = {"name": "prefect.flow_runs", "level": 40, "message": "two\nlines", "timestamp": STARTED}
        post("/logs/", [{**line, "flow_run_id": run["id"], "task_run_id": task_run["id"]}])
        post("/artifacts/", {"key": "report", "type": "markdown", "data": "# hi", "flow_run_id": run["id"]})
        post("/variables/", {"name": "region", "value": {"zones": ["a", "b"]}, "tags": ["eu"]})
        post("/concurrency_limits/", {"tag": "db", "concurrency_limit": 2})
        post("/v2/concurrency_limits/", {"name": "api-calls", "limit": 5})
        post("/work_pools/pool/workers/heartbeat", {"name": "worker-1"})
        kind = api.get("/block_types/slug/secret").json()
        schema = post("/block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [kind["id"]]}}})[0]
        block = {"name": "password", "data": {"value": "canary"}, "block_schema_id": schema["id"]}
        post("/block_documents/", {**block, "block_type_id": kind["id"]})
        event = {"id": "11111111-1111-4111-8111-111111111111", "occurred": STARTED.replace("2026-05-06", "2026-11-01")}
        resource = {"prefect.resource.id": "backup.nightly"}
        post("/events", [{**event, "event": "backup.finished", "resource": resource}])
        reactions = _plant_reactions(post)
    return {
        "flow": "etl",
        "flow-run": run["id"],
        "task-run": task_run["id"],
        "deployment": "etl/prod",
        "schedule": "backup",
        "work-pool": "pool",
        "work-queue": f"pool/{queue['name']}",
        "worker": "pool/worker-1",
        "block": "secret/password",
        "block-type": "secret",
        "variable": "region",
        "artifact": "report",
        "concurrency-limit": "db",
        "global-concurrency-limit": "api-calls",
        "event": event["id"],
        **reactions,
    }


def _plant_reactions(post: Callable[[str, Any], Any]) -> dict[str, str]:
    """The same for what is done when something happens."""
    trigger = {"type": "event", "posture": "Reactive", "expect": ["prefect.flow-run.Crashed"], "threshold": 1}
    automation = {"name": "restart-crashed", "trigger": {**trigger, "within": 0}, "tags": ["eu"]}
    post("/automations/", {**automation, "actions": [{"type": "do-nothing"}]})
    told = {"name": "broken", "state_names": ["Failed"], "emails": ["a@example.com"]}
    notification = post("/notifications/", told)
    delivery = post(f"/notifications/{notification['id']}/test", None)["delivery_id"]
    post("/webhooks/", {"name": "github", "description": "pushes"})
    return {"automation": "restart-crashed", "notification": "broken", "delivery": delivery, "webhook": "github"}
