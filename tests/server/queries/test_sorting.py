"""Lists come in the order asked for, and always in the same one."""

import typing
from typing import Any

import pytest
from sqlalchemy import select

from podium.db.tables.flow_runs import flow_runs
from podium.server.queries import sorting
from podium.wire import sorting as wire
from tests.server.rows import Rows, at

SORTS = [
    (sorting.FLOWS, wire.FlowSort),
    (sorting.FLOW_RUNS, wire.FlowRunSort),
    (sorting.TASK_RUNS, wire.TaskRunSort),
    (sorting.DEPLOYMENTS, wire.DeploymentSort),
    (sorting.LOGS, wire.LogSort),
    (sorting.ARTIFACTS, wire.ArtifactSort),
    (sorting.LATEST_ARTIFACTS, wire.ArtifactSort),
    (sorting.VARIABLES, wire.VariableSort),
    (sorting.AUTOMATIONS, wire.AutomationSort),
    (sorting.BLOCK_DOCUMENTS, wire.BlockDocumentSort),
]


@pytest.mark.parametrize(("sorts", "names"), SORTS)
def test_every_sort_of_the_wire_has_an_order_that_ends_with_the_id(sorts: sorting.Sorts, names: Any) -> None:
    """Rows that are equal in the sorted column keep their order from page to page."""
    assert set(sorts) == set(typing.get_args(names))
    for order in sorts.values():
        assert str(order[-1]).split()[0].endswith(".id")


def test_runs_without_the_time_come_last(units: Any) -> None:
    """Both databases put a run that has not ended behind those that have."""
    rows = Rows(units.write)
    flow = rows.flow()
    rows.flow_run(flow, "early", end_time=at(1), next_scheduled_start_time=at(1), start_time=at(7))
    rows.flow_run(flow, "never", expected_start_time=at(5))
    rows.flow_run(flow, "late", end_time=at(2), next_scheduled_start_time=at(2), start_time=at(3))

    def names(sort: str) -> list[str]:
        order = sorting.FLOW_RUNS[sort]
        found: list[str] = units.read(lambda tx: tx.column(select(flow_runs.c.name).order_by(*order)))
        return found

    assert names("END_TIME_DESC") == ["late", "early", "never"]
    assert names("NEXT_SCHEDULED_START_TIME_ASC") == ["early", "late", "never"]
    assert names("START_TIME_ASC") == ["late", "never", "early"]
    assert names("START_TIME_DESC") == ["early", "never", "late"]
    assert names("ID_DESC") == ["late", "never", "early"]
    assert names("NAME_DESC") == ["never", "late", "early"]
