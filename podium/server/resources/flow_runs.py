"""Reading and changing flow runs over HTTP; what moves them through their states is in ``flow_run_actions``."""

from typing import Any

from podium.db.unit import Row, Tx
from podium.server.errors import Invalid
from podium.server.http.call import Call
from podium.server.operations.flow_run_changes import change_flow_run, merge_labels
from podium.server.queries import counting, filter_targets, sorting
from podium.server.queries.counting import average_lateness, count_runs, selection
from podium.server.queries.filtering import conditions
from podium.server.queries.flow_runs import list_flow_runs, read_flow_run
from podium.server.queries.graph import Limits, read_dependencies, read_graph
from podium.server.queries.history import intervals, read_history
from podium.server.queries.looking_up import with_flows_named
from podium.server.queries.paging import read_page
from podium.wire import flow_runs as wire
from podium.wire.decoding import encode
from podium.wire.filters import QueueScope
from podium.wire.scalars import Labels


async def get_flow_run(call: Call) -> Row:
    row: Row = await call.read(read_flow_run, call.path["id"])
    return row


async def filter_flow_runs(call: Call, body: wire.FlowRunQuery) -> list[Row]:
    limit = call.limit(body.limit)
    rows: list[Row] = await call.read(_list, body, limit, body.offset)
    return rows


def _list(tx: Tx, body: wire.FlowRunQuery | wire.FlowRunPageQuery, limit: int, offset: int) -> list[Row]:
    where = conditions(filter_targets.FLOW_RUNS, with_flows_named(tx, body))
    return list_flow_runs(tx, where, sorting.FLOW_RUNS[body.sort], limit, offset)


async def paginate_flow_runs(call: Call, body: wire.FlowRunPageQuery) -> dict[str, Any]:
    limit = call.limit(body.limit)
    counted = selection(counting.FLOW_RUNS, body)
    found: dict[str, Any] = await call.read(
        read_page,
        lambda tx, limit, offset: _list(tx, body, limit, offset),
        lambda tx: count_runs(tx, counting.FLOW_RUNS, counted),
        limit,
        body.page,
    )
    return found


async def count_flow_runs(call: Call, body: QueueScope) -> int:
    total: int = await call.read(count_runs, counting.FLOW_RUNS, selection(counting.FLOW_RUNS, body))
    return total


async def read_lateness(call: Call, body: QueueScope) -> float | None:
    lateness: float | None = await call.read(average_lateness, selection(counting.FLOW_RUNS, body))
    return lateness


async def read_flow_run_history(call: Call, body: wire.FlowRunHistoryQuery) -> list[Row]:
    spans = intervals(body.history_start, body.history_end, float(body.history_interval_seconds))
    selected = selection(counting.FLOW_RUNS, body)
    history: list[Row] = await call.read(read_history, counting.FLOW_RUNS, selected, spans)
    return history


async def update_flow_run(call: Call, body: wire.FlowRunUpdate) -> None:
    values = {name: value for name, value in body.sent().items() if value is not None or name != "name"}
    most = call.runtime.settings.server.api.max_parameter_size
    if most and "parameters" in values and len(encode(values["parameters"])) > most:
        raise Invalid(f"The parameters are larger than {most} bytes.")
    await call.write(change_flow_run, call.path["id"], values)


async def update_labels(call: Call, body: Labels) -> None:
    await call.write(merge_labels, call.path["id"], body)


async def read_flow_run_graph(call: Call) -> dict[str, Any]:
    graph = call.runtime.settings.server.flow_run_graph
    limits = Limits(graph.max_nodes, graph.max_artifacts)
    found: dict[str, Any] = await call.read(read_graph, call.path["id"], call.query.since, limits)
    return found


async def read_flow_run_dependencies(call: Call) -> list[Row]:
    rows: list[Row] = await call.read(read_dependencies, call.path["id"])
    return rows


ROUTES = (
    (wire.READ, get_flow_run),
    (wire.FILTER, filter_flow_runs),
    (wire.PAGINATE, paginate_flow_runs),
    (wire.COUNT, count_flow_runs),
    (wire.LATENESS, read_lateness),
    (wire.HISTORY, read_flow_run_history),
    (wire.UPDATE, update_flow_run),
    (wire.UPDATE_LABELS, update_labels),
    (wire.READ_GRAPH, read_flow_run_graph),
    (wire.READ_DEPENDENCIES, read_flow_run_dependencies),
)
