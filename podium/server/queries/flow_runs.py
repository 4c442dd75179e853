"""Reading flow runs as the wire shows them: with their state, work pool and estimates."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, func, literal, select

from podium.db.dialect import seconds_between
from podium.db.prepared import Prepared
from podium.db.tables.flow_runs import flow_run_states, flow_runs
from podium.db.tables.work_pools import work_pools, work_queues
from podium.db.types import Timestamp
from podium.db.unit import Row, Tx
from podium.server.errors import NotFound
from podium.server.queries.choosing import chosen
from podium.server.queries.generic import Entity
from podium.wire.flow_runs import FlowRun
from podium.wire.states import TERMINAL

FLOW_RUNS = Entity(flow_runs, FlowRun, "Flow run")

_STATE_ROW = and_(
    flow_run_states.c.id == flow_runs.c.state_id, flow_run_states.c.timestamp == flow_runs.c.state_timestamp
)
_OWN_COLUMNS = tuple(column for column in FLOW_RUNS.columns if column.name != "work_queue_name")
_EXTRA_COLUMNS = (
    func.coalesce(work_queues.c.name, flow_runs.c.work_queue_name).label("work_queue_name"),
    work_pools.c.id.label("work_pool_id"),
    work_pools.c.name.label("work_pool_name"),
)


def state_columns(states: Any, runs: Any) -> list[ColumnElement[Any]]:
    """What a run's row lacks of its state. Lists have its data too: it says where the result is that clients load."""
    return [
        runs.c.state_timestamp,
        states.c.message.label("state_message"),
        states.c.state_details,
        states.c.data.label("state_data"),
    ]


_LIST = (
    select(*_OWN_COLUMNS, *_EXTRA_COLUMNS, *state_columns(flow_run_states, flow_runs))
    .outerjoin(flow_run_states, _STATE_ROW)
    .outerjoin(work_queues, work_queues.c.id == flow_runs.c.work_queue_id)
    .outerjoin(work_pools, work_pools.c.id == work_queues.c.work_pool_id)
    .where(FLOW_RUNS.mine)
)
_READ = Prepared(_LIST.where(flow_runs.c.id == bindparam("run_id")))


def find_flow_run(tx: Tx, flow_run_id: str) -> Row | None:
    """The flow run with this id as the wire shows it, or None."""
    row = tx.one(_READ, run_id=flow_run_id)
    return None if row is None else as_answer(row, tx.now)


def read_flow_run(tx: Tx, flow_run_id: str) -> Row:
    """The flow run with this id as the wire shows it; ``NotFound`` when there is none."""
    row = find_flow_run(tx, flow_run_id)
    if row is None:
        raise NotFound("Flow run not found")
    return row


def list_flow_runs(
    tx: Tx,
    where: Sequence[ColumnElement[bool]],
    order: Sequence[ColumnElement[Any]],
    limit: int | None = None,
    offset: int = 0,
    **named: Any,
) -> list[Row]:
    """The flow runs that match, in order, at most ``limit`` after the first ``offset``; ``named`` are parameters."""
    if named:  # a statement made by hand, which knows its index
        listed = _LIST.where(*where).order_by(*order).limit(limit).offset(offset or None)
    else:
        listed = _LIST.where(*chosen(tx, flow_runs, where, order, limit, offset)).order_by(*order)
    rows = tx.all(listed, named)
    return [as_answer(row, tx.now) for row in rows]


def as_answer(row: Row, now: datetime) -> Row:
    """A row of a run with ``state_columns`` as the wire shows it, changed in place: state nested, estimates added."""
    timestamp = row.pop("state_timestamp")
    message, details, data = row.pop("state_message"), row.pop("state_details"), row.pop("state_data")
    row["state"] = row["state_id"] and {
        "id": row["state_id"],
        "type": row["state_type"],
        "name": row["state_name"],
        "timestamp": timestamp,
        "message": message,
        "state_details": details,
        "data": data,
    }
    ran = row["total_run_time"]
    row["estimated_run_time"] = ran + _seconds(timestamp, now) if row["state_type"] == "RUNNING" else ran
    row["estimated_start_time_delta"] = estimated_delay(row, now)
    return row


def estimated_delay(row: Row, now: datetime) -> float:
    """How many seconds after its expected time a run started, or how long it is overdue."""
    expected, start = row["expected_start_time"], row["start_time"]
    if expected is None or (start is None and row["state_type"] in TERMINAL):
        return 0.0
    return _seconds(expected, start or now)


def _seconds(earlier: datetime, later: datetime) -> float:
    return max(0.0, (later - earlier).total_seconds())


NOW = bindparam("now", type_=Timestamp())


def run_time_sql(runs: Any, now: ColumnElement[datetime] = NOW) -> ColumnElement[float]:
    """``estimated_run_time`` of a run in SQL, as it is at a moment: the parameter ``now``."""
    ran: ColumnElement[float] = runs.c.total_run_time
    running = seconds_between(runs.c.state_timestamp, now)
    return ran + case((runs.c.state_type == "RUNNING", running), else_=literal(0.0))


def delay_sql(runs: Any, now: ColumnElement[datetime] = NOW) -> ColumnElement[float]:
    """``estimated_start_time_delta`` of a run in SQL, as it is at a moment: the parameter ``now``."""
    expected, start = runs.c.expected_start_time, runs.c.start_time
    overdue = and_(start.is_(None), expected < now, runs.c.state_type.not_in(TERMINAL))
    return case(
        (start > expected, seconds_between(expected, start)),
        (overdue, seconds_between(expected, now)),
        else_=literal(0.0),
    )
