"""Recurrence rules give the dates RFC 5545 gives, wherever one starts to look and however old the rule is."""

import time
from datetime import datetime, timedelta
from itertools import islice

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.server.operations.recurrence import occurrences

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
    "MINUTELY": ["", "BYHOUR=3", "BYDAY=WE;BYHOUR=12"],
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


@pytest.mark.parametrize(
    "rule",
    [
        "DTSTART:20100101T000000\nFREQ=SECONDLY",
        "DTSTART:20100101T000000\nFREQ=MINUTELY;COUNT=100000000",
        "DTSTART:20100101T000000\nFREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "DTSTART:20100101T000000\nFREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "DTSTART:20100101T000000\nFREQ=HOURLY;BYMONTH=7;BYHOUR=3",
    ],
)
def test_no_rule_is_walked_from_its_start(rule: str) -> None:
    """Neither an old rule, nor a rare one, nor one that never fires costs more than a moment."""
    begin = time.perf_counter()
    next(occurrences(rule, datetime(2026, 11, 20)), None)
    assert time.perf_counter() - begin < 2
    begin = time.perf_counter()
    for day in range(50):
        next(occurrences(rule, datetime(2026, 11, 20) + timedelta(days=day)), None)
    assert time.perf_counter() - begin < 0.5
