"""Work pools, queues and workers over HTTP."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from podium.wire.work_pools import WorkPool, WorkPoolSlots
from podium.wire.work_queues import WorkQueue, WorkQueueSlots
from podium.wire.workers import Worker
from tests.server.conftest import decode

UNKNOWN = "00000000-0000-0000-0000-000000000009"


@pytest.fixture
def pool(api: httpx.Client) -> str:
    """The name of a pool of its own for each test."""
    name = f"pool-{uuid4()}"
    assert api.post("/work_pools/", json={"name": name, "type": "process"}).status_code == 201
    return name


def priorities(api: httpx.Client, pool: str) -> dict[str, int]:
    queues = decode(api.post(f"/work_pools/{pool}/queues/filter", json={}), list[WorkQueue])
    return {queue.name: queue.priority for queue in queues}


def add(api: httpx.Client, pool: str, name: str, priority: int | None = None) -> dict[str, Any]:
    response = api.post(f"/work_pools/{pool}/queues", json={"name": name, "priority": priority})
    assert response.status_code == 201, response.text
    queue: dict[str, Any] = response.json()
    return queue


def test_a_new_pool_has_a_default_queue(api: httpx.Client, pool: str) -> None:
    made = decode(api.get(f"/work_pools/{pool}"), WorkPool)
    assert (made.type, made.is_paused, made.status, made.concurrency_limit) == ("process", False, "NOT_READY", None)
    queue = decode(api.get(f"/work_pools/{pool}/queues/default"), WorkQueue)
    assert (queue.id, queue.priority, queue.work_pool_name) == (made.default_queue_id, 1, pool)
    assert (queue.status, queue.is_paused, queue.last_polled) == ("NOT_READY", False, None)


def test_agents_pools_have_no_status(api: httpx.Client) -> None:
    made = api.post("/work_pools/", json={"name": f"agents-{uuid4()}"}).json()
    assert (made["type"], made["status"]) == ("prefect-agent", None)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "Prefect-mine"}, 403),
        ({"name": "a/b"}, 422),
        ({"name": "t", "base_job_template": {"job_configuration": {}}}, 422),
        ({"name": "t", "base_job_template": {"job_configuration": {"a": "{{ b }}"}, "variables": {}}}, 422),
        (
            {
                "name": "t",
                "base_job_template": {
                    "job_configuration": {"a": ["{{ b }}"]},
                    "variables": {"properties": {"b": {"type": "integer", "default": "x"}}},
                },
            },
            422,
        ),
    ],
)
def test_what_is_no_pool(api: httpx.Client, body: dict[str, Any], status: int) -> None:
    assert api.post("/work_pools/", json=body).status_code == status


def test_a_name_is_one_pool(api: httpx.Client, pool: str) -> None:
    assert api.post("/work_pools/", json={"name": pool, "type": "docker"}).status_code == 409
    assert api.get(f"/work_pools/{pool}").json()["type"] == "process"


def test_lists_are_by_name(api: httpx.Client) -> None:
    prefix = uuid4().hex
    names = [f"{prefix}-{name}" for name in "cab"]
    for name in names:
        api.post("/work_pools/", json={"name": name, "type": "process"})
    chosen = {"work_pools": {"name": {"any_": names}}}
    assert [each["name"][-1] for each in api.post("/work_pools/filter", json=chosen).json()] == ["a", "b", "c"]
    page = api.post("/work_pools/filter", json={**chosen, "limit": 1, "offset": 1}).json()
    assert [each["name"][-1] for each in page] == ["b"]
    assert api.post("/work_pools/count", json=chosen).json() == 3


def test_pausing_and_the_status(api: httpx.Client, pool: str) -> None:
    path = f"/work_pools/{pool}"
    api.patch(path, json={"is_paused": True})
    assert api.get(path).json()["status"] == "PAUSED"
    api.post(f"{path}/workers/heartbeat", json={"name": "w", "heartbeat_interval_seconds": 10})
    assert api.get(path).json()["status"] == "PAUSED"
    api.patch(path, json={"is_paused": False})
    assert api.get(path).json()["status"] == "READY"


def test_nulls_clear_what_may_be_absent(api: httpx.Client, pool: str) -> None:
    path = f"/work_pools/{pool}"
    api.patch(path, json={"description": "d", "concurrency_limit": 3})
    nulls = {"description": None, "concurrency_limit": None, "is_paused": None, "base_job_template": None}
    assert api.patch(path, json=nulls).status_code == 204
    changed = api.get(path).json()
    assert (changed["description"], changed["concurrency_limit"], changed["is_paused"]) == (None, None, False)


def test_deleting_a_pool_frees_its_deployments(api: httpx.Client, pool: str) -> None:
    flow = api.post("/flows/", json={"name": pool}).json()
    body = {"name": "d", "flow_id": flow["id"], "work_pool_name": pool}
    deployment = api.post("/deployments/", json=body).json()
    assert api.delete(f"/work_pools/{pool}").status_code == 204
    assert api.delete(f"/work_pools/{pool}").status_code == 404
    assert api.get(f"/deployments/{deployment['id']}").json()["work_pool_name"] is None


def test_workers(api: httpx.Client, pool: str) -> None:
    path = f"/work_pools/{pool}/workers"
    for name in ("first", "second", "first"):
        assert api.post(f"{path}/heartbeat", json={"name": name}).status_code == 204
    workers = decode(api.post(f"{path}/filter", json={"workers": {"status": {"any_": ["ONLINE"]}}}), list[Worker])
    assert [worker.name for worker in workers] == ["first", "second"]
    assert api.get(f"/work_pools/{pool}").json()["status"] == "READY"
    assert api.delete(f"{path}/second").status_code == 204
    assert api.delete(f"{path}/second").status_code == 404
    assert api.post("/work_pools/none/workers/heartbeat", json={"name": "w"}).status_code == 404


def test_a_priority_moves_others_back_up_to_the_first_gap(api: httpx.Client, pool: str) -> None:
    add(api, pool, "a")
    add(api, pool, "b")
    assert priorities(api, pool) == {"default": 1, "a": 2, "b": 3}
    assert add(api, pool, "c", 1)["priority"] == 1
    add(api, pool, "z", 9)
    assert priorities(api, pool) == {"c": 1, "default": 2, "a": 3, "b": 4, "z": 9}
    api.patch(f"/work_pools/{pool}/queues/b", json={"priority": 2})
    assert priorities(api, pool) == {"c": 1, "b": 2, "default": 3, "a": 4, "z": 9}
    api.delete(f"/work_pools/{pool}/queues/b")
    assert priorities(api, pool) == {"c": 1, "default": 3, "a": 4, "z": 9}
    assert add(api, pool, "d")["priority"] == 2, "the first that is free"


def test_queues_of_a_pool(api: httpx.Client, pool: str) -> None:
    path = f"/work_pools/{pool}/queues"
    queue = add(api, pool, "fast")
    assert api.post(path, json={"name": "fast"}).status_code == 409
    assert api.patch(f"{path}/fast", json={"name": "default"}).status_code == 409
    assert api.patch(f"{path}/fast", json={"concurrency_limit": 4, "is_paused": True}).status_code == 204
    changed = api.get(f"/work_queues/{queue['id']}").json()
    assert (changed["concurrency_limit"], changed["status"]) == (4, "PAUSED")
    api.patch(f"/work_queues/{queue['id']}", json={"concurrency_limit": None, "is_paused": False, "name": "slow"})
    changed = api.get(f"{path}/slow").json()
    assert (changed["concurrency_limit"], changed["status"]) == (None, "NOT_READY")
    chosen = {"work_queues": {"name": {"startswith_": ["sl"]}}}
    assert [each["name"] for each in api.post(f"{path}/filter", json=chosen).json()] == ["slow"]
    assert api.delete(f"{path}/default").status_code == 409
    assert api.delete(f"{path}/slow").status_code == 204
    for missing in (f"{path}/slow", f"/work_queues/{queue['id']}"):
        assert api.get(missing).status_code == api.delete(missing).status_code == 404
        assert api.patch(missing, json={}).status_code == 404
    assert api.post("/work_pools/none/queues", json={"name": "q"}).status_code == 404


def test_queues_without_a_pool_are_the_agents(api: httpx.Client) -> None:
    name = f"queue-{uuid4()}"
    queue = api.post("/work_queues/", json={"name": name}).json()
    assert queue["work_pool_name"] == "default-agent-pool"
    assert api.get(f"/work_queues/name/{name}").json()["id"] == queue["id"]
    chosen = {"work_queues": {"name": {"any_": [name]}}}
    assert [each["id"] for each in api.post("/work_queues/filter", json=chosen).json()] == [queue["id"]]


def test_who_holds_slots(api: httpx.Client, pool: str) -> None:
    flow = api.post("/flows/", json={"name": pool}).json()
    run = api.post("/flow_runs/", json={"flow_id": flow["id"], "work_pool_name": pool}).json()
    slots = decode(api.post(f"/work_pools/{pool}/concurrency_status", json={}), WorkPoolSlots)
    assert (slots.active_slots, slots.count, slots.queues[0].flow_runs[0].id) == (1, 1, run["id"])
    queue = api.get(f"/work_pools/{pool}/queues/default").json()
    held = decode(api.post(f"/work_queues/{queue['id']}/concurrency_status", json={"limit": 1}), WorkQueueSlots)
    assert (held.active_slots, held.count, held.pages, held.flow_runs[0].state_type) == (1, 1, 1, "PENDING")
    assert api.post("/work_pools/none/concurrency_status", json={}).status_code == 404


def test_slots_in_use_are_shown_where_there_is_a_limit(api: httpx.Client, pool: str) -> None:
    """However the pool or queue is read; without a limit nobody counts."""
    flow = api.post("/flows/", json={"name": pool}).json()
    api.post("/flow_runs/", json={"flow_id": flow["id"], "work_pool_name": pool})

    def shown() -> list[Any]:
        chosen = {"name": {"any_": [pool]}}
        queue = api.get(f"/work_pools/{pool}/queues/default").json()
        answers = (
            api.get(f"/work_pools/{pool}").json(),
            *api.post("/work_pools/filter", json={"work_pools": chosen}).json(),
            queue,
            api.get(f"/work_queues/{queue['id']}").json(),
            *api.post(f"/work_pools/{pool}/queues/filter", json={}).json(),
        )
        return [answer["active_slots"] for answer in answers]

    assert shown() == [None] * 5
    api.patch(f"/work_pools/{pool}", json={"concurrency_limit": 3})
    api.patch(f"/work_pools/{pool}/queues/default", json={"concurrency_limit": 2})
    assert shown() == [1] * 5
    idle = api.post(f"/work_pools/{pool}/queues", json={"name": "idle", "concurrency_limit": 1}).json()
    assert idle["active_slots"] == 0


def test_how_a_queue_fares(api: httpx.Client, pool: str) -> None:
    queue = api.get(f"/work_pools/{pool}/queues/default").json()
    status = api.get(f"/work_queues/{queue['id']}/status").json()
    assert (status["healthy"], status["late_runs_count"], status["last_polled"]) == (False, 0, None)
    api.post(f"/work_pools/{pool}/get_scheduled_flow_runs", json={})
    assert api.get(f"/work_queues/{queue['id']}/status").json()["healthy"] is True
    assert api.get(f"/work_queues/{UNKNOWN}/status").status_code == 404


def test_the_worker_types_a_pool_can_be_made_for(api: httpx.Client) -> None:
    types = api.get("/collections/views/aggregate-worker-metadata").json()
    assert "process" in types["prefect"]
    for package in types.values():
        for kind, worker_type in package.items():
            template = worker_type["default_base_job_configuration"]
            body = {"name": f"{kind}-{uuid4()}", "type": worker_type["type"], "base_job_template": template}
            assert api.post("/work_pools/", json=body).status_code == 201
    assert api.get("/collections/views/demo-flows").json() == {}
    assert api.get("/collections/views/nothing").status_code == 404


def test_a_worker_of_our_own_claims_nothing_that_has_ended(api: httpx.Client, pool: str) -> None:
    """It may have slept since it asked for work, and another have run it; of old clients it is none."""
    headers = {"User-Agent": "podium/0.1.0 (API 0.8.4)"}
    flow = api.post("/flows/", json={"name": "claimed"}).json()["id"]
    body = {"flow_id": flow, "work_pool_name": pool, "state": {"type": "SCHEDULED"}}
    run = api.post("/flow_runs/", json=body).json()["id"]

    def propose(state: str) -> str:
        answer = api.post(f"/flow_runs/{run}/set_state", json={"state": {"type": state}}, headers=headers).json()
        return str(answer["status"])

    assert [propose(state) for state in ("PENDING", "PENDING", "RUNNING", "FAILED")] == [
        "ACCEPT",
        "ABORT",
        "ACCEPT",
        "ACCEPT",
    ]
    assert propose("PENDING") == "ABORT"
    assert api.get(f"/work_pools/{pool}", headers=headers).json()["storage_configuration"]


@pytest.mark.parametrize(("release", "told"), [("3.2.15", False), ("3.4.25", True)])
def test_old_clients_are_spared_unknown_fields_of_the_storage(api: httpx.Client, release: str, told: bool) -> None:
    """Clients before 3.4 refuse a storage with a field that they do not know; what is null is left out for them."""
    headers = {"User-Agent": f"prefect/{release} (API 0.8.4)"}
    name = f"old-{uuid4()}"
    answers = [
        api.post("/work_pools/", json={"name": name, "type": "process"}, headers=headers).json(),
        api.get(f"/work_pools/{name}", headers=headers).json(),
        *api.post("/work_pools/filter", json={"work_pools": {"name": {"any_": [name]}}}, headers=headers).json(),
    ]
    assert [answer["name"] for answer in answers] == [name] * 3
    assert [bool(answer["storage_configuration"]) for answer in answers] == [told] * 3
