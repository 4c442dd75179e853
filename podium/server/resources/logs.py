"""Logs over HTTP."""

import csv
import io
from collections.abc import AsyncIterator
from urllib.parse import quote

from podium.db.ids import new_ids
from podium.db.unit import Row, Tx
from podium.server.http.call import Call, Reply, while_listened_to
from podium.server.messaging.bus import LOGS
from podium.server.queries import filter_targets, generic, sorting
from podium.server.queries.filtering import conditions
from podium.server.queries.flow_runs import FLOW_RUNS
from podium.server.queries.logs import LogLine, add_logs, list_logs, logs_of_flow_run
from podium.wire import logs as wire
from podium.wire.flow_runs import DOWNLOAD_LOGS

COLUMNS = ("timestamp", "level", "flow_run_id", "task_run_id", "message")
PIECE = 1000
"""Lines of a download that are read and sent at a time."""


async def create_logs(call: Call, body: list[wire.LogCreate]) -> None:
    """Ids count up within a request, so that lines of the same moment keep their order.

    NUL characters are left out: PostgreSQL cannot store them, and one is no reason to lose a batch.
    """
    ids = new_ids(len(body))
    lines = [
        LogLine(
            log_id,
            line.name.replace("\0", ""),
            line.level,
            line.message.replace("\0", ""),
            line.timestamp,
            line.flow_run_id,
            line.task_run_id,
        )
        for log_id, line in zip(ids, body, strict=True)
    ]
    await call.write(add_logs, lines)
    if call.runtime.settings.server.logs.stream_publishing_enabled:
        call.runtime.bus.publish(LOGS, [(call.workspace_id, line) for line in lines])


async def filter_logs(call: Call, body: wire.LogQuery) -> list[Row]:
    limit = call.limit(body.limit)
    where = conditions(filter_targets.LOGS, body)
    rows: list[Row] = await call.read(list_logs, where, sorting.LOGS[body.sort], limit, body.offset)
    return rows


async def download_logs(call: Call) -> Reply:
    """The first piece is read before anything is answered; one that cannot be read later breaks the download off."""
    run_id = call.path["id"]
    name, first, last = await call.read(_first_piece, run_id)

    async def pieces() -> AsyncIterator[bytes]:
        yield first
        after = last
        while after is not None:
            piece, after = await call.read(_piece, run_id, after)
            yield piece

    name = quote(f"{name}-logs.csv", safe="")
    return Reply(
        stream=while_listened_to(call.request, pieces()),
        media="text/csv; charset=utf-8",
        headers={"Content-Disposition": f"attachment; filename=\"flow-run-logs.csv\"; filename*=UTF-8''{name}"},
    )


def _first_piece(tx: Tx, run_id: str) -> tuple[str, bytes, Row | None]:
    name: str = generic.get(tx, FLOW_RUNS, run_id)["name"]
    piece, last = _piece(tx, run_id, None)
    return name, f"{','.join(COLUMNS)}\r\n".encode() + piece, last


def _piece(tx: Tx, run_id: str, after: Row | None) -> tuple[bytes, Row | None]:
    """The next lines as CSV, and the last of them where more may follow."""
    lines = logs_of_flow_run(tx, run_id, after, PIECE)
    text = io.StringIO()
    csv.writer(text).writerows([line[column] for column in COLUMNS] for line in lines)
    return text.getvalue().encode(), lines[-1] if len(lines) == PIECE else None


ROUTES = ((wire.CREATE, create_logs), (wire.FILTER, filter_logs), (DOWNLOAD_LOGS, download_logs))
