"""Reading and changing task runs over HTTP."""

import httpx

from podium.wire.states import HistoryInterval
from podium.wire.task_runs import TaskRun, TaskRunPage, TaskRunSummary
from tests.server.conftest import Units, decode
from tests.server.rows import Rows, at

UNKNOWN = "0f9d8c7b-0000-4000-8000-000000000001"


def test_task_runs_are_read_listed_counted_and_paged(api: httpx.Client, units: Units) -> None:
    """A page has the shorter form of each."""
    rows = Rows(units.write)
    run = rows.flow_run(rows.flow())
    ids = [rows.task_run(run, f"t-{n}", "COMPLETED", expected_start_time=at(n)) for n in range(3)]
    mine = {"task_runs": {"flow_run_id": {"any_": [run], "is_null_": None}}}
    listed = decode(api.post("/task_runs/filter", json={**mine, "sort": "EXPECTED_START_TIME_ASC"}), list[TaskRun])
    assert [task.id for task in listed] == ids
    assert decode(api.get(f"/task_runs/{ids[0]}"), TaskRun).name == "t-0"
    assert api.post("/task_runs/count", json=mine).json() == 3
    answer = api.post("/task_runs/paginate", json={**mine, "limit": 2, "page": 2, "sort": "NAME_ASC"})
    page = decode(answer, TaskRunPage)
    assert ([task.name for task in page.results], page.pages) == (["t-2"], 2)
    assert set(answer.json()["results"][0]) == set(TaskRunSummary.__struct_fields__)
    assert api.get(f"/task_runs/{UNKNOWN}").status_code == 404


def test_a_task_run_can_be_renamed(api: httpx.Client, units: Units) -> None:
    """Nothing else of it changes by hand."""
    task = Rows(units.write).task_run(None, "old")
    assert api.patch(f"/task_runs/{task}", json={"name": "new"}).status_code == 204
    assert api.patch(f"/task_runs/{task}", json={}).status_code == 204
    assert api.get(f"/task_runs/{task}").json()["name"] == "new"
    assert api.patch(f"/task_runs/{UNKNOWN}", json={"name": "new"}).status_code == 404


def test_task_runs_have_a_history(api: httpx.Client, units: Units) -> None:
    """Counted where they were expected to start."""
    rows = Rows(units.write)
    run = rows.flow_run(rows.flow())
    rows.task_run(run, "t", "FAILED", expected_start_time=at(15))
    span = {"history_start": at(0).isoformat(), "history_end": at(20).isoformat(), "history_interval_seconds": 10}
    answer = api.post("/task_runs/history", json={**span, "flow_runs": {"id": {"any_": [run]}}})
    assert [[state.count_runs for state in each.states] for each in decode(answer, list[HistoryInterval])] == [[], [1]]
