"""What a pass of the scheduler has to make: the dates of schedules, worked out outside of any transaction."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from podium.db.unit import Row
from podium.profiles.sections.services import Scheduler
from podium.server.operations.catch_up import missed_dates, policy_of
from podium.server.operations.schedules import MOST_DATES, dates

T = TypeVar("T")

logger = logging.getLogger("podium.server.scheduling")


@dataclass(frozen=True, slots=True)
class Span:
    """What to schedule: from ``start`` to ``end``, at most ``max_runs``, at least ``min_runs`` and up to ``until``."""

    start: datetime
    end: datetime
    until: datetime
    min_runs: int
    max_runs: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The dates worked out for a schedule as it was: ``source``, its JSON, and ``seen``, until when it was filled.

    ``filled``: until when it will be; None where nothing is to be noted, and ``seen`` does not matter.
    """

    schedule_id: str
    source: bytes
    dates: list[datetime]
    seen: datetime | None = None
    filled: datetime | None = None


def span_of(scheduler: Scheduler, now: datetime) -> Span:
    """The span that the scheduler keeps filled."""
    return Span(
        start=now,
        end=now + timedelta(seconds=scheduler.max_scheduled_time),
        until=now + timedelta(seconds=scheduler.min_scheduled_time),
        min_runs=scheduler.min_runs,
        max_runs=scheduler.max_runs,
    )


def planned(schedules: Sequence[Row], span: Span) -> list[Plan]:
    """The dates of each schedule over a span; schedules without any are left out, and so is one that cannot be read."""
    plans = []
    for row in schedules:
        source = bytes(row["schedule"])
        found = _readable(row, _dates, msgspec.json.decode(source), span)
        if found:
            plans.append(Plan(row["id"], source, found))
    return plans


def filling(schedules: Sequence[Row], span: Span, scheduler: Scheduler) -> list[Plan]:
    """What a pass has to store for schedules that are due."""
    plans = (_readable(row, _plan, row, span, scheduler) for row in schedules)
    return [plan for plan in plans if plan is not None and (plan.dates or plan.filled != plan.seen)]


def _readable(row: Row, function: Callable[..., T], *args: Any) -> T | None:
    """What a function makes of a schedule; None, and a line in the log, for one that cannot be read."""
    try:
        return function(*args)
    except (ValueError, KeyError, TypeError, ArithmeticError):
        logger.exception("The schedule %s of deployment %s has no dates", row["id"], row["deployment_id"])
        return None


def _plan(row: Row, span: Span, scheduler: Scheduler) -> Plan:
    source = bytes(row["schedule"])
    schedule = msgspec.json.decode(source)
    found = _dates(schedule, span)
    seen: datetime | None = row["filled_until"]
    filled = found[-1] if found else span.end
    if seen is None:
        return Plan(row["id"], source, found, seen, filled)
    if seen >= span.until:
        filled = max(seen, found[-1]) if found else seen
    if sum(date <= seen for date in found) == row["ahead"]:
        found = [date for date in found if date > seen]
    missed = missed_dates(
        schedule,
        (seen, row["promised_until"]),
        span.start,
        policy_of(row["tags"], scheduler.catchup),
        short=timedelta(seconds=2 * scheduler.loop_seconds),
        most=scheduler.catchup_max_runs,
    )
    return Plan(row["id"], source, missed + found, seen, filled)


def _dates(schedule: dict[str, Any], span: Span) -> list[datetime]:
    found: list[datetime] = []
    for date in dates(schedule, span.start, span.end):
        if len(found) >= min(span.max_runs, MOST_DATES):
            break
        found.append(date)
        if len(found) >= span.min_runs and date >= span.until:
            break
    return found
