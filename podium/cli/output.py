"""What commands say on stdout; nothing else writes there.

On a terminal tables have colour and fit its width; anywhere else they are plain columns that nothing cuts off.
"""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple, TextIO

Format = Literal["table", "json"]
Columns = Sequence[str]


class Style(NamedTuple):
    """How a terminal is written to."""

    colors: bool = True
    wrap: bool = True


class Output:
    """Writes to stdout. `style` is asked for when a terminal is first written to."""

    def __init__(self, style: Callable[[], Style] = Style, environ: Mapping[str, str] | None = None) -> None:
        self._style = style
        self._environ = os.environ if environ is None else environ

    @property
    def stream(self) -> TextIO:
        """The stdout of this moment."""
        return sys.stdout

    @property
    def is_terminal(self) -> bool:
        """Whether a person reads along."""
        return self.stream.isatty() and self._environ.get("TERM") != "dumb"

    @cached_property
    def style(self) -> Style:
        """Colour and wrapping, as set and as NO_COLOR allows."""
        style = self._style()
        return style._replace(colors=style.colors and not self._environ.get("NO_COLOR"))

    def line(self, text: str = "") -> None:
        """Write a line."""
        self.stream.write(f"{printable(text)}\n")

    def json(self, value: Any) -> None:
        """Write a value as indented JSON."""
        # Loaded on use: commands that only print lines start without it.
        import msgspec

        self.stream.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")

    def table(self, columns: Columns, rows: Iterable[Sequence[str]]) -> None:
        """Write rows under a heading."""
        cells = [[printable(cell) for cell in row] for row in rows]
        if self.is_terminal and self.style.colors:
            self._rich_table(columns, cells)
        else:
            self._plain_table(columns, cells)

    def _plain_table(self, columns: Columns, rows: list[list[str]]) -> None:
        heading = [column.upper() for column in columns]
        widths = [max(map(len, cells)) for cells in zip(heading, *rows, strict=True)]
        for row in [heading, *rows]:
            padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            self.stream.write("  ".join(padded).rstrip() + "\n")

    def _rich_table(self, columns: Columns, rows: list[list[str]]) -> None:
        # Loaded on use: rich takes as long to import as everything else a command needs.
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column.upper(), no_wrap=not self.style.wrap, overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        Console(file=self.stream, soft_wrap=not self.style.wrap).print(table)


def printable(text: str) -> str:
    """The text without control characters, which a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text)
