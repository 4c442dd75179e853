"""Every operation of the contract, called on data that is made through the API in the order things need each other."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from tests.contract.exchanges import Conversation
from tests.contract.samples import LEFT_OUT

NOW = datetime.now(UTC)
VIEWS = ("aggregate-worker-metadata", "aggregate-block-metadata", "aggregate-flow-metadata", "demo-flows")
LISTING = ("count", "filter", "paginate")
EVENT_TRIGGER = {"type": "event", "posture": "Reactive", "expect": ["made.up"], "threshold": 1, "within": 0}


def ago(**span: float) -> str:
    return (NOW - timedelta(**span)).isoformat()


def walk(talk: Conversation) -> None:
    """Calls all of them."""
    server(talk)
    block = blocks(talk)
    variables(talk)
    pool = work_pools(talk, block)
    flow_id = flows(talk)
    deployment_id = deployments(talk, flow_id, pool)
    run_id = flow_runs(talk, flow_id, pool)
    task_run_id = task_runs(talk, run_id)
    inputs_and_logs(talk, run_id, task_run_id)
    pausing(talk, flow_id)
    artifacts(talk, run_id, task_run_id)
    polling(talk, deployment_id, pool)
    tag_limits(talk, task_run_id)
    limits(talk, run_id)
    automations(talk, deployment_id)
    saved_searches(talk)
    events(talk)
    lists(talk)
    pages(talk, flow_id, run_id, task_run_id)
    endings(talk, flow_id, deployment_id, run_id, task_run_id, pool)


def server(talk: Conversation) -> None:
    for path in ("/health", "/ready", "/hello", "/version", "/admin/version", "/admin/settings"):
        talk.ask(f"GET {path}")
    for view in VIEWS:
        talk.ask("GET /collections/views/{view}", view=view)
    for path in ("/templates/validate", "/automations/templates/validate"):
        talk.ask(f"POST {path}", "{{ event.id }}")
        talk.send(f"POST {path}", "{{ event.id")
    talk.send("GET /csrf-token", query={"client": "me"})


def blocks(talk: Conversation) -> Any:
    """A block document for results."""
    talk.ask("POST /block_types/install_system_block_types")
    made = talk.ask("POST /block_types/", {"name": "Shelf", "slug": "shelf"})
    type_id = made["id"]
    talk.ask("GET /block_types/{id}", id=type_id)
    talk.ask("PATCH /block_types/{id}", id=type_id)
    talk.ask("GET /block_types/slug/{slug}", slug="shelf")
    fields = {
        "title": "Shelf",
        "type": "object",
        "properties": {"path": {"title": "Path", "type": "string"}, "key": {"type": "string", "format": "password"}},
        "required": ["path"],
        "secret_fields": ["key"],
        "block_type_slug": "shelf",
        "block_schema_references": {},
    }
    sent = {"block_type_id": type_id, "fields": fields, "capabilities": ["read-path"]}
    schema = talk.ask("POST /block_schemas/", sent)
    assert talk.ask("POST /block_schemas/", sent)["id"] == schema["id"]
    talk.ask("GET /block_schemas/{id}", id=schema["id"])
    talk.ask("GET /block_schemas/checksum/{checksum}", checksum=schema["checksum"])
    talk.ask("GET /block_capabilities/")
    data = {"path": "/tmp", "key": "secret"}
    sent = {"name": "results", "data": data, "block_schema_id": schema["id"], "block_type_id": type_id}
    document = talk.ask("POST /block_documents/", sent)
    outer = {**sent, "name": "outer", "data": {"path": {"$ref": {"block_document_id": document["id"]}}}}
    holder = talk.ask("POST /block_documents/", outer)
    talk.ask("GET /block_documents/{id}", query={"include_secrets": True}, id=holder["id"])
    talk.ask(
        "PATCH /block_documents/{id}", {"data": {"path": "/srv"}, "block_schema_id": schema["id"]}, id=holder["id"]
    )
    for path in ("", "/name/{block_document_name}"):
        operation = f"GET /block_types/slug/{{slug}}/block_documents{path}"
        talk.ask(operation, slug="shelf", block_document_name="results")
    talk.ask("DELETE /block_documents/{id}", id=holder["id"])
    talk.ask("PUT /admin/storage", {"default_result_storage_block_id": document["id"]})
    talk.ask("GET /admin/storage")
    talk.ask("DELETE /admin/storage")
    spare = talk.ask("POST /block_types/", {"name": "Spare", "slug": "spare"})
    extra = talk.ask("POST /block_schemas/", {"block_type_id": spare["id"], "fields": {"title": "Spare"}})
    talk.ask("DELETE /block_schemas/{id}", id=extra["id"])
    talk.ask("DELETE /block_types/{id}", id=spare["id"])
    return document


def variables(talk: Conversation) -> None:
    for name, value in (("first", {"a": [1, None]}), ("second", "text"), ("third", None)):
        made = talk.ask("POST /variables/", {"name": name, "value": value})
    talk.send("POST /variables/", {"name": "first", "value": 1})
    talk.ask("GET /variables/{id}", id=made["id"])
    talk.ask("PATCH /variables/{id}", {"name": "other", "value": 4}, id=made["id"])
    talk.ask("DELETE /variables/{id}", id=made["id"])
    talk.ask("GET /variables/name/{name}", name="first")
    talk.ask("PATCH /variables/name/{name}", {"name": "renamed", "value": [1]}, name="first")
    talk.ask("DELETE /variables/name/{name}", name="second")


def work_pools(talk: Conversation, block: Any) -> str:
    """The name of a pool with a queue ``fast``."""
    variables = {"type": "object", "properties": {"cpus": {"type": "integer", "default": 1}}}
    template = {"job_configuration": {"cpus": "{{ cpus }}"}, "variables": variables}
    storage = {"default_result_storage_block_id": block["id"], "bundle_upload_step": {}, "bundle_execution_step": {}}
    sent = {"type": "process", "base_job_template": template, "storage_configuration": storage}
    for name in ("pool", "spare"):
        talk.ask("POST /work_pools/", {"name": name, **sent, "concurrency_limit": 10})
    talk.send("POST /work_pools/", {"name": "pool"})
    talk.send("POST /work_pools/", {"name": "prefect-mine"})
    talk.ask("GET /work_pools/{name}", name="pool")
    talk.ask(
        "PATCH /work_pools/{name}", {**sent, "concurrency_limit": 9, "is_paused": False, "type": LEFT_OUT}, name="pool"
    )
    for name in ("fast", "slow"):
        queue = {"name": name, "filter": None, "concurrency_limit": 9}
        talk.ask("POST /work_pools/{work_pool_name}/queues", queue, work_pool_name="pool")
    where = {"work_pool_name": "pool"}
    talk.ask("GET /work_pools/{work_pool_name}/queues/{name}", **where, name="fast")
    talk.ask(
        "PATCH /work_pools/{work_pool_name}/queues/{name}", {"name": "slower", "filter": None}, **where, name="slow"
    )
    talk.ask("POST /work_pools/{work_pool_name}/queues/filter", **where)
    talk.ask("DELETE /work_pools/{work_pool_name}/queues/{name}", **where, name="slower")
    for name in ("worker", "leaving"):
        talk.ask("POST /work_pools/{work_pool_name}/workers/heartbeat", {"name": name}, **where)
    talk.ask("POST /work_pools/{work_pool_name}/workers/filter", {"workers": None}, **where)
    talk.ask("POST /work_pools/{work_pool_name}/workers/filter", **where)
    talk.ask("DELETE /work_pools/{work_pool_name}/workers/{name}", **where, name="leaving")
    talk.ask("DELETE /work_pools/{name}", name="spare")
    queue = talk.ask("POST /work_queues/", {"name": "standalone", "filter": None})
    talk.ask("GET /work_queues/{id}", id=queue["id"])
    talk.ask("GET /work_queues/name/{name}", name="standalone")
    talk.ask("PATCH /work_queues/{id}", {"name": "standalone", "filter": None}, id=queue["id"])
    return "pool"


def flows(talk: Conversation) -> str:
    made = talk.ask("POST /flows/", {"name": "etl", "labels": {"team": "a", "n": 1, "f": 1.5, "b": True}})
    assert talk.ask("POST /flows/", {"name": "etl"})["id"] == made["id"]
    talk.ask("GET /flows/{id}", id=made["id"])
    talk.ask("GET /flows/name/{name}", name="etl")
    talk.ask("PATCH /flows/{id}", {"tags": ["red"]}, id=made["id"])
    flow_id: str = made["id"]
    return flow_id


CRON = {"cron": "0 3 * * *", "timezone": "Europe/Oslo", "day_or": True}


def deployments(talk: Conversation, flow_id: str, pool: str) -> str:
    """The id of a deployment that has runs of its schedule."""
    limit = talk.ask("POST /v2/concurrency_limits/", {"name": "of-deployment", "limit": 5})
    sent = {
        "name": "daily",
        "flow_id": flow_id,
        "work_pool_name": pool,
        "work_queue_name": "fast",
        "schedules": [{"schedule": {"interval": 3600, "timezone": "UTC"}, "active": True, "max_scheduled_runs": 5}],
        "concurrency_options": {"collision_strategy": "ENQUEUE", "grace_period_seconds": 60},
        "concurrency_limit": LEFT_OUT,
        "global_concurrency_limit_id": limit["id"],
        "parameter_openapi_schema": {"type": "object", "properties": {"x": {"type": "integer"}}},
        "parameters": {"x": 1},
        "infrastructure_document_id": None,
        "storage_document_id": None,
    }
    made = talk.ask("POST /deployments/", sent)
    deployment = {"id": made["id"]}
    assert talk.ask("POST /deployments/", {**sent, "concurrency_limit": 3, "global_concurrency_limit_id": LEFT_OUT})
    talk.ask("GET /deployments/{id}", **deployment)
    talk.ask("GET /deployments/name/{flow_name}/{deployment_name}", flow_name="etl", deployment_name="daily")
    update = {name: sent[name] for name in ("concurrency_limit", "infrastructure_document_id", "storage_document_id")}
    scheduled = [{"schedule": CRON, "active": True, "slug": "nightly"}]
    update |= {"schedules": scheduled, "work_pool_name": pool, "global_concurrency_limit_id": limit["id"]}
    talk.ask("PATCH /deployments/{id}", {**update, "parameters": {"x": 2}}, **deployment)
    rrule = {"schedule": {"rrule": "FREQ=DAILY;COUNT=30", "timezone": "UTC"}, "slug": "rule", "replaces": LEFT_OUT}
    interval = {"schedule": {"interval": 600.0, "anchor_date": ago(days=1)}, "slug": "often", "max_scheduled_runs": 3}
    added = talk.ask("POST /deployments/{id}/schedules", [{"schedule": CRON}, rrule, interval], **deployment)
    talk.ask("GET /deployments/{id}/schedules", **deployment)
    for schedule, verb in zip(added, ("PATCH", "PATCH", "DELETE"), strict=False):
        change = {"schedule": CRON, "slug": f"slug-{schedule['id']}", "active": True, "replaces": LEFT_OUT}
        operation = f"{verb} /deployments/{{id}}/schedules/{{schedule_id}}"
        talk.ask(operation, change, **deployment, schedule_id=schedule["id"])
    talk.ask("POST /deployments/{id}/pause_deployment", **deployment)
    talk.ask("POST /deployments/{id}/resume_deployment", **deployment)
    bounds = {"start_time": ago(days=0), "end_time": ago(days=-3), "min_time": 0, "min_runs": 1, "max_runs": 5}
    talk.ask("POST /deployments/{id}/schedule", bounds, **deployment)
    talk.ask("GET /deployments/{id}/work_queue_check", **deployment)
    run = {"parent_task_run_id": None, "infrastructure_document_id": None, "parameters": {"x": 3}, "state": LEFT_OUT}
    run |= {"job_variables": {"cpus": 2}, "work_queue_name": "fast", "empirical_policy": {"retry_type": "reschedule"}}
    talk.ask("POST /deployments/{id}/create_flow_run", {**run, "idempotency_key": "once"}, **deployment)
    assert talk.ask("POST /deployments/{id}/create_flow_run", {**run, "idempotency_key": "once"}, **deployment)
    many = [{**run, "idempotency_key": None, "parameters": {"x": x}} for x in (1, "wrong")]
    talk.ask("POST /deployments/{id}/create_flow_run/bulk", many, **deployment)
    deployment_id: str = made["id"]
    return deployment_id


def flow_runs(talk: Conversation, flow_id: str, pool: str) -> str:
    """The id of a flow run that runs."""
    plain = {"flow_id": flow_id, "deployment_id": None, "parent_task_run_id": None, "infrastructure_document_id": None}
    plain |= {"work_pool_name": pool, "work_queue_name": "fast"}
    sent = {**plain, "state": {"type": "PENDING"}}
    made = talk.ask("POST /flow_runs/", {**sent, "idempotency_key": "one"})
    assert talk.ask("POST /flow_runs/", {**sent, "idempotency_key": "one"})["id"] == made["id"]
    run = {"id": made["id"]}
    talk.ask("GET /flow_runs/{id}", **run)
    talk.ask("PATCH /flow_runs/{id}", {"name": "renamed", "job_variables": LEFT_OUT}, **run)
    talk.ask("PATCH /flow_runs/{id}/labels", {"added": "label", "n": 1}, **run)
    states: list[dict[str, Any]] = [{"type": "RUNNING", "name": "Running", "message": "on"}, {"type": "SCHEDULED"}]
    for state in states:
        talk.ask("POST /flow_runs/{id}/set_state", {"state": state, "force": False}, **run)
    details = {"scheduled_time": ago(hours=1), "pause_reschedule": True}
    for state in (
        {"type": "SCHEDULED", "name": "Late", "state_details": details},
        {"type": "RUNNING", "data": {"a": 1}},
    ):
        talk.ask("POST /flow_runs/{id}/set_state", {"state": state, "force": True}, **run)
    listed = talk.ask("GET /flow_run_states/", query={"flow_run_id": made["id"]})
    talk.ask("GET /flow_run_states/{id}", id=listed[0]["id"])
    for _ in range(2):
        done = talk.ask("POST /flow_runs/", {**plain, "idempotency_key": LEFT_OUT, "state": LEFT_OUT})
        finished = {"state": {"type": "COMPLETED"}, "force": True}
        talk.ask("POST /flow_runs/{id}/set_state", finished, id=done["id"])
    some = {"flow_runs": {"id": {"any_": [done["id"]]}}, "limit": 5}
    talk.ask("POST /flow_runs/bulk_set_state", {**some, "state": {"type": "CANCELLED"}, "force": True})
    talk.ask("POST /flow_runs/bulk_delete", some)
    run_id: str = made["id"]
    return run_id


def task_runs(talk: Conversation, run_id: str) -> str:
    """The id of a task run that follows another."""
    first = {"flow_run_id": run_id, "id": LEFT_OUT, "state": {"type": "PENDING"}, "task_inputs": {}}
    earlier = talk.ask("POST /task_runs/", {**first, "dynamic_key": "0"})
    inputs = {
        "x": [{"input_type": "task_run", "id": earlier["id"]}],
        "y": [{"input_type": "parameter", "name": "p"}, {"input_type": "constant", "type": "int"}],
    }
    sent = {**first, "dynamic_key": "1", "task_inputs": inputs, "id": str(uuid4())}
    made = talk.ask("POST /task_runs/", sent)
    assert talk.ask("POST /task_runs/", {**sent, "id": LEFT_OUT})["id"] == made["id"]
    talk.ask("GET /task_runs/{id}", id=made["id"])
    talk.ask("PATCH /task_runs/{id}", id=made["id"])
    for state in ({"type": "RUNNING"}, {"type": "COMPLETED"}, {"type": "RUNNING"}):
        talk.ask("POST /task_runs/{id}/set_state", {"state": state, "force": False}, id=made["id"])
    listed = talk.ask("GET /task_run_states/", query={"task_run_id": made["id"]})
    talk.ask("GET /task_run_states/{id}", id=listed[0]["id"])
    task_run_id: str = made["id"]
    return task_run_id


def inputs_and_logs(talk: Conversation, run_id: str, task_run_id: str) -> None:
    run = {"id": run_id}
    for key in ("answer", "other"):
        talk.ask("POST /flow_runs/{id}/input", {"key": key, "value": '{"x": 1}', "sender": "me"}, **run)
    talk.send("POST /flow_runs/{id}/input", {"key": "answer", "value": "1"}, **run)
    talk.ask("GET /flow_runs/{id}/input/{key}", **run, key="answer")
    talk.ask("POST /flow_runs/{id}/input/filter", {"prefix": "a", "exclude_keys": ["other"]}, **run)
    talk.ask("DELETE /flow_runs/{id}/input/{key}", **run, key="other")
    line = {"name": "flow", "level": 20, "message": "hello, world", "timestamp": ago(seconds=1)}
    talk.ask(
        "POST /logs/", [{**line, "flow_run_id": run_id}, {**line, "flow_run_id": run_id, "task_run_id": task_run_id}]
    )
    talk.ask("POST /logs/filter", {"logs": {"flow_run_id": {"any_": [run_id]}, "text": {"query": "hello"}}})
    assert "hello" in talk.ask("GET /flow_runs/{id}/logs/download", **run)
    talk.ask("GET /flow_runs/{id}/graph", **run)
    talk.ask("GET /flow_runs/{id}/graph-v2", query={"since": ago(days=1)}, **run)


def pausing(talk: Conversation, flow_id: str) -> None:
    none = ("deployment_id", "work_pool_name", "work_queue_name", "parent_task_run_id", "infrastructure_document_id")
    sent = {"flow_id": flow_id, **dict.fromkeys(none), "idempotency_key": None, "state": {"type": "RUNNING"}}
    made = talk.ask("POST /flow_runs/", sent)
    run = {"id": made["id"]}
    details = {"pause_timeout": ago(hours=-1), "pause_key": "first", "pause_reschedule": False}
    paused = {"type": "PAUSED", "name": "Paused", "state_details": details}
    talk.ask("POST /flow_runs/{id}/set_state", {"state": paused, "force": False}, **run)
    talk.ask("POST /flow_runs/{id}/resume", {"run_input": {}}, **run)
    talk.ask("POST /flow_runs/{id}/resume", {"run_input": {}}, **run)
    talk.ask("DELETE /flow_runs/{id}", **run)


def artifacts(talk: Conversation, run_id: str, task_run_id: str) -> None:
    owners = {"flow_run_id": run_id, "task_run_id": task_run_id}
    for kind, data in (("markdown", "# Text"), ("table", [{"a": 1}]), ("progress", 40.0)):
        made = talk.ask(
            "POST /artifacts/", {**owners, "key": kind, "type": kind, "data": data, "metadata_": {"a": "b"}}
        )
    talk.ask("GET /artifacts/{id}", id=made["id"])
    talk.ask("GET /artifacts/{key}/latest", key="table")
    talk.ask("PATCH /artifacts/{id}", {"data": 50.0, "metadata_": {"a": "c"}}, id=made["id"])
    talk.ask("GET /flow_runs/{id}/graph-v2", id=run_id)
    talk.ask("DELETE /artifacts/{id}", id=made["id"])


def polling(talk: Conversation, deployment_id: str, pool: str) -> None:
    later = ago(days=-30)
    asked = {"deployment_ids": [deployment_id], "scheduled_before": later}
    assert talk.ask("POST /deployments/get_scheduled_flow_runs", asked)
    found = {"work_queue_names": ["fast"], "scheduled_before": later, "scheduled_after": ago(days=30)}
    assert talk.ask("POST /work_pools/{name}/get_scheduled_flow_runs", found, name=pool)
    talk.ask("POST /work_pools/{name}/concurrency_status", {"page": 1, "limit": 5, "flow_run_limit": 5}, name=pool)
    queue = talk.ask("GET /work_pools/{work_pool_name}/queues/{name}", work_pool_name=pool, name="fast")
    talk.ask("POST /work_queues/{id}/get_runs", {"scheduled_before": later}, id=queue["id"])
    talk.ask("GET /work_queues/{id}/status", id=queue["id"])
    talk.ask("POST /work_queues/{id}/concurrency_status", {"page": 1, "limit": 5}, id=queue["id"])


def tag_limits(talk: Conversation, task_run_id: str) -> None:
    for tag in ("database", "spare"):
        made = talk.ask("POST /concurrency_limits/", {"tag": tag, "concurrency_limit": 1})
    talk.ask("POST /concurrency_limits/filter")
    talk.ask("GET /concurrency_limits/{id}", id=made["id"])
    talk.ask("GET /concurrency_limits/tag/{tag}", tag="database")
    sent = {"names": ["database"], "task_run_id": task_run_id}
    talk.ask("POST /concurrency_limits/increment", sent)
    talk.send("POST /concurrency_limits/increment", {**sent, "task_run_id": str(uuid4())})
    talk.ask("GET /concurrency_limits/tag/{tag}", tag="database")
    talk.ask("POST /concurrency_limits/decrement", sent)
    talk.ask("POST /concurrency_limits/tag/{tag}/reset", {"slot_override": [task_run_id]}, tag="database")
    talk.ask("DELETE /concurrency_limits/tag/{tag}", tag="database")
    talk.ask("DELETE /concurrency_limits/{id}", id=made["id"])


def limits(talk: Conversation, run_id: str) -> None:
    made = talk.ask("POST /v2/concurrency_limits/", {"name": "global", "limit": 3})
    talk.send("POST /v2/concurrency_limits/", {"name": "global", "limit": 3})
    talk.ask("GET /v2/concurrency_limits/{id_or_name}", id_or_name="global")
    change = {"limit": 2, "name": "global", "active_slots": 0, "slot_decay_per_second": 0}
    talk.ask("PATCH /v2/concurrency_limits/{id_or_name}", change, id_or_name=made["id"])
    sent = {"names": ["global"], "slots": 1, "mode": "concurrency", "create_if_missing": False}
    talk.ask("POST /v2/concurrency_limits/increment", sent)
    talk.ask("POST /v2/concurrency_limits/decrement", {"names": ["global"], "slots": 1, "occupancy_seconds": 1.0})
    holder = {"type": "flow_run", "id": run_id}
    leased = {"names": ["global"], "slots": 2, "mode": "concurrency", "lease_duration": 60, "holder": holder}
    lease = talk.ask("POST /v2/concurrency_limits/increment-with-lease", leased)
    talk.send("POST /v2/concurrency_limits/increment", sent)
    talk.send("POST /v2/concurrency_limits/increment-with-lease", leased)
    renewed = {"lease_duration": 90}
    talk.ask("POST /v2/concurrency_limits/leases/{lease_id}/renew", renewed, lease_id=lease["lease_id"])
    talk.ask("POST /v2/concurrency_limits/filter")
    talk.ask("POST /v2/concurrency_limits/decrement-with-lease", {"lease_id": lease["lease_id"]})
    talk.send("POST /v2/concurrency_limits/leases/{lease_id}/renew", renewed, lease_id=lease["lease_id"])
    talk.ask("DELETE /v2/concurrency_limits/{id_or_name}", id_or_name="global")


def automations(talk: Conversation, deployment_id: str) -> None:
    run = {"type": "run-deployment", "source": "selected", "deployment_id": deployment_id, "parameters": {"x": 1}}
    actions: list[dict[str, Any]] = [run, {"type": "do-nothing"}, {"type": "cancel-flow-run"}]
    actions.append({"type": "change-flow-run-state", "state": "FAILED", "name": "Failed", "message": "m"})
    actions.append({"type": "send-notification", "block_document_id": str(uuid4()), "body": "{{ event.id }}"})
    inner = {"type": "sequence", "triggers": [EVENT_TRIGGER, EVENT_TRIGGER], "within": 60}
    trigger = {"type": "compound", "triggers": [EVENT_TRIGGER, inner], "within": None, "require": "any"}
    owner = f"prefect.deployment.{uuid4()}"
    sent = {"actions": actions, "trigger": trigger, "owner_resource": owner}
    made = talk.ask("POST /automations/", sent)
    automation = {"id": made["id"]}
    plain = talk.ask("POST /automations/", {"owner_resource": None})
    talk.ask("GET /automations/{id}", **automation)
    talk.ask("PATCH /automations/{id}", {"enabled": False}, **automation)
    talk.ask("PUT /automations/{id}", {"actions": actions, "trigger": inner}, **automation)
    assert talk.ask("GET /automations/related-to/{resource_id}", resource_id=owner)
    assert talk.ask("POST /automations/filter", {"automations": None, "offset": 0})
    talk.ask("DELETE /automations/owned-by/{resource_id}", resource_id=owner)
    talk.ask("DELETE /automations/{id}", id=plain["id"])


def saved_searches(talk: Conversation) -> None:
    sent = {"name": "mine"}
    made = talk.ask("PUT /saved_searches/", sent)
    assert talk.ask("PUT /saved_searches/", sent)["id"] == made["id"]
    talk.ask("GET /saved_searches/{id}", id=made["id"])
    talk.ask("POST /saved_searches/filter")
    talk.ask("DELETE /saved_searches/{id}", id=made["id"])


def events(talk: Conversation) -> None:
    resource = {"prefect.resource.id": "thing.1", "prefect.resource.name": "one"}
    related = [{"prefect.resource.id": "thing.2", "prefect.resource.role": "friend"}]
    sent = {"occurred": ago(minutes=1), "event": "thing.happened", "resource": resource, "related": related}
    many = [{**sent, "id": str(uuid4()), "payload": {"n": n}, "follows": None} for n in range(3)]
    talk.ask("POST /events", many)
    span = {"occurred": {"since": ago(hours=1), "until": ago(hours=-1)}, "event": {"prefix": ["thing."]}}
    page = talk.ask("POST /events/filter", {"filter": span, "limit": 2})
    assert len(page["events"]) == 2
    token = httpx.URL(page["next_page"]).params["page-token"]
    assert len(talk.ask("GET /events/filter/next", query={"page-token": token})["events"]) == 1
    talk.send("GET /events/filter/next", query={"page-token": "none"})
    for countable in ("day", "time", "event", "resource"):
        counting = {"filter": span, "time_unit": "hour", "time_interval": 1.0}
        assert talk.ask("POST /events/count-by/{countable}", counting, countable=countable)
    talk.ask("POST /events/filter", {"limit": 5})


LISTED = {
    "artifacts": ("count", "filter", "latest/count", "latest/filter"),
    "automations": ("count", "filter"),
    "block_documents": ("count", "filter"),
    "block_schemas": ("filter",),
    "block_types": ("filter",),
    "deployments": LISTING,
    "flow_runs": (*LISTING, "lateness"),
    "flows": LISTING,
    "logs": ("filter",),
    "task_runs": LISTING,
    "task_workers": ("filter",),
    "variables": ("count", "filter"),
    "work_pools": ("count", "filter"),
    "work_queues": ("filter",),
}


def lists(talk: Conversation) -> None:
    """Each list without a filter, with every key of every filter, and short."""
    for noun, kinds in LISTED.items():
        for kind in kinds:
            operation = f"POST /{noun}/{kind}"
            answer = talk.send(operation, {})
            assert answer.status_code == 200, f"{operation}: {answer.text}"
            talk.ask(operation)
    span = {"history_start": ago(days=1), "history_end": ago(days=-1), "history_interval_seconds": 3600}
    for noun in ("flow_runs", "task_runs"):
        talk.ask(f"POST /{noun}/history", span)
        assert talk.send(f"POST /{noun}/history", span).json()


def pages(talk: Conversation, flow_id: str, run_id: str, task_run_id: str) -> None:
    """What pages ask for besides."""
    talk.ask("POST /ui/flow_runs/count-task-runs", {"flow_run_ids": [run_id]})
    talk.ask("POST /ui/flows/count-deployments", {"flow_ids": [flow_id]})
    assert talk.ask("POST /ui/flows/next-runs", {"flow_ids": [flow_id]})[flow_id]
    talk.ask("GET /ui/task_runs/{id}", id=task_run_id)
    for operation in ("POST /ui/flow_runs/history", "POST /ui/task_runs/count"):
        talk.ask(operation)
        assert talk.send(operation, {}).json()
    within = {"start_time": {"after_": ago(days=1), "before_": ago(days=-1)}}
    talk.ask("POST /ui/task_runs/dashboard/counts", {"task_runs": within})
    schema = {"type": "object", "properties": {"x": {"type": "array", "items": {"type": "integer"}}}}
    talk.ask("POST /ui/schemas/validate", {"schema": schema, "values": {"x": [1, "2"]}})


def endings(talk: Conversation, flow_id: str, deployment_id: str, run_id: str, task_run_id: str, pool: str) -> None:
    """What ends the rest."""
    talk.ask("DELETE /task_runs/{id}", id=task_run_id)
    talk.ask("DELETE /flow_runs/{id}", id=run_id)
    queue = talk.ask("GET /work_queues/name/{name}", name="standalone")
    talk.ask("DELETE /work_queues/{id}", id=queue["id"])
    talk.ask("DELETE /deployments/{id}", id=deployment_id)
    extra = talk.ask("POST /flows/", {"name": "extra"})
    sent = {"name": "extra", "flow_id": extra["id"], "paused": True}
    doomed = talk.send("POST /deployments/", sent).json()
    assert talk.ask("POST /deployments/bulk_delete", {"deployments": {"id": {"any_": [doomed["id"]]}}, "limit": 1})
    assert talk.ask("POST /flows/bulk_delete", {"flows": {"id": {"any_": [extra["id"]]}}, "limit": 1})
    talk.ask("DELETE /flows/{id}", id=flow_id)
