"""Making runs and moving them through their states over HTTP: statuses and bodies as clients know them."""

from typing import Any

import httpx
import pytest

from podium.db.ids import new_id
from podium.wire.flow_runs import FlowRun, FlowRunInput, FlowRunOutcomes
from podium.wire.states import OrchestrationResult, State
from podium.wire.task_runs import TaskRun
from tests.server.conftest import decode

SCHEMA = '{"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}'


@pytest.fixture
def flow_id(api: httpx.Client) -> str:
    created: str = api.post("/flows/", json={"name": f"flow-{new_id()}"}).json()["id"]
    return created


def make(api: httpx.Client, flow_id: str, kind: str = "PENDING", **values: Any) -> str:
    reply = api.post("/flow_runs/", json={"flow_id": flow_id, "state": {"type": kind}, **values})
    assert reply.status_code == 201
    return decode(reply, FlowRun).id


def test_create_flow_run(api: httpx.Client, flow_id: str) -> None:
    """201 for a new run, 200 for the one with the same idempotency key, 409 without the flow."""
    body = {"flow_id": flow_id, "idempotency_key": new_id(), "state": {"type": "SCHEDULED"}}
    first, second = api.post("/flow_runs/", json=body), api.post("/flow_runs/", json=body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert decode(first, FlowRun).id == decode(second, FlowRun).id
    assert api.post("/flow_runs/", json={"flow_id": new_id()}).status_code == 409
    assert api.post("/flow_runs/", json={"flow_id": flow_id, "work_pool_name": "nowhere"}).status_code == 404
    large = {"flow_id": flow_id, "parameters": {"x": "y" * 600_000}}
    assert api.post("/flow_runs/", json=large).status_code == 422


def test_set_state(api: httpx.Client, flow_id: str) -> None:
    """201 when a state was stored, also another than the proposed one; 200 when none was."""
    url = f"/flow_runs/{make(api, flow_id, 'SCHEDULED')}/set_state"
    cases = [
        ("PENDING", 201, "ACCEPT", "PENDING", "accept_details"),
        ("PENDING", 200, "ABORT", "PENDING", "abort_details"),
        ("RUNNING", 201, "ACCEPT", "RUNNING", "accept_details"),
        ("COMPLETED", 201, "ACCEPT", "COMPLETED", "accept_details"),
        ("SCHEDULED", 200, "ABORT", "COMPLETED", "abort_details"),
    ]
    for proposed, status, outcome, kind, details in cases:
        reply = api.post(url, json={"state": {"type": proposed}})
        result = decode(reply, OrchestrationResult)
        assert (reply.status_code, result.status) == (status, outcome)
        assert result.state is not None and result.state.type == kind
        assert reply.json()["details"]["type"] == details
    replaced = api.post(
        f"/flow_runs/{make(api, flow_id, 'SCHEDULED')}/set_state", json={"state": {"type": "CANCELLING"}}
    )
    assert (replaced.status_code, replaced.json()["status"]) == (201, "REJECT")
    assert replaced.json()["state"]["type"] == "CANCELLED"


@pytest.mark.parametrize("kind", ["flow_runs", "task_runs"])
def test_unknown_runs(api: httpx.Client, kind: str) -> None:
    """404 with the message that clients of each operation expect."""
    reply = api.post(f"/{kind}/{new_id()}/set_state", json={"state": {"type": "RUNNING"}})
    assert (reply.status_code, "exception_message" in reply.json()) == (404, True)
    reply = api.delete(f"/{kind}/{new_id()}")
    assert (reply.status_code, "detail" in reply.json()) == (404, True)
    assert api.get(f"/{kind.removesuffix('s')}_states/{new_id()}").status_code == 404


def test_wait(api: httpx.Client, flow_id: str) -> None:
    """The client is told how many seconds to wait."""
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2100-01-01T00:00:00Z"}}
    run_id = make(api, flow_id, state=state)
    reply = api.post(f"/flow_runs/{run_id}/set_state", json={"state": {"type": "RUNNING"}})
    assert reply.status_code == 200
    assert reply.json()["details"]["type"] == "wait_details"
    assert reply.json()["details"]["delay_seconds"] > 1_000_000


def test_the_client_version_counts(api: httpx.Client, flow_id: str) -> None:
    """The headers of a `prefect` client decide what is kept track of for it."""
    old = {"User-Agent": "prefect/3.1.0 (API 0.8.3)", "X-PREFECT-API-VERSION": "0.8.3"}
    for headers, retry_type in ((old, None), ({}, "in_process")):
        run_id = make(api, flow_id, "RUNNING", empirical_policy={"retries": 1})
        api.post(f"/flow_runs/{run_id}/set_state", json={"state": {"type": "FAILED"}}, headers=headers)
        run = decode(api.get(f"/flow_runs/{run_id}"), FlowRun)
        assert (run.state_name, run.empirical_policy.retry_type) == ("AwaitingRetry", retry_type)


def test_states(api: httpx.Client, flow_id: str) -> None:
    """The states of a run are listed oldest first and read one by one."""
    run_id = make(api, flow_id)
    api.post(f"/flow_runs/{run_id}/set_state", json={"state": {"type": "RUNNING"}})
    states = decode(api.get("/flow_run_states/", params={"flow_run_id": run_id}), list[State])
    assert [state.type for state in states] == ["PENDING", "RUNNING"]
    assert decode(api.get(f"/flow_run_states/{states[1].id}"), State) == states[1]
    assert api.get("/flow_run_states/", params={"flow_run_id": new_id()}).json() == []


def test_task_runs(api: httpx.Client, flow_id: str) -> None:
    """A task run is made once for its natural key and goes through its states."""
    body = {"flow_run_id": make(api, flow_id, "RUNNING"), "task_key": "t", "dynamic_key": "0"}
    first, second = api.post("/task_runs/", json=body), api.post("/task_runs/", json=body)
    assert (first.status_code, second.status_code) == (201, 200)
    run_id = decode(first, TaskRun).id
    assert decode(second, TaskRun).id == run_id
    reply = api.post(f"/task_runs/{run_id}/set_state", json={"state": {"type": "RUNNING"}})
    assert (reply.status_code, decode(reply, OrchestrationResult).status) == (201, "ACCEPT")
    states = decode(api.get("/task_run_states/", params={"task_run_id": run_id}), list[State])
    assert [state.type for state in states] == ["PENDING", "RUNNING"]
    assert decode(api.get(f"/task_run_states/{states[0].id}"), State) == states[0]
    assert api.delete(f"/task_runs/{run_id}").status_code == 204
    assert api.get(f"/task_runs/{run_id}").status_code == 404


def test_deleting_a_flow_run_deletes_its_logs(api: httpx.Client, flow_id: str) -> None:
    """Its log lines go with it."""
    run_id = make(api, flow_id)
    line = {"name": "n", "level": 20, "message": "m", "timestamp": "2026-11-20T12:00:00Z", "flow_run_id": run_id}
    api.post("/logs/", json=[line])
    assert api.delete(f"/flow_runs/{run_id}").status_code == 204
    assert api.post("/logs/filter", json={"logs": {"flow_run_id": {"any_": [run_id]}}}).json() == []


def test_many_runs_at_once(api: httpx.Client, flow_id: str) -> None:
    """A state is proposed for, and a deletion carried out on, the runs that a filter selects."""
    chosen = [make(api, flow_id, "RUNNING") for _ in range(3)]
    other = make(api, flow_id, "RUNNING")
    only = {"flow_runs": {"id": {"any_": chosen}}}
    reply = api.post("/flow_runs/bulk_set_state", json={**only, "state": {"type": "COMPLETED"}})
    results = decode(reply, FlowRunOutcomes).results
    assert {(each.flow_run_id, each.status) for each in results} == {(run_id, "ACCEPT") for run_id in chosen}
    deleted = api.post("/flow_runs/bulk_delete", json={**only, "limit": 2}).json()["deleted"]
    assert len(deleted) == 2 and set(deleted) <= set(chosen)
    assert api.get(f"/flow_runs/{other}").json()["state_type"] == "RUNNING"


def test_inputs(api: httpx.Client, flow_id: str) -> None:
    """An input is text under a key that the run has once."""
    run_id = make(api, flow_id)
    url = f"/flow_runs/{run_id}/input"
    for key in ("a-1", "a-2", "b-1"):
        assert api.post(url, json={"key": key, "value": f"value of {key}"}).status_code == 201
    assert api.post(url, json={"key": "a-1", "value": "again"}).status_code == 409
    assert api.post(url, json={"key": "with blank", "value": "x"}).status_code == 422
    assert api.post(f"/flow_runs/{new_id()}/input", json={"key": "a", "value": "x"}).status_code == 404
    read = api.get(f"{url}/a-1")
    assert (read.text, read.headers["content-type"]) == ("value of a-1", "text/plain; charset=utf-8")
    body = {"prefix": "a", "limit": 10, "exclude_keys": ["a-1"]}
    assert [each.key for each in decode(api.post(f"{url}/filter", json=body), list[FlowRunInput])] == ["a-2"]
    assert len(api.post(f"{url}/filter", json={"prefix": "a"}).json()) == 1
    assert api.delete(f"{url}/a-1").status_code == 204
    assert api.delete(f"{url}/a-1").status_code == api.get(f"{url}/a-1").status_code == 404


def test_resume(api: httpx.Client, flow_id: str) -> None:
    """201 when the run goes on; 200 when it does not, with the reason."""
    keyset = {"schema": "s", "response": "r"}
    paused = {"type": "PAUSED", "state_details": {"run_input_keyset": keyset}}
    run_id = make(api, flow_id, state=paused)
    api.post(f"/flow_runs/{run_id}/input", json={"key": "s", "value": SCHEMA})
    refused = api.post(f"/flow_runs/{run_id}/resume", json={"run_input": {"x": "no"}})
    assert (refused.status_code, refused.json()["status"]) == (200, "REJECT")
    assert refused.json()["details"]["reason"]
    resumed = api.post(f"/flow_runs/{run_id}/resume", json={"run_input": {"x": 1}})
    assert (resumed.status_code, resumed.json()["status"], resumed.json()["state"]["type"]) == (
        201,
        "ACCEPT",
        "RUNNING",
    )
    assert api.get(f"/flow_runs/{run_id}/input/r").json() == {"x": 1}
    again = api.post(f"/flow_runs/{run_id}/resume")
    assert (again.status_code, again.json()["status"], again.json()["state"]) == (200, "ABORT", None)
    assert api.post(f"/flow_runs/{new_id()}/resume").status_code == 404
