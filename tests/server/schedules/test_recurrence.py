"""Recurrence rules give the dates RFC 5545 gives, wherever one starts to look and however old the rule is."""

import sys
from datetime import datetime, timedelta
from itertools import islice

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.server.operations.recurrence import occurrences, parse

BEGIN = datetime(2020, 1, 31, 22, 15)

PARTS = {
    "YEARLY": [
        "",
        "BYMONTH=2,7",
        "BYMONTHDAY=29",
        "BYDAY=MO",
        "BYYEARDAY=1,366",
        "BYWEEKNO=1,53",
        "BYDAY=2TU;BYMONTH=6",
    ],
    "MONTHLY": ["", "BYMONTHDAY=1,31", "BYMONTHDAY=-1", "BYDAY=1MO,-1FR", "BYDAY=MO,TU,WE;BYSETPOS=-1", "BYMONTH=3,9"],
    "WEEKLY": ["", "BYDAY=MO,SU", "BYDAY=SA;WKST=SU", "BYDAY=MO,WE,FR;BYSETPOS=2", "BYMONTH=12", "BYHOUR=1,13"],
    "DAILY": ["", "BYHOUR=9;BYMINUTE=0", "BYDAY=SA,SU", "BYMONTH=2", "BYMONTHDAY=-1", "BYHOUR=6,18;BYSETPOS=1"],
    "HOURLY": ["", "BYMINUTE=0,30", "BYDAY=MO", "BYHOUR=8,9,10"],
    "MINUTELY": ["", "BYHOUR=3", "BYDAY=WE;BYHOUR=12", "BYHOUR=3;BYMINUTE=5,35", "BYMINUTE=7;BYDAY=MO"],
}


@st.composite
def rules(draw: st.DrawFn) -> str:
    """A rule of one of the shapes above, with an interval and possibly an end."""
    freq = draw(st.sampled_from(list(PARTS)))
    text = f"FREQ={freq};INTERVAL={draw(st.integers(1, 5))}"
    if part := draw(st.sampled_from(PARTS[freq])):
        text += f";{part}"
    end = draw(st.sampled_from(["", "", ";COUNT=7", ";COUNT=300", ";UNTIL=20210601T000000"]))
    begin = BEGIN + timedelta(hours=draw(st.integers(0, 24 * 40)))
    return f"DTSTART:{begin:%Y%m%dT%H%M%S}\nRRULE:{text}{end}"


@settings(max_examples=150, deadline=None)
@given(rules(), st.integers(-50, 900))
def test_jumping_near_a_moment_changes_no_date(rule: str, days: int) -> None:
    start = BEGIN + timedelta(days=days, minutes=7)
    try:
        walked = list(islice(rrulestr(rule).xafter(start, inc=True), 5))
    except ValueError:  # such as BYHOUR=8 of every fourth hour from 23 on
        with pytest.raises(ValueError):
            occurrences(rule, start)
        return
    assert list(islice(occurrences(rule, start), 5)) == walked


@pytest.mark.parametrize(
    "part",
    ["BYSECOND=1,30", "BYHOUR=3;BYMINUTE=0;BYSECOND=1", "BYMINUTE=9;BYSECOND=3,4", "BYDAY=SA;BYHOUR=4;BYMINUTE=0"],
)
def test_rules_of_seconds(part: str) -> None:
    for end in ("", ";COUNT=40", ";UNTIL=20200202T030001"):
        rule = f"DTSTART:{BEGIN:%Y%m%dT%H%M%S}\nRRULE:FREQ=SECONDLY;{part}{end}"
        start = BEGIN + timedelta(hours=25, seconds=7)
        assert list(islice(occurrences(rule, start), 70)) == list(islice(rrulestr(rule).xafter(start, inc=True), 70))


def test_a_set_adds_and_leaves_out() -> None:
    rule = (
        "DTSTART:20200101T090000\nRRULE:FREQ=DAILY\nEXRULE:FREQ=WEEKLY;BYDAY=SA,SU\n"
        "RDATE:20260307T120000\nEXDATE:20260309T090000"
    )
    assert list(islice(occurrences(rule, datetime(2026, 3, 6)), 4)) == [
        datetime(2026, 3, 6, 9),
        datetime(2026, 3, 7, 12),
        datetime(2026, 3, 10, 9),
        datetime(2026, 3, 11, 9),
    ]


