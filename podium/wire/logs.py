"""Logs of runs."""

from types import NoneType
from uuid import UUID

from podium.wire.endpoint import Body, Endpoint, Filter
from podium.wire.filters import AnyId, AnyIdOrNull, Bounds, Operator, TextSearch, TimeBounds
from podium.wire.parameters import Listing, Row
from podium.wire.scalars import Id, Integer, OrDefault, Time
from podium.wire.sorting import LogSort


class LogCreate(Body):
    """A line to keep."""

    name: str
    level: Integer
    message: str
    timestamp: Time
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class Log(Row):
    """A line that was kept."""

    name: str
    level: int
    message: str
    timestamp: Time
    flow_run_id: Id | None = None
    task_run_id: Id | None = None


class LogFilter(Filter):
    """Selects logs."""

    level: Bounds | None = None
    timestamp: TimeBounds | None = None
    flow_run_id: AnyId | None = None
    task_run_id: AnyIdOrNull | None = None
    text: TextSearch | None = None
    operator: Operator = "and_"


class LogQuery(Listing):
    """Which logs to list."""

    logs: LogFilter | None = None
    sort: OrDefault[LogSort] = "TIMESTAMP_ASC"


CREATE = Endpoint(
    method="POST",
    path="/logs/",
    summary="Keep logs",
    body=list[LogCreate],
    answer=NoneType,
    status=201,
    statuses=(422,),
    permission="operate",
)
FILTER = Endpoint(
    method="POST",
    path="/logs/filter",
    summary="List logs",
    body=LogQuery,
    body_required=False,
    answer=list[Log],
    statuses=(422,),
)
