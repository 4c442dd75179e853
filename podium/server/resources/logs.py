"""Logs over HTTP."""

from podium.db.ids import new_ids
from podium.db.unit import Row
from podium.server.http.call import Call
from podium.server.messaging.bus import LOGS
from podium.server.queries import filter_targets, sorting
from podium.server.queries.filtering import conditions
from podium.server.queries.logs import FIELDS, add_logs, list_logs
from podium.wire import logs as wire


async def create_logs(call: Call, body: list[wire.LogCreate]) -> None:
    """Ids count up within a request, so that lines of the same moment keep their order.

    NUL characters are left out: PostgreSQL cannot store them, and one is no reason to lose a batch.
    """
    ids = new_ids(len(body))
    lines = [
        (
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
        call.runtime.bus.publish(LOGS, [(call.workspace_id, dict(zip(FIELDS, line, strict=True))) for line in lines])


async def filter_logs(call: Call, body: wire.LogQuery) -> list[Row]:
    limit = call.limit(body.limit)
    where = conditions(filter_targets.LOGS, body)
    rows: list[Row] = await call.read(list_logs, where, sorting.LOGS[body.sort], limit, body.offset)
    return rows


ROUTES = ((wire.CREATE, create_logs), (wire.FILTER, filter_logs))
