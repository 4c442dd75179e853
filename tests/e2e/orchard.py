"""Everything that can be copied, many times over, on a server that is only spoken to over REST."""

import time
from typing import Any

import httpx

DEPLOYMENTS = 50
POOLS = 3
SECRET = "canary-of-import"


def plant(url: str) -> None:
    """Makes deployments with schedules, pools, queues, limits, variables, blocks of an own type, and automations."""
    with httpx.Client(base_url=url, timeout=60, follow_redirects=True) as api:

        def post(path: str, body: Any) -> Any:
            answer = api.post(path, json=body)
            for _ in range(20):
                if answer.status_code != 503:  # its services hold the lock of its database
                    break
                time.sleep(0.2)
                answer = api.post(path, json=body)
            assert answer.status_code < 300, (path, answer.text)
            return answer.json() if answer.content else None

        variables_and_limits(post)
        block = blocks(post, api)
        pools = [pool(post, number) for number in range(POOLS)]
        limit = api.get("/v2/concurrency_limits/shared").json()
        flows = [post("/flows/", {"name": f"flow-{number}", "tags": ["copied"]})["id"] for number in range(7)]
        made = [
            post("/deployments/", deployment(number, flows[number % 7], limit["id"], block))
            for number in range(DEPLOYMENTS)
        ]
        automations(post, made, pools)


def variables_and_limits(post: Any) -> None:
    for number in range(12):
        post(
            "/variables/", {"name": f"variable-{number}", "value": {"n": number, "x": [None, 1.5, "é"]}, "tags": ["v"]}
        )
    for number in range(4):
        post("/concurrency_limits/", {"tag": f"tag-{number}", "concurrency_limit": number + 1})
    post("/v2/concurrency_limits/", {"name": "shared", "limit": 9, "slot_decay_per_second": 0.5})
    post("/v2/concurrency_limits/", {"name": "off", "limit": 1, "active": False})


def blocks(post: Any, api: httpx.Client) -> str:
    """A type of one's own with a nested secret, and documents of it and of a server's type; the id of the first."""
    kind = post("/block_types/", {"name": "Own Thing", "slug": "own-thing", "description": "a <b> & c"})
    fields = {
        "title": "OwnThing",
        "type": "object",
        "properties": {
            "host": {"title": "Host", "type": "string"},
            "login": {"title": "Login", "type": "object"},
        },
        "required": ["host"],
        "block_type_slug": "own-thing",
        "secret_fields": ["login.password"],
        "block_schema_references": {},
    }
    schema = post("/block_schemas/", {"fields": fields, "block_type_id": kind["id"], "capabilities": ["own"]})
    body = {"block_schema_id": schema["id"], "block_type_id": kind["id"]}
    data = {"host": "h", "login": {"user": "u", "password": SECRET}}
    own = post("/block_documents/", {**body, "name": "mine", "data": data})
    secret = api.get("/block_types/slug/secret").json()
    schemas = post("/block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [secret["id"]]}}})
    body = {"block_schema_id": schemas[0]["id"], "block_type_id": secret["id"]}
    post("/block_documents/", {**body, "name": "token", "data": {"value": SECRET}})
    post("/block_documents/", {**body, "name": "object", "data": {"value": {"key": SECRET}}})
    return str(own["id"])


def pool(post: Any, number: int) -> Any:
    name = f"pool-{number}"
    template = {
        "job_configuration": {"command": "{{ command }}"},
        "variables": {"type": "object", "properties": {"command": {"type": "string"}, "own": {"type": "object"}}},
    }
    made = post(
        "/work_pools/", {"name": name, "type": "process", "base_job_template": template, "is_paused": number == 1}
    )
    for at in range(1, 4):
        post(f"/work_pools/{name}/queues", {"name": f"queue-{at}", "priority": at, "concurrency_limit": at})
    return made


def deployment(number: int, flow: str, limit: str, block: str) -> dict[str, Any]:
    rules: list[dict[str, Any]] = [
        {"cron": "0 3 * * *", "timezone": "Europe/Berlin", "day_or": False},
        {"interval": 3600, "anchor_date": "2026-01-01T00:30:00Z", "timezone": "UTC"},
        {"rrule": "FREQ=WEEKLY;BYDAY=MO", "timezone": "UTC"},
    ]
    schedules = [
        {"schedule": rules[at], "active": at != 1, "parameters": {"day": at}, **({"slug": f"s-{at}"} if at else {})}
        for at in range(number % 4)
    ]
    body: dict[str, Any] = {
        "name": f"deployment-{number}",
        "flow_id": flow,
        "schedules": schedules,
        "tags": [f"t-{number % 5}", "copied"],
        "parameters": {"a": number, "deep": {"b": [1, 2]}},
        "parameter_openapi_schema": {"type": "object", "properties": {"a": {"type": "integer"}}},
        "enforce_parameter_schema": number % 2 == 0,
        "entrypoint": f"flows.py:flow_{number}",
        "path": "/opt",
        "version": f"v{number}",
        "description": f"number {number}\nof many",
        "labels": {"team": "a", "n": number},
        "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": "/opt"}}],
        "paused": number == 3,
    }
    if number % 3 != 2:
        body |= {"work_pool_name": f"pool-{number % 3}", "work_queue_name": f"queue-{number % 2 + 1}"}
        body["job_variables"] = {"own": {"$ref": {"block_document_id": block}}}
    if number % 10 == 0:
        body |= {"concurrency_limit": number + 1, "concurrency_options": {"collision_strategy": "CANCEL_NEW"}}
    elif number % 10 == 1:
        body["global_concurrency_limit_id"] = limit
    return body


def automations(post: Any, deployments: list[Any], pools: list[Any]) -> None:
    for number in range(5):
        row = deployments[number]
        trigger = {
            "type": "event",
            "posture": "Reactive" if number % 2 else "Proactive",
            "match": {"prefect.resource.id": "prefect.flow-run.*"},
            "match_related": {
                "prefect.resource.id": [f"prefect.deployment.{row['id']}", f"prefect.flow.{row['flow_id']}"]
            },
            "expect": ["prefect.flow-run.Failed"],
            "for_each": ["prefect.resource.id"],
            "within": 60,
        }
        both = {"type": "compound", "require": "any", "within": 30, "triggers": [trigger, {**trigger, "within": 90}]}
        actions = [
            {"type": "run-deployment", "source": "selected", "deployment_id": row["id"], "parameters": {"a": number}},
            {"type": "pause-work-pool", "source": "selected", "work_pool_id": pools[0]["id"]},
            {"type": "cancel-flow-run"},
        ]
        post(
            "/automations/",
            {
                "name": f"automation-{number}",
                "trigger": both if number == 4 else trigger,
                "actions": actions,
                "tags": ["c"],
            },
        )
