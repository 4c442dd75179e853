"""Deployments over HTTP: saving, changing, pausing and deleting them."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from podium.wire.deployments import Deployment
from tests.server.conftest import decode

UNKNOWN = "00000000-0000-0000-0000-000000000009"
HOURLY = {"schedule": {"interval": 3600}}


@pytest.fixture
def flow_id(api: httpx.Client) -> str:
    """A flow of its own for each test."""
    flow: dict[str, Any] = api.post("/flows/", json={"name": f"flow-{uuid4()}", "labels": {"team": "x"}}).json()
    return flow["id"]  # type: ignore[no-any-return]


def save(api: httpx.Client, flow_id: str, **fields: Any) -> dict[str, Any]:
    response = api.post("/deployments/", json={"name": "daily", "flow_id": flow_id, **fields})
    assert response.status_code in (200, 201), response.text
    decode(response, Deployment)
    saved: dict[str, Any] = response.json()
    return saved


def scheduled_runs(api: httpx.Client, deployment_id: str) -> list[dict[str, Any]]:
    api.post(f"/deployments/{deployment_id}/schedule", json={"min_runs": 3, "max_runs": 3})
    return runs(api, deployment_id)


def runs(api: httpx.Client, deployment_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.post(
        "/flow_runs/filter", json={"deployments": {"id": {"any_": [deployment_id]}}}
    ).json()
    return found


def test_a_new_deployment(api: httpx.Client, flow_id: str) -> None:
    response = api.post("/deployments/", json={"name": "daily", "flow_id": flow_id, "labels": {"l": 1}})
    assert response.status_code == 201
    saved = response.json()
    assert saved["labels"] == {"team": "x", "prefect.flow.id": flow_id, "l": 1}
    assert (saved["status"], saved["paused"], saved["schedules"]) == ("NOT_READY", False, [])
    assert (saved["parameters"], saved["job_variables"], saved["tags"]) == ({}, {}, [])
    assert saved["concurrency_limit"] is saved["global_concurrency_limit"] is None
    assert api.get(f"/deployments/{saved['id']}").json() == saved


def test_saving_again_changes_only_what_was_sent_and_drops_schedules(api: httpx.Client, flow_id: str) -> None:
    first = save(api, flow_id, description="d", tags=["t"], parameters={"a": 1}, schedules=[HOURLY])
    response = api.post("/deployments/", json={"name": "daily", "flow_id": flow_id, "version": "v2"})
    assert response.status_code == 200
    second = response.json()
    assert (second["id"], second["created"]) == (first["id"], first["created"])
    assert (second["description"], second["tags"], second["parameters"]) == ("d", ["t"], {"a": 1})
    assert (second["version"], second["schedules"]) == ("v2", [])


def test_an_edit_removes_the_future_runs_of_the_scheduler(api: httpx.Client, flow_id: str) -> None:
    deployment = save(api, flow_id, schedules=[HOURLY])
    manual = api.post(f"/deployments/{deployment['id']}/create_flow_run", json={}).json()
    assert len(scheduled_runs(api, deployment["id"])) == 4
    assert api.patch(f"/deployments/{deployment['id']}", json={"description": "x"}).status_code == 204
    assert [run["id"] for run in runs(api, deployment["id"])] == [manual["id"]]


def test_read_by_name(api: httpx.Client, flow_id: str) -> None:
    flow_name = api.get(f"/flows/{flow_id}").json()["name"]
    saved = save(api, flow_id, name="with / slash")
    assert api.get(f"/deployments/name/{flow_name}/daily").status_code == 404
    saved = save(api, flow_id)
    assert api.get(f"/deployments/name/{flow_name}/daily").json()["id"] == saved["id"]


def test_lists_and_counts(api: httpx.Client, flow_id: str) -> None:
    for name in ("b", "a", "c"):
        save(api, flow_id, name=name, schedules=[HOURLY])
    mine = {"flows": {"id": {"any_": [flow_id]}}}
    assert [each["name"] for each in api.post("/deployments/filter", json=mine).json()] == ["a", "b", "c"]
    page = api.post("/deployments/paginate", json={**mine, "limit": 2, "page": 2, "sort": "NAME_DESC"}).json()
    assert (page["count"], page["pages"], [each["name"] for each in page["results"]]) == (3, 2, ["a"])
    assert len(page["results"][0]["schedules"]) == 1
    assert api.post("/deployments/count", json=mine).json() == 3


def test_what_does_not_exist(api: httpx.Client, flow_id: str) -> None:
    assert api.post("/deployments/", json={"name": "x", "flow_id": UNKNOWN}).status_code == 409
    assert api.post("/deployments/", json={"name": "x", "flow_id": flow_id, "work_pool_name": "?"}).status_code == 404
    unknown_limit = {"name": "x", "flow_id": flow_id, "global_concurrency_limit_id": UNKNOWN}
    assert api.post("/deployments/", json=unknown_limit).status_code == 404
    unknown_block = {"name": "x", "flow_id": flow_id, "storage_document_id": UNKNOWN}
    assert api.post("/deployments/", json=unknown_block).status_code == 409
    assert api.get(f"/deployments/{UNKNOWN}").status_code == 404
    assert api.patch(f"/deployments/{UNKNOWN}", json={}).status_code == 404
    assert api.delete(f"/deployments/{UNKNOWN}").status_code == 404
    for action in ("pause_deployment", "resume_deployment", "schedule", "create_flow_run"):
        assert api.post(f"/deployments/{UNKNOWN}/{action}", json={}).status_code == 404


def test_a_refused_save_leaves_nothing(api: httpx.Client, flow_id: str) -> None:
    same = [{**HOURLY, "slug": "s"}, {**HOURLY, "slug": "s"}]
    assert api.post("/deployments/", json={"name": "x", "flow_id": flow_id, "schedules": same}).status_code == 409
    assert api.post("/deployments/count", json={"flows": {"id": {"any_": [flow_id]}}}).json() == 0


def test_pausing_removes_every_run_of_the_scheduler(api: httpx.Client, flow_id: str) -> None:
    deployment = save(api, flow_id, schedules=[HOURLY])
    path = f"/deployments/{deployment['id']}"
    assert len(scheduled_runs(api, deployment["id"])) == 3
    response = api.post(f"{path}/pause_deployment")
    assert (response.status_code, response.json()) == (200, None)
    assert api.get(path).json()["paused"] is True
    assert scheduled_runs(api, deployment["id"]) == []
    api.post(f"{path}/resume_deployment")
    assert len(scheduled_runs(api, deployment["id"])) == 3


def test_deleting_takes_what_has_not_started(api: httpx.Client, flow_id: str) -> None:
    deployment = save(api, flow_id, schedules=[HOURLY], concurrency_limit=2)
    path = f"/deployments/{deployment['id']}"
    started, waiting = (api.post(f"{path}/create_flow_run", json={}).json()["id"] for _ in range(2))
    api.post(f"/flow_runs/{started}/set_state", json={"state": {"type": "RUNNING"}, "force": True})
    scheduled_runs(api, deployment["id"])
    assert api.delete(path).status_code == 204
    assert api.get(f"/flow_runs/{started}").json()["deployment_id"] == deployment["id"]
    assert api.get(f"/flow_runs/{waiting}").status_code == 404
    left = api.post("/flow_runs/filter", json={"flows": {"id": {"any_": [flow_id]}}}).json()
    assert [run["id"] for run in left] == [started]
    assert save(api, flow_id, concurrency_limit=1)["global_concurrency_limit"]["limit"] == 1


def test_bulk_delete(api: httpx.Client, flow_id: str) -> None:
    first, second, third = (save(api, flow_id, name=name)["id"] for name in "abc")
    body = {"deployments": {"id": {"any_": [first, second, UNKNOWN]}}}
    assert sorted(api.post("/deployments/bulk_delete", json=body).json()["deleted"]) == sorted([first, second])
    left = api.post("/deployments/filter", json={"flows": {"id": {"any_": [flow_id]}}}).json()
    assert [each["id"] for each in left] == [third]


def test_its_own_limit_and_a_global_one(api: httpx.Client, flow_id: str) -> None:
    deployment = save(api, flow_id, concurrency_limit=3)
    path = f"/deployments/{deployment['id']}"
    limit = deployment["global_concurrency_limit"]
    assert (limit["name"], limit["limit"], limit["active_slots"]) == (f"deployment:{deployment['id']}", 3, 0)
    api.patch(path, json={"concurrency_limit": 5})
    assert api.get(path).json()["global_concurrency_limit"]["limit"] == 5
    api.patch(path, json={"concurrency_limit": None})
    assert api.get(path).json()["global_concurrency_limit"] is None
    assert api.patch(path, json={"concurrency_limit": 0}).status_code == 422


def test_queues(api: httpx.Client, flow_id: str) -> None:
    pool = f"pool-{uuid4()}"
    api.post("/work_pools/", json={"name": pool, "type": "process"})
    deployment = save(api, flow_id, work_pool_name=pool)
    path = f"/deployments/{deployment['id']}"
    assert (deployment["work_pool_name"], deployment["work_queue_name"]) == (pool, "default")
    api.patch(path, json={"work_pool_name": pool, "work_queue_name": "fast"})
    assert api.get(path).json()["work_queue_name"] == "fast"
    assert api.get(f"/work_pools/{pool}/queues/fast").json()["priority"] == 2
    assert save(api, flow_id, version="2")["work_queue_name"] == "fast"
    assert [queue["name"] for queue in api.get(f"{path}/work_queue_check").json()] == ["default", "fast"]
    api.patch(path, json={"work_pool_name": None})
    assert api.get(path).json()["work_queue_id"] is None
    agents = save(api, flow_id, name="agents", work_queue_name="old-style")
    assert agents["work_pool_name"] == "default-agent-pool"


def test_parameters_that_do_not_fit(api: httpx.Client, flow_id: str) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    deployment = save(api, flow_id, parameter_openapi_schema=schema)
    path = f"/deployments/{deployment['id']}"
    assert api.patch(path, json={"parameters": {"n": "x"}}).status_code == 409
    assert api.patch(path, json={"parameters": {"n": "x"}, "enforce_parameter_schema": False}).status_code == 204
    assert api.patch(path, json={"enforce_parameter_schema": True}).status_code == 409


def test_an_automation_is_named_as_the_creator(api: httpx.Client, flow_id: str) -> None:
    headers = {"Prefect-Automation-ID": UNKNOWN, "Prefect-Automation-Name": "YSBuYW1l"}
    response = api.post("/deployments/", json={"name": "x", "flow_id": flow_id}, headers=headers)
    creator = {"id": UNKNOWN, "type": "AUTOMATION", "display_value": "a name"}
    assert response.json()["created_by"] == creator
    run = api.post(f"/deployments/{response.json()['id']}/create_flow_run", json={}, headers=headers)
    assert run.json()["created_by"] == creator


@pytest.mark.parametrize(("release", "told"), [("3.0.11", False), ("3.8.8", True)])
def test_old_clients_are_spared_the_null_of_a_queue(api: httpx.Client, flow_id: str, release: str, told: bool) -> None:
    """Clients before 3.2 take no null for the queue that a deployment has not, and read one that is left out."""
    saved = save(api, flow_id)
    flow = api.get(f"/flows/{flow_id}").json()["name"]
    headers, chosen = {"User-Agent": f"prefect/{release} (API 0.8.4)"}, {"deployments": {"id": {"any_": [saved["id"]]}}}
    answers = [
        api.get(f"/deployments/{saved['id']}", headers=headers).json(),
        api.get(f"/deployments/name/{flow}/daily", headers=headers).json(),
        *api.post("/deployments/filter", json=chosen, headers=headers).json(),
    ]
    assert [answer["id"] for answer in answers] == [saved["id"]] * 3
    assert {"work_queue_id" in answer for answer in answers} == {told}
