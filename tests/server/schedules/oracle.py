"""When a schedule fires by the table of rules in docs/schedules.md, found minute by minute.

It shares nothing with the code under test: it walks UTC, looks at what the local clock shows in each minute, and never
asks which moment a local time is. ``python -m tests.server.schedules.oracle`` writes golden.json anew.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

GOLDEN = Path(__file__).with_name("golden.json")

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

CHANGES = {
    # zone: the days in which its clock goes forward and back
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "America/St_Johns": ("2026-03-08", "2026-11-01"),
    "America/Sao_Paulo": ("2018-11-04", "2019-02-16"),  # until summer time was given up; both at midnight
    "Europe/Dublin": ("2026-03-29", "2026-10-25"),  # its law has winter time, an hour behind
    "Europe/Paris": ("2026-03-29", "2026-10-25"),
    "Africa/Casablanca": ("2026-03-22", "2026-02-15"),  # back for Ramadan
    "Africa/Cairo": ("2026-04-24", "2026-10-29"),  # both at midnight
    "Asia/Kolkata": ("2026-03-29", "2026-10-25"),  # no change, half an hour off
    "Asia/Kathmandu": ("2026-03-29", "2026-10-25"),  # no change, a quarter of an hour off
    "Australia/Lord_Howe": ("2026-10-04", "2026-04-05"),  # by half an hour
    "Pacific/Apia": ("2011-12-30", "2012-04-01"),  # left out a whole day, and went back by an hour
    "UTC": ("2026-03-29", "2026-10-25"),
}
USUAL = (2, 30)

Fires = Callable[[datetime], bool]
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True)
class Shape:
    """A schedule; whether it fires at a local time (of minutes); what a gap does to it; the days to look at around."""

    name: str
    schedule: dict[str, Any]
    fires: Fires | None
    in_gap: str
    around: timedelta


@dataclass(frozen=True)
class Change:
    """A change of the clock: its UTC minute, a local time in what is skipped or repeated, and what the clock did."""

    moment: datetime
    local: datetime
    shift: timedelta


def change(zone: ZoneInfo, day: str) -> Change:
    """The change during a day of the local clock, found minute by minute; without one half past two stands for it."""
    noon = datetime.fromisoformat(day).replace(tzinfo=UTC)
    before = (noon - 2 * DAY).astimezone(zone).utcoffset()
    for minute in range(4 * 24 * 60):
        moment = noon - 2 * DAY + minute * MINUTE
        after = moment.astimezone(zone).utcoffset()
        assert before is not None
        assert after is not None
        if after != before:
            shift = after - before
            first = (moment - MINUTE).astimezone(zone).replace(tzinfo=None) + MINUTE
            return Change(moment, min(first, first + shift) + abs(shift) / 2, shift)
    local = datetime.fromisoformat(day).replace(hour=USUAL[0], minute=USUAL[1])
    return Change(next(m for m in _minutes(noon - DAY, noon + DAY) if _wall(m, zone) == local), local, timedelta(0))


def shapes(zone: str, at: Change) -> list[Shape]:
    """What the table holds of each change."""
    time, weekday = at.local, at.local.weekday()
    number = (time.day - 1) // 7 + 1
    start = datetime(2010, 1, 1, time.hour, time.minute)
    anchor = _anchor(time - 84 * DAY, zone)
    near, days, weeks = timedelta(hours=3), 2 * DAY, 8 * DAY

    def daily(wall: datetime) -> bool:
        return (wall.hour, wall.minute) == (time.hour, time.minute)

    def weekly(wall: datetime) -> bool:
        return daily(wall) and wall.weekday() == weekday

    def monthly(wall: datetime) -> bool:
        return weekly(wall) and (wall.day - 1) // 7 + 1 == number

    def ninety(wall: datetime) -> bool:
        return (wall - datetime(2010, 1, 1)) % timedelta(minutes=90) == timedelta(0)

    def cron(name: str, text: str, fires: Fires, around: timedelta) -> Shape:
        return Shape(f"cron: {name}", {"cron": text, "timezone": zone, "day_or": True}, fires, "earlier", around)

    def rrule(name: str, begin: datetime, text: str, fires: Fires, around: timedelta) -> Shape:
        rule = f"DTSTART:{begin:%Y%m%dT%H%M%S}\nRRULE:{text}"
        return Shape(f"rrule: {name}", {"rrule": rule, "timezone": zone}, fires, "earlier", around)

    def interval(name: str, length: timedelta, begin: datetime, around: timedelta) -> Shape:
        schedule = {"interval": length.total_seconds(), "anchor_date": begin.isoformat(), "timezone": zone}
        if length < DAY:
            return Shape(f"interval: {name}", schedule, None, "elapsed", around)
        wall = _wall(begin, ZoneInfo(zone))
        return Shape(f"interval: {name}", schedule, lambda w: (w - wall) % length == timedelta(0), "later", around)

    midnight = datetime(2010, 1, 1)
    clock = f"{time:%H:%M}"
    epoch = datetime(2020, 1, 1, tzinfo=UTC)
    return [
        cron("every hour", "0 * * * *", lambda wall: wall.minute == 0, near),
        cron("every 20 minutes", "*/20 * * * *", lambda wall: wall.minute % 20 == 0, near / 2),
        cron(f"daily at {clock}", f"{time.minute} {time.hour} * * *", daily, days),
        cron("weekly", f"{time.minute} {time.hour} * * {(weekday + 1) % 7}", weekly, weeks),
        interval("every 90 minutes", timedelta(minutes=90), epoch, near),
        interval(f"daily at {clock}", DAY, anchor, days),
        interval("weekly", 7 * DAY, anchor, weeks),
        interval("every 36 hours", timedelta(hours=36), anchor, days),
        rrule("every hour", midnight, "FREQ=HOURLY", lambda wall: wall.minute == 0, near),
        rrule("every 90 minutes", midnight, "FREQ=MINUTELY;INTERVAL=90", ninety, near),
        rrule(f"daily at {clock}", start, "FREQ=DAILY", daily, days),
        rrule("weekly", midnight, f"FREQ=WEEKLY;BYDAY={WEEKDAYS[weekday]};{_by(time)}", weekly, weeks),
        rrule(
            f"on {WEEKDAYS[weekday]} number {number} of the month",
            midnight,
            f"FREQ=MONTHLY;BYDAY={WEEKDAYS[weekday]};BYSETPOS={number};{_by(time)}",
            monthly,
            weeks,
        ),
    ]


def _by(time: datetime) -> str:
    return f"BYHOUR={time.hour};BYMINUTE={time.minute}"


def _anchor(wall: datetime, zone: str) -> datetime:
    """The first minute in which a local clock shows this time."""
    begin = wall.replace(tzinfo=UTC) - DAY
    return next(moment for moment in _minutes(begin, begin + 2 * DAY) if _wall(moment, ZoneInfo(zone)) == wall)


def slots(shape: Shape, zone: ZoneInfo, begin: datetime, end: datetime) -> list[datetime]:
    """The minutes (UTC) from ``begin`` to ``end`` in which a schedule fires."""
    if shape.fires is None:
        interval = timedelta(seconds=shape.schedule["interval"])
        anchor = datetime.fromisoformat(shape.schedule["anchor_date"])
        return [moment for moment in _minutes(begin, end) if (moment - anchor) % interval == timedelta(0)]
    shown, skipped = _clock(zone, *_days(begin, end))
    found = {moment for wall, moment in shown.items() if begin <= moment <= end and shape.fires(wall)}
    for wall, gap in skipped:
        if shape.fires(wall):
            found.add(shown[wall - gap if shape.in_gap == "earlier" else wall + gap])
    return sorted(moment for moment in found if begin <= moment <= end)


def _days(begin: datetime, end: datetime) -> tuple[datetime, datetime]:
    """A span that holds what a change at its ends may move into it, in whole days so that shapes share it."""
    midnight = begin.replace(hour=0, minute=0)
    return midnight - 2 * DAY, midnight + ((end - midnight) // DAY + 2) * DAY


@lru_cache(maxsize=4)
def _clock(
    zone: ZoneInfo, begin: datetime, end: datetime
) -> tuple[dict[datetime, datetime], list[tuple[datetime, timedelta]]]:
    """Each local time with the first minute in which the clock shows it; those it leaves out with how many go along."""
    shown: dict[datetime, datetime] = {}
    skipped: list[tuple[datetime, timedelta]] = []
    last = _wall(begin, zone) - MINUTE
    for moment in _minutes(begin, end):
        wall = _wall(moment, zone)
        gap = wall - last - MINUTE
        skipped += [(last + step * MINUTE, gap) for step in range(1, (wall - last) // MINUTE)]
        shown.setdefault(wall, moment)
        last = wall
    return shown, skipped


def _minutes(begin: datetime, end: datetime) -> list[datetime]:
    return [begin + number * MINUTE for number in range((end - begin) // MINUTE + 1)]


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def shown(moment: datetime, zone: ZoneInfo) -> str:
    """A slot as the golden table has it: by the local clock with its offset, and in UTC."""
    return f"{moment.astimezone(zone):%m-%d %H:%M%z} = {moment:%m-%d %H:%MZ}"


def table() -> dict[str, Any]:
    """zone -> change -> name of the shape -> the schedule, the span looked at and its slots."""
    zones: dict[str, Any] = {}
    for name, days in CHANGES.items():
        zone = ZoneInfo(name)
        for direction, day in zip(("forward", "back"), days, strict=True):
            at = change(zone, day)
            rows = {}
            for shape in shapes(name, at):
                begin, end = at.moment - shape.around, at.moment + shape.around
                rows[shape.name] = {
                    "schedule": shape.schedule,
                    "from": begin.isoformat(),
                    "to": end.isoformat(),
                    "slots": [shown(moment, zone) for moment in slots(shape, zone, begin, end)],
                }
            title = f"{direction} by {abs(at.shift)}" if at.shift else f"no change ({direction})"
            zones.setdefault(name, {})[f"{title}, {day}"] = rows
    return zones


def _text(zones: dict[str, Any]) -> str:
    """JSON with a line for each row of the table."""
    parts = []
    for name, changes in zones.items():
        blocks = []
        for title, rows in changes.items():
            lines = ",\n".join(f"   {json.dumps(shape)}: {json.dumps(row)}" for shape, row in rows.items())
            blocks.append(f"  {json.dumps(title)}: {{\n{lines}\n  }}")
        parts.append(f" {json.dumps(name)}: {{\n" + ",\n".join(blocks) + "\n }")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    GOLDEN.write_text(_text(table()))
