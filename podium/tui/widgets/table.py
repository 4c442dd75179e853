"""A table of which only a window of rows is held; the rest is asked for when it comes into sight."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from podium.client.nouns.cells import tone_of
from podium.client.nouns.fitting import GAP, cut, fit, padded, width_of
from podium.client.nouns.noun import Column
from podium.client.nouns.printing import on_one_line
from podium.tui.widgets.rows import Rows

ID_RANK: Final = 9
LONGEST: Final = 400
"""Characters of a cell that are looked at; no screen shows more."""
MARK: Final = "● "
PLAIN: Final = "  "


class Line(NamedTuple):
    """A row as it is shown: its key and the text of each column."""

    key: str
    cells: tuple[str, ...]


def screen_columns(columns: Sequence[Column]) -> list[int]:
    """The places of columns in the order of a screen: ids last, where they are the first to go."""
    places = range(len(columns))
    return [at for at in places if columns[at].kind != "id"] + [at for at in places if columns[at].kind == "id"]


class Table(Rows):
    """Rows under their heads with a cursor. Who owns it answers `Wanted` with `show`.

    One that ``is_open`` has more rows than are known; its ``total`` then counts one that is not there yet.
    """

    class Wanted(Message):
        """Rows from ``first`` on are about to be seen and are not there."""

        def __init__(self, first: int) -> None:
            super().__init__()
            self.first = first

    class Opened(Rows.Opened):
        """The row under the cursor is chosen."""

    class Moved(Rows.Moved):
        """The cursor stands on another row."""

    def __init__(self, columns: Sequence[Column], **options: Any) -> None:
        super().__init__(**options)
        order = screen_columns(columns)
        self._places = order
        self.columns = [
            columns[at]._replace(rank=ID_RANK, cut=False) if columns[at].kind == "id" else columns[at] for at in order
        ]
        self.first = 0
        self.lines: list[Line] = []
        self.marked: set[str] = set()
        self.is_open = False
        self._asked: int | None = None
        self._shown: list[int] = []
        self._widths: list[int] = []

    # What is shown

    def show(self, first: int, lines: Sequence[Line], total: int | None) -> None:
        """Holds these rows from ``first`` on in place of the others; ``total`` is None where it is not known."""
        held = {line.key: at for at, line in enumerate(lines)}
        at = self.current
        self.lines = [
            Line(line.key, tuple(on_one_line(line.cells[place][:LONGEST]) for place in self._places)) for line in lines
        ]
        self.first, self.is_open, self._asked = first, total is None, None
        self.total = first + len(lines) + 1 if total is None else total
        if at is not None and at.key in held and abs(first + held[at.key] - self.cursor) < self.page:
            self.cursor = first + held[at.key]  # stays on its row when others come before it
        self.cursor = max(0, min(self.cursor, self.total - 1))
        self._measure()
        self.refresh()
        self.look()

    @property
    def current(self) -> Line | None:
        """The row under the cursor, if it is held."""
        at = self.cursor - self.first
        return self.lines[at] if 0 <= at < len(self.lines) else None

    @property
    def last(self) -> int:
        """The last row that is there."""
        return max(0, self.total - (2 if self.is_open else 1))

    @property
    def can_open(self) -> bool:
        """Whether the row under the cursor is held."""
        return self.current is not None

    def _measure(self) -> None:
        """Chooses the columns that fit and their widths."""
        self.virtual_size = Size(self.size.width, max(0, self.total) + 1)
        cells = [line.cells for line in self.lines]
        kept = [
            at
            for at, column in enumerate(self.columns)
            if not column.rank or column.rank == ID_RANK or not cells or any(row[at] for row in cells)
        ]
        widths = [max([width_of(self.columns[at].name.upper()), *(width_of(row[at]) for row in cells)]) for at in kept]
        room = self.room - len(PLAIN)
        shown, fitted = fit([self.columns[at] for at in kept], widths, max(room, 10))
        self._shown = [kept[at] for at in shown]
        self._widths = [fitted[at] for at in shown]

    def on_resize(self, event: events.Resize) -> None:
        """Other columns may fit."""
        self._measure()
        self.keep_in_sight()
        self.look()

    def watch_show_vertical_scrollbar(self) -> None:
        """A scrollbar takes a cell of each row, of which no resize tells."""
        self._measure()

    def look(self) -> None:
        """Asks for rows that are in sight, or next to it, and not held."""
        if not self.total:
            return
        top = round(self.scroll_offset.y)
        low, high = max(0, top), min(top + self.page, self.total)
        last = self.first + len(self.lines)
        if low >= self.first and (high <= last or (last >= self.total)):
            return
        wanted = max(0, low - self.page // 2)
        if wanted != self._asked:
            self._asked = wanted
            self.post_message(self.Wanted(wanted))

    def mark(self) -> None:
        """Marks the row under the cursor, or takes its mark away, and goes on."""
        line = self.current
        if line is not None:
            self.marked ^= {line.key}
            self.refresh_row(self.cursor)
            self.action_move(1)

    # Painting

    def render_line(self, y: int) -> Strip:
        """A line of the screen: the heads, or the row that is there."""
        width = self.room
        if y == 0:
            heads = [
                cut(self.columns[at].name.upper(), size) for at, size in zip(self._shown, self._widths, strict=True)
            ]
            text = PLAIN + GAP.join(map(padded, heads, self._widths))
            return Strip([Segment(text, self.style("head"))]).adjust_cell_length(width, self.style("head"))
        index = round(self.scroll_offset.y) + y - 1
        if index >= self.total - (1 if self.is_open else 0):
            return Strip.blank(width, self.rich_style)
        at = index - self.first
        if not 0 <= at < len(self.lines):
            return Strip([Segment("  …", self.style("waiting"))]).adjust_cell_length(width, self.rich_style)
        return self._row(self.lines[at], width, chosen=index == self.cursor)

    def _row(self, line: Line, width: int, *, chosen: bool) -> Strip:
        marked = line.key in self.marked
        base = self.rich_style
        if marked:
            base += self.style("marked")
        if chosen:
            base += self.style("cursor")
        segments = [Segment(MARK if marked else PLAIN, base)]
        for number, (at, size) in enumerate(zip(self._shown, self._widths, strict=True)):
            text = line.cells[at]
            tone = tone_of(text) if self.columns[at].kind == "state" else None
            style = base + Style(color=self.style(tone).color, bold=chosen) if tone else base
            gap = GAP if number else ""
            segments.append(Segment(gap, base))
            segments.append(Segment(padded(cut(text, size), size), style))
        return Strip(segments).adjust_cell_length(width, base)
