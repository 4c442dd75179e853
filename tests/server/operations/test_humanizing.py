"""Filters that say numbers and times as people do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from podium.server.operations.humanizing import FILTERS


def humanized(name: str, *arguments: Any, **named: Any) -> Any:
    return FILTERS[f"humanize_{name}"](*arguments, **named)


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("naturalsize", (0,), "0 Bytes"),
        ("naturalsize", (1,), "1 Byte"),
        ("naturalsize", (1500,), "1.5 kB"),
        ("naturalsize", (999_999,), "1.0 MB"),
        ("naturalsize", ("1234",), "1.2 kB"),
        ("naturalsize", (-2500,), "-2.5 kB"),
        ("naturalsize", (3 * 10**9, True), "2.8 GiB"),
        ("naturalsize", (1500, False, True), "1.5K"),
        ("naturalsize", (999, False, True), "999B"),
        ("naturalsize", (1234, False, False, "%.3f"), "1.234 kB"),
        ("intcomma", (1234567.891,), "1,234,567.891"),
        ("intcomma", ("-1234",), "-1,234"),
        ("intcomma", (1234.5, 1), "1,234.5"),
        ("intword", (999,), "999"),
        ("intword", (999_999,), "1.0 million"),
        ("intword", (1_500_000_000,), "1.5 billion"),
        ("intword", (10**100,), "1.0 googol"),
        ("apnumber", (5,), "five"),
        ("apnumber", (10,), "10"),
        ("ordinal", (1,), "1st"),
        ("ordinal", (112,), "112th"),
        ("ordinal", (23,), "23rd"),
        ("fractional", (1.3,), "1 3/10"),
        ("fractional", (0.25,), "1/4"),
        ("fractional", (4,), "4"),
        ("scientific", (123456,), "1.23 x 10⁵"),
        ("scientific", (0.3, 3), "3.000 x 10⁻¹"),
        ("metric", (1500, "V"), "1.50 kV"),
        ("metric", (1e-6, "V"), "1.00 μV"),
        ("metric", (0, "V"), "0.00 V"),
        ("metric", (1.3,), "1.30"),
        ("metric", (1e35, "V"), "1.00 x 10³⁵V"),
        ("clamp", (0.0001, 0.01), "<0.01"),
        ("clamp", (0.999, None, 0.99, "{:.0%}"), ">99%"),
        ("clamp", (5,), "5"),
        ("thousands_separator", (1,), ","),
        ("decimal_separator", (1,), "."),
        ("activate", ("de",), ""),
    ],
)
def test_numbers(name: str, arguments: tuple[Any, ...], text: str) -> None:
    """As they are known from elsewhere."""
    assert humanized(name, *arguments) == text


@pytest.mark.parametrize(
    ("delta", "text"),
    [
        (timedelta(0), "a moment"),
        (timedelta(seconds=1), "a second"),
        (timedelta(seconds=59), "59 seconds"),
        (timedelta(seconds=60), "a minute"),
        (timedelta(seconds=91), "2 minutes"),
        (timedelta(seconds=3570), "an hour"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(hours=23, minutes=31), "a day"),
        (timedelta(days=2, hours=20), "2 days"),
        (timedelta(days=16), "a month"),
        (timedelta(days=107), "4 months"),
        (timedelta(days=351), "a year"),
        (timedelta(days=380), "1 year, 15 days"),
        (timedelta(days=381), "1 year, 1 month"),
        (timedelta(days=716), "2 years"),
        (timedelta(days=912), "2 years"),
        (timedelta(days=913), "3 years"),
    ],
)
def test_lengths_of_time(delta: timedelta, text: str) -> None:
    """Roughly, and whether they are past or to come."""
    assert humanized("naturaldelta", delta) == text
    if delta:
        now = datetime(2026, 5, 6, tzinfo=UTC)
        assert humanized("naturaltime", now - delta, when=now) == f"{text} ago"
        assert humanized("naturaltime", (now + delta).isoformat(), when=now) == f"{text} from now"


def test_small_lengths_of_time() -> None:
    """Where they are asked for."""
    assert humanized("naturaldelta", timedelta(milliseconds=5), minimum_unit="milliseconds") == "5 milliseconds"
    assert humanized("naturaldelta", timedelta(microseconds=5), minimum_unit="microseconds") == "5 microseconds"
    assert humanized("naturaltime", 0) == "now"
    assert humanized("naturaltime", 30) == "30 seconds ago"
    assert humanized("naturaltime", 30, future=True) == "30 seconds from now"


@pytest.mark.parametrize(
    ("value", "named", "text"),
    [
        (timedelta(days=2, hours=3, seconds=33, microseconds=123456), {}, "2 days, 3 hours and 33.12 seconds"),
        (timedelta(days=400, minutes=1), {}, "1 year, 1 month, 4 days and 1 minute"),
        (3633, {}, "1 hour and 33 seconds"),
        (0, {}, "0 seconds"),
        (3633, {"minimum_unit": "hours"}, "1.01 hours"),
        (timedelta(microseconds=1500), {"minimum_unit": "microseconds"}, "1 millisecond and 500 microseconds"),
        (timedelta(days=2, hours=3), {"suppress": ["days"]}, "51 hours"),
    ],
)
def test_lengths_of_time_in_all_units(value: Any, named: dict[str, Any], text: str) -> None:
    """Down to the smallest that is asked for."""
    assert humanized("precisedelta", value, **named) == text


def test_days() -> None:
    """Near ones by a word, far ones with their year."""
    today = datetime.now(UTC)
    assert [humanized("naturalday", today + timedelta(days=days)) for days in (-1, 0, 1)] == [
        "yesterday",
        "today",
        "tomorrow",
    ]
    far = today + timedelta(days=200)
    assert humanized("naturaldate", far) == far.strftime("%b %d %Y")
    assert humanized("naturalday", far.isoformat()) == far.strftime("%b %d")


@pytest.mark.parametrize("name", FILTERS)
def test_what_is_none_of_the_kind_stays(name: str) -> None:
    """No template fails for it."""
    fixed = ("thousands_separator", "decimal_separator", "activate", "deactivate")
    assert humanized(name.removeprefix("humanize_"), "x") == "x" or name.removeprefix("humanize_") in fixed
    humanized(name.removeprefix("humanize_"), None)
