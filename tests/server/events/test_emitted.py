"""Every change of an object that a client may ask for is told by its event, which is stored once the answer is there.

The rows of the contract's table "Server-emitted events", provoked over HTTP. What services and automations emit is
tested with them.
"""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from podium.db.ids import new_id

Json = dict[str, Any]
Told = list[Json]


@pytest.fixture
def name() -> str:
    """A name that nothing else has."""
    return f"n-{new_id()}"


def made(answer: httpx.Response) -> Json:
    assert answer.status_code in (200, 201), answer.text
    found: Json = answer.json()
    return found


def done(answer: httpx.Response) -> None:
    assert answer.is_success, answer.text


def told(api: httpx.Client, resource_id: str) -> Told:
    """All events of a resource, oldest first."""
    wanted = {"resource": {"id": [resource_id]}, "order": "ASC"}
    found: Told = made(api.post("/events/filter", json={"filter": wanted}))["events"]
    return found


def names(events: Told) -> list[str]:
    return [event["event"] for event in events]


def labels(kind: str, key: str, role: str | None = None, name: str | None = None, **more: str) -> dict[str, str]:
    found = {"prefect.resource.id": f"prefect.{kind}.{key}"}
    if role is not None:
        found["prefect.resource.role"] = role
    if name is not None:
        found["prefect.resource.name"] = name
    return found | more


def plain_objects(api: httpx.Client, name: str) -> dict[str, Callable[[], tuple[str, Json, Json, Json]]]:
    """For each kind whose events show the object: makes, changes and deletes one; its id and the three payloads."""

    def flow() -> tuple[str, Json, Json, Json]:
        flow_id = made(api.post("/flows/", json={"name": name, "tags": ["a"], "labels": {"k": 1}}))["id"]
        done(api.patch(f"/flows/{flow_id}", json={"tags": ["b"]}))
        done(api.delete(f"/flows/{flow_id}"))
        first = {"name": name, "tags": ["a"], "labels": {"k": 1}}
        return flow_id, first, first | {"tags": ["b"]}, first | {"tags": ["b"]}

    def variable() -> tuple[str, Json, Json, Json]:
        variable_id = made(api.post("/variables/", json={"name": "v_1", "value": {"x": 1}, "tags": ["t"]}))["id"]
        done(api.patch(f"/variables/{variable_id}", json={"value": 2}))
        done(api.delete(f"/variables/{variable_id}"))
        first = {"name": "v_1", "value": {"x": 1}, "tags": ["t"]}
        return variable_id, first, first | {"value": 2}, first | {"value": 2}

    def block_type() -> tuple[str, Json, Json, Json]:
        first = {
            "name": name,
            "slug": name,
            "logo_url": "https://example.com/logo.png",
            "documentation_url": None,
            "description": "a type",
            "code_example": None,
            "is_protected": False,
        }
        sent = {key: value for key, value in first.items() if key != "is_protected"}
        type_id = made(api.post("/block_types/", json=sent))["id"]
        done(api.patch(f"/block_types/{type_id}", json={"description": "another"}))
        done(api.delete(f"/block_types/{type_id}"))
        return type_id, first, first | {"description": "another"}, first | {"description": "another"}

    def limit() -> tuple[str, Json, Json, Json]:
        first = {"name": name, "limit": 3, "active": True, "slot_decay_per_second": 0.5}
        limit_id = made(api.post("/v2/concurrency_limits/", json=first))["id"]
        done(api.patch(f"/v2/concurrency_limits/{limit_id}", json={"limit": 4}))
        done(api.delete(f"/v2/concurrency_limits/{limit_id}"))
        return limit_id, first, first | {"limit": 4}, first | {"limit": 4}

    def tag_limit() -> tuple[str, Json, Json, Json]:
        limit_id = made(api.post("/concurrency_limits/", json={"tag": name, "concurrency_limit": 1}))["id"]
        done(api.post("/concurrency_limits/", json={"tag": name, "concurrency_limit": 2}))
        done(api.delete(f"/concurrency_limits/tag/{name}"))
        first = {"tag": name, "concurrency_limit": 1}
        return limit_id, first, first | {"concurrency_limit": 2}, first | {"concurrency_limit": 2}

    return {
        "flow": flow,
        "variable": variable,
        "block-type": block_type,
        "concurrency-limit": limit,
        "concurrency-limit of a tag": tag_limit,
    }


