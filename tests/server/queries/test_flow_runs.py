"""Flow runs and task runs as the wire shows them."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from podium.db.tables.flow_runs import flow_runs
from podium.server.errors import NotFound
from podium.server.queries import sorting
from podium.server.queries.flow_runs import as_answer, list_flow_runs, read_flow_run
from podium.server.queries.task_runs import list_task_runs, read_task_run
from podium.wire.decoding import encode
from podium.wire.flow_runs import FlowRun
from podium.wire.task_runs import TaskRun
from tests.server.rows import START, Rows, at


def _as_wire(row: dict[str, Any], kind: Any) -> Any:
    """A row as a client reads it; a column that the wire does not have fails."""
    assert set(row) == set(kind.__struct_fields__)
    return msgspec.json.decode(encode(row), type=kind)


def test_a_flow_run_comes_with_its_state_queue_and_pool(units: Any) -> None:
    """One read answers everything; the state has its data."""
    rows = Rows(units.write)
    pool = rows.pool("docker")
    queue = rows.queue(pool, "fast")
    run_id = rows.flow_run(
        rows.flow(),
        "r",
        "COMPLETED",
        data={"type": "reference", "storage": "s3"},
        work_queue_id=queue,
        parameters={"x": 1},
        total_run_time=2.5,
    )
    run = _as_wire(units.read(read_flow_run, run_id), FlowRun)
    assert (run.work_queue_id, run.work_queue_name) == (queue, "fast")
    assert (run.work_pool_id, run.work_pool_name) == (pool, "docker")
    assert (run.state.type, run.state.name, run.state.timestamp) == ("COMPLETED", "Completed", START)
    assert run.state.data == {"type": "reference", "storage": "s3"}
    assert run.state.message == "it is COMPLETED"
    assert run.parameters == {"x": 1}
    assert run.estimated_run_time == 2.5


def test_a_list_has_the_data_of_states(units: Any) -> None:
    """Clients load the results of the runs they listed, and of a subflow when its parent runs again."""
    rows = Rows(units.write)
    flow = rows.flow()
    rows.flow_run(flow, "first", "COMPLETED", data={"type": "x"}, expected_start_time=at(2))
    rows.flow_run(flow, "second", "RUNNING", expected_start_time=at(1))
    rows.flow_run(flow, "third", None, expected_start_time=at(0))
    where = [flow_runs.c.flow_id == flow]
    listed = units.read(list_flow_runs, where, sorting.FLOW_RUNS["EXPECTED_START_TIME_DESC"])
    runs = [_as_wire(row, FlowRun) for row in listed]
    assert [run.name for run in runs] == ["first", "second", "third"]
    assert runs[0].state.data == {"type": "x"}
    assert runs[0].state.state_details.deferred is False
    assert runs[2].state is None
    some = units.read(list_flow_runs, where, sorting.FLOW_RUNS["NAME_ASC"], 1, 1)
    assert [row["name"] for row in some] == ["second"]


def test_a_task_run_comes_with_its_state(units: Any) -> None:
    """Also one that belongs to no flow run."""
    rows = Rows(units.write)
    run_id = rows.task_run(None, "t", "FAILED", data={"type": "x"}, task_inputs={"a": []})
    run = _as_wire(units.read(read_task_run, run_id), TaskRun)
    assert (run.name, run.flow_run_id, run.state.type, run.state.data) == ("t", None, "FAILED", {"type": "x"})
    listed = units.read(list_task_runs, [], sorting.TASK_RUNS["ID_DESC"])
    assert [_as_wire(row, TaskRun).state.data for row in listed] == [{"type": "x"}]


def test_a_run_that_is_not_there_is_said_to_be_not_found(units: Any) -> None:
    """The words are what the runner looks for."""
    for read in (read_flow_run, read_task_run):
        with pytest.raises(NotFound, match="not found"):
            units.read(read, "0f9d8c7b-0000-4000-8000-000000000001")


@pytest.mark.parametrize(
    ("state", "start", "now", "run_time", "delay"),
    [
        ("SCHEDULED", None, -5, 1.0, 0.0),
        ("SCHEDULED", None, 5, 1.0, 5.0),
        ("PENDING", None, 5, 1.0, 5.0),
        ("RUNNING", 3, 10, 11.0, 3.0),
        ("RUNNING", -3, 10, 11.0, 0.0),
        ("COMPLETED", 3, 10, 1.0, 3.0),
        ("CANCELLED", None, 10, 1.0, 0.0),
    ],
)
def test_estimates_grow_while_a_run_runs_or_is_overdue(
    state: str, start: float | None, now: float, run_time: float, delay: float
) -> None:
    """The run time goes on from the RUNNING state, the delay until the run starts or is over."""
    row = {
        "state_id": "s",
        "state_type": state,
        "state_name": state.title(),
        "state_timestamp": START,
        "state_message": None,
        "state_details": None,
        "state_data": None,
        "total_run_time": 1.0,
        "expected_start_time": START,
        "start_time": None if start is None else at(start),
    }
    answer = as_answer(row, START + timedelta(seconds=now))
    assert (answer["estimated_run_time"], answer["estimated_start_time_delta"]) == (run_time, delay)
