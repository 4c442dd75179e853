"""Names for runs that were given none."""

from functools import cache
from random import choice

PAIRS = 1000
"""Names from which the words are taken: a million others can be made of these."""


def run_name() -> str:
    """A name of two words, such as ``quiet-otter``."""
    first, second = _words()
    return f"{choice(first)}-{choice(second)}"  # noqa: S311 - a name, no secret


@cache
def _words() -> tuple[list[str], list[str]]:
    """The first words and the second ones: putting two together takes a seventh of what having them chosen does."""
    from coolname import generate  # start-up time: only a server that makes a run needs its word lists

    pairs = [generate(2) for _ in range(PAIRS)]
    return [first for first, _ in pairs], [second for _, second in pairs]