@pytest.mark.parametrize("kind", ["flow", "variable", "block-type", "concurrency-limit", "concurrency-limit of a tag"])
def test_an_object_is_told_as_it_was_made_changed_and_deleted(api: httpx.Client, name: str, kind: str) -> None:
    """With its name and what it looks like."""
    object_id, created, updated, deleted = plain_objects(api, name)[kind]()
    kind = kind.partition(" ")[0]
    events = told(api, f"prefect.{kind}.{object_id}")
    assert names(events) == [f"prefect.{kind}.{verb}" for verb in ("created", "updated", "deleted")]
    assert [event["payload"] for event in events] == [created, updated, deleted]
    for event in events:
        assert event["resource"] == labels(kind, object_id, name=created.get("tag") or created["name"])
        assert event["related"] == []


def test_a_change_that_is_refused_tells_nothing(api: httpx.Client, name: str) -> None:
    """The event belongs to the transaction of its change."""
    first = made(api.post("/variables/", json={"name": "refused_1", "value": 1}))["id"]
    second = made(api.post("/variables/", json={"name": "refused_2", "value": 1}))["id"]
    assert api.patch(f"/variables/{second}", json={"name": "refused_1"}).status_code == 409
    assert api.post("/variables/", json={"name": "refused_1", "value": 2}).status_code == 409
    assert names(told(api, f"prefect.variable.{second}")) == ["prefect.variable.created"]
    assert names(told(api, f"prefect.variable.{first}")) == ["prefect.variable.created"]
    for variable_id in (first, second):
        done(api.delete(f"/variables/{variable_id}"))


def test_a_block_document_is_told_without_its_secrets(api: httpx.Client, name: str) -> None:
    """Secrets inside of other values are left out too; an anonymous document is told to nobody."""
    block_type = made(api.post("/block_types/", json={"name": name, "slug": name}))
    fields = {"title": "T", "type": "object", "properties": {}, "secret_fields": ["password", "deep.*"]}
    schema = made(
        api.post(
            "/block_schemas/", json={"block_type_id": block_type["id"], "fields": fields, "capabilities": ["notify"]}
        )
    )
    belongs = {"block_type_id": block_type["id"], "block_schema_id": schema["id"]}
    data = {"host": "db", "password": "hidden", "deep": {"token": "hidden"}, "port": 5}
    document = made(api.post("/block_documents/", json={"name": "doc", "data": data, **belongs}))["id"]
    anonymous = made(api.post("/block_documents/", json={"is_anonymous": True, "data": data, **belongs}))["id"]
    done(api.patch(f"/block_documents/{document}", json={"data": {"host": "db2"}, "merge_existing_data": True}))
    for each in (document, anonymous):
        done(api.delete(f"/block_documents/{each}"))
    events = told(api, f"prefect.block-document.{document}")
    assert names(events) == [f"prefect.block-document.{verb}" for verb in ("created", "updated", "deleted")]
    assert [event["payload"]["data"] for event in events] == [{"host": "db"}, {"host": "db2"}, {"host": "db2"}]
    for event in events:
        assert event["payload"]["name"] == "doc"
        assert event["payload"]["block_schema"] == {
            "capabilities": ["notify"],
            "block_type": {"id": block_type["id"], "name": name},
        }
        assert event["resource"] == labels("block-document", document, name="doc")
        assert event["related"] == [
            labels("block-type", block_type["id"], "block-type", name),
            labels("block-schema", schema["id"], "block-schema"),
        ]
        assert "hidden" not in str(event)
    assert told(api, f"prefect.block-document.{anonymous}") == []


