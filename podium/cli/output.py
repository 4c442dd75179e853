"""What commands say on stdout; nothing else writes there.

On a terminal tables have colour and fit its width; anywhere else they are plain columns that nothing cuts off.
"""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TextIO

from podium.client.nouns.printing import on_one_line, printable

if TYPE_CHECKING:
    from podium.client.nouns.noun import Column

Format = Literal["table", "json", "jsonl", "csv", "yaml", "name"]


_BETWEEN_WORDS: Any = {"break_long_words": False, "break_on_hyphens": False, "replace_whitespace": False}


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

    def raw(self, text: str) -> None:
        """Write a text as it is, for programs."""
        self.stream.write(text)

    def json(self, value: Any) -> None:
        """Write a value as indented JSON."""
        # Loaded on use: commands that only print lines start without it.
        import msgspec

        self.stream.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")

    def data(self, value: Any, format: Format, names: Sequence[str] = ("name", "id")) -> None:  # noqa: A002
        """Write a value for a program, in any format but `table`; `names` are the fields that `name` looks for.

        A value that is a list has a line for each item in the formats that go by lines.
        """
        # Loaded on use, as above.
        from podium.cli.formats import written

        if format == "json":
            self.json(value)
        else:
            for text in written(value, format, names):
                self.stream.write(text)

    def table(self, columns: "Sequence[str | Column]", rows: Iterable[Sequence[str]]) -> None:
        """Write rows under a heading."""
        # Loaded on use, as above.
        from podium.cli.table import Terminal, fitted_table, plain_table
        from podium.client.nouns.noun import Column

        heads = [Column(column) if isinstance(column, str) else column for column in columns]
        cells = [[on_one_line(cell) for cell in row] for row in rows]
        if self.is_terminal:
            lines = fitted_table(heads, cells, Terminal(self.width, self.style.colors, self.style.wrap))
        else:
            lines = plain_table(heads, cells)
        for line in lines:
            self.stream.write(f"{line}\n")

    def folded(self, text: str, indent: int = 0) -> list[str]:
        """The lines of a text, on a terminal broken between words to leave room for so many cells before them."""
        lines = text.split("\n")
        if not (self.is_terminal and self.style.wrap):
            return lines
        # Loaded on use, as above.
        from textwrap import wrap

        room = max(self.width - indent, 20)
        return [part for line in lines for part in wrap(line, room, **_BETWEEN_WORDS) or [""]]

    @property
    def width(self) -> int:
        """Cells from side to side of the terminal."""
        import shutil

        return shutil.get_terminal_size().columns
