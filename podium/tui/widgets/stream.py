"""Lines that keep coming, the newest at the bottom. Only those in sight are read, and the oldest are forgotten."""

from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, ClassVar, Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from podium.client.nouns.fitting import GAP, cut, padded, width_of
from podium.client.nouns.printing import on_one_line

MOST: Final = 2_000
MOST_SIZE: Final = 32_000_000
"""Characters of all lines that are kept, as they came."""
NAME_PART: Final = 0.46
NAME_LEAST, NAME_MOST = 20, 48


class Told(NamedTuple):
    """A line as it is read: when, what in which tone, and about what."""

    moment: str
    what: str
    about: str
    tone: str = ""


class Stream(ScrollView, can_focus=True):
    """Items with a cursor. While that is on the last one it stays there when others come."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"stream--{name}" for name in ("cursor", "moment", "about", "good", "bad", "warning", "busy", "idle")
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,ctrl+b", "turn(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+f", "turn(1)", "Page down", show=False),
        Binding("home,g", "go(0)", "First", show=False),
        Binding("end,G", "go(-1)", "Last", show=False),
        Binding("enter", "open", "Open", show=False),
    ]

    class Opened(Message):
        """The item under the cursor is chosen."""

    class Moved(Message):
        """The cursor stands on another item."""

    def __init__(self, read: Callable[[Any], Told], **options: Any) -> None:
        """``read`` makes a line of an item when it is painted."""
        super().__init__(**options)
        self.items: deque[Any] = deque()
        self.cursor = 0
        self.follows = True
        self._read = read
        self._kept = 0
        self._styles: dict[str, Style] = {}

    # What is shown

    def add(self, items: Iterable[Any]) -> None:
        """Shows further items below; the oldest go when there are too many."""
        before = len(self.items)
        self.items.extend(items)
        self._kept += sum(map(_size, islice(self.items, before, None)))
        gone = 0
        while len(self.items) > MOST or (self._kept > MOST_SIZE and len(self.items) > 1):
            self._kept -= _size(self.items.popleft())
            gone += 1
        self._place(gone)

    def clear(self) -> None:
        """Forgets all items."""
        self.items.clear()
        self._kept, self.follows = 0, True
        self._place(0)

    def _place(self, gone: int) -> None:
        """Keeps the cursor on its item, or on the last one, when so many went before it."""
        self.virtual_size = Size(self.size.width, len(self.items))
        last = max(0, len(self.items) - 1)
        if self.follows:
            self.cursor = last
            self._turn_to(last - self.page + 1)
        elif gone:
            self.cursor = max(0, self.cursor - gone)
            self._turn_to(round(self.scroll_offset.y) - gone)
        self.refresh()

    @property
    def current(self) -> Any:
        """The item under the cursor; None where there is none."""
        return self.items[self.cursor] if 0 <= self.cursor < len(self.items) else None

    @property
    def page(self) -> int:
        """Lines that fit."""
        return max(1, self.size.height)

    def _turn_to(self, y: int) -> None:
        self.scroll_to(y=max(0, y), animate=False, immediate=True, force=True)

    def on_resize(self, event: events.Resize) -> None:
        """Others are in sight."""
        self._place(0)

    # Keys

    def action_move(self, by: int) -> None:
        """Moves the cursor."""
        self.move_to(self.cursor + by)

    def action_turn(self, by: int) -> None:
        """Moves the cursor by a screen."""
        self.move_to(self.cursor + by * self.page)

    def action_go(self, to: int) -> None:
        """Moves the cursor to the first or last item."""
        self.move_to(to if to >= 0 else len(self.items) - 1)

    def action_open(self) -> None:
        """Chooses the item under the cursor."""
        if self.current is not None:
            self.post_message(self.Opened())

    def move_to(self, index: int) -> None:
        """Puts the cursor on an item, which comes into sight."""
        last = max(0, len(self.items) - 1)
        before, self.cursor = self.cursor, max(0, min(index, last))
        self.follows = self.cursor == last
        top = round(self.scroll_offset.y)
        if self.cursor < top:
            self._turn_to(self.cursor)
        elif self.cursor >= top + self.page:
            self._turn_to(self.cursor - self.page + 1)
        else:
            for at in (before, self.cursor):
                self.refresh(Region(0, at - top, self.size.width, 1))
        self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor there, a second one opens."""
        at = round(self.scroll_offset.y) + event.y
        if at >= len(self.items):
            return
        if at == self.cursor and event.chain > 1:
            self.action_open()
        else:
            self.move_to(at)

    # Painting

    def notify_style_update(self) -> None:
        """Colours of another theme."""
        super().notify_style_update()
        self._styles.clear()

    def _style(self, name: str) -> Style:
        if name not in self._styles:
            self._styles[name] = self.get_component_rich_style(f"stream--{name}")
        return self._styles[name]

    def render_line(self, y: int) -> Strip:
        """A line of the screen."""
        width = self.scrollable_content_region.width
        at = round(self.scroll_offset.y) + y
        if at >= len(self.items):
            return Strip.blank(width, self.rich_style)
        told = self._read(self.items[at])
        base = self.rich_style + self._style("cursor") if at == self.cursor else self.rich_style
        size = max(NAME_LEAST, min(NAME_MOST, int(width * NAME_PART)))
        styles = [base + Style(color=self._style(name).color) if name else base for name in ("moment", told.tone)]
        what, room = on_one_line(told.what), width - 1 - width_of(told.moment) - size - 2 * len(GAP)
        segments = [
            Segment(f" {told.moment}{GAP}", styles[0]),
            Segment(padded(cut(what, size), size) if told.about else what, styles[1]),
            Segment(f"{GAP}{cut(on_one_line(told.about), room)}", base),
        ]
        return Strip(segments).adjust_cell_length(width, base)


def _size(item: Any) -> int:
    return len(item) if isinstance(item, str) else 1_000
