"""Rows under a head, with a cursor: what tables, timelines and graphs have in common."""

from typing import Any, ClassVar

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.scroll_view import ScrollView


class Rows(ScrollView, can_focus=True):
    """``total`` rows, one of which the cursor is on. A subclass paints them in ``render_line``, the head at 0."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--head",
        "table--cursor",
        "table--marked",
        "table--waiting",
        "table--good",
        "table--bad",
        "table--warning",
        "table--busy",
        "table--idle",
    }

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, system=True),
        Binding("down,j", "move(1)", "Down", show=False, system=True),
        Binding("pageup,ctrl+b", "turn(-1)", "Page up", show=False, system=True),
        Binding("pagedown,ctrl+f", "turn(1)", "Page down", show=False, system=True),
        Binding("home,g", "go(0)", "First", show=False, system=True),
        Binding("end,G", "go(-1)", "Last", show=False, system=True),
        Binding("enter", "open", "Open", show=False, system=True),
    ]

    class Opened(Message):
        """The row under the cursor is chosen."""

    class Moved(Message):
        """The cursor stands on another row."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.total = 0
        self.cursor = 0
        self._styles: dict[str, Style] = {}

    @property
    def room(self) -> int:
        """Cells of a line, known at once: what the compositor tells may be that of the layout before."""
        return max(0, self.outer_size.width - self.styles.gutter.width - self.scrollbar_gutter.width)

    @property
    def page(self) -> int:
        """Rows that fit."""
        return max(1, self.size.height - 1)

    @property
    def last(self) -> int:
        """The last row the cursor may be on."""
        return max(0, self.total - 1)

    @property
    def can_open(self) -> bool:
        """Whether there is a row under the cursor."""
        return self.cursor < self.total

    # Keys

    def action_move(self, by: int) -> None:
        """Moves the cursor."""
        self.move_to(self.cursor + by)

    def action_turn(self, by: int) -> None:
        """Moves the cursor by a screen."""
        self.move_to(self.cursor + by * self.page)

    def action_go(self, to: int) -> None:
        """Moves the cursor to the first or last row."""
        self.move_to(to if to >= 0 else self.total - 1)

    def action_open(self) -> None:
        """Chooses the row under the cursor."""
        if self.can_open:
            self.post_message(self.Opened())

    def move_to(self, index: int) -> None:
        """Puts the cursor on a row, which comes into sight."""
        index = max(0, min(index, self.last))
        if index == self.cursor:
            return
        before, self.cursor = self.cursor, index
        if not self.keep_in_sight():
            for at in (before, index):
                self.refresh_row(at)
        self.post_message(self.Moved())
        self.look()

    def keep_in_sight(self) -> bool:
        """Scrolls to the cursor where that is needed; whether it was."""
        top = round(self.scroll_offset.y)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True)
        elif self.cursor >= top + self.page:
            self.scroll_to(y=self.cursor - self.page + 1, animate=False, immediate=True)
        else:
            return False
        return True

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other rows come into sight."""
        super().watch_scroll_y(old_value, new_value)
        self.look()

    def look(self) -> None:
        """Other rows are in sight, or may be."""

    # Mouse

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor there, a second one opens."""
        at = round(self.scroll_offset.y) + event.y - 1
        if event.y < 1 or at >= self.total:
            return
        if at == self.cursor and event.chain > 1:
            self.action_open()
        else:
            self.move_to(at)

    # Painting

    def refresh_row(self, index: int) -> None:
        """Paints a row anew."""
        y = index - round(self.scroll_offset.y) + 1
        if 1 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def notify_style_update(self) -> None:
        """Colours of another theme."""
        super().notify_style_update()
        self._styles.clear()

    def style(self, name: str) -> Style:
        """The style of this name: head, cursor, or a tone."""
        if name not in self._styles:
            self._styles[name] = self.get_component_rich_style(f"table--{name}")
        return self._styles[name]
