"""When a schedule fires: the arithmetic of interval, cron and recurrence-rule schedules.

A schedule is the JSON object of the wire: ``{interval, anchor_date, timezone}``, ``{cron, timezone, day_or}`` or
``{rrule, timezone}``. Which moments daylight saving time makes of it:

| kind                   | follows           | a time the clock skips     | a time the clock shows twice |
|------------------------|-------------------|----------------------------|------------------------------|
| interval below a day   | elapsed time      | does not matter            | fires both times             |
| interval from a day on | the local clock   | fires later by the gap     | fires the first time         |
| cron, rrule            | the local clock   | fires earlier by the gap   | fires the first time         |

Every date depends on the schedule alone, never on when it is asked for, so a slot keeps its date. The whole table of
rules is in docs/schedules.md.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from heapq import heappop, heappush
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from croniter import CroniterError

from podium.server.operations import cron, recurrence

Schedule = Mapping[str, Any]

MOST_DATES = 1000
DAY = timedelta(days=1)
LONGEST_GAP = timedelta(hours=25)
"""No clock skips more at once: Samoa left out a day."""

LONGEST_RULE = 6500

_RANDOM = re.compile(r"\b[RH]\b", re.IGNORECASE)
_OFTEN = re.compile(r"\bFREQ=(SECONDLY|MINUTELY)\b", re.IGNORECASE)


def next_dates(
    schedule: Schedule, start: datetime, n: int | None = None, end: datetime | None = None
) -> list[datetime]:
    """Up to ``n`` dates (UTC, ascending, unique) from ``start`` to ``end``, both inclusive.

    ``n`` null is 1, or with an ``end`` as many as there are; never more than 1,000.
    """
    if n is None:
        n = 1 if end is None else MOST_DATES
    return list(islice(dates(schedule, start, end), min(n, MOST_DATES)))


def dates(schedule: Schedule, start: datetime, end: datetime | None = None) -> Iterator[datetime]:
    """The dates (UTC, ascending, unique) from ``start`` to ``end``, both inclusive, without a limit."""
    last: datetime | None = None
    try:
        for date in _candidates(schedule, start.astimezone(UTC), end):
            if end is not None and date > end:
                return
            if date >= start and date != last:
                last = date
                yield date
    except OverflowError:
        return


def last_dates(schedule: Schedule, start: datetime, end: datetime, n: int) -> list[datetime]:
    """The newest ``n`` dates from ``start`` to ``end``, both inclusive, ascending, without walking all of them."""
    look_back = DAY / 24
    while True:
        begin = max(start, end - look_back)
        found = list(dates(schedule, begin, end))
        if len(found) >= n or begin == start:
            return found[-n:] if n else []
        look_back *= 4


def zone_of(schedule: Schedule) -> ZoneInfo:
    """The time zone of a schedule."""
    return ZoneInfo(schedule.get("timezone") or "UTC")


def interval_of(schedule: Schedule) -> timedelta:
    """The interval of an interval schedule."""
    return timedelta(seconds=_seconds(schedule["interval"]))


def slots(schedule: Schedule, dates: Sequence[datetime]) -> list[str]:
    """Dates as idempotency keys spell them: ``YYYY-MM-DD HH:MM:SS[.ffffff]+HH:MM`` in the schedule's time zone."""
    zone = zone_of(schedule)
    return [str(date.astimezone(zone)) for date in dates]


def kind(schedule: Schedule) -> str:
    """What a schedule without a slug is called."""
    if "interval" in schedule:
        return "IntervalSchedule"
    return "CronSchedule" if "cron" in schedule else "RRuleSchedule"


def completed(schedule: Schedule, now: datetime) -> dict[str, Any]:
    """The schedule as it is stored: checked, and with the start it counts from.

    Raises ``ValueError`` (a sentence for the caller) for an unknown time zone or a schedule that cannot be read.
    """
    timezone = schedule.get("timezone")
    if timezone is not None and timezone not in known_timezones():
        raise ValueError(f"{timezone!r} is not a time zone of the IANA database (such as 'America/New_York')")
    if "interval" in schedule:
        anchor = schedule.get("anchor_date") or now
        interval = _seconds(schedule["interval"])
        if interval <= 0:
            raise ValueError("the interval has to be longer than 0 seconds")
        return {"interval": interval, "anchor_date": anchor, "timezone": timezone or "UTC"}
    if "cron" in schedule:
        check_cron(schedule["cron"])
        return {"cron": schedule["cron"], "timezone": timezone, "day_or": schedule.get("day_or", True)}
    return {"rrule": completed_rule(schedule["rrule"], timezone, now), "timezone": timezone}


