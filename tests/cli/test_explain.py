"""`podium flow-run explain`: the answer first, who is in the way, and what to type."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.cli.conftest import Podium
from tests.migrated import migrate
from tests.server.conftest import LiveServer, settings_for


@pytest.fixture
def api(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A live server on each kind of database, which the settings name."""
    migrate(database_url)
    with LiveServer(settings_for(database_url), with_services=False) as server:
        monkeypatch.setenv("PODIUM_API_URL", server.url)
        with httpx.Client(base_url=server.url, timeout=20, follow_redirects=True) as client:
            yield client


def made(api: httpx.Client, path: str, **body: Any) -> Any:
    answer = api.post(path, json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def test_from_no_worker_to_running_the_answers_lead_on(podium: Podium, api: httpx.Client) -> None:
    """A deployment in a pool, as an operator finds it: each fix leads to the next answer."""
    flow = made(api, "/flows/", name="etl")["id"]
    made(api, "/work_pools/", name="local", type="process", concurrency_limit=1)
    deployment = made(api, "/deployments/", name="nightly", flow_id=flow, work_pool_name="local")["id"]
    first = made(api, f"/deployments/{deployment}/create_flow_run", name="first", state={"type": "SCHEDULED"})["id"]
    second = made(api, f"/deployments/{deployment}/create_flow_run", name="second", state={"type": "SCHEDULED"})["id"]

    def code(run: str = "second") -> str:
        answer = json.loads(podium("flow-run", "explain", run, "-o", "json").out)
        found: str = answer["reasons"][0]["code"]
        return found

    api.patch("/work_pools/local", json={"is_paused": True})
    assert code() == "pool_paused"
    api.patch("/work_pools/local", json={"is_paused": False})
    assert code() == "no_worker"
    api.post("/work_pools/local/workers/heartbeat", json={"name": "w"})
    assert code() == "queue_not_polled"
    handed = made(api, "/work_pools/local/get_scheduled_flow_runs")
    assert [each["flow_run"]["name"] for each in handed] == ["first"]
    assert code() == "behind_others"
    assert made(api, f"/flow_runs/{first}/set_state", state={"type": "PENDING"})["status"] == "ACCEPT"
    assert code("first") == "pending"
    assert code() == "pool_limit_full"
    shown = podium("flow-run", "explain", "second")
    assert shown.code == 0
    assert shown.out.startswith("second is Scheduled since ")
    assert "may run 1 at a time, and 1 is under way. [pool_limit_full]" in shown.out
    assert "Fix: podium work-pool set-concurrency-limit local 2" in shown.out
    assert "flow run  first  Pending" in shown.out
    api.patch("/work_pools/local", json={"concurrency_limit": 2})
    assert code() == "next_poll"
    for state in ("PENDING", "RUNNING"):
        made(api, f"/flow_runs/{second}/set_state", state={"type": state})
    assert code() == "running"
    made(api, f"/flow_runs/{second}/set_state", state={"type": "COMPLETED"})
    assert code() == "ended"
    assert podium("flow-run", "explain", "nobody").code == 3
