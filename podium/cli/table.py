"""Tables: plain columns in a pipe; on a terminal fitted to its width, with colour.

On a terminal, columns that may be cut lose their ends first, then those of the highest rank go; what is needed to act
on a row is never touched, and a last column that is still too wide is folded.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from podium.client.nouns.noun import Column

GAP: Final = "  "
READABLE: Final = 20  # cells a cut column keeps while there are minor columns to give up
SHORTEST: Final = 10  # and while there are any
NARROWEST: Final = 4

BOLD: Final = "\x1b[1m"
RESET: Final = "\x1b[0m"
_GREEN, _RED, _YELLOW, _BLUE, _GREY = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[34m", "\x1b[90m"
_STATES: Final = {
    **dict.fromkeys(("completed", "ready", "online", "cached", "running well"), _GREEN),
    **dict.fromkeys(("failed", "crashed", "timedout", "not ready", "late", "failing"), _RED),
    **dict.fromkeys(("cancelled", "cancelling", "paused", "suspended", "awaitingretry", "retrying"), _YELLOW),
    **dict.fromkeys(("running", "pending"), _BLUE),
    **dict.fromkeys(("scheduled", "offline", "rolledback"), _GREY),
}


class Terminal(NamedTuple):
    """What is written to: its width in cells, whether with colour, and whether lines have to fit (``wrap``)."""

    width: int
    colors: bool
    wrap: bool = True


def plain_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table that nothing cuts off."""
    heading = [column.name.upper() for column in columns]
    widths = [max(map(width_of, cells)) for cells in zip(heading, *rows, strict=True)]
    for row in [heading, *rows]:
        yield GAP.join(map(_padded, row, widths)).rstrip()


def fitted_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], terminal: Terminal) -> Iterator[str]:
    """The lines of a table for a terminal; columns of the second rank in which nothing stands are left out."""
    kept = [at for at, column in enumerate(columns) if not column.rank or any(row[at] for row in rows)]
    columns, rows = [columns[at] for at in kept], [[row[at] for at in kept] for row in rows]
    heading = [column.name.upper() for column in columns]
    widths = [max(map(width_of, cells)) for cells in zip(heading, *rows, strict=True)]
    shown, widths = fit(columns, widths, terminal.width if terminal.wrap else 10**6)
    bold, reset = (BOLD, RESET) if terminal.colors else ("", "")
    yield f"{bold}{GAP.join(_padded(_cut(heading[at], widths[at]), widths[at]) for at in shown).rstrip()}{reset}"
    for row in rows:
        cells = [_cells(row[at], columns[at], widths[at]) for at in shown]
        for line in range(max(map(len, cells))):
            parts = []
            for at, lines in zip(shown, cells, strict=True):
                text = lines[line] if line < len(lines) else ""
                parts.append(_coloured(_padded(text, widths[at]), columns[at], terminal.colors))
            yield GAP.join(parts).rstrip()


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


def _width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _padded(text: str, width: int) -> str:
    return text + " " * (width - width_of(text))


def _cut(text: str, width: int) -> str:
    """The text in so many cells, its end left out where it is longer."""
    return text if width_of(text) <= width else f"{_head(text, width - 1)}…"


def _head(text: str, width: int) -> str:
    taken = 0
    for at, char in enumerate(text):
        taken += _width(char)
        if taken > width:
            return text[:at]
    return text


def _cells(text: str, column: Column, width: int) -> list[str]:
    """The lines of a cell: one, unless it has to be folded."""
    if column.cut or column.kind == "id" or width_of(text) <= width:
        return [_cut(text, width) if column.cut else text]
    lines = []
    while text:
        head = _head(text, width) or text[0]
        if len(head) < len(text) and text[len(head)] != " " and (space := head.rfind(" ")) > 0:
            head = head[:space]
        lines.append(head.rstrip())
        text = text[len(head) :].lstrip()
    return lines


def _coloured(text: str, column: Column, colors: bool) -> str:
    if not colors or column.kind != "state":
        return text
    colour = _STATES.get(text.strip().lower(), "")
    return f"{colour}{text}{RESET}" if colour else text
