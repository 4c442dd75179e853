"""The server's own events have the names, labels and payloads that the contract says."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from podium.server.events import lifecycle
from podium.server.events.event import Event

NOW = datetime(2026, 5, 6, 12, tzinfo=UTC)
POOL = {
    "id": "P",
    "name": "pool",
    "type": "process",
    "default_queue_id": "Q",
    "description": None,
    "concurrency_limit": None,
    "base_job_template": msgspec.Raw(b"{}"),
    "storage_configuration": msgspec.Raw(b"{}"),
    "last_status_event_id": None,
    "last_transitioned_status_at": None,
}
QUEUE = {"id": "Q", "name": "queue", "description": "", "concurrency_limit": None, "priority": 2}
DEPLOYMENT = {
    **dict.fromkeys(lifecycle.DEPLOYMENT_WATCHED),
    "id": "D",
    "name": "deployment",
    "flow_id": "F",
    "work_queue_id": "Q",
    "storage_document_id": "S",
    "infrastructure_document_id": "I",
    "concurrency_limit_id": "L",
    "tags": msgspec.Raw(b'["a"]'),
    "job_variables": msgspec.Raw(b"{}"),
}
SURROUNDINGS = {
    "flow_name": "flow",
    "work_queue_name": "queue",
    "work_pool_id": "P",
    "work_pool_name": "pool",
    "work_pool_type": "process",
}
POOL_LABELS = {
    "prefect.resource.id": "prefect.work-pool.P",
    "prefect.resource.role": "work-pool",
    "prefect.resource.name": "pool",
    "prefect.work-pool.type": "process",
}


def state(kind: str, name: str, seconds: float = 0, **fields: Any) -> dict[str, Any]:
    row = {"id": f"{name}-id", "type": kind, "name": name, "timestamp": NOW + timedelta(seconds=seconds)}
    return {**row, "message": None, "state_details": msgspec.Raw(b"{}"), **fields}


def run(**fields: Any) -> dict[str, Any]:
    row = {"id": "R", "name": "brave-otter", "flow_id": "F", "run_count": 1, "tags": msgspec.Raw(b'["z","run"]')}
    return {**row, **fields}


def shape(event: Event) -> list[tuple[str, str]]:
    """Ids and roles of what an event is related to."""
    return [(each["prefect.resource.id"], each["prefect.resource.role"]) for each in event.related]


def test_a_flow_run_event_is_named_after_its_state() -> None:
    """It has the id and time of the state, and follows the event of the state before."""
    before, after = state("PENDING", "Pending"), state("RUNNING", "Retrying", 1.5, message="again")
    event = lifecycle.flow_run_state_event(run(), before, after, {"flow_name": "flow"})
    assert (event.event, event.id, event.follows) == ("prefect.flow-run.Retrying", "Retrying-id", "Pending-id")
    assert event.occurred == after["timestamp"]
    assert event.resource == {
        "prefect.resource.id": "prefect.flow-run.R",
        "prefect.resource.name": "brave-otter",
        "prefect.run-count": "1",
        "prefect.state-message": "again",
        "prefect.state-name": "Retrying",
        "prefect.state-timestamp": "2026-05-06T12:00:01.500000+00:00",
        "prefect.state-type": "RUNNING",
    }
    assert event.payload == {
        "intended": {"from": "PENDING", "to": "RUNNING"},
        "initial_state": {"type": "PENDING", "name": "Pending"},
        "validated_state": {"type": "RUNNING", "name": "Retrying", "message": "again"},
    }


def test_the_first_state_follows_nothing() -> None:
    """Nor does one long after the state before it."""
    first = lifecycle.flow_run_state_event(run(), None, state("PENDING", "Pending"), {"flow_name": "flow"})
    assert (first.follows, first.payload["initial_state"], first.payload["intended"]["from"]) == (None, None, None)
    late = state("RUNNING", "Running", 301)
    assert lifecycle.flow_run_state_event(run(), state("PENDING", "Pending"), late, {}).follows is None


def test_a_paused_state_says_whether_its_process_ended() -> None:
    """As text, like all that the payload says of a state."""
    paused = state("PAUSED", "Suspended", state_details=msgspec.Raw(b'{"pause_reschedule":true}'))
    event = lifecycle.flow_run_state_event(run(), None, paused, {"flow_name": "flow"})
    assert event.payload["validated_state"]["pause_reschedule"] == "true"


def test_a_flow_run_event_tells_what_the_run_belongs_to() -> None:
    """Then one resource for each tag of the run and of what it belongs to, sorted; then who made it."""
    whole = run(
        deployment_id="D",
        work_queue_id="Q",
        parent_task_run_id="T",
        created_by=msgspec.Raw(b'{"id":"A","type":"AUTOMATION","display_value":"nightly"}'),
    )
    names = {"deployment_name": "deployment", "task_run_name": "task", **SURROUNDINGS}
    tags = {"flow_tags": ["b"], "deployment_tags": msgspec.Raw(b'["a","z"]'), "task_run_tags": None}
    event = lifecycle.flow_run_state_event(whole, None, state("PENDING", "Pending"), names | tags)
    assert shape(event) == [
        ("prefect.flow.F", "flow"),
        ("prefect.deployment.D", "deployment"),
        ("prefect.work-queue.Q", "work-queue"),
        ("prefect.work-pool.P", "work-pool"),
        ("prefect.task-run.T", "task-run"),
        ("prefect.tag.a", "tag"),
        ("prefect.tag.b", "tag"),
        ("prefect.tag.run", "tag"),
        ("prefect.tag.z", "tag"),
        ("prefect.automation.A", "creator"),
    ]
    assert event.related[3] == POOL_LABELS
    assert event.related[-1]["prefect.resource.name"] == "nightly"


def test_a_deployment_event_tells_what_the_deployment_uses() -> None:
    """Its flow, queue, pool, blocks and limit."""
    event = lifecycle.deployment_event("created", DEPLOYMENT, SURROUNDINGS, NOW)
    assert (event.event, event.payload) == ("prefect.deployment.created", {})
    assert shape(event) == [
        ("prefect.flow.F", "flow"),
        ("prefect.work-queue.Q", "work-queue"),
        ("prefect.work-pool.P", "work-pool"),
        ("prefect.block-document.S", "storage"),
        ("prefect.block-document.I", "infrastructure"),
        ("prefect.concurrency-limit.L", "concurrency-limit"),
    ]


def test_an_update_names_what_changed() -> None:
    """Values are compared, not the text they are kept as; nothing changed is no event."""
    same = {**DEPLOYMENT, "tags": msgspec.Raw(b'[ "a" ]'), "status": "READY"}
    assert lifecycle.deployment_updated(DEPLOYMENT, same, SURROUNDINGS, NOW) is None
    changed = {**same, "tags": ["a", "b"], "job_variables": msgspec.Raw(b'{"cpu":1}')}
    event = lifecycle.deployment_updated(DEPLOYMENT, changed, SURROUNDINGS, NOW)
    assert event is not None
    assert event.payload == {
        "updated_fields": ["tags", "infra_overrides"],
        "updates": {
            "tags": {"from": ["a"], "to": ["a", "b"]},
            "infra_overrides": {"from": {}, "to": {"cpu": 1}},
        },
    }


@pytest.mark.parametrize(("status", "name"), [("READY", "ready"), ("NOT_READY", "not-ready")])
def test_a_status_has_its_event(status: str, name: str) -> None:
    """For deployments, pools and queues."""
    assert lifecycle.deployment_status_event(DEPLOYMENT, status, {}, NOW).event == f"prefect.deployment.{name}"
    assert lifecycle.work_pool_status_event(POOL, status, NOW).event == f"prefect.work-pool.{name}"
    assert lifecycle.work_queue_status_event(QUEUE, status, POOL, NOW).event == f"prefect.work-queue.{name}"


def test_a_pool_status_follows_the_last_one_for_ten_minutes() -> None:
    """And its resource has no role."""
    recent = {**POOL, "last_status_event_id": "E", "last_transitioned_status_at": NOW - timedelta(minutes=9)}
    event = lifecycle.work_pool_status_event(recent, "PAUSED", NOW)
    assert event.follows == "E"
    assert "prefect.resource.role" not in event.resource
    old = {**recent, "last_transitioned_status_at": NOW - timedelta(minutes=10)}
    assert lifecycle.work_pool_status_event(old, "PAUSED", NOW).follows is None


def test_pool_and_queue_events_refer_to_each_other() -> None:
    """A pool to its default queue and its result storage, a queue to its pool."""
    stored = {**POOL, "storage_configuration": {"default_result_storage_block_id": "B"}}
    assert shape(lifecycle.work_pool_event("created", stored, NOW)) == [
        ("prefect.work-queue.Q", "default-queue"),
        ("prefect.block-document.B", "result-storage"),
    ]
    assert lifecycle.work_queue_event("deleted", QUEUE, POOL, NOW).related == [POOL_LABELS]
    assert lifecycle.work_pool_updated(POOL, {**POOL, "is_paused": True}, NOW) is None
    renamed = lifecycle.work_queue_updated(QUEUE, {**QUEUE, "name": "new"}, POOL, NOW)
    assert renamed is not None
    assert renamed.payload["updated_fields"] == ["name"]


def test_a_block_document_event_keeps_secrets() -> None:
    """Only strings outside of secret fields are told, nothing nested; an anonymous document has no event."""
    document = {"id": "X", "name": "doc", "is_anonymous": False}
    schema = {"id": "Y", "capabilities": ["write"], "fields": msgspec.Raw(b'{"secret_fields":["key","deep.er"]}')}
    data = {"user": "me", "key": "SECRET", "deep": {"er": "SECRET"}, "count": 3}
    kind = {"id": "T", "name": "Type"}
    event = lifecycle.block_document_event("created", document, data, kind, schema, NOW)
    assert event is not None
    assert event.payload == {
        "name": "doc",
        "data": {"user": "me"},
        "block_schema": {"capabilities": ["write"], "block_type": {"id": "T", "name": "Type"}},
    }
    assert shape(event) == [("prefect.block-type.T", "block-type"), ("prefect.block-schema.Y", "block-schema")]
    anonymous = {**document, "is_anonymous": True}
    assert lifecycle.block_document_event("created", anonymous, data, kind, schema, NOW) is None


def test_an_artifact_collection_refers_to_its_latest_artifact() -> None:
    """And to the runs that made it."""
    row = {"id": "C", "key": "report", "latest_id": "A", "flow_run_id": "R", "task_run_id": None}
    shown = {"type": "markdown", "data": "# hi", "description": None}
    event = lifecycle.artifact_collection_event("updated", {**row, **shown}, NOW)
    assert shape(event) == [("prefect.artifact.A", "latest"), ("prefect.flow-run.R", "flow-run")]
    assert event.payload == {"key": "report", **shown}


def test_plain_events_show_their_object() -> None:
    """Flows, variables, limits, block types and automations."""
    row = {"id": "1", "name": "n", "tags": [], "labels": {}, "value": 3, "limit": 2, "active": True}
    row |= {"slot_decay_per_second": 0.0, "tag": "t", "concurrency_limit": 5, "workspace_id": "secret"}
    assert lifecycle.flow_event("created", row, NOW).payload == {"name": "n", "tags": [], "labels": {}}
    assert lifecycle.variable_event("deleted", row, NOW).payload == {"name": "n", "value": 3, "tags": []}
    assert lifecycle.concurrency_limit_event("updated", row, NOW).payload["limit"] == 2
    assert lifecycle.tag_concurrency_limit_event("created", row, NOW).payload == {"tag": "t", "concurrency_limit": 5}
    automation = lifecycle.automation_event("created", {"id": "1", "name": "n", "enabled": True}, NOW)
    assert automation.payload == {"id": "1", "name": "n", "enabled": True}
    assert automation.resource == {"prefect.resource.id": "prefect.automation.1", "prefect.resource.name": "n"}
