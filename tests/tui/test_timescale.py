"""Moments and bars on a line of cells."""

from itertools import pairwise

import pytest

from podium.tui.timescale import EIGHTHS, FULL, Scale, bar, marks, offset


@pytest.mark.parametrize(
    ("seconds", "first"),
    [
        (0.5, ["0s", "0.1s", "0.2s"]),
        (1, ["0s", "0.2s", "0.4s"]),
        (50, ["0", "10s", "20s"]),
        (300, ["0", "1m", "2m"]),
        (3600, ["0", "15m", "30m"]),
        (86400, ["0", "6h", "12h"]),
        (30 * 86400, ["0", "7d", "14d"]),
    ],
)
def test_marks_are_round_from_parts_of_a_second_to_days(seconds: float, first: list[str]) -> None:
    found = marks(Scale(1000.0, 1000.0 + seconds, 50), 1000.0)
    assert [text for _, text in found][:3] == first
    places = [at for at, _ in found]
    assert all(later - earlier >= 8 for earlier, later in pairwise(places))
    assert places[-1] < 50


def test_marks_of_a_part_are_told_from_the_beginning_of_all() -> None:
    assert marks(Scale(100.0, 140.0, 40), 0.0)[0] == (0, "1m40s")


def test_a_bar_ends_between_cells() -> None:
    scale = Scale(0.0, 10.0, 10)
    assert bar(scale, 2.0, 5.5) == (2, FULL * 3 + "▌")
    assert bar(scale, 9.0, 10.0) == (9, FULL)


def test_what_takes_no_time_is_seen_and_what_is_elsewhere_is_not() -> None:
    scale = Scale(0.0, 10.0, 10)
    assert bar(scale, 3.0, 3.0) == (3, EIGHTHS[1])
    assert bar(scale, 11.0, 12.0) == (0, "")
    assert bar(scale, -5.0, -1.0) == (0, "")


def test_a_bar_that_begins_and_ends_out_of_sight_fills_the_line() -> None:
    assert bar(Scale(5.0, 15.0, 10), 0.0, 100.0) == (0, FULL * 10)


def test_zooming_keeps_a_moment_where_it_is() -> None:
    scale = Scale(0.0, 100.0, 50)
    near = scale.zoomed(0.5, 25.0)
    assert near.cell == scale.cell / 2
    assert near.place(25.0) == scale.place(25.0)
    assert near.moved(10).start == near.start + 10 * near.cell


def test_a_stretch_of_no_time_has_a_scale() -> None:
    assert bar(Scale(7.0, 7.0, 10), 7.0, 7.0) == (0, EIGHTHS[1])
    assert offset(5400.0) == "1h30m"
    assert offset(-90.0) == "-1m30s"
