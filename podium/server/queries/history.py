"""Runs counted by state in the intervals of a stretch of time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, select

from podium.db.dialect import interval_number
from podium.db.types import Timestamp
from podium.db.unit import Row, Tx
from podium.server.errors import Invalid
from podium.server.queries.flow_runs import delay_sql, run_time_sql
from podium.server.queries.generic import Entity

LARGEST = 500
"""Intervals in one history."""


def intervals(start: datetime, end: datetime, seconds: float) -> list[tuple[datetime, datetime]]:
    """The intervals of so many seconds from ``start`` on, until one reaches ``end``.

    Raises ``Invalid`` for an interval under a second or more than ``LARGEST`` intervals.
    """
    if seconds < 1:
        raise Invalid("History interval must not be less than 1 second.")
    step = timedelta(seconds=seconds)
    number = ceil((end - start) / step)
    if number > LARGEST:
        raise Invalid(f"A history has at most {LARGEST} intervals; take a longer interval or a shorter time.")
    return [(start + place * step, start + (place + 1) * step) for place in range(number)]


def read_history(
    tx: Tx, entity: Entity, where: Sequence[ColumnElement[bool]], spans: Sequence[tuple[datetime, datetime]]
) -> list[Row]:
    """For each interval the runs expected to start in it: how many of each state, and their summed estimates."""
    if not spans:
        return []
    runs: Any = entity.table
    start, end = spans[0][0], spans[-1][1]
    seconds = (spans[0][1] - start).total_seconds()
    moment = runs.c.expected_start_time
    number = interval_number(bindparam("start", type_=Timestamp()), moment, bindparam("seconds", seconds))
    counted = (
        select(
            number.label("number"),
            runs.c.state_type,
            runs.c.state_name,
            func.count().label("count_runs"),
            func.sum(run_time_sql(runs)).label("sum_estimated_run_time"),
            func.sum(delay_sql(runs)).label("sum_estimated_lateness"),
        )
        .where(entity.mine, *where, moment >= start, moment < end, runs.c.state_type.is_not(None))
        .group_by(number, runs.c.state_type, runs.c.state_name)
        .order_by(number, runs.c.state_type, runs.c.state_name)
    )
    answer: list[Row] = [{"interval_start": first, "interval_end": last, "states": []} for first, last in spans]
    for row in tx.all(counted, start=start, seconds=seconds, now=tx.now):
        answer[row.pop("number")]["states"].append(row)
    return answer
