"""Rows that are runs of a graph: the cursor stays on its run, and its state has a sign and a colour."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.strip import Strip

from podium.client.nouns.cells import tone_of
from podium.client.nouns.fitting import head, width_of
from podium.tui.widgets.rows import Rows

SIGNS: Final = {
    "COMPLETED": "✓",
    "FAILED": "✗",
    "CRASHED": "✗",
    "RUNNING": "●",
    "CANCELLING": "⊘",
    "CANCELLED": "⊘",
    "PAUSED": "‖",
}
WAITING: Final = "○"
NOT_BEGUN: Final = frozenset({"SCHEDULED", "PENDING"})
NOTHING: Final = "  There are no task runs and no subflows."


def sign_of(state_type: str) -> str:
    """One cell that tells the state, also where there are no colours."""
    return SIGNS.get(state_type, WAITING)


def seconds_of(node: Any, now: datetime) -> float:
    """How long a run took, or takes so far; none for one that has not begun."""
    if node.state_type in NOT_BEGUN:
        return 0.0
    took: float = ((node.end_time or now) - node.start_time).total_seconds()
    return max(0.0, took)


def shortened(text: str, width: int) -> str:
    """The text in so many cells; its middle is left out, since names of runs differ in their ends."""
    if width_of(text) <= width:
        return text
    tail = width // 2 - 1
    while width_of(end := text[len(text) - tail :]) > width // 2:
        tail -= 1
    return f"{head(text, width - 1 - width_of(end))}…{end}"


class Nodes(Rows):
    """Nodes of a graph, a row each; a search goes from one with a text in its name to the next."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "next(1)", "Next found", show=False, system=True),
        Binding("N", "next(-1)", "Previous found", show=False, system=True),
    ]

    search = ""
    nodes: Sequence[Any] = ()
    grows = False
    """Whether some run is under way or waits."""
    is_known = False
    until: datetime | None = None
    """When the flow run ended: nothing in it goes on after that, also where nobody told how a task run ended."""

    def hold(self, nodes: Sequence[Any], until: datetime | None) -> None:
        """Has these nodes as rows; the cursor stays on its node."""
        current = self.current
        self.nodes, self.total, self.until, self.is_known = nodes, len(nodes), until, True
        self.grows = until is None and any(each.end_time is None and each.state_type != "SCHEDULED" for each in nodes)
        if current is not None:
            places = [at for at, node in enumerate(nodes) if node.id == current.id]
            self.cursor = places[0] if places else min(self.cursor, self.last)
        self.virtual_size = Size(self.size.width, self.total + 1)
        self.refresh()

    def now(self) -> datetime:
        """Up to when what has not ended goes on."""
        return self.until or datetime.now(UTC)

    @property
    def current(self) -> Any:
        """The node under the cursor; None where there is none."""
        return self.nodes[self.cursor] if self.can_open else None

    def find(self, text: str) -> int:
        """Goes to the next node with this text in its name, from here; how many have it."""
        self.search = text.lower()
        found = self._places()
        if found:
            self.action_next(0)
        self.refresh()
        return len(found)

    def _places(self) -> list[int]:
        return [at for at, node in enumerate(self.nodes) if self.search in node.label.lower()] if self.search else []

    def action_next(self, by: int) -> None:
        """Goes to the next or previous node that is searched for."""
        places = self._places()
        if by < 0:
            places = [*(at for at in places if at >= self.cursor), *(at for at in places if at < self.cursor)][-1:]
        else:
            places = [*(at for at in places if at >= self.cursor + by), *places]
        if places:
            self.move_to(places[0])

    def on_resize(self, event: events.Resize) -> None:
        """There is more or less room."""
        self.virtual_size = Size(self.size.width, self.total + 1)
        self.keep_in_sight()

    def toned(self, state_type: str, base: Style) -> Style:
        """The colour of a state on a row."""
        return self.colored(tone_of(state_type) or "", base)

    def colored(self, name: str, base: Style) -> Style:
        """A row's style in the colour of this name."""
        return base + Style(color=self.style(name).color) if name else base

    def render_line(self, y: int) -> Strip:
        """The head, or the row that is there."""
        width = self.room
        if y == 0:
            style = self.style("head")
            head = self.head(width) if self.nodes else NOTHING if self.is_known else ""
            return Strip([Segment(head, style)]).adjust_cell_length(width, style)
        at = round(self.scroll_offset.y) + y - 1
        if at >= self.total:
            return Strip.blank(width, self.rich_style)
        base = self.rich_style + (self.style("cursor") if at == self.cursor else Style.null())
        return Strip(self.row(at, width, base)).adjust_cell_length(width, base)

    def head(self, width: int) -> str:
        """The text of the head."""
        raise NotImplementedError

    def row(self, at: int, width: int, base: Style) -> list[Segment]:
        """The pieces of a row."""
        raise NotImplementedError
