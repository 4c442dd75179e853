"""What a pass of the scheduler has to make: the dates of schedules, worked out outside of any transaction."""

import logging
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from podium.db.unit import Row
from podium.profiles.sections.services import Scheduler
from podium.server.operations.catch_up import missed_dates, policy_of
from podium.server.operations.schedules import MOST_DATES, Schedule, dates

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
    schedule: Schedule
    dates: list[datetime]
    seen: datetime | None = None
    filled: datetime | None = None

    @property
    def is_new(self) -> bool:
        """Whether none of the dates is one that was looked at before."""
        return self.filled is not None and (self.seen is None or not self.dates or self.dates[0] > self.seen)


class Dates:
    """The dates of schedules from a moment on, worked out once for all that say the same.

    For one pass, in which nobody else asks meanwhile: its spans begin at ``start`` or later.
    """

    LONGEST_PASS = timedelta(hours=1)

    def __init__(self, start: datetime, scheduler: Scheduler) -> None:
        self._start = start
        self._end = start + timedelta(seconds=scheduler.max_scheduled_time) + self.LONGEST_PASS
        self._known: dict[bytes, tuple[list[datetime], Iterator[datetime]]] = {}

    def of(self, source: bytes, schedule: Schedule, span: Span) -> Iterator[datetime]:
        """The dates of a schedule, of which ``source`` is the JSON, over a span; raises what working them out does."""
        if span.start < self._start or span.end > self._end:
            yield from dates(schedule, span.start, span.end)
            return
        if source not in self._known:
            self._known[source] = [], dates(schedule, self._start, self._end)
        known, rest = self._known[source]
        place = bisect_left(known, span.start)
        while True:
            if place == len(known):
                try:
                    known.append(next(rest))
                except StopIteration:
                    return
                except Exception:
                    del self._known[source]  # what raised once has no more dates, which is not what the next shall see
                    raise
            if known[place] > span.end:
                return
            if known[place] >= span.start:
                yield known[place]
            place += 1


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
        schedule = msgspec.json.decode(source)
        found = _readable(row, _dates_of, schedule, span)
        if found:
            plans.append(Plan(row["id"], source, schedule, found))
    return plans


def filling(schedules: Sequence[Row], span: Span, scheduler: Scheduler, known: Dates | None = None) -> list[Plan]:
    """What a pass has to store for schedules that are due; ``known``: the dates that it has worked out so far."""
    known = known or Dates(span.start, scheduler)
    plans = (_readable(row, _plan, row, span, scheduler, known) for row in schedules)
    return [plan for plan in plans if plan is not None and (plan.dates or plan.filled != plan.seen)]


def _readable(row: Row, function: Callable[..., T], *args: Any) -> T | None:
    """What a function makes of a schedule; None, and a line in the log, for one that cannot be read."""
    try:
        return function(*args)
    except (ValueError, KeyError, TypeError, ArithmeticError):
        logger.exception("The schedule %s of deployment %s has no dates", row["id"], row["deployment_id"])
        return None


def _plan(row: Row, span: Span, scheduler: Scheduler, known: Dates) -> Plan:
    source = bytes(row["schedule"])
    schedule = msgspec.json.decode(source)
    found = _wanted(known.of(source, schedule, span), span)
    seen: datetime | None = row["filled_until"]
    filled = found[-1] if found else span.end
    if seen is None:
        return Plan(row["id"], source, schedule, found, seen, filled)
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
    return Plan(row["id"], source, schedule, missed + found, seen, filled)


def _dates_of(schedule: Schedule, span: Span) -> list[datetime]:
    return _wanted(dates(schedule, span.start, span.end), span)


def _wanted(upcoming: Iterator[datetime], span: Span) -> list[datetime]:
    """The dates that shall have runs."""
    found: list[datetime] = []
    for date in upcoming:
        if len(found) >= min(span.max_runs, MOST_DATES):
            break
        found.append(date)
        if len(found) >= span.min_runs and date >= span.until:
            break
    return found