def test_a_pool_and_its_queues_are_told(api: httpx.Client, name: str) -> None:
    """Made, changed, paused, served, deleted; statuses of a pool follow each other."""
    pool = made(api.post("/work_pools/", json={"name": name, "type": "process"}))
    path = f"/work_pools/{name}"
    done(api.patch(path, json={"description": "new", "concurrency_limit": 4}))
    done(api.patch(path, json={"is_paused": True}))
    done(api.patch(path, json={"is_paused": False}))
    done(api.post(f"{path}/workers/heartbeat", json={"name": "w"}))
    queue = made(api.post(f"{path}/queues", json={"name": "q", "priority": 3}))
    done(api.patch(f"{path}/queues/q", json={"priority": 2, "concurrency_limit": 1}))
    done(api.patch(f"{path}/queues/q", json={"is_paused": True}))
    done(api.patch(f"{path}/queues/q", json={"is_paused": False}))
    done(api.post(f"{path}/get_scheduled_flow_runs", json={"work_queue_names": ["q"]}))
    done(api.delete(f"{path}/queues/q"))
    done(api.delete(path))

    as_related = labels("work-pool", pool["id"], "work-pool", name, **{"prefect.work-pool.type": "process"})
    events = told(api, f"prefect.work-pool.{pool['id']}")
    verbs = ("created", "not-ready", "updated", "paused", "not-ready", "ready", "deleted")
    assert names(events) == [f"prefect.work-pool.{verb}" for verb in verbs]
    created, first, updated, *statuses, deleted = events
    for event in (created, updated, deleted):
        assert event["resource"] == as_related
    for event in (created, deleted):
        assert event["related"] == [labels("work-queue", pool["default_queue_id"], "default-queue")]
        assert event["payload"] == {}
    changed = {"description": {"from": None, "to": "new"}, "concurrency_limit": {"from": None, "to": 4}}
    assert updated["payload"] == {"updated_fields": list(changed), "updates": changed}
    for before, event in zip((first, *statuses), statuses, strict=False):
        assert event["resource"] == {key: as_related[key] for key in as_related if key != "prefect.resource.role"}
        assert event["follows"] == before["id"]

    events = told(api, f"prefect.work-queue.{queue['id']}")
    verbs = ("created", "updated", "paused", "not-ready", "ready", "deleted")
    assert names(events) == [f"prefect.work-queue.{verb}" for verb in verbs]
    for event in events:
        assert event["resource"] == labels("work-queue", queue["id"], "work-queue", "q")
        assert event["related"] == [as_related]
    changed = {"concurrency_limit": {"from": None, "to": 1}, "priority": {"from": 3, "to": 2}}
    assert events[1]["payload"] == {"updated_fields": list(changed), "updates": changed}
    default = told(api, f"prefect.work-queue.{pool['default_queue_id']}")
    assert names(default) == ["prefect.work-queue.created", "prefect.work-queue.deleted"]


def test_a_deployment_is_told_with_all_it_uses(api: httpx.Client, name: str) -> None:
    """An update tells what changed, and nothing is told where nothing that is watched did."""
    flow = made(api.post("/flows/", json={"name": name}))
    pool = made(api.post("/work_pools/", json={"name": name, "type": "process"}))
    limit = made(api.post("/v2/concurrency_limits/", json={"name": name, "limit": 1}))
    body = {"flow_id": flow["id"], "name": "d", "work_pool_name": name, "tags": ["a"]}
    deployment = made(api.post("/deployments/", json={**body, "global_concurrency_limit_id": limit["id"]}))
    path = f"/deployments/{deployment['id']}"
    done(api.patch(path, json={"description": "new", "job_variables": {"x": 1}}))
    done(api.patch(path, json={"description": "new"}))
    done(api.post(f"{path}/pause_deployment"))
    done(api.post(f"{path}/resume_deployment"))
    done(api.post("/deployments/get_scheduled_flow_runs", json={"deployment_ids": [deployment["id"]]}))
    done(api.delete(path))
    events = told(api, f"prefect.deployment.{deployment['id']}")
    verbs = ("created", "updated", "updated", "updated", "ready", "deleted")
    assert names(events) == [f"prefect.deployment.{verb}" for verb in verbs]
    for event in events:
        assert event["resource"] == labels("deployment", deployment["id"], name="d")
        assert event["related"] == [
            labels("flow", flow["id"], "flow", name),
            labels("work-queue", pool["default_queue_id"], "work-queue", "default"),
            labels("work-pool", pool["id"], "work-pool", name, **{"prefect.work-pool.type": "process"}),
            labels("concurrency-limit", limit["id"], "concurrency-limit"),
        ]
    changed = {"description": {"from": None, "to": "new"}, "infra_overrides": {"from": {}, "to": {"x": 1}}}
    assert events[1]["payload"] == {"updated_fields": list(changed), "updates": changed}
    paused = {"paused": {"from": False, "to": True}}
    assert events[2]["payload"] == {"updated_fields": ["paused"], "updates": paused}
    assert [events[place]["payload"] for place in (0, 4, 5)] == [{}, {}, {}]