@pytest.mark.parametrize("rule", ["", "FOO", "FREQ=SOMETIMES", "FREQ=DAILY;BYDAY=XX", "DTSTART:never\nFREQ=DAILY"])
def test_what_is_no_rule_is_a_value_error(rule: str) -> None:
    with pytest.raises(ValueError):
        occurrences(rule, BEGIN)


NOW = datetime(2026, 11, 20)
OLD = [
    "DTSTART:19700101T000000\nFREQ=SECONDLY",
    "DTSTART:20100101T000000\nFREQ=MINUTELY",
    "DTSTART:20100101T000000\nFREQ=MINUTELY;COUNT=100000000",
    "DTSTART:20100101T000000\nFREQ=MINUTELY;BYDAY=MO,TU;COUNT=150000",
    "DTSTART:19700101T000000\nFREQ=MINUTELY;INTERVAL=7",
    "DTSTART:19700101T000000\nFREQ=HOURLY;BYMONTH=7;BYHOUR=3",
    "DTSTART:19700101T000000\nFREQ=DAILY;BYMONTH=2;BYMONTHDAY=29",
    "DTSTART:19700101T000000\nFREQ=WEEKLY;INTERVAL=3;BYDAY=MO,FR",
    "DTSTART:19700101T000000\nFREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "DTSTART:19700101T000000\nFREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
    "DTSTART:20100101T000000\nFREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
    "DTSTART:20100101T000000\nFREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "DTSTART:19700101T000000\nFREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=29;BYHOUR=3;BYMINUTE=0;BYSECOND=0",
    "DTSTART:19700101T000000\nRRULE:FREQ=MINUTELY\nEXRULE:FREQ=MINUTELY;INTERVAL=2\nEXDATE:20261120T000100",
]


def steps_of(rule: str, moment: datetime) -> int:
    """How many functions are called to find the next three dates within 100 days."""
    steps = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal steps
        steps += event == "call"

    sys.setprofile(count)
    try:
        list(islice(occurrences(rule, moment, moment + timedelta(days=100)), 3))
    finally:
        sys.setprofile(None)
    return steps


@pytest.mark.parametrize("rule", OLD)
def test_no_rule_is_walked_from_its_start(rule: str) -> None:
    """However old it is, and whether it is rare or never fires, the next dates are a few steps away.

    A COUNT is counted once, when the rule is first read.
    """
    parse(rule)
    assert max(steps_of(rule, NOW + timedelta(days=30 * month)) for month in range(12)) < 1000


def test_an_older_rule_costs_no_more() -> None:
    young, old = (f"DTSTART:{year}0101T000000\nFREQ=MINUTELY;INTERVAL=7" for year in (2026, 1970))
    parse(young), parse(old)
    assert steps_of(old, NOW) <= steps_of(young, NOW) + 5


def test_a_rule_of_seconds_that_fires_seldom_is_not_looked_for_beyond_the_end() -> None:
    """29 February is 466 days away, of 86,400 seconds each."""
    rule = "DTSTART:20100101T000000\nFREQ=SECONDLY;INTERVAL=7;BYMONTH=2;BYMONTHDAY=29"
    assert list(occurrences(rule, NOW, NOW + timedelta(days=100))) == []
    assert steps_of(rule, NOW) < 1000


@settings(max_examples=60, deadline=None)
@given(rules(), st.integers(-50, 900))
def test_an_end_leaves_out_no_date_before_it(rule: str, days: int) -> None:
    start = BEGIN + timedelta(days=days, minutes=7)
    end = start + timedelta(days=9)
    try:
        walked = list(islice(occurrences(rule, start), 50))
    except ValueError:
        return
    found = list(islice(occurrences(rule, start, end), 50))
    assert [date for date in found if date <= end] == [date for date in walked if date <= end]
