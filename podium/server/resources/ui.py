"""What pages ask for besides, over HTTP."""

from typing import Any

from podium.db.unit import Row
from podium.server.errors import Invalid
from podium.server.http.call import Call
from podium.server.operations.form_values import check_values
from podium.server.queries import counting, dashboard, filter_targets, sorting
from podium.server.queries.counting import selection
from podium.server.queries.filtering import conditions
from podium.server.queries.paging import checked_limit
from podium.wire import ui as wire
from podium.wire.filters import RunScope

MOST_DRAWN = 1000


async def count_task_runs_by_flow_run(call: Call, body: wire.OfFlowRuns) -> dict[str, int]:
    counts: dict[str, int] = await call.read(dashboard.count_task_runs, [str(each) for each in body.flow_run_ids])
    return counts


async def count_deployments_by_flow(call: Call, body: wire.OfFlows) -> dict[str, int]:
    counts: dict[str, int] = await call.read(dashboard.count_deployments, [str(each) for each in body.flow_ids])
    return counts


async def next_runs_by_flow(call: Call, body: wire.OfFlows) -> dict[str, Row | None]:
    runs: dict[str, Row | None] = await call.read(dashboard.next_runs, [str(each) for each in body.flow_ids])
    return runs


async def draw_flow_runs(call: Call, body: wire.HistoryQuery) -> list[Row]:
    limit = checked_limit(body.limit, MOST_DRAWN)
    where = conditions(filter_targets.FLOW_RUNS, body)
    order = sorting.FLOW_RUNS[body.sort]
    rows: list[Row] = await call.read(dashboard.drawn_flow_runs, where, order, limit, body.offset)
    return rows


async def count_task_runs_by_state(call: Call, body: RunScope) -> wire.CountByState:
    counts = await call.read(dashboard.count_task_runs_by_state, selection(counting.TASK_RUNS, body))
    return wire.CountByState(**{kind: counts[kind] for kind in wire.CountByState.__struct_fields__ if kind in counts})


async def count_task_runs_over_time(call: Call, body: wire.DashboardQuery) -> list[dict[str, int]]:
    bounds = body.task_runs.start_time
    if bounds is None or bounds.after_ is None:
        raise Invalid("task_runs.start_time.after_ is required")
    end = bounds.before_ or call.now
    if end <= bounds.after_:
        raise Invalid("task_runs.start_time.before_ has to be later than after_")
    selected = selection(counting.TASK_RUNS, body)
    counts: list[dict[str, int]] = await call.read(dashboard.count_finished_task_runs, selected, bounds.after_, end)
    return counts


async def read_task_run(call: Call) -> dict[str, Any]:
    run: dict[str, Any] = await call.read(dashboard.read_named_task_run, call.path["id"])
    return run


async def validate_values(call: Call, body: wire.SchemaCheck) -> wire.SchemaVerdict:
    errors: list[str | wire.SchemaError] = await call.read(check_values, body.values, body.schema)
    return wire.SchemaVerdict(valid=not errors, errors=errors)


ROUTES = (
    (wire.COUNT_TASK_RUNS_BY_FLOW_RUN, count_task_runs_by_flow_run),
    (wire.COUNT_DEPLOYMENTS_BY_FLOW, count_deployments_by_flow),
    (wire.NEXT_RUNS_BY_FLOW, next_runs_by_flow),
    (wire.READ_FLOW_RUN_HISTORY, draw_flow_runs),
    (wire.COUNT_TASK_RUNS_BY_STATE, count_task_runs_by_state),
    (wire.COUNT_TASK_RUNS_OVER_TIME, count_task_runs_over_time),
    (wire.READ_TASK_RUN, read_task_run),
    (wire.VALIDATE_VALUES, validate_values),
)