def test_what_goes_with_its_owner_is_told(api: httpx.Client, name: str) -> None:
    """The deployments of a flow that is deleted, one or many."""
    for delete in (
        lambda flow_id: api.delete(f"/flows/{flow_id}"),
        lambda flow_id: api.post("/flows/bulk_delete", json={"flows": {"id": {"any_": [flow_id]}}}),
    ):
        flow = made(api.post("/flows/", json={"name": name}))
        body = {"flow_id": flow["id"], "name": "d", "concurrency_limit": 2}
        deployment = made(api.post("/deployments/", json=body))["id"]
        done(delete(flow["id"]))
        events = told(api, f"prefect.deployment.{deployment}")
        assert names(events) == ["prefect.deployment.created", "prefect.deployment.deleted"]
        assert events[1]["related"][0] == labels("flow", flow["id"], "flow", name)
        assert names(told(api, f"prefect.flow.{flow['id']}")) == ["prefect.flow.created", "prefect.flow.deleted"]


def test_the_documents_of_a_deleted_type_or_schema_are_told(api: httpx.Client, name: str) -> None:
    """And nothing stays of them."""
    block_type = made(api.post("/block_types/", json={"name": name, "slug": name}))["id"]
    documents = []
    for title in ("one", "two"):
        body = {"block_type_id": block_type, "fields": {"title": title, "type": "object", "properties": {}}}
        schema = made(api.post("/block_schemas/", json=body))["id"]
        belongs = {"block_type_id": block_type, "block_schema_id": schema}
        documents.append(made(api.post("/block_documents/", json={"name": title, "data": {}, **belongs}))["id"])
    done(api.delete(f"/block_schemas/{schema}"))
    verbs = [f"prefect.block-document.{verb}" for verb in ("created", "deleted")]
    assert [names(told(api, f"prefect.block-document.{each}")) for each in documents] == [verbs[:1], verbs]
    done(api.delete(f"/block_types/{block_type}"))
    assert [names(told(api, f"prefect.block-document.{each}")) for each in documents] == [verbs, verbs]


def test_an_artifact_of_a_key_is_told_by_its_collection(api: httpx.Client, name: str) -> None:
    """The first makes the collection, others and their changes update it; one without a key is told to nobody."""
    run_id, task_run_id = new_id(), new_id()
    belongs = {"flow_run_id": run_id, "task_run_id": task_run_id}
    first = made(api.post("/artifacts/", json={"key": name, "type": "markdown", "data": "1", **belongs}))["id"]
    second = made(api.post("/artifacts/", json={"key": name, "type": "markdown", "data": "2"}))["id"]
    done(api.patch(f"/artifacts/{second}", json={"description": "new"}))
    made(api.post("/artifacts/", json={"type": "result", "data": "3"}))
    collection = made(api.get(f"/artifacts/{name}/latest"))
    assert collection["id"] == second
    chosen = {"artifacts": {"key": {"any_": [name]}}}
    collection_id = made(api.post("/artifacts/latest/filter", json=chosen))[0]["id"]
    for each in (first, second):
        done(api.delete(f"/artifacts/{each}"))
    events = told(api, f"prefect.artifact-collection.{collection_id}")
    verbs = ("created", "updated", "updated", "deleted")
    assert names(events) == [f"prefect.artifact-collection.{verb}" for verb in verbs]
    payload = {"key": name, "type": "markdown", "data": "1", "description": None}
    assert [event["payload"] for event in events] == [
        payload,
        payload | {"data": "2"},
        *[payload | {"data": "2", "description": "new"}] * 2,
    ]
    assert events[0]["related"] == [
        labels("artifact", first, "latest"),
        labels("flow-run", run_id, "flow-run"),
        labels("task-run", task_run_id, "task-run"),
    ]
    assert [event["related"] for event in events[1:]] == [[labels("artifact", second, "latest")]] * 3


