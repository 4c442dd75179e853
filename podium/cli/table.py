"""Tables: plain columns in a pipe; on a terminal fitted to its width, with colour.

On a terminal, columns that may be cut lose their ends first, then those of the highest rank go; what is needed to act
on a row is never touched, and a last column that is still too wide is folded.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from podium.client.nouns.cells import Tone, tone_of
from podium.client.nouns.fitting import GAP, cut, fit, head, padded, width_of
from podium.client.nouns.noun import Column

BOLD: Final = "\x1b[1m"
RESET: Final = "\x1b[0m"
_GREEN, _RED, _YELLOW, _BLUE, _GREY = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[34m", "\x1b[90m"
_TONES: Final[dict[Tone, str]] = {"good": _GREEN, "bad": _RED, "warning": _YELLOW, "busy": _BLUE, "idle": _GREY}


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
        yield GAP.join(map(padded, row, widths)).rstrip()


def fitted_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], terminal: Terminal) -> Iterator[str]:
    """The lines of a table for a terminal; columns of the second rank in which nothing stands are left out."""
    kept = [at for at, column in enumerate(columns) if not column.rank or any(row[at] for row in rows)]
    columns, rows = [columns[at] for at in kept], [[row[at] for at in kept] for row in rows]
    heading = [column.name.upper() for column in columns]
    widths = [max(map(width_of, cells)) for cells in zip(heading, *rows, strict=True)]
    shown, widths = fit(columns, widths, terminal.width if terminal.wrap else 10**6)
    bold, reset = (BOLD, RESET) if terminal.colors else ("", "")
    yield f"{bold}{GAP.join(padded(cut(heading[at], widths[at]), widths[at]) for at in shown).rstrip()}{reset}"
    for row in rows:
        cells = [_cells(row[at], columns[at], widths[at]) for at in shown]
        for line in range(max(map(len, cells))):
            parts = []
            for at, lines in zip(shown, cells, strict=True):
                text = lines[line] if line < len(lines) else ""
                parts.append(_coloured(padded(text, widths[at]), columns[at], terminal.colors))
            yield GAP.join(parts).rstrip()


def _cells(text: str, column: Column, width: int) -> list[str]:
    """The lines of a cell: one, unless it has to be folded."""
    if column.cut or column.kind == "id" or width_of(text) <= width:
        return [cut(text, width) if column.cut else text]
    lines = []
    while text:
        first = head(text, width) or text[0]
        if len(first) < len(text) and text[len(first)] != " " and (space := first.rfind(" ")) > 0:
            first = first[:space]
        lines.append(first.rstrip())
        text = text[len(first) :].lstrip()
    return lines


def _coloured(text: str, column: Column, colors: bool) -> str:
    if not colors or column.kind != "state":
        return text
    tone = tone_of(text)
    return f"{_TONES[tone]}{text}{RESET}" if tone else text
