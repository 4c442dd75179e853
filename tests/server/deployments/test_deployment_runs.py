"""Making runs of deployments over HTTP, and handing them to the processes that serve them."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}, "o": {"type": "string"}}, "required": ["n"]}


@pytest.fixture
def deployment(api: httpx.Client) -> dict[str, Any]:
    """A deployment in a pool of its own, with a schema for its parameters."""
    name = f"thing-{uuid4()}"
    flow = api.post("/flows/", json={"name": name}).json()
    api.post("/work_pools/", json={"name": name, "type": "process"})
    body = {
        "name": name,
        "flow_id": flow["id"],
        "work_pool_name": name,
        "version": "v1",
        "parameters": {"n": 1},
        "parameter_openapi_schema": SCHEMA,
        "tags": ["a", "b"],
        "labels": {"deployment": 1},
    }
    found: dict[str, Any] = api.post("/deployments/", json=body).json()
    return found


def make(api: httpx.Client, deployment: dict[str, Any], **fields: Any) -> httpx.Response:
    return api.post(f"/deployments/{deployment['id']}/create_flow_run", json=fields)


def test_a_run_takes_what_it_is_not_given_from_the_deployment(api: httpx.Client, deployment: dict[str, Any]) -> None:
    response = make(api, deployment, parameters={"o": "x"}, tags=["b", "c"], labels={"run": 1})
    assert response.status_code == 201
    run = response.json()
    assert (run["parameters"], run["tags"]) == ({"n": 1, "o": "x"}, ["a", "b", "c"])
    assert run["labels"]["deployment"] == run["labels"]["run"] == 1
    assert run["labels"]["prefect.deployment.id"] == deployment["id"]
    assert (run["state_type"], run["state_name"], run["auto_scheduled"]) == ("SCHEDULED", "Scheduled", False)
    assert (run["deployment_version"], run["work_queue_name"]) == ("v1", "default")
    assert run["work_pool_name"] == deployment["work_pool_name"]
    assert api.get(f"/flow_runs/{run['id']}").json()["parameters"] == {"n": 1, "o": "x"}


def test_the_same_key_is_the_same_run(api: httpx.Client, deployment: dict[str, Any]) -> None:
    first, second = (make(api, deployment, idempotency_key="k") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]


def test_parameters_are_checked_where_they_are_enforced(api: httpx.Client, deployment: dict[str, Any]) -> None:
    assert make(api, deployment, parameters={"n": "x"}).status_code == 409
    assert make(api, deployment, parameters={"n": None}).status_code == 409
    assert make(api, deployment, parameters={"o": None}).status_code == 201
    assert make(api, deployment, parameters={"n": "x"}, enforce_parameter_schema=False).status_code == 201


def test_parameters_may_stand_for_something_else(api: httpx.Client, deployment: dict[str, Any]) -> None:
    name = f"v_{uuid4().hex}"
    api.post("/variables/", json={"name": name, "value": 7})
    variable = {"__prefect_kind": "workspace_variable", "variable_name": name}
    assert make(api, deployment, parameters={"n": variable}).json()["parameters"] == {"n": 7}
    template = {"__prefect_kind": "jinja", "template": "{{ 1 + 1 }}"}
    computed = {"__prefect_kind": "json", "value": template}
    assert make(api, deployment, parameters={"n": computed}).json()["parameters"] == {"n": 2}
    for nothing in (
        {"__prefect_kind": "json", "value": "{"},
        {"__prefect_kind": "jinja", "template": "{{ 1 +"},
        {"__prefect_kind": "jinja", "template": "{{ ''.__class__.__mro__ }}"},
        {"__prefect_kind": "workspace_variable", "variable_name": "none"},
        {"__prefect_kind": "json"},
    ):
        assert make(api, deployment, parameters={"n": nothing}).status_code == 400


def test_a_queue_of_the_pool(api: httpx.Client, deployment: dict[str, Any]) -> None:
    assert make(api, deployment, work_queue_name="new").json()["work_queue_name"] == "new"
    api.patch(f"/deployments/{deployment['id']}", json={"work_pool_name": None})
    assert make(api, deployment, work_queue_name="new").status_code == 400


def test_parameters_have_a_size(api: httpx.Client, deployment: dict[str, Any]) -> None:
    assert make(api, deployment, parameters={"o": "x" * 600_000}).status_code == 422


def test_several_runs_at_once(api: httpx.Client, deployment: dict[str, Any]) -> None:
    path = f"/deployments/{deployment['id']}/create_flow_run/bulk"
    results = api.post(path, json=[{}, {"parameters": {"n": "x"}}, {"parameters": {"n": 3}}]).json()["results"]
    assert [result["status"] for result in results] == ["CREATED", "FAILED", "CREATED"]
    assert results[1]["flow_run_id"] is None
    assert "'n'" in results[1]["error"]
    assert api.post(path, json=[{}] * 101).status_code == 400


def test_one_run_that_fails_leaves_the_others(api: httpx.Client, deployment: dict[str, Any]) -> None:
    """Also where the database refuses it; and it leaves nothing behind, not even its work queue."""
    path = f"/deployments/{deployment['id']}/create_flow_run/bulk"
    late = {"type": "SCHEDULED", "state_details": {"scheduled_time": "0001-01-01T00:00:00+14:00"}}
    bodies = [
        {},
        {"parent_task_run_id": str(uuid4())},
        {"state": late, "work_queue_name": "unwanted"},
        {"name": "last"},
    ]
    results = api.post(path, json=bodies).raise_for_status().json()["results"]
    assert [result["status"] for result in results] == ["CREATED", "FAILED", "FAILED", "CREATED"]
    assert all(result["error"] for result in results[1:3])
    assert api.get(f"/flow_runs/{results[3]['flow_run_id']}").json()["name"] == "last"
    assert api.get(f"/work_pools/{deployment['work_pool_name']}/queues/unwanted").status_code == 404


def test_a_serving_process_gets_the_runs_in_order(api: httpx.Client, deployment: dict[str, Any]) -> None:
    times = ["2026-01-03T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]
    for time in times:
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": time}}
        assert make(api, deployment, state=state).status_code == 201
    body = {"deployment_ids": [deployment["id"]], "scheduled_before": "2026-01-02T12:00:00Z"}
    runs = api.post("/deployments/get_scheduled_flow_runs", json=body).json()
    assert [run["next_scheduled_start_time"] for run in runs] == ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]
    assert runs[0]["state"]["type"] == "SCHEDULED"
    polled = api.get(f"/deployments/{deployment['id']}").json()
    assert polled["status"] == "READY"
    assert polled["updated"] == deployment["updated"]
    assert api.post("/deployments/get_scheduled_flow_runs", json={"deployment_ids": []}).json() == []


def test_job_variables_have_to_fit_the_pool(api: httpx.Client, deployment: dict[str, Any]) -> None:
    properties = {"image": {"type": "string"}, "cpu": {"type": "integer", "default": 1}}
    template = {
        "job_configuration": {"image": "{{ image }}"},
        "variables": {"type": "object", "properties": properties, "required": ["image"]},
    }
    api.patch(f"/work_pools/{deployment['work_pool_name']}", json={"base_job_template": template})
    path = f"/deployments/{deployment['id']}"
    assert make(api, deployment).status_code == 422
    assert make(api, deployment, job_variables={"image": "i", "cpu": "x"}).status_code == 422
    made = make(api, deployment, job_variables={"image": "i"})
    assert made.json()["job_variables"] == {"image": "i"}
    assert api.patch(path, json={"job_variables": {"cpu": "x"}}).status_code == 409
    assert api.patch(path, json={"job_variables": {"image": "i", "unknown": 1}}).status_code == 204
    assert make(api, deployment, job_variables={"cpu": None}).status_code == 201
    body = {"name": deployment["name"], "flow_id": deployment["flow_id"], "job_variables": {"cpu": "x"}}
    assert api.post("/deployments/", json=body).status_code == 422
