"""Lines of text to scroll and search: details, JSON, differences, logs."""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from podium.client.nouns.fitting import head, width_of
from podium.client.nouns.printing import on_one_line


class Part(NamedTuple):
    """A piece of a line; ``tone`` is a name of the widget's styles: good, bad, warning, busy, idle, label, title."""

    text: str
    tone: str = ""


LineOfText = tuple[Part, ...]
"""A line: its pieces from left to right."""


class Searched(Protocol):
    """What `/` searches."""

    @property
    def search(self) -> str:
        """What is searched for."""

    def find(self, text: str) -> int:
        """Goes to a text from here, or forgets it where it is empty; how often it is there."""


class Text(ScrollView, can_focus=True):
    """Lines that fold to the width, with a search over them."""

    hangs = True
    """Whether what is folded begins below its text, beside its label."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "text--good",
        "text--bad",
        "text--warning",
        "text--busy",
        "text--idle",
        "text--label",
        "text--title",
        "text--found",
    }

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False, system=True),
        Binding("down,j", "scroll_down", "Down", show=False, system=True),
        Binding("pageup,ctrl+b", "page_up", "Page up", show=False, system=True),
        Binding("pagedown,ctrl+f", "page_down", "Page down", show=False, system=True),
        Binding("home,g", "scroll_home", "First", show=False, system=True),
        Binding("end,G", "scroll_end", "Last", show=False, system=True),
        Binding("n", "next(1)", "Next found", show=False, system=True),
        Binding("N", "next(-1)", "Previous found", show=False, system=True),
    ]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.lines: list[LineOfText] = []
        self.search = ""
        self.wrap = True
        self._folded: list[tuple[int, LineOfText]] = []
        self._styles: dict[str, Style] = {}
        self._width = 0

    @property
    def room(self) -> int:
        """Cells of a line, known at once: what the compositor tells may be that of the layout before."""
        return max(0, self.outer_size.width - self.styles.gutter.width - self.scrollbar_gutter.width)

    def show(self, lines: Sequence[LineOfText]) -> None:
        """Shows these lines in place of the others; the place on the screen stays."""
        self.lines = [_printable(line) for line in lines]
        self._fold()

    def add(self, lines: Sequence[LineOfText]) -> None:
        """Shows further lines below."""
        fresh = [_printable(line) for line in lines]
        start = len(self.lines)
        self.lines += fresh
        for number, line in enumerate(fresh, start):
            self._folded += [(number, part) for part in self._fold_line(line)]
        self.virtual_size = Size(self._width, len(self._folded))
        self.refresh()

    def _fold(self) -> None:
        self._width = max(10, self.room)
        self._folded = [(number, part) for number, line in enumerate(self.lines) for part in self._fold_line(line)]
        self.virtual_size = Size(self._width, len(self._folded))
        self.refresh()

    def _fold_line(self, line: LineOfText) -> list[LineOfText]:
        if not self.wrap or sum(width_of(part.text) for part in line) <= self._width:
            return [line]
        return folded(line, self._width, hanging(line, self._width) if self.hangs else 0)

    def on_resize(self, event: events.Resize) -> None:
        """Lines fold elsewhere."""
        if self.room != self._width:
            self._fold()

    def watch_show_vertical_scrollbar(self) -> None:
        """A scrollbar takes a cell of each line, of which no resize tells."""
        if self.room != self._width:
            self._fold()

    def action_scroll_up(self) -> None:
        """A line up."""
        self.move(-1)

    def action_scroll_down(self) -> None:
        """A line down."""
        self.move(1)

    def action_page_up(self) -> None:
        """A page up."""
        self.move(-self.scrollable_content_region.height)

    def action_page_down(self) -> None:
        """A page down."""
        self.move(self.scrollable_content_region.height)

    def move(self, by: int) -> None:
        """Scrolls by so many lines, at once: what Textual does frames later, lines that come before it undo."""
        if not self.allow_vertical_scroll:
            raise SkipAction
        self.scroll_to(y=round(self.scroll_offset.y) + by, animate=False, immediate=True)

    def find(self, text: str) -> int:
        """Marks a text wherever it stands and goes to its first place from here; how many lines have it."""
        self.search = text.lower()
        self.refresh()
        found = self._places()
        if found:
            self.action_next(0)
        return len(found)

    def _places(self) -> list[int]:
        if not self.search:
            return []
        return [y for y, (_, line) in enumerate(self._folded) if self.search in _plain(line).lower()]

    def action_next(self, by: int) -> None:
        """Goes to the next or previous place of what is searched."""
        places, at = self._places(), round(self.scroll_offset.y)
        if not places:
            return
        if by < 0:
            before = [y for y in places if y < at]
            self.scroll_to(y=before[-1] if before else places[-1], animate=False)
        else:
            after = [y for y in places if y >= at + (1 if by else 0)]
            self.scroll_to(y=after[0] if after else places[0], animate=False)

    def notify_style_update(self) -> None:
        """Colours of another theme."""
        super().notify_style_update()
        self._styles.clear()

    def _style(self, name: str) -> Style:
        if not name:
            return self.rich_style
        if name not in self._styles:
            self._styles[name] = self.rich_style + Style(
                color=(found := self.get_component_rich_style(f"text--{name}")).color,
                bold=found.bold,
                reverse=found.reverse,
                bgcolor=found.bgcolor if name == "found" else None,
            )
        return self._styles[name]

    def render_line(self, y: int) -> Strip:
        """A line of the screen."""
        width = self.room
        at = round(self.scroll_offset.y) + y
        if at >= len(self._folded):
            return Strip.blank(width, self.rich_style)
        _, line = self._folded[at]
        segments = [Segment(part.text, self._style(part.tone)) for part in line]
        if self.search and self.search in _plain(line).lower():
            segments = self._with_found(segments, _plain(line).lower())
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _with_found(self, segments: list[Segment], plain: str) -> list[Segment]:
        """The segments with every place of what is searched marked."""
        marks = bytearray(len(plain) + 1)
        start = plain.find(self.search)
        while start >= 0:
            marks[start : start + len(self.search)] = b"\x01" * len(self.search)
            start = plain.find(self.search, start + len(self.search))
        result: list[Segment] = []
        position = 0
        for segment in segments:
            run = ""
            for offset, char in enumerate(segment.text):
                here = marks[min(position + offset, len(plain))]
                if run and here != marks[min(position + offset - 1, len(plain))]:
                    result.append(self._found(run, segment.style, marks[min(position + offset - 1, len(plain))]))
                    run = ""
                run += char
            if run:
                end = min(position + len(segment.text) - 1, len(plain))
                result.append(self._found(run, segment.style, marks[end]))
            position += len(segment.text)
        return result

    def _found(self, text: str, style: Style | None, marked: int) -> Segment:
        return Segment(text, self._style("found") if marked else style)


def _plain(line: LineOfText) -> str:
    return "".join(part.text for part in line)


def _printable(line: LineOfText) -> LineOfText:
    return tuple(part._replace(text=on_one_line(part.text.replace("\t", "    "))) for part in line)


def hanging(line: LineOfText, width: int) -> int:
    """How far from the left a line goes on where it is folded, unless that leaves little room.

    Below its last piece, where that stands beside a label or in a row of a table; and as far in as that begins.
    """
    *before, last = line
    if before and before[-1].tone != "label" and not before[-1].text.isspace():
        return 0
    inner = len(last.text) - len(last.text.lstrip(" "))
    hang = sum(width_of(part.text) for part in before) + inner
    return hang if hang <= width // 2 else 0


def folded(line: LineOfText, width: int, hang: int = 0) -> list[LineOfText]:
    """The line as several that are no wider, all but the first ``hang`` cells from the left; words stay whole."""
    result: list[LineOfText] = []
    current: list[Part] = []
    room = width
    for part in line:
        text = part.text
        while text:
            taken = head(text, room)
            if len(taken) < len(text) and text[len(taken)] != " " and (space := taken.rfind(" ")) > 0:
                taken = taken[: space + 1]
            elif len(taken) < len(text) and current and text[: len(taken) + 1].find(" ") < 0 and room < width // 2:
                taken = ""
            if not taken and room == width - (hang if result else 0):
                taken = text[0]
            if taken:
                current.append(part._replace(text=taken))
                room -= width_of(taken)
                text = text[len(taken) :]
            if text:
                result.append(tuple(current))
                current, room = [Part(" " * hang)] if hang else [], width - hang
                text = text.lstrip(" ")
    return [*result, tuple(current)] if current or not result else result
