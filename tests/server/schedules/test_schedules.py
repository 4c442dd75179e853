"""When interval, cron and rrule schedules fire, in zones that change their clocks and in those that do not."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from podium.server.operations.schedules import completed, next_dates, slots

NOW = datetime(2026, 11, 20, 12, 0, 30, tzinfo=UTC)


def local(schedule: dict[str, Any], start: str, n: int) -> list[str]:
    """The next dates as the local clock and its offset show them."""
    zone = ZoneInfo(schedule["timezone"])
    begin = datetime.fromisoformat(start).astimezone(UTC)
    return [f"{date.astimezone(zone):%d %H:%M%z}" for date in next_dates(schedule, begin, n)]


CHANGES = [
    # zone; day the clock goes forward, time it skips, offsets before and after; day it goes back, time it repeats
    ("America/New_York", "2026-03-08", "02:30", "-0500", "-0400", "2026-11-01", "01:30"),
    ("America/Los_Angeles", "2026-03-08", "02:30", "-0800", "-0700", "2026-11-01", "01:30"),
    ("America/Santiago", "2026-09-06", "00:30", "-0400", "-0300", "2026-04-04", "23:30"),
    ("America/Havana", "2026-03-08", "00:30", "-0500", "-0400", "2026-11-01", "00:30"),
    ("Europe/London", "2026-03-29", "01:30", "+0000", "+0100", "2026-10-25", "01:30"),
    ("Europe/Paris", "2026-03-29", "02:30", "+0100", "+0200", "2026-10-25", "02:30"),
    ("Europe/Athens", "2026-03-29", "03:30", "+0200", "+0300", "2026-10-25", "03:30"),
    ("Africa/Cairo", "2026-04-24", "00:30", "+0200", "+0300", "2026-10-29", "23:30"),
    ("Asia/Jerusalem", "2026-03-27", "02:30", "+0200", "+0300", "2026-10-25", "01:30"),
    ("Australia/Sydney", "2026-10-04", "02:30", "+1000", "+1100", "2026-04-05", "02:30"),
    ("Pacific/Auckland", "2026-09-27", "02:30", "+1200", "+1300", "2026-04-05", "02:30"),
    ("Atlantic/Azores", "2026-03-29", "00:30", "-0100", "+0000", "2026-10-25", "00:30"),
]


@pytest.mark.parametrize(("zone", "forward", "skipped", "before", "after", "back", "repeated"), CHANGES)
def test_a_time_the_clock_skips(
    zone: str, forward: str, skipped: str, before: str, after: str, back: str, repeated: str
) -> None:
    """Cron and rrule fire an hour earlier by the clock, a daily interval an hour later; both are back the next day."""
    hour, minute = map(int, skipped.split(":"))
    day = datetime.fromisoformat(forward).replace(tzinfo=ZoneInfo(zone))
    start = (day - timedelta(hours=12)).isoformat()
    gap = day.replace(hour=hour, minute=minute)
    earlier = gap.replace(fold=1).astimezone(UTC).astimezone(ZoneInfo(zone))
    later = gap.astimezone(UTC).astimezone(ZoneInfo(zone))
    usual = f"{day + timedelta(days=1):%d} {skipped}{after}"
    anchor = (gap - timedelta(days=30)).isoformat()
    cron = {"cron": f"{minute} {hour} * * *", "timezone": zone}
    rule = {"rrule": f"DTSTART:20100101T{hour:02}{minute:02}00\nRRULE:FREQ=DAILY", "timezone": zone}
    interval = {"interval": 86400, "anchor_date": anchor, "timezone": zone}
    assert local(cron, start, 2) == [f"{earlier:%d %H:%M}{before}", usual]
    assert local(rule, start, 2) == [f"{earlier:%d %H:%M}{before}", usual]
    assert local(interval, start, 2) == [f"{later:%d %H:%M}{after}", usual]


@pytest.mark.parametrize(("zone", "forward", "skipped", "before", "after", "back", "repeated"), CHANGES)
def test_a_time_the_clock_shows_twice(
    zone: str, forward: str, skipped: str, before: str, after: str, back: str, repeated: str
) -> None:
    """Daily schedules fire the first time only, by whichever moment one starts to look."""
    hour, minute = map(int, repeated.split(":"))
    day = datetime.fromisoformat(back).replace(tzinfo=ZoneInfo(zone))
    first = day.replace(hour=hour, minute=minute)
    start = (first - timedelta(hours=6)).isoformat()
    between = (first.astimezone(UTC) + timedelta(minutes=10)).isoformat()
    anchor = (first - timedelta(days=30)).isoformat()
    today = f"{first:%d} {repeated}{after}"
    tomorrow = f"{first + timedelta(days=1):%d} {repeated}{before}"
    for schedule in (
        {"cron": f"{minute} {hour} * * *", "timezone": zone},
        {"rrule": f"DTSTART:20100101T{hour:02}{minute:02}00\nRRULE:FREQ=DAILY", "timezone": zone},
        {"interval": 86400, "anchor_date": anchor, "timezone": zone},
    ):
        assert local(schedule, start, 2) == [today, tomorrow]
        assert local(schedule, between, 1) == [tomorrow]


def test_an_hourly_interval_follows_elapsed_time_and_an_hourly_cron_the_clock() -> None:
    start = "2026-11-01T00:00:00-04:00"
    zone = "America/New_York"
    interval = {"interval": 3600, "anchor_date": "2026-01-01T00:00:00Z", "timezone": zone}
    assert local(interval, start, 4) == ["01 00:00-0400", "01 01:00-0400", "01 01:00-0500", "01 02:00-0500"]
    assert local({"cron": "0 * * * *", "timezone": zone}, start, 3) == [
        "01 00:00-0400",
        "01 01:00-0400",
        "01 02:00-0500",
    ]


def test_the_same_slots_from_every_start() -> None:
    """A schedule asked day by day gives what it gives at once, also over a change of the clock."""
    zone = "America/New_York"
    for schedule in (
        {"interval": 86400, "anchor_date": "2026-01-06T02:30:00-05:00", "timezone": zone},
        {"interval": 129600, "anchor_date": "2026-01-06T02:30:00-05:00", "timezone": zone},
        {"interval": 7200, "anchor_date": "2026-01-06T02:30:00-05:00", "timezone": zone},
        {"cron": "30 1,2 * * *", "timezone": zone},
        {"rrule": "DTSTART:20250101T013000\nFREQ=HOURLY;INTERVAL=5", "timezone": zone},
    ):
        begin, end = datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 11, 8, tzinfo=UTC)
        at_once = next_dates(schedule, begin, end=end)
        piecewise = set()
        while begin < end:
            piecewise.update(next_dates(schedule, begin, end=min(begin + timedelta(hours=30), end)))
            begin += timedelta(minutes=47)
        assert sorted(piecewise) == at_once


def test_both_ends_are_inclusive_and_a_start_between_seconds_rounds_up() -> None:
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    for schedule in (
        {"cron": "0 * * * *"},
        {"interval": 3600, "anchor_date": "2030-01-01T00:00:00Z"},
        {"rrule": "DTSTART:20200101T000000\nFREQ=HOURLY"},
    ):
        hour = timedelta(hours=1)
        assert next_dates(schedule, noon, end=noon + hour) == [noon, noon + hour]
        assert next_dates(schedule, noon + timedelta(microseconds=1)) == [noon + hour]


def test_a_date_that_never_comes_yields_nothing() -> None:
    assert next_dates({"cron": "0 0 31 2 *"}, NOW, 3) == []
    assert next_dates({"rrule": "DTSTART:20200101T000000\nFREQ=DAILY;COUNT=3"}, NOW, 3) == []


def test_seconds_and_aliases_of_cron() -> None:
    assert [date.second for date in next_dates({"cron": "* * * * * */20"}, NOW, 3)] == [40, 0, 20]
    assert next_dates({"cron": "@daily"}, NOW) == [datetime(2026, 11, 21, tzinfo=UTC)]
    either = next_dates({"cron": "0 0 13 * 5", "day_or": True}, datetime(2026, 2, 1, tzinfo=UTC), 2)
    both = next_dates({"cron": "0 0 13 * 5", "day_or": False}, datetime(2026, 2, 1, tzinfo=UTC), 2)
    assert [date.day for date in either] == [6, 13]
    assert [(date.month, date.day) for date in both] == [(2, 13), (3, 13)]


def test_a_slot_is_spelled_in_the_zone_of_its_schedule() -> None:
    date = datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert slots({"cron": "0 9 * * *", "timezone": "Europe/Paris"}, [date]) == ["2026-11-21 09:00:00+01:00"]
    assert slots({"cron": "0 9 * * *", "timezone": None}, [date]) == ["2026-11-21 08:00:00+00:00"]
    assert slots({"interval": 1}, [date.replace(microsecond=50)]) == ["2026-11-21 08:00:00.000050+00:00"]


def test_what_a_schedule_counts_from_is_stored_with_it() -> None:
    assert completed({"interval": 60.0}, NOW) == {"interval": 60.0, "anchor_date": NOW, "timezone": "UTC"}
    minutely = completed({"rrule": "FREQ=MINUTELY", "timezone": "Europe/Paris"}, NOW)
    assert minutely["rrule"] == "DTSTART:20261120T130000\nFREQ=MINUTELY"
    daily = completed({"rrule": "RRULE:FREQ=DAILY", "timezone": "UTC"}, NOW)
    assert daily["rrule"] == "DTSTART:20200101T000000\nRRULE:FREQ=DAILY"
    counted = completed({"rrule": "FREQ=MINUTELY;COUNT=3", "timezone": "UTC"}, NOW)
    assert counted["rrule"] == "DTSTART:20200101T000000\nFREQ=MINUTELY;COUNT=3"


@pytest.mark.parametrize(
    "schedule",
    [
        {"cron": "bad"},
        {"cron": "60 * * * *"},
        {"cron": "R R * * *"},
        {"cron": "0,R(1-5) * * * *"},
        {"cron": "H * * * *"},
        {"cron": "* * * * *", "timezone": "Mars/Olympus"},
        {"rrule": "FREQ=SOMETIMES"},
        {"rrule": "FREQ=DAILY;" + "BYHOUR=1;" * 800},
        {"interval": 0},
    ],
)
def test_what_cannot_be_a_schedule_is_a_value_error(schedule: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        completed(schedule, NOW)


def test_weekdays_are_no_random_fields() -> None:
    assert completed({"cron": "0 0 * MAR-OCT FRI,THU"}, NOW)["cron"] == "0 0 * MAR-OCT FRI,THU"


def test_a_thousand_schedules_are_computed_in_half_a_second() -> None:
    schedules: list[dict[str, Any]] = []
    for number in range(334):
        schedules.append({"interval": 600 + number, "anchor_date": "2020-01-01T00:00:00Z", "timezone": "Europe/Paris"})
        schedules.append({"cron": f"{number % 60} */2 * * MON-FRI", "timezone": "America/New_York"})
        rule = f"DTSTART:20100101T0000{number % 60:02}\nRRULE:FREQ=DAILY;BYHOUR={number % 24}"
        schedules.append({"rrule": rule, "timezone": "Asia/Tokyo"})
    begin = time.process_time()
    for schedule in schedules:
        assert len(next_dates(schedule, NOW, 3)) == 3
    assert time.process_time() - begin < 0.5
