"""Fitting columns to a width: what terminal tables and the dashboard share.

Columns that may be cut lose their ends first, then those of the highest rank go; what is needed to act on a row is
never touched.
"""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from podium.client.nouns.noun import Column

GAP: Final = "  "
READABLE: Final = 24  # cells a cut column keeps while there are minor columns to give up
SHORTEST: Final = 10  # and while there are any
NARROWEST: Final = 4


def fit(columns: Sequence[Column], widths: Sequence[int], room: int) -> tuple[list[int], list[int]]:
    """Which columns are shown, by their place, and how wide each column is."""
    shown = list(range(len(columns)))
    for least, rank in ((READABLE, 2), (SHORTEST, 1)):
        fitted = _shrunk(columns, widths, shown, room, least)
        last = max(shown, key=lambda at: columns[at].rank)
        while _excess(fitted, shown, room) > 0 and columns[last].rank >= rank:
            shown.remove(last)
            fitted = _shrunk(columns, widths, shown, room, least)
            last = max(shown, key=lambda at: columns[at].rank)
    fitted = _shrunk(columns, fitted, shown, room, NARROWEST)
    foldable = [at for at in shown if columns[at].kind != "id"]
    if (more := _excess(fitted, shown, room)) > 0 and foldable:
        widest = max(foldable, key=lambda at: fitted[at])
        fitted[widest] = max(NARROWEST, fitted[widest] - more)
    return shown, fitted


def _excess(widths: Sequence[int], shown: Sequence[int], room: int) -> int:
    """By how much the columns shown are wider than the room."""
    return sum(widths[at] for at in shown) + len(GAP) * (len(shown) - 1) - room


def _shrunk(columns: Sequence[Column], widths: Sequence[int], shown: Sequence[int], room: int, least: int) -> list[int]:
    """The widths once the widest columns that may be cut gave what is missing, keeping ``least`` each."""
    widths = list(widths)
    while (more := _excess(widths, shown, room)) > 0:
        able = [at for at in shown if columns[at].cut and widths[at] > max(least, len(columns[at].name))]
        if not able:
            break
        widest = max(able, key=lambda at: widths[at])
        second = max((widths[at] for at in able if at != widest), default=0)
        floor = max(least, len(columns[widest].name), min(second, widths[widest] - 1))
        widths[widest] = max(floor, widths[widest] - more)
    return widths


def width_of(text: str) -> int:
    """Cells of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    return sum(_width(char) for char in text)


@lru_cache(4096)
def _width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def padded(text: str, width: int) -> str:
    """The text with spaces up to so many cells."""
    return text + " " * (width - width_of(text))


def cut(text: str, width: int) -> str:
    """The text in so many cells, its end left out where it is longer."""
    return text if width_of(text) <= width else f"{head(text, width - 1)}…"


def head(text: str, width: int) -> str:
    """As much of the text as so many cells take."""
    if text.isascii():
        return text[: max(width, 0)]
    taken = 0
    for at, char in enumerate(text):
        taken += _width(char)
        if taken > width:
            return text[:at]
    return text
