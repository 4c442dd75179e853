"""Who shares the tests begins with what takes long."""

from collections import Counter

import pytest

from tests.order import spread

LONG = [(f"tests/e2e/test_{file}.py", f"e2e {file} {number}") for file in range(5) for number in range(3)]
SHORT = [("tests/wire/test_one.py", f"short {number}") for number in range(60)]


@pytest.mark.parametrize("processes", [2, 3, 4, 7])
def test_each_stretch_begins_with_long_ones(processes: int) -> None:
    """All items are there, those of a file in one stretch, and the short ones in their order."""
    ordered = spread([*SHORT, *LONG], processes)
    assert Counter(ordered) == Counter(item for _, item in (*SHORT, *LONG))
    assert [item for item in ordered if item.startswith("short")] == [item for _, item in SHORT]
    begin = 0
    for number in range(processes):
        stretch = ordered[begin : begin + (len(ordered) - begin) // (processes - number)]
        begin += len(stretch)
        kinds = [item.partition(" ")[0] for item in stretch]
        assert kinds == sorted(kinds)
        assert all(count == 3 for count in Counter(item[:5] for item in stretch if item.startswith("e2e")).values())
        assert kinds[0] == ("e2e" if number < 5 else "short")


def test_a_few_long_ones_alone() -> None:
    """They may be more than a stretch takes."""
    assert Counter(spread(LONG[:4], 3)) == Counter(item for _, item in LONG[:4])
