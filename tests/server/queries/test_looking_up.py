"""Flows are named by their ids before their runs are read."""

import pytest

from podium.server.queries import looking_up
from podium.server.queries.filter_targets import FLOW_RUNS
from podium.server.queries.filtering import conditions
from podium.server.queries.flow_runs import list_flow_runs
from podium.server.queries.looking_up import with_flows_named
from podium.wire.filters import AnyNameOrLike, FlowFilter
from podium.wire.flow_runs import FlowRunQuery
from tests.server.conftest import Units
from tests.server.rows import Rows


@pytest.mark.parametrize("most", [0, 1, 1000])
def test_the_same_runs_are_found(units: Units, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Whether the flows are too many to be named, just few enough, or none."""
    monkeypatch.setattr(looking_up, "MOST", most)
    rows = Rows(units.write)
    otter = rows.flow_run(rows.flow(name=f"the-otter{most}-flow"))
    rows.flow_run(rows.flow())
    for part, found in ((f"OTTER{most}-", [otter]), ("walrus", [])):
        body = FlowRunQuery(flows=FlowFilter(name=AnyNameOrLike(like_=part)))

        def listed(tx, body=body):  # type: ignore[no-untyped-def]
            return list_flow_runs(tx, conditions(FLOW_RUNS, with_flows_named(tx, body)), [], 10)

        assert [run["id"] for run in units.read(listed)] == found
