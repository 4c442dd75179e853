"""Reading and changing flow runs over HTTP."""

import csv
import io
from typing import Any

import httpx
import pytest

from podium.wire.flow_runs import FlowRun, FlowRunPage
from podium.wire.states import HistoryInterval
from tests.server.conftest import Units, decode
from tests.server.rows import Rows, at

UNKNOWN = "0f9d8c7b-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def rows(units: Units) -> Rows:
    return Rows(units.write)


@pytest.fixture(scope="module")
def flow(rows: Rows) -> str:
    return rows.flow("runs")


def _read(api: httpx.Client, run_id: str) -> FlowRun:
    run: FlowRun = decode(api.get(f"/flow_runs/{run_id}"), FlowRun)
    return run


def test_flow_runs_are_read_listed_counted_and_paged(api: httpx.Client, rows: Rows, flow: str) -> None:
    """Lists take filters of all related entities, and have the state without its data."""
    ids = [
        rows.flow_run(flow, f"run-{n}", "COMPLETED", expected_start_time=at(n), data={"type": "x"}) for n in range(3)
    ]
    mine = {"flows": {"id": {"any_": [flow]}}, "flow_runs": {"name": {"like_": "run-"}}}
    listed = decode(
        api.post("/flow_runs/filter", json={**mine, "sort": "EXPECTED_START_TIME_DESC", "limit": 2}), list[FlowRun]
    )
    assert [run.id for run in listed] == [ids[2], ids[1]]
    assert listed[0].state is not None and listed[0].state.data == {"type": "x"}
    run = _read(api, ids[0])
    assert run.state is not None and run.state.data == {"type": "x"}
    assert api.post("/flow_runs/count", json=mine).json() == 3
    page = decode(api.post("/flow_runs/paginate", json={**mine, "limit": 2, "page": 2}), FlowRunPage)
    assert (len(page.results), page.count, page.pages) == (1, 3, 2)
    assert api.get(f"/flow_runs/{UNKNOWN}").status_code == 404


def test_a_flow_run_can_be_changed_besides_its_state(api: httpx.Client, rows: Rows, flow: str) -> None:
    """What is not sent stays; a name cannot be taken away."""
    run_id = rows.flow_run(flow, "before", "RUNNING", tags=["old"], flow_version="1")
    change = {"name": "after", "infrastructure_pid": "host:12", "parameters": {"x": [1]}, "flow_version": None}
    change["empirical_policy"] = {"retries": 2, "retry_delay": 3}
    assert api.patch(f"/flow_runs/{run_id}", json=change).status_code == 204
    assert api.patch(f"/flow_runs/{run_id}", json={"name": None}).status_code == 204
    run = _read(api, run_id)
    assert (run.name, run.infrastructure_pid, run.parameters, run.flow_version) == (
        "after",
        "host:12",
        {"x": [1]},
        None,
    )
    assert (run.empirical_policy.retries, run.empirical_policy.retry_delay, run.tags) == (2, 3, ["old"])
    assert api.patch(f"/flow_runs/{UNKNOWN}", json={"name": "x"}).status_code == 404


def test_parameters_have_a_largest_size(api: httpx.Client, rows: Rows, flow: str) -> None:
    """512 KiB unless the server's settings say otherwise."""
    run_id = rows.flow_run(flow)
    answer = api.patch(f"/flow_runs/{run_id}", json={"parameters": {"x": "y" * 524_288}})
    assert answer.status_code == 422
    assert "524288 bytes" in answer.json()["detail"]


def test_job_variables_belong_to_a_scheduled_run_of_a_deployment(api: httpx.Client, rows: Rows, flow: str) -> None:
    """Once handed out, or without a deployment, they come too late; they fit the pool's template."""
    template = {
        "job_configuration": {"image": "{{ image }}"},
        "variables": {"type": "object", "properties": {"image": {"type": "string"}}},
    }
    queue = rows.queue(rows.pool(base_job_template=template))
    deployment = rows.deployment(flow, work_queue_id=queue)
    scheduled = rows.flow_run(flow, state="SCHEDULED", deployment_id=deployment, work_queue_id=queue)

    def change(run_id: str, variables: Any) -> int:
        return api.patch(f"/flow_runs/{run_id}", json={"job_variables": variables}).status_code

    assert change(scheduled, {"image": "mine"}) == 204
    assert _read(api, scheduled).job_variables == {"image": "mine"}
    assert change(scheduled, {"image": 1}) == 422
    assert change(scheduled, None) == 204
    assert _read(api, scheduled).job_variables == {}
    assert change(rows.flow_run(flow, state="RUNNING", deployment_id=deployment), {}) == 400
    assert change(rows.flow_run(flow, state="SCHEDULED"), {}) == 400


