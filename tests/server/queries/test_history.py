"""Runs counted by state over time."""

from typing import Any

import pytest

from podium.db.tables.flow_runs import flow_runs
from podium.server.errors import Invalid
from podium.server.queries.counting import FLOW_RUNS, Selection, average_lateness
from podium.server.queries.history import intervals, read_history
from tests.server.rows import Rows, at


def test_intervals_cover_the_time() -> None:
    """The last interval may reach beyond the end."""
    assert intervals(at(0), at(25), 10) == [(at(0), at(10)), (at(10), at(20)), (at(20), at(30))]
    assert intervals(at(0), at(20), 10) == [(at(0), at(10)), (at(10), at(20))]
    assert intervals(at(0), at(0), 10) == []
    assert intervals(at(20), at(0), 10) == []
    assert len(intervals(at(0), at(500), 1)) == 500


@pytest.mark.parametrize(("end", "seconds"), [(10, 0.5), (501, 1)])
def test_intervals_too_small_or_too_many_are_refused(end: float, seconds: float) -> None:
    """An interval is at least a second, a history at most 500 of them."""
    with pytest.raises(Invalid):
        intervals(at(0), at(end), seconds)


def test_a_history_counts_runs_where_they_were_expected_to_start(units: Any) -> None:
    """Each interval has its runs by state, with the sums of their run times and delays in seconds."""
    rows = Rows(units.write)
    flow = rows.flow()
    done = {"start_time": at(2), "end_time": at(5), "total_run_time": 3.5}
    rows.flow_run(flow, "a", "COMPLETED", expected_start_time=at(0), **done)
    rows.flow_run(flow, "b", "COMPLETED", expected_start_time=at(9.999999), **done)
    rows.flow_run(flow, "c", "FAILED", expected_start_time=at(10), start_time=at(10.25))
    rows.flow_run(flow, "d", "COMPLETED", expected_start_time=at(20.000001), **done)
    rows.flow_run(flow, "before", "COMPLETED", expected_start_time=at(-1))
    rows.flow_run(flow, "after", "COMPLETED", expected_start_time=at(30))
    history = units.read(read_history, FLOW_RUNS, Selection(), intervals(at(0), at(30), 10))
    state = {"state_type": "COMPLETED", "state_name": "Completed"}
    failed = {"state_type": "FAILED", "state_name": "Failed", "count_runs": 1, "sum_estimated_run_time": 0.0}
    assert history == [
        {
            "interval_start": at(0),
            "interval_end": at(10),
            "states": [{**state, "count_runs": 2, "sum_estimated_run_time": 7.0, "sum_estimated_lateness": 2.0}],
        },
        {"interval_start": at(10), "interval_end": at(20), "states": [{**failed, "sum_estimated_lateness": 0.25}]},
        {
            "interval_start": at(20),
            "interval_end": at(30),
            "states": [{**state, "count_runs": 1, "sum_estimated_run_time": 3.5, "sum_estimated_lateness": 0.0}],
        },
    ]


def test_the_lateness_is_that_of_runs_that_started_and_of_those_overdue(units: Any) -> None:
    """A run that was on time counts as 0; no run at all has no lateness."""
    rows = Rows(units.write)
    flow = rows.flow()

    def mine(name: str) -> Any:
        return Selection([flow_runs.c.flow_id == flow, flow_runs.c.name == name])

    assert units.read(average_lateness, mine("none")) is None
    rows.flow_run(flow, "started", "COMPLETED", expected_start_time=at(0), start_time=at(6))
    rows.flow_run(flow, "started", "COMPLETED", expected_start_time=at(0), start_time=at(0))
    assert units.read(average_lateness, mine("started")) == 3.0
    rows.flow_run(flow, "cancelled", "CANCELLED", expected_start_time=at(0))
    assert units.read(average_lateness, mine("cancelled")) == 0.0
    rows.flow_run(flow, "overdue", "SCHEDULED", expected_start_time=at(0))
    assert units.read(average_lateness, mine("overdue")) > 0