def check_cron(text: str) -> None:
    """Raises ``ValueError`` for a cron string that cannot be read or whose dates are random."""
    if any(_RANDOM.search(field) for field in re.split(r"[\s,]+", text)):
        raise ValueError(f"the cron string {text!r} asks for random or hashed times, which change at every look")
    try:
        cron.parse(text, True)
    except (CroniterError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"{text!r} is not a cron string: {error}") from None


def completed_rule(text: str, timezone: str | None, now: datetime) -> str:
    """A recurrence rule with a DTSTART; raises ``ValueError`` for one that is too long or cannot be read."""
    if len(text) > LONGEST_RULE:
        raise ValueError(f"the recurrence rule is longer than {LONGEST_RULE} characters")
    recurrence.parse(text)
    if "DTSTART" in text.upper():
        return text
    begin = recurrence.DEFAULT_START
    if _OFTEN.search(text) and "COUNT=" not in text.upper():
        begin = now.astimezone(ZoneInfo(timezone or "UTC")).replace(second=0)
    return f"DTSTART:{begin:%Y%m%dT%H%M%S}\n{text}"


@lru_cache(maxsize=1)
def known_timezones() -> frozenset[str]:
    """Every name of the time zone database."""
    return frozenset(available_timezones())


def _candidates(schedule: Schedule, start: datetime, end: datetime | None) -> Iterator[datetime]:
    """The dates from shortly before ``start`` on, ascending."""
    zone = zone_of(schedule)
    if "interval" in schedule:
        interval = interval_of(schedule)
        anchor = moment(schedule.get("anchor_date"))
        if interval < DAY:
            return _elapsed(anchor, interval, start)
        return _days(anchor, interval, start, zone)
    wall = start.astimezone(zone).replace(tzinfo=None)
    if "cron" in schedule:
        return _on_clock(cron.occurrences(schedule["cron"], schedule.get("day_or", True), wall), zone)
    last = None if end is None else end.astimezone(zone).replace(tzinfo=None)
    return _on_clock(recurrence.occurrences(schedule["rrule"], wall, last), zone)


def _elapsed(anchor: datetime, interval: timedelta, start: datetime) -> Iterator[datetime]:
    date = anchor - (anchor - start) // interval * interval
    while True:
        yield date
        date += interval


def _days(anchor: datetime, interval: timedelta, start: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    wall = anchor.astimezone(zone).replace(tzinfo=None)
    # One day less: a start in a day that the clock skips in part or as a whole reads later than the date it looks for.
    wall += ((start.astimezone(zone).replace(tzinfo=None) - DAY - wall) // interval) * interval
    while True:
        # Of a time the clock skips, ``fold=0`` is the one with the offset before, which reads later by the gap.
        yield wall.replace(tzinfo=zone).astimezone(UTC)
        wall += interval


def _on_clock(walls: Iterator[datetime], zone: ZoneInfo) -> Iterator[datetime]:
    """The moments a local clock shows these ascending times, ascending.

    A time the clock skips is an earlier moment than times before it, so that dates before a gap wait for those in it.
    """
    waiting: list[datetime] = []
    for wall in walls:
        date = _earlier_in_gap(wall, zone)
        heappush(waiting, date)
        if not _gap_ahead(date, zone):
            while waiting:
                yield heappop(waiting)
    while waiting:
        yield heappop(waiting)


def _gap_ahead(date: datetime, zone: ZoneInfo) -> bool:
    """Whether the clock skips something soon after a moment."""
    return _offset(date + LONGEST_GAP, zone) > _offset(date, zone)


def _offset(date: datetime, zone: ZoneInfo) -> timedelta:
    offset = date.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _earlier_in_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment a local clock shows this time: the first of two; of none, the one by the offset after the gap."""
    first = wall.replace(tzinfo=zone)
    second = first.replace(fold=1)
    before, after = first.utcoffset(), second.utcoffset()
    assert before is not None
    assert after is not None
    return (second if before < after else first).astimezone(UTC)


def _seconds(value: float | timedelta) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


def moment(value: str | datetime | None) -> datetime:
    """The anchor of an interval in UTC; 2020 where there is none."""
    if value is None:
        return recurrence.DEFAULT_START.replace(tzinfo=UTC)
    given = datetime.fromisoformat(value) if isinstance(value, str) else value
    return (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)
