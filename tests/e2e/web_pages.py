"""The addresses of the incumbent's two UIs, for what ``web_seed.py`` made."""

import re
from typing import Any

from tests.e2e.conftest import Podium


def objects(podium: Podium, seed: dict[str, Any]) -> dict[str, str]:
    """The ids that addresses name."""
    run = podium.get(f"/flow_runs/{seed['flow_run']}")
    tasks = podium.post("/task_runs/filter", {"task_runs": {"flow_run_id": {"any_": [seed["flow_run"]]}}})
    artifacts = podium.post("/artifacts/latest/filter")
    event = podium.post("/events/filter", {"filter": {"event": {"name": ["order.placed"]}}})["events"][0]
    [block] = podium.post("/block_documents/filter", {"block_documents": {"name": {"any_": ["password"]}}})
    queues = podium.post("/work_queues/filter")
    return {
        "flow_run": seed["flow_run"],
        "failed": seed["failed"],
        "deployment_run": seed["deployment_run"],
        "flow": run["flow_id"],
        "task": next(each["id"] for each in tasks if each["name"].startswith("extract")),
        "deployment": seed["deployments"]["production"],
        "by_hand": seed["deployments"]["by-hand"],
        "automation": seed["automation"],
        **{f"artifact_{each['key']}": each["latest_id"] for each in artifacts if each["key"]},
        "event": event["id"],
        "date": event["occurred"][:10],
        "block": block["id"],
        "queue": next(each["id"] for each in queues if each["name"] == "urgent"),
        "limit": podium.get("/v2/concurrency_limits/database")["id"],
        "tag_limit": podium.get("/concurrency_limits/tag/io")["id"],
    }


COMMON = {
    "dashboard": "/dashboard",
    "runs": "/runs",
    "runs-tasks": "/runs?tab=task-runs",
    "flow-run": "/runs/flow-run/{flow_run}",
    "flow-run-failed": "/runs/flow-run/{failed}",
    "flow-run-of-deployment": "/runs/flow-run/{deployment_run}",
    "task-run": "/runs/task-run/{task}",
    "flows": "/flows",
    "flow": "/flows/flow/{flow}",
    "deployments": "/deployments",
    "deployment": "/deployments/deployment/{deployment}",
    "deployment-by-hand": "/deployments/deployment/{by_hand}",
    "deployment-run": "/deployments/deployment/{deployment}/run",
    "deployment-edit": "/deployments/deployment/{deployment}/edit",
    "deployment-duplicate": "/deployments/deployment/{deployment}/duplicate",
    "work-pools": "/work-pools",
    "work-pool": "/work-pools/work-pool/local",
    "work-pool-edit": "/work-pools/work-pool/local/edit",
    "work-pool-create": "/work-pools/create",
    "queue": "/work-pools/work-pool/local/queue/urgent",
    "queue-edit": "/work-pools/work-pool/local/queue/urgent/edit",
    "queue-create": "/work-pools/work-pool/local/queue/create",
    "blocks": "/blocks",
    "block-catalog": "/blocks/catalog",
    "block-type": "/blocks/catalog/secret",
    "block-create": "/blocks/catalog/secret/create",
    "block-create-webhook": "/blocks/catalog/slack-webhook/create",
    "block": "/blocks/block/{block}",
    "block-edit": "/blocks/block/{block}/edit",
    "variables": "/variables",
    "automations": "/automations",
    "automation": "/automations/automation/{automation}",
    "automation-edit": "/automations/automation/{automation}/edit",
    "automation-create": "/automations/create",
    "events": "/events",
    "event": "/events/event/{date}/{event}",
    "concurrency": "/concurrency-limits",
    "concurrency-limit": "/concurrency-limits/concurrency-limit/{tag_limit}",
    "artifacts": "/artifacts",
    "artifact-key": "/artifacts/key/report",
    "artifact": "/artifacts/artifact/{artifact_report}",
    "artifact-table": "/artifacts/artifact/{artifact_totals}",
    "artifact-progress": "/artifacts/artifact/{artifact_progress}",
    "artifact-image": "/artifacts/artifact/{artifact_plot}",
    "artifact-link": "/artifacts/artifact/{artifact_dashboard}",
    "settings": "/settings",
}
OLDER = {**COMMON, "work-queue": "/work-queues/work-queue/{queue}", "notifications": "/notifications"}

PAGES = {"": OLDER, "/v2": COMMON}
"""Base path of a UI, name of a page, its address."""

UNKNOWN = "0f9d8c7b-0000-4000-8000-000000000001"
"""An id that nothing has."""

ANOTHER = {
    "flow_runs": "flow_run",
    "task_runs": "task",
    "flows": "flow",
    "deployments": "deployment",
    "concurrency_limits": "limit",
    "artifacts": "artifact_report",
}
"""Which named thing stands for another of its kind in a path, by the kind."""

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def generalized(text: str, named: dict[str, str]) -> str:
    """A request's path or body with ``<flow_run>`` in place of the id; ``<unknown>`` for one without a name."""
    for name, value in named.items():
        text = text.replace(value, f"<{name}>")
    text = _ID.sub("<unknown>", text)
    for kind, name in ANOTHER.items():
        text = text.replace(f"/{kind}/<unknown>", f"/{kind}/<{name}>")
    return text


def specialized(text: str, named: dict[str, str]) -> str:
    """The opposite."""
    for name, value in named.items():
        text = text.replace(f"<{name}>", value)
    return text.replace("<unknown>", UNKNOWN)


def shape(body: Any) -> Any:
    """A body without its values: two requests of one shape are one kind of request."""
    if isinstance(body, dict):
        return {key: shape(value) for key, value in sorted(body.items())}
    if isinstance(body, list):
        return [shape(body[0])] if body else []
    return type(body).__name__
