"""What a template may cost: time, and the size of every value it works with.

Whatever a template does passes here first. No single step takes long, as what goes into it is weighed before, and after
a number of steps the time is looked at. So nobody waits for a template that never ends or makes a gigabyte of text.
"""

import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from time import thread_time
from types import NoneType
from typing import Any

from jinja2.utils import Namespace

SECONDS = 0.5
"""Of the processor's time, for one rendering."""

LONGEST = 2_000_000
"""Characters of a text, and about as many of everything in a list or an object."""

LONGEST_RENDERED = 1_000_000
MOST_ITEMS = 100_000
MOST_BITS = 4096
DEEPEST = 200
STEPS_BETWEEN_LOOKS = 100
CHARACTERS_A_STEP = 1000
EACH = 4
"""What an item weighs besides its content."""

_DIGITS = re.compile(r"\d+")
_NESTED_FIELD = re.compile(r"\{[^{}]*\{")
_PLAIN = (NoneType, bool, float)


class TooCostly(Exception):
    """A template does more than it may."""


class _Running(threading.local):
    """What is left for the template that this thread renders."""

    end = float("inf")
    steps = 0
    text = 0


_running = _Running()


@contextmanager
def limited() -> Iterator[None]:
    """Renders one template in the body."""
    _running.end, _running.steps, _running.text = thread_time() + SECONDS, 0, LONGEST
    try:
        yield
    finally:
        _running.end = float("inf")


def spend(steps: int = 1) -> None:
    """Counts some steps. Raises ``TooCostly`` when the time is over."""
    _running.steps += steps
    if _running.steps >= STEPS_BETWEEN_LOOKS:
        _running.steps = 0
        if thread_time() > _running.end:
            raise TooCostly(f"it takes longer than {SECONDS:g} seconds")


def put_out(characters: int) -> None:
    """Counts text that was put out, wherever it goes."""
    _running.text -= characters
    if _running.text < 0:
        raise TooCostly("the result is too long")


def weigh(value: Any, most: int = LONGEST) -> int:
    """About how many characters a value is as text. Raises ``TooCostly`` for one that is too large or too deep."""
    if isinstance(value, str):
        total = len(value)
        _check(total, most)
    else:
        total = _weigh_levels(value, most)
    spend(1 + total // CHARACTERS_A_STEP)
    return total


def _weigh_levels(value: Any, most: int) -> int:
    total, depth, level = 0, 0, [value]
    while level:
        depth += 1
        if depth > DEEPEST:
            raise TooCostly(f"a value is nested deeper than {DEEPEST}")
        below: list[Any] = []
        for each in level:
            total += _own_weight(each, below)
            _check(total + EACH * len(below), most)
        level = below
    return total


def _own_weight(value: Any, below: list[Any]) -> int:
    """What a value weighs without what it contains, which is added to ``below``."""
    if isinstance(value, str):
        return EACH + len(value)
    if isinstance(value, _PLAIN):
        return EACH
    if isinstance(value, int):
        if value.bit_length() > MOST_BITS:
            raise TooCostly("a number is too large")
        return EACH + value.bit_length() // 3
    if isinstance(value, dict):
        below.extend(value.keys())
        below.extend(value.values())
    elif isinstance(value, (list, tuple, set, frozenset)):
        below.extend(value)
    elif isinstance(value, Namespace):
        below.extend(object.__getattribute__(value, "_Namespace__attrs").values())
    return EACH


def _check(size: int, most: int = LONGEST) -> None:
    if size > most:
        raise TooCostly(f"a value of {size} characters is longer than {most}")


def weighed(value: Any) -> Any:
    """The value, once it is known not to be too large."""
    weigh(value)
    return value


def check_product(*factors: int) -> None:
    """Raises ``TooCostly`` when a text of so many parts of that size would be too long."""
    size = 1
    for factor in factors:
        size *= max(0, factor)
    _check(size)


def items(values: Iterable[Any]) -> list[Any]:
    """The items to go through, at most ``MOST_ITEMS``."""
    found = list(islice(values, MOST_ITEMS + 1))
    if len(found) > MOST_ITEMS:
        raise TooCostly(f"there are more than {MOST_ITEMS} items to go through")
    spend(1 + len(found) // 10)
    return found


def check_format(text: str, arguments: Any, mark: str) -> None:
    """Raises ``TooCostly`` for a format whose result would be too long; ``mark`` begins each of its fields."""
    if _NESTED_FIELD.search(text) if mark == "{" else "*" in text:
        raise TooCostly("the width of a field may not be a value")
    widths = sum(min(LONGEST, int(digits[:8])) for digits in _DIGITS.findall(text))
    _check(len(text) + widths + text.count(mark) * weigh(arguments))


def check_power(base: Any, exponent: Any) -> None:
    """Raises ``TooCostly`` for a power of whole numbers that would be too large."""
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * exponent > MOST_BITS:
        raise TooCostly("a number is too large")


def check_times(left: Any, right: Any) -> None:
    """Raises ``TooCostly`` for a product, or a text or list repeated, that would be too large."""
    if isinstance(left, int) and isinstance(right, int):
        if left.bit_length() + right.bit_length() > MOST_BITS:
            raise TooCostly("a number is too large")
        return
    for value, times in ((left, right), (right, left)):
        if isinstance(times, int) and isinstance(value, (str, bytes, list, tuple)):
            check_product(weigh(value), times)


def check_depth_of_indented(value: Any, indent: int) -> None:
    """Raises ``TooCostly`` for JSON that would be too long for its indentation alone."""
    depth, level, size = 0, [value], 0
    while level:
        depth += 1
        size += len(level) * depth * indent
        _check(size)
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                below.extend(each.values())
            elif isinstance(each, (list, tuple)):
                below.extend(each)
        level = below
