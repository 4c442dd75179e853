"""Random intervals that keep many waiting clients from coming back at the same moment."""

import math
import random
from functools import lru_cache


def poisson_interval(average: float, clamping: float = 0.3) -> float:
    """A random interval in seconds of a Poisson process, clamped around its average.

    It is at most ``1 + clamping`` times the average, and at least so long that the average stays what it is.
    """
    if average <= 0:
        return 0.0
    lowest = _lowest(clamping)
    return average * min(max(random.expovariate(1.0), lowest), 1.0 + clamping)


@lru_cache(maxsize=256)
def _lowest(clamping: float) -> float:
    """Where to clamp an exponential variable of mean 1 from below, so that it keeps its mean when clamped from above.

    The clamped mean is ``x + exp(-x) - exp(-highest)`` for the lower bound x: solved by Newton's method from above.
    """
    target = 1.0 + math.exp(-(1.0 + clamping))
    bound = 1.0
    for _ in range(20):
        slope = 1.0 - math.exp(-bound)
        if slope < 1e-9:
            break
        bound -= (bound + math.exp(-bound) - target) / slope
    return max(bound, 0.0)
