"""Cron strings give the dates that croniter gives, at a fraction of the cost."""

import sys
from datetime import datetime, timedelta
from itertools import islice

import pytest
from croniter import CroniterBadDateError, croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.server.operations import cron

BEGIN = datetime(2023, 12, 30, 22, 15, 7)


def field(low: int, high: int) -> st.SearchStrategy[str]:
    """One field: a star, a step, numbers or a range."""
    number = st.integers(low, high)
    return st.one_of(
        st.just("*"),
        st.just("*"),
        st.integers(2, 20).map(lambda step: f"*/{step}"),
        st.lists(number, min_size=1, max_size=3).map(lambda values: ",".join(map(str, values))),
        st.tuples(number, number).map(lambda ends: f"{min(ends)}-{max(ends)}"),
    )


strings = st.tuples(
    field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7), st.booleans(), field(0, 59)
).map(lambda parts: " ".join(parts[:5]) + (f" {parts[6]}" if parts[5] else ""))


def by_croniter(text: str, day_or: bool, start: datetime, n: int) -> list[datetime]:
    times = croniter(text, start - timedelta(seconds=1), day_or=day_or)
    found: list[datetime] = []
    try:
        while len(found) < n:
            found.append(times.get_next(datetime))
    except CroniterBadDateError:
        pass
    return found


@settings(max_examples=300, deadline=None)
@given(strings, st.booleans(), st.integers(0, 10**8))
def test_the_dates_are_those_of_croniter(text: str, day_or: bool, seconds: int) -> None:
    start = BEGIN + timedelta(seconds=seconds)
    expected = by_croniter(text, day_or, start, 4)
    found = list(islice(cron.occurrences(text, day_or, start), 4))
    # croniter counts the fifty years from each date, not from the start.
    assert found == expected or (found == expected[: len(found)] and expected[len(found)].year > start.year + 45)


@pytest.mark.parametrize(
    "text", ["0 0 L * *", "0 0 * * 5#2", "0 0 * * L5", "0 9 15W * *", "0 0 1 1 * 0 2027", "@weekly", "0 0 13 * FRI"]
)
def test_rare_signs_and_names_too(text: str) -> None:
    assert list(islice(cron.occurrences(text, True, BEGIN), 3)) == by_croniter(text, True, BEGIN, 3)


def test_a_start_between_seconds_rounds_up() -> None:
    noon = datetime(2026, 5, 1, 12)
    assert next(cron.occurrences("* * * * * *", True, noon)) == noon
    assert next(cron.occurrences("* * * * * *", True, noon.replace(microsecond=1))) == noon + timedelta(seconds=1)


def test_a_date_that_never_comes_is_soon_known() -> None:
    """Within a few hundred steps."""
    steps = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        assert list(cron.occurrences("0 0 31 2 *", True, BEGIN)) == []
    finally:
        sys.setprofile(None)
    assert steps < 2500