def test_a_flow_run_is_told_state_by_state(api: httpx.Client, name: str) -> None:
    """Each event is named after the state and has its id and time; it follows the one before."""
    flow = made(api.post("/flows/", json={"name": name, "tags": ["of-flow"]}))
    pool = made(api.post("/work_pools/", json={"name": name, "type": "process"}))
    body = {"flow_id": flow["id"], "name": "d", "work_pool_name": name, "tags": ["of-deployment"]}
    deployment = made(api.post("/deployments/", json=body))["id"]
    run = made(api.post(f"/deployments/{deployment}/create_flow_run", json={"tags": ["of-run"]}))
    states = (
        {"type": "PENDING"},
        {"type": "RUNNING"},
        {"type": "RUNNING", "name": "Custom", "message": "m" * 100_001},
        {"type": "COMPLETED", "name": "Done"},
    )
    ids = [run["state"]["id"]]
    for state in states:
        answer = made(api.post(f"/flow_runs/{run['id']}/set_state", json={"state": state, "force": True}))
        ids.append(answer["state"]["id"])
    events = told(api, f"prefect.flow-run.{run['id']}")
    assert names(events) == [
        f"prefect.flow-run.{each}" for each in ("Scheduled", "Pending", "Running", "Custom", "Done")
    ]
    assert [event["id"] for event in events] == ids
    assert [event["follows"] for event in events] == [None, *ids[:-1]]
    *_, custom, last = events
    assert custom["resource"]["prefect.state-message"] == "m" * 100_000
    stored = made(api.get(f"/flow_runs/{run['id']}"))
    assert last["occurred"] == stored["state"]["timestamp"]
    assert last["resource"] == {
        **labels("flow-run", run["id"], name=run["name"]),
        "prefect.run-count": "2",
        "prefect.state-message": "",
        "prefect.state-name": "Done",
        "prefect.state-timestamp": stored["state"]["timestamp"].replace("Z", "+00:00"),
        "prefect.state-type": "COMPLETED",
    }
    queue = pool["default_queue_id"]
    assert last["related"] == [
        labels("flow", flow["id"], "flow", name),
        labels("deployment", deployment, "deployment", "d"),
        labels("work-queue", queue, "work-queue", "default"),
        labels("work-pool", pool["id"], "work-pool", name, **{"prefect.work-pool.type": "process"}),
        *(labels("tag", tag, "tag") for tag in ("of-deployment", "of-flow", "of-run")),
    ]
    assert last["payload"] == {
        "intended": {"from": "RUNNING", "to": "COMPLETED"},
        "initial_state": {"type": "RUNNING", "name": "Custom", "message": "m" * 100_000},
        "validated_state": {"type": "COMPLETED", "name": "Done"},
    }


def test_a_state_that_is_refused_is_told_to_nobody(api: httpx.Client, name: str) -> None:
    """Nothing was stored."""
    flow = made(api.post("/flows/", json={"name": name}))
    run = made(api.post("/flow_runs/", json={"flow_id": flow["id"], "state": {"type": "RUNNING"}}))
    answer = made(api.post(f"/flow_runs/{run['id']}/set_state", json={"state": {"type": "PENDING"}}))
    assert answer["status"] in ("ABORT", "REJECT")
    assert names(told(api, f"prefect.flow-run.{run['id']}")) == ["prefect.flow-run.Running"]
