"""Builds the events the server emits when its objects change (contract: "Server-emitted events").

Every function takes rows that are already loaded and runs no statement. ``now`` is the unit's clock, ``verb`` is
``created``, ``updated`` or ``deleted``. JSON columns may be ``msgspec.Raw`` or decoded.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Literal

from podium.db.types import plain
from podium.db.unit import Row
from podium.server.events.event import RESOURCE_ROLE, Event, Labels, resource

Verb = Literal["created", "updated", "deleted"]

FOLLOWS_WITHIN = timedelta(minutes=5)
POOL_STATUS_FOLLOWS_WITHIN = timedelta(minutes=10)
LONGEST_MESSAGE = 100_000

STATUS_VERBS = {"READY": "ready", "NOT_READY": "not-ready", "PAUSED": "paused"}

# Column and the name the payload calls it by.
DEPLOYMENT_WATCHED = {
    "description": "description",
    "tags": "tags",
    "parameters": "parameters",
    "parameter_openapi_schema": "parameter_openapi_schema",
    "enforce_parameter_schema": "enforce_parameter_schema",
    "entrypoint": "entrypoint",
    "path": "path",
    "pull_steps": "pull_steps",
    "work_queue_id": "work_queue_id",
    "job_variables": "infra_overrides",
    "paused": "paused",
    "labels": "labels",
    "version": "version",
    "concurrency_limit_id": "concurrency_limit_id",
    "concurrency_options": "concurrency_options",
}
WORK_POOL_WATCHED = {
    name: name for name in ("description", "base_job_template", "concurrency_limit", "storage_configuration")
}
WORK_QUEUE_WATCHED = {name: name for name in ("name", "description", "concurrency_limit", "priority")}


def flow_run_state_event(run: Row, initial: Row | None, validated: Row, context: Row) -> Event:
    """``prefect.flow-run.<StateName>``: the run entered a state.

    ``run`` is the flow run with the new state applied; ``initial`` and ``validated`` are state rows (id, type, name,
    timestamp, message, state_details). ``context`` has what is related: flow_name, flow_tags, deployment_name,
    deployment_tags, work_queue_name, work_pool_id, work_pool_name, work_pool_type, task_run_name and task_run_tags (of
    the parent task run); a key that is absent or null is left out of the event.
    """
    timestamp: datetime = validated["timestamp"]
    labels = resource("flow-run", run["id"], name=run["name"])
    labels["prefect.run-count"] = str(run["run_count"])
    labels["prefect.state-message"] = (validated["message"] or "")[:LONGEST_MESSAGE]
    labels["prefect.state-name"] = validated["name"]
    labels["prefect.state-timestamp"] = timestamp.isoformat()
    labels["prefect.state-type"] = validated["type"]
    return Event(
        id=str(validated["id"]),
        event=f"prefect.flow-run.{validated['name']}",
        occurred=timestamp,
        resource=labels,
        related=_related_to_flow_run(run, context),
        payload={
            "intended": {"from": initial["type"] if initial else None, "to": validated["type"]},
            "initial_state": _state(initial) if initial else None,
            "validated_state": _state(validated),
        },
        follows=_follows(initial, timestamp),
    )


def _follows(initial: Row | None, timestamp: datetime) -> str | None:
    if initial is None or abs(timestamp - initial["timestamp"]) > FOLLOWS_WITHIN:
        return None
    return str(initial["id"])


def _state(state: Row) -> dict[str, Any]:
    shown = {"type": state["type"], "name": state["name"]}
    if state["message"]:
        shown["message"] = state["message"][:LONGEST_MESSAGE]
    if state["type"] == "PAUSED":
        details = plain(state["state_details"]) or {}
        shown["pause_reschedule"] = str(bool(details.get("pause_reschedule"))).lower()
    return shown


def _related_to_flow_run(run: Row, context: Row) -> list[Labels]:
    related = [resource("flow", run["flow_id"], "flow", context.get("flow_name"))]
    for kind, key, name in (
        ("deployment", run.get("deployment_id"), context.get("deployment_name")),
        ("work-queue", run.get("work_queue_id"), context.get("work_queue_name")),
        ("work-pool", context.get("work_pool_id"), context.get("work_pool_name")),
        ("task-run", run.get("parent_task_run_id"), context.get("task_run_name")),
    ):
        if key is not None and name is not None:
            related.append(resource(kind, key, kind, name))
            if kind == "work-pool":
                related[-1]["prefect.work-pool.type"] = context["work_pool_type"]
    tags: set[str] = set()
    for listed in (run.get("tags"), *(context.get(f"{of}_tags") for of in ("flow", "deployment", "task_run"))):
        tags.update(plain(listed) or ())
    related.extend(resource("tag", tag, "tag") for tag in sorted(tags))
    creator = plain(run.get("created_by"))
    if creator and creator.get("type") in ("DEPLOYMENT", "AUTOMATION"):
        related.append(resource(creator["type"].lower(), creator["id"], "creator", creator.get("display_value")))
    return related


def deployment_event(verb: Verb, deployment: Row, context: Row, now: datetime) -> Event:
    """``prefect.deployment.created`` or ``.deleted``.

    ``context`` has flow_name, work_queue_name, work_pool_id, work_pool_name and work_pool_type, where they exist.
    """
    return _deployment(verb, deployment, context, now, {})


def deployment_updated(before: Row, after: Row, context: Row, now: datetime) -> Event | None:
    """``prefect.deployment.updated`` with what changed, None when no watched column did."""
    payload = _updates(before, after, DEPLOYMENT_WATCHED)
    return _deployment("updated", after, context, now, payload) if payload else None


def deployment_status_event(deployment: Row, status: str, context: Row, now: datetime) -> Event:
    """``prefect.deployment.ready`` or ``.not-ready``."""
    return _deployment(STATUS_VERBS[status], deployment, context, now, {})


def _deployment(verb: str, deployment: Row, context: Row, now: datetime, payload: Any) -> Event:
    related = [resource("flow", deployment["flow_id"], "flow", context.get("flow_name"))]
    if deployment.get("work_queue_id") and context.get("work_queue_name"):
        related.append(resource("work-queue", deployment["work_queue_id"], "work-queue", context["work_queue_name"]))
    if context.get("work_pool_id"):
        related.append(_work_pool_as_related(context))
    for column, kind in (
        ("storage_document_id", "block-document"),
        ("infrastructure_document_id", "block-document"),
        ("concurrency_limit_id", "concurrency-limit"),
    ):
        if deployment.get(column):
            role = {"storage_document_id": "storage", "infrastructure_document_id": "infrastructure"}.get(column, kind)
            related.append(resource(kind, deployment[column], role))
    return Event(
        event=f"prefect.deployment.{verb}",
        occurred=now,
        resource=resource("deployment", deployment["id"], name=deployment["name"]),
        related=related,
        payload=payload,
    )


def _work_pool_as_related(context: Row) -> Labels:
    labels = resource("work-pool", context["work_pool_id"], "work-pool", context["work_pool_name"])
    labels["prefect.work-pool.type"] = context["work_pool_type"]
    return labels


def work_pool_event(verb: Verb, pool: Row, now: datetime) -> Event:
    """``prefect.work-pool.created`` or ``.deleted``."""
    related = []
    if pool.get("default_queue_id"):
        related.append(resource("work-queue", pool["default_queue_id"], "default-queue"))
    storage = plain(pool.get("storage_configuration")) or {}
    if storage.get("default_result_storage_block_id"):
        block_id = storage["default_result_storage_block_id"]
        related.append(resource("block-document", block_id, "result-storage"))
    return Event(event=f"prefect.work-pool.{verb}", occurred=now, resource=_work_pool(pool), related=related)


def work_pool_updated(before: Row, after: Row, now: datetime) -> Event | None:
    """``prefect.work-pool.updated`` with what changed, None when no watched column did."""
    payload = _updates(before, after, WORK_POOL_WATCHED)
    if not payload:
        return None
    return Event(event="prefect.work-pool.updated", occurred=now, resource=_work_pool(after), payload=payload)


def work_pool_status_event(pool: Row, status: str, now: datetime) -> Event:
    """``prefect.work-pool.ready``, ``.not-ready`` or ``.paused``.

    ``pool`` is the row before the change. The caller stores the event's id as ``last_status_event_id`` of the pool.
    """
    labels = _work_pool(pool)
    del labels[RESOURCE_ROLE]
    changed = pool.get("last_transitioned_status_at")
    recent = changed is not None and now - changed < POOL_STATUS_FOLLOWS_WITHIN
    follows = pool.get("last_status_event_id") if recent else None
    return Event(event=f"prefect.work-pool.{STATUS_VERBS[status]}", occurred=now, resource=labels, follows=follows)


def _work_pool(pool: Row) -> Labels:
    labels = resource("work-pool", pool["id"], "work-pool", pool["name"])
    labels["prefect.work-pool.type"] = pool["type"]
    return labels


def work_queue_event(verb: Verb, queue: Row, pool: Row | None, now: datetime) -> Event:
    """``prefect.work-queue.created`` or ``.deleted``; ``pool`` needs id, name and type."""
    return _work_queue(verb, queue, pool, now, {})


def work_queue_updated(before: Row, after: Row, pool: Row | None, now: datetime) -> Event | None:
    """``prefect.work-queue.updated`` with what changed, None when no watched column did."""
    payload = _updates(before, after, WORK_QUEUE_WATCHED)
    return _work_queue("updated", after, pool, now, payload) if payload else None


def work_queue_status_event(queue: Row, status: str, pool: Row | None, now: datetime) -> Event:
    """``prefect.work-queue.ready``, ``.not-ready`` or ``.paused``."""
    return _work_queue(STATUS_VERBS[status], queue, pool, now, {})


def _work_queue(verb: str, queue: Row, pool: Row | None, now: datetime, payload: Any) -> Event:
    return Event(
        event=f"prefect.work-queue.{verb}",
        occurred=now,
        resource=resource("work-queue", queue["id"], "work-queue", queue["name"]),
        related=[_work_pool(pool)] if pool else [],
        payload=payload,
    )


def flow_event(verb: Verb, flow: Row, now: datetime) -> Event:
    """``prefect.flow.<verb>``."""
    return _plain_event("flow", verb, flow, flow["name"], now, ("name", "tags", "labels"))


def variable_event(verb: Verb, variable: Row, now: datetime) -> Event:
    """``prefect.variable.<verb>``; the value is in the payload."""
    return _plain_event("variable", verb, variable, variable["name"], now, ("name", "value", "tags"))


def concurrency_limit_event(verb: Verb, limit: Row, now: datetime) -> Event:
    """``prefect.concurrency-limit.<verb>`` of a version 2 limit."""
    shown = ("name", "limit", "active", "slot_decay_per_second")
    return _plain_event("concurrency-limit", verb, limit, limit["name"], now, shown)


def tag_concurrency_limit_event(verb: Verb, limit: Row, now: datetime) -> Event:
    """``prefect.concurrency-limit.<verb>`` of a version 1 limit, which has a tag."""
    return _plain_event("concurrency-limit", verb, limit, limit["tag"], now, ("tag", "concurrency_limit"))


def block_type_event(verb: Verb, block_type: Row, now: datetime) -> Event:
    """``prefect.block-type.<verb>``."""
    shown = ("name", "slug", "logo_url", "documentation_url", "description", "code_example", "is_protected")
    return _plain_event("block-type", verb, block_type, block_type["name"], now, shown)


def block_document_event(
    verb: Verb, document: Row, data: dict[str, Any], block_type: Row, block_schema: Row, now: datetime
) -> Event | None:
    """``prefect.block-document.<verb>``, None for an anonymous document.

    ``data`` is decrypted; only strings outside of the schema's secret fields get into the payload.
    """
    if document["is_anonymous"]:
        return None
    secret = {name.partition(".")[0] for name in (plain(block_schema["fields"]) or {}).get("secret_fields", ())}
    return Event(
        event=f"prefect.block-document.{verb}",
        occurred=now,
        resource=resource("block-document", document["id"], name=document["name"]),
        related=[
            resource("block-type", block_type["id"], "block-type", block_type["name"]),
            resource("block-schema", block_schema["id"], "block-schema"),
        ],
        payload={
            "name": document["name"],
            "data": {key: value for key, value in data.items() if isinstance(value, str) and key not in secret},
            "block_schema": {
                "capabilities": block_schema["capabilities"],
                "block_type": {"id": block_type["id"], "name": block_type["name"]},
            },
        },
    )


def block_loaded_event(document: Row, slug: str, now: datetime) -> Event:
    """``prefect.block.<slug>.loaded``: the server read a block of this type to send something with it."""
    return Event(
        event=f"prefect.block.{slug}.loaded",
        occurred=now,
        resource=resource("block-document", document["id"], name=document["name"]),
        related=[resource("block-type", slug, "block-type")],
    )


def artifact_collection_event(verb: Verb, collection: Row, now: datetime) -> Event:
    """``prefect.artifact-collection.<verb>``; ``collection`` is the row of the latest artifact of a key."""
    related = [resource("artifact", collection["latest_id"], "latest")]
    for column, kind in (("flow_run_id", "flow-run"), ("task_run_id", "task-run")):
        if collection.get(column):
            related.append(resource(kind, collection[column], kind))
    shown = ("key", "type", "data", "description")
    event = _plain_event("artifact-collection", verb, collection, collection["key"], now, shown)
    event.related = related
    return event


def automation_event(verb: Verb, automation: Row, now: datetime) -> Event:
    """``prefect.automation.<verb>``; ``automation`` is what the API answers for it."""
    return _plain_event("automation", verb, automation, automation["name"], now, automation)


def _plain_event(kind: str, verb: str, row: Row, name: str, now: datetime, shown: Iterable[str]) -> Event:
    return Event(
        event=f"prefect.{kind}.{verb}",
        occurred=now,
        resource=resource(kind, row["id"], name=name),
        payload={column: row[column] for column in shown},
    )


def _updates(before: Row, after: Row, watched: dict[str, str]) -> dict[str, Any]:
    """The payload of an update event; empty when nothing that is watched changed."""
    updates = {}
    for column, name in watched.items():
        old, new = plain(before[column]), plain(after[column])
        if old != new:
            updates[name] = {"from": old, "to": new}
    return {"updated_fields": list(updates), "updates": updates} if updates else {}
