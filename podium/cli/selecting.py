"""Which things a command is about: those that are named."""

import sys
from collections.abc import Sequence


def named(given: Sequence[str] | None, by_id: Sequence[str] | None = None) -> list[str]:
    """What was given as arguments, with the words of stdin in place of `-`."""
    names: list[str] = []
    for each in [*(given or ()), *(by_id or ())]:
        names += sys.stdin.read().split("\n") if each == "-" else [each]
    return list(dict.fromkeys(name.strip() for name in names if name.strip()))
