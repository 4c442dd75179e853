"""Reading and changing task runs over HTTP; what moves them through their states is in ``task_run_actions``."""

from typing import Any

from msgspec.structs import fields

from podium.db.unit import Row, Tx
from podium.server.errors import NotFound
from podium.server.http.call import Call
from podium.server.queries import counting, filter_targets, generic, sorting
from podium.server.queries.counting import count_runs, selection
from podium.server.queries.filtering import conditions
from podium.server.queries.history import intervals, read_history
from podium.server.queries.paging import read_page
from podium.server.queries.task_runs import TASK_RUNS, list_task_runs, read_task_run
from podium.wire import task_runs as wire
from podium.wire.filters import RunScope

SUMMARY = tuple(field.name for field in fields(wire.TaskRunSummary))


async def get_task_run(call: Call) -> Row:
    row: Row = await call.read(read_task_run, call.path["id"])
    return row


async def filter_task_runs(call: Call, body: wire.TaskRunQuery) -> list[Row]:
    limit = call.limit(body.limit)
    where = conditions(filter_targets.TASK_RUNS, body)
    rows: list[Row] = await call.read(list_task_runs, where, sorting.TASK_RUNS[body.sort], limit, body.offset)
    return rows


async def paginate_task_runs(call: Call, body: wire.TaskRunPageQuery) -> dict[str, Any]:
    limit = call.limit(body.limit)
    where, counted = conditions(filter_targets.TASK_RUNS, body), selection(counting.TASK_RUNS, body)
    order = sorting.TASK_RUNS[body.sort]

    def summaries(tx: Tx, limit: int, offset: int) -> list[Row]:
        return [{name: row[name] for name in SUMMARY} for row in list_task_runs(tx, where, order, limit, offset)]

    found: dict[str, Any] = await call.read(
        read_page, summaries, lambda tx: count_runs(tx, counting.TASK_RUNS, counted), limit, body.page
    )
    return found


async def count_task_runs(call: Call, body: RunScope) -> int:
    total: int = await call.read(count_runs, counting.TASK_RUNS, selection(counting.TASK_RUNS, body))
    return total


async def read_task_run_history(call: Call, body: wire.TaskRunHistoryQuery) -> list[Row]:
    spans = intervals(body.history_start, body.history_end, float(body.history_interval_seconds))
    selected = selection(counting.TASK_RUNS, body)
    history: list[Row] = await call.read(read_history, counting.TASK_RUNS, selected, spans)
    return history


async def update_task_run(call: Call, body: wire.TaskRunUpdate) -> None:
    if not await call.write(generic.patch, TASK_RUNS, call.path["id"], body.sent()):
        raise NotFound("Task run not found")


ROUTES = (
    (wire.READ, get_task_run),
    (wire.FILTER, filter_task_runs),
    (wire.PAGINATE, paginate_task_runs),
    (wire.COUNT, count_task_runs),
    (wire.HISTORY, read_task_run_history),
    (wire.UPDATE, update_task_run),
)