def test_labels_are_merged(api: httpx.Client, rows: Rows, flow: str) -> None:
    """A label sent again takes its new value; an unknown run is said so in the words of the object layer."""
    run_id = rows.flow_run(flow, labels={"a": "1", "b": "2"})
    assert api.patch(f"/flow_runs/{run_id}/labels", json={"b": 3, "c": True}).status_code == 204
    assert _read(api, run_id).labels == {"a": "1", "b": 3, "c": True}
    missing = api.patch(f"/flow_runs/{UNKNOWN}/labels", json={"a": "1"})
    assert (missing.status_code, list(missing.json())) == (404, ["exception_message"])


def test_history_and_lateness_take_the_same_filters(api: httpx.Client, rows: Rows) -> None:
    """Both look at the runs of one flow here."""
    flow = rows.flow()
    rows.flow_run(flow, "late", "COMPLETED", expected_start_time=at(0), start_time=at(4))
    mine = {"flows": {"id": {"any_": [flow]}}}
    span = {"history_start": at(0).isoformat(), "history_end": at(20).isoformat(), "history_interval_seconds": 10}
    history = decode(api.post("/flow_runs/history", json={**mine, **span}), list[HistoryInterval])
    assert [[state.count_runs for state in each.states] for each in history] == [[1], []]
    assert api.post("/flow_runs/lateness", json=mine).json() == 4.0
    assert api.post("/flow_runs/lateness", json={"flows": {"id": {"any_": [UNKNOWN]}}}).json() is None
    assert api.post("/flow_runs/history", json={**span, "history_interval_seconds": 0.5}).status_code == 422
    assert api.post("/flow_runs/history", json={**span, "history_interval_seconds": "PT10S"}).status_code == 200


def test_the_logs_of_a_run_are_downloaded_as_csv(api: httpx.Client, rows: Rows, flow: str) -> None:
    """A file named after the run, with a header and CRLF lines."""
    run_id = rows.flow_run(flow, "my rün")
    lines = [
        {"name": "n", "level": 40, "message": "second", "timestamp": at(2).isoformat(), "flow_run_id": run_id},
        {"name": "n", "level": 20, "message": 'a "b", c\nd', "timestamp": at(1.5).isoformat(), "flow_run_id": run_id},
    ]
    assert api.post("/logs/", json=lines).status_code == 201
    answer = api.get(f"/flow_runs/{run_id}/logs/download")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    disposition = answer.headers["content-disposition"]
    assert disposition == "attachment; filename=\"flow-run-logs.csv\"; filename*=UTF-8''my%20r%C3%BCn-logs.csv"
    assert answer.text.startswith("timestamp,level,flow_run_id,task_run_id,message\r\n")
    read = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert read[1:] == [
        ["2024-05-06 12:00:01.500000+00:00", "20", run_id, "", 'a "b", c\nd'],
        ["2024-05-06 12:00:02+00:00", "40", run_id, "", "second"],
    ]
    assert api.get(f"/flow_runs/{UNKNOWN}/logs/download").status_code == 404


def test_the_graph_of_a_run_takes_a_moment_to_start_from(api: httpx.Client, rows: Rows, flow: str) -> None:
    """Without it all of the graph is answered."""
    run_id = rows.flow_run(flow, state="RUNNING", start_time=at(0))
    task = rows.task_run(run_id, "t", "COMPLETED", start_time=at(1), end_time=at(2))
    assert [node[0] for node in api.get(f"/flow_runs/{run_id}/graph-v2").json()["nodes"]] == [task]
    later = api.get(f"/flow_runs/{run_id}/graph-v2", params={"since": "2024-05-06T12:00:03Z"})
    assert later.json()["nodes"] == []
    assert api.get(f"/flow_runs/{run_id}/graph-v2", params={"since": "yesterday"}).status_code == 422
    assert api.get(f"/flow_runs/{UNKNOWN}/graph-v2").status_code == 404
    assert [each["name"] for each in api.get(f"/flow_runs/{run_id}/graph").json()] == ["t"]
