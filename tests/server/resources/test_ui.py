"""What pages ask for besides."""

from typing import Any

import httpx
import pytest

from podium.wire.ui import CountByState, DrawnFlowRun, NamedTaskRun
from tests.server.conftest import Units, decode
from tests.server.rows import Rows, at

UNKNOWN = "0f9d8c7b-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def rows(units: Units) -> Rows:
    return Rows(units.write)


def test_related_rows_are_counted_by_id(api: httpx.Client, rows: Rows) -> None:
    """An id without any, or unknown, counts 0; a task run that stands for a subflow is none."""
    flow = rows.flow()
    run, empty = rows.flow_run(flow), rows.flow_run(flow)
    rows.task_run(run, "a")
    rows.task_run(run, "b")
    rows.flow_run(flow, parent_task_run_id=rows.task_run(run, "subflow"))
    rows.deployment(flow)
    counts = api.post("/ui/flow_runs/count-task-runs", json={"flow_run_ids": [run, empty, UNKNOWN]}).json()
    assert counts == {run: 2, empty: 0, UNKNOWN: 0}
    counts = api.post("/ui/flows/count-deployments", json={"flow_ids": [flow, UNKNOWN]}).json()
    assert counts == {flow: 1, UNKNOWN: 0}
    assert api.post("/ui/flows/count-deployments", json={}).status_code == 422


def test_the_next_run_of_a_flow_is_the_earliest_scheduled_one(api: httpx.Client, rows: Rows) -> None:
    """A flow without one has none."""
    flow, idle = rows.flow(), rows.flow()
    rows.flow_run(flow, "later", "SCHEDULED", next_scheduled_start_time=at(20))
    rows.flow_run(flow, "next", "SCHEDULED", next_scheduled_start_time=at(10))
    rows.flow_run(flow, "done", "COMPLETED", next_scheduled_start_time=at(0))
    found = api.post("/ui/flows/next-runs", json={"flow_ids": [flow, idle]}).json()
    assert (found[flow]["name"], found[flow]["flow_id"], found[idle]) == ("next", flow, None)


def test_flow_runs_are_drawn_as_points_in_time(api: httpx.Client, rows: Rows) -> None:
    """When they started or should have, how long they ran and how late they were."""
    flow = rows.flow()
    times = {"expected_start_time": at(0), "start_time": at(2), "end_time": at(5)}
    run = rows.flow_run(flow, "r", "COMPLETED", total_run_time=3.0, **times)
    body: dict[str, Any] = {"flows": {"id": {"any_": [flow]}}}
    [drawn] = decode(api.post("/ui/flow_runs/history", json=body), list[DrawnFlowRun])
    assert (drawn.id, drawn.state_type, drawn.timestamp) == (run, "COMPLETED", at(2))
    assert (drawn.duration, drawn.lateness) == (3.0, 2.0)
    assert api.post("/ui/flow_runs/history", json={"limit": 1001}).status_code == 422


def test_task_runs_are_counted_by_state_and_over_time(api: httpx.Client, rows: Rows) -> None:
    """Over time there are twenty stretches, each with what completed and what failed."""
    run = rows.flow_run(rows.flow())
    for name, state, second in (("a", "COMPLETED", 0), ("b", "CRASHED", 5), ("c", "FAILED", 99), ("d", "RUNNING", 99)):
        rows.task_run(run, name, state, start_time=at(second))
    mine = {"flow_runs": {"id": {"any_": [run]}}}
    assert decode(api.post("/ui/task_runs/count", json=mine), CountByState) == CountByState(
        COMPLETED=1, CRASHED=1, FAILED=1, RUNNING=1
    )
    bounds = {"start_time": {"after_": at(0).isoformat(), "before_": at(100).isoformat()}}
    counts = api.post("/ui/task_runs/dashboard/counts", json={**mine, "task_runs": bounds}).json()
    assert len(counts) == 20
    assert counts[0] == {"completed": 1, "failed": 0}
    assert counts[1] == {"completed": 0, "failed": 1}
    assert counts[19] == {"completed": 0, "failed": 1}
    refused = api.post("/ui/task_runs/dashboard/counts", json={"task_runs": {}})
    assert (refused.status_code, list(refused.json())) == (422, ["detail"])


def test_a_task_run_is_read_with_the_name_of_its_flow_run(api: httpx.Client, rows: Rows) -> None:
    """One outside of any flow run has none."""
    run = rows.flow_run(rows.flow(), "the run")
    inside, outside = rows.task_run(run, "inside"), rows.task_run(None, "outside")
    assert decode(api.get(f"/ui/task_runs/{inside}"), NamedTaskRun).flow_run_name == "the run"
    assert decode(api.get(f"/ui/task_runs/{outside}"), NamedTaskRun).flow_run_name is None
    assert api.get(f"/ui/task_runs/{UNKNOWN}").status_code == 404
