"""Random intervals keep their average and their bounds."""

import statistics

import pytest

from podium.server.operations.waiting import poisson_interval


@pytest.mark.parametrize("clamping", [0.0, 0.3, 1.0, 5.0])
def test_average_and_bounds(clamping: float) -> None:
    """Intervals are at most ``1 + clamping`` times the average, which they have on average."""
    drawn = [poisson_interval(10.0, clamping) for _ in range(20_000)]
    assert max(drawn) <= 10.0 * (1.0 + clamping) + 1e-9
    assert min(drawn) >= 0.0
    assert statistics.fmean(drawn) == pytest.approx(10.0, rel=0.05)


def test_no_average() -> None:
    """Nothing to wait for is no wait."""
    assert poisson_interval(0.0) == 0.0
