"""Recurrence rules (RFC 5545): the dates of a rule near a moment, without walking there from the rule's start.

All dates here are naive: the local wall clock of the schedule. Offsets written in a rule (``Z``, ``TZID``) are dropped.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any

from dateutil.rrule import DAILY, HOURLY, MINUTELY, MONTHLY, SECONDLY, WEEKLY, YEARLY, rrule, rruleset, rrulestr

DEFAULT_START = datetime(2020, 1, 1)
"""Where a rule without DTSTART begins."""

LONGEST_COUNT = 200_000
"""How far a COUNT is followed where only walking finds its end; a longer one counts as endless."""

PERIODS = {
    WEEKLY: timedelta(weeks=1),
    DAILY: timedelta(days=1),
    HOURLY: timedelta(hours=1),
    MINUTELY: timedelta(minutes=1),
    SECONDLY: timedelta(seconds=1),
}
DAY_PARTS = ("bymonth", "bymonthday", "byyearday", "byweekno")
COARSER = {SECONDLY: (MINUTELY, "bysecond"), MINUTELY: (HOURLY, "byminute"), HOURLY: (DAILY, "byhour")}
"""A rule of every such period that names these parts of it is one of the next longer period."""

MARGIN = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A parsed rule or set of rules: what recurs, what is left out, and single dates of both kinds."""

    rules: tuple[rrule, ...]
    excluded_rules: tuple[rrule, ...]
    dates: tuple[datetime, ...]
    excluded_dates: tuple[datetime, ...]


def occurrences(text: str, start: datetime, end: datetime | None = None) -> Iterator[datetime]:
    """The dates of a rule from ``start`` (inclusive) on, ascending and unique. Raises ``ValueError`` for a bad rule.

    Dates some time after ``end`` are not looked for, where that would be a long walk.
    """
    recurrence = parse(text)
    rules = [near for rule in recurrence.rules if (near := _near(rule, start, end)) is not None]
    dates = [date for date in recurrence.dates if date >= start]
    if not rules and not dates:
        return iter(())
    if len(rules) == 1 and not (dates or recurrence.excluded_rules or recurrence.excluded_dates):
        return iter(rules[0].xafter(start, inc=True))
    merged = rruleset()
    for rule in rules:
        merged.rrule(rule)
    for rule in recurrence.excluded_rules:
        if (near := _near(rule, start, end)) is not None:
            merged.exrule(near)
    for date in dates:
        merged.rdate(date)
    for date in recurrence.excluded_dates:
        if date >= start:
            merged.exdate(date)
    return iter(merged.xafter(start, inc=True))


@lru_cache(maxsize=4096)
def parse(text: str) -> Recurrence:
    """Reads a rule or a set of rules; ``ValueError`` when it is not one. Rules that never fire are left out."""
    try:
        parsed: Any = rrulestr(text, dtstart=DEFAULT_START, ignoretz=True)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a recurrence rule: {error}") from None
    if isinstance(parsed, rrule):
        return Recurrence(_live([parsed]), (), (), ())
    return Recurrence(
        _live(parsed._rrule), _live(parsed._exrule), tuple(sorted(parsed._rdate)), tuple(sorted(parsed._exdate))
    )


def _live(rules: list[Any]) -> tuple[rrule, ...]:
    """The rules that fire at all, each ending by a date instead of a count."""
    live = []
    for rule in rules:
        if rule._count == 0 or _first_possible_day(rule, rule._dtstart) is None:
            continue
        rule = _coarser(rule)
        if next(iter(rule), None) is not None:
            live.append(_ending_by_date(rule))
    return tuple(live)


def _coarser(rule: Any) -> Any:
    """The same dates by a rule of longer periods, of which it takes fewer to come to the next date."""
    while rule._interval == 1 and rule._freq in COARSER and not rule._bysetpos:
        freq, part = COARSER[rule._freq]
        if _filters(rule).get(part) is None:
            break
        rule = _replace(rule, freq=freq)
    return rule


def _ending_by_date(rule: Any) -> rrule:
    count = rule._count
    if count is None:
        return rule  # type: ignore[no-any-return]
    last: datetime | None = None
    if rule._freq in PERIODS and not _filters(rule):
        try:
            last = rule._dtstart + (count - 1) * rule._interval * PERIODS[rule._freq]
        except OverflowError:
            last = None
    elif count <= LONGEST_COUNT:
        last = next(islice(rule, count - 1, None), None)
    return _replace(rule, count=None, until=last)


def _near(rule: Any, moment: datetime, end: datetime | None) -> rrule | None:
    """The same rule started shortly before ``moment``: it has the same dates from there on. None when it has none.

    A rule of short periods that are filtered stops some time after ``end``.
    """
    if rule._until is not None and rule._until < moment:
        return None
    changes: dict[str, Any] = {}
    if end is not None and rule._freq >= DAILY and _filters(rule):
        last = max(end, moment) + MARGIN
        if rule._until is None or rule._until > last:
            changes["until"] = last
    if rule._dtstart >= moment:
        return _replace(rule, **changes) if changes else rule
    day = _first_possible_day(rule, moment)
    if day is None:
        return None
    moment = max(moment, day)
    if rule._freq in PERIODS:
        step = rule._interval * PERIODS[rule._freq]
        # One period less: a period cut by the start would count its positions (BYSETPOS) from there.
        periods = max(0, (moment - rule._dtstart) // step - 1)
        return _replace(rule, dtstart=rule._dtstart + periods * step, **changes)
    return _near_calendar_period(rule, moment)


def _near_calendar_period(rule: Any, moment: datetime) -> rrule:
    """A monthly or yearly rule started on the first day of the last of its periods before ``moment``."""
    start: datetime = rule._dtstart
    interval = rule._interval * (1 if rule._freq == MONTHLY else 12)
    first_month = start.year * 12 + start.month - 1 if rule._freq == MONTHLY else start.year * 12
    months = (moment.year * 12 + moment.month - 1 - first_month) // interval * interval
    if months <= 0:
        return rule  # type: ignore[no-any-return]
    month = first_month + months
    # What a rule without day parts takes from its start has to be said once the start moves.
    implied: dict[str, Any] = {}
    filters = {part for part, value in _filters(rule).items() if value is not None}
    if not filters & {"byweekno", "byyearday", "bymonthday", "byweekday", "byeaster"}:
        implied["bymonthday"] = start.day
        if rule._freq == YEARLY and "bymonth" not in filters:
            implied["bymonth"] = start.month
    return _replace(rule, dtstart=start.replace(year=month // 12, month=month % 12 + 1, day=1), **implied)


def _first_possible_day(rule: Any, moment: datetime) -> datetime | None:
    """A day, not before that of ``moment``, before which the rule cannot fire again; None when it never can.

    Rules of days and shorter periods are searched period by period, so a filter by rare days (29 February) would be
    a long walk, and one by impossible days an endless one. By years both are a short one.
    """
    parts = {part: _filters(rule)[part] for part in DAY_PARTS if _filters(rule).get(part) is not None}
    if rule._freq <= MONTHLY or not parts:
        return moment
    if set(parts) == {"bymonth"}:
        parts["byweekday"] = range(7)
    day = datetime(moment.year, moment.month, moment.day)
    return next(iter(rrule(YEARLY, dtstart=day, **parts)), None)


def _filters(rule: Any) -> dict[str, Any]:
    filters: dict[str, Any] = rule._original_rule
    return filters


def _replace(rule: Any, **changes: Any) -> rrule:
    replaced: rrule = rule.replace(**changes)
    return replaced
