"""Counts over time as bars of blocks."""

from datetime import UTC, datetime, timedelta

import pytest

from podium.tui.widgets.chart import Bar, column, heights, marks, plan, short, stretch

HOUR, DAY = 3600, 86400


@pytest.mark.parametrize("span", [HOUR, 6 * HOUR, DAY, 7 * DAY])
@pytest.mark.parametrize("room", [8, 20, 49, 66, 120, 170, 270])
def test_bars_fill_most_of_the_room_and_make_up_the_time(span: int, room: int) -> None:
    """At every width each range has bars that fit; those of long times are whole half hours."""
    of = plan(span, room)
    assert of.number * of.cells <= room
    assert abs(of.number * of.seconds - span) < of.seconds
    assert span < DAY or of.seconds % 1800 == 0
    if room >= 20:
        assert of.number * of.cells >= room * 0.6


def test_what_needs_somebody_is_seen_however_little_it_is() -> None:
    """One failure among thousands has an eighth of a cell, on the line; the bar stays as high as it may be."""
    parts = heights({"Completed": 5000, "Failed": 1, "Scheduled": 1}, 5002, 4)
    assert parts == [("bad", 1), ("good", 30), ("idle", 1)]


def test_cells_of_a_bar() -> None:
    """A full cell has the colours of both its parts; the last one is as high as what is left."""
    assert column([("bad", 3), ("good", 9)], 3) == [("▃", "bad", "good"), ("▄", "good", ""), (" ", "", "")]
    assert column([("bad", 1), ("good", 3)], 2) == [("▁", "bad", "good"), (" ", "", "")]
    assert column([], 1) == [(" ", "", "")]


def test_times_stand_below_round_hours_and_days() -> None:
    """Times are those of the local clock, as many cells apart as they take to be read."""
    noon = datetime(2026, 5, 6, 12, tzinfo=UTC).astimezone().replace(hour=12)
    hours = [Bar(noon + timedelta(minutes=30 * place), {}) for place in range(48)]
    assert [text for _, text in marks(hours, 1800, 1)] == ["18:00", "Thu 07", "06:00"]
    days = [Bar(noon + timedelta(hours=6 * place), {}) for place in range(28)]
    assert [text for _, text in marks(days, 6 * HOUR, 4)][:3] == ["Thu 07", "Fri 08", "Sat 09"]


def test_the_time_ends_with_the_bar_of_this_moment() -> None:
    start, end = stretch(datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC), plan(DAY, 49))
    assert (start, end) == (datetime(2026, 5, 5, 7, 30, tzinfo=UTC), datetime(2026, 5, 6, 7, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (999, "999"), (1000, "1k"), (2449, "2.4k"), (34_000, "34k"), (1_500_000, "1.5M")]
)
def test_counts_in_few_cells(number: int, text: str) -> None:
    assert short(number) == text
