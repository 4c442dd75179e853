"""Cron strings: the dates of a string near a moment, on a naive local wall clock.

croniter reads the strings, and walks the rare ones (`L`, `W`, `#`, years). Those of plain numbers are walked here,
where a date costs microseconds and one that never comes hardly more.
"""

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from croniter import CroniterBadDateError, croniter

YEARS_AHEAD = 50
"""How far ahead a date is looked for: what did not come by then (31 February) never does."""

SECOND = timedelta(seconds=1)
_ANY_DATE = datetime(2020, 1, 1)


@dataclass(frozen=True, slots=True)
class Cron:
    """A string of plain numbers. Sets are None where any value fits; ``either``: day of month or of week is enough."""

    months: frozenset[int] | None
    days: frozenset[int] | None
    weekdays: frozenset[int] | None
    either: bool
    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    seconds: tuple[int, ...]


def occurrences(text: str, day_or: bool, start: datetime) -> Iterator[datetime]:
    """The dates from ``start`` (inclusive) on, ascending. Raises what croniter raises for a string it cannot read."""
    cron = parse(text, day_or)
    if start.microsecond:
        start = start.replace(microsecond=0) + SECOND
    return _walk(cron, start) if cron is not None else _croniter(text, day_or, start)


@lru_cache(maxsize=4096)
def parse(text: str, day_or: bool) -> Cron | None:
    """Reads a string; None for one that only croniter can walk."""
    read = croniter(text, _ANY_DATE, day_or=day_or)
    fields: list[list[Any]] = read.expanded
    plain = all(value == "*" or isinstance(value, int) for field in fields for value in field)
    if not plain or len(fields) > 6 or read.nth_weekday_of_month or read.nearest_weekday:
        return None
    minutes, hours, days, months, weekdays = fields[:5]
    seconds = fields[5] if len(fields) > 5 else [0]
    return Cron(
        months=_values(months),
        days=_values(days),
        weekdays=_values(weekdays),
        either=day_or and days[0] != "*" and weekdays[0] != "*",
        hours=_clock(hours, 24),
        minutes=_clock(minutes, 60),
        seconds=_clock(seconds, 60),
    )


def _values(field: list[Any]) -> frozenset[int] | None:
    return None if "*" in field else frozenset(field)


def _clock(field: list[Any], size: int) -> tuple[int, ...]:
    return tuple(range(size)) if "*" in field else tuple(sorted(field))


def _walk(cron: Cron, start: datetime) -> Iterator[datetime]:
    for day in _days(cron, start):
        first = start.date() == day.date()
        hours = cron.hours[bisect_left(cron.hours, start.hour) :] if first else cron.hours
        for hour in hours:
            this_hour = first and hour == start.hour
            minutes = cron.minutes[bisect_left(cron.minutes, start.minute) :] if this_hour else cron.minutes
            for minute in minutes:
                this_minute = this_hour and minute == start.minute
                seconds = cron.seconds[bisect_left(cron.seconds, start.second) :] if this_minute else cron.seconds
                for second in seconds:
                    yield day.replace(hour=hour, minute=minute, second=second)


def _days(cron: Cron, start: datetime) -> Iterator[datetime]:
    """The days that fit, from that of ``start`` on, each at midnight."""
    first = start.day
    for number in range(start.year * 12 + start.month - 1, (start.year + YEARS_AHEAD) * 12):
        year, month = divmod(number, 12)
        month += 1
        if cron.months is None or month in cron.months:
            weekday, length = monthrange(year, month)
            for day in range(first, length + 1):
                # Monday is 0 here and 1 in a cron string, whose Sunday is 0.
                if _fits(cron, day, (weekday + day) % 7):
                    yield datetime(year, month, day)
        first = 1


def _fits(cron: Cron, day: int, weekday: int) -> bool:
    of_month = cron.days is None or day in cron.days
    of_week = cron.weekdays is None or weekday in cron.weekdays
    return (of_month or of_week) if cron.either else (of_month and of_week)


def _croniter(text: str, day_or: bool, start: datetime) -> Iterator[datetime]:
    times = croniter(text, start - SECOND, day_or=day_or)
    while True:
        try:
            yield times.get_next(datetime)
        except CroniterBadDateError:
            return
