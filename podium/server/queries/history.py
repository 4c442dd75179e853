"""Runs counted by state in the intervals of a stretch of time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil

from podium.db.types import MICROSECOND
from podium.db.unit import Row, Tx
from podium.server.errors import Invalid
from podium.server.queries.counting import Kind, Selection, Spans, tallied

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


def read_history(tx: Tx, kind: Kind, selected: Selection, spans: Sequence[tuple[datetime, datetime]]) -> list[Row]:
    """For each interval the runs expected to start in it: how many of each state, and their summed estimates."""
    if not spans:
        return []
    start, seconds = spans[0][0], (spans[0][1] - spans[0][0]).total_seconds()
    during = Spans("expected", start, spans[-1][1] - MICROSECOND, seconds)
    counted = tallied(
        tx, kind, selected, ("runs", "run_time", "lateness"), ("number", "state_type", "state_name"), during
    )
    answer: list[Row] = [{"interval_start": first, "interval_end": last, "states": []} for first, last in spans]
    for row in sorted((row for row in counted if row["state_type"] is not None), key=_place):
        answer[row["number"]]["states"].append(
            {
                "state_type": row["state_type"],
                "state_name": row["state_name"],
                "count_runs": row["runs"],
                "sum_estimated_run_time": row["run_time"],
                "sum_estimated_lateness": row["lateness"],
            }
        )
    return answer


def _place(row: Row) -> tuple[int, str, str]:
    return row["number"], row["state_type"], row["state_name"] or ""
