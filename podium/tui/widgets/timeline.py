"""When the runs of a graph ran: a bar each, on one scale of time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType

from podium.client.nouns.cells import duration
from podium.client.nouns.fitting import padded, width_of
from podium.client.nouns.printing import on_one_line
from podium.tui.timescale import Scale, bar, marks
from podium.tui.widgets.nodes import NOT_BEGUN, Nodes, seconds_of, shortened, sign_of

TOOK: Final = 9
"""Cells for how long it took."""
WAITS: Final = "┈"
ZOOM: Final = 2.0
BEGINS: Final = ("%Y-%m-%d %H:%M:%S UTC", "%H:%M:%S UTC", "%H:%M:%S")
"""How the moment that others are told from is written, as there is room beside the names."""


class Timeline(Nodes):
    """Bars by start and end. All of it is in sight until it is zoomed; then arrows move it, and the cursor does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("z", "zoom(True)", "zoom"),
        Binding("Z", "zoom(False)", "zoom out", show=False),
        Binding("0", "fit", "all of it", show=False),
        Binding("left", "pan(-1)", "earlier", show=False),
        Binding("right", "pan(1)", "later", show=False),
    ]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._zoomed: Scale | None = None
        self._zero = self._last = 0.0
        self._labels = 0

    def show(self, nodes: Sequence[Any], start: datetime | None, until: datetime | None = None) -> None:
        """Shows nodes in the order of their starts; moments are told from ``start``, or the first of them.

        ``until`` is the end of the flow run, once it is over.
        """
        begin = min((node.start_time for node in nodes), default=None)
        zero = start if start and (begin is None or start <= begin) else begin
        self._zero = zero.timestamp() if zero else 0.0
        self._last = max([self._zero, *(self._end(node, until or zero or datetime.now(UTC)) for node in nodes)])
        self._labels = max((width_of(node.label) for node in nodes), default=0)
        self.hold(nodes, until)

    # The scale

    def _label_width(self, width: int) -> int:
        return max(4, min(self._labels, max(width // 3, 16)))

    def scale(self, width: int, now: datetime) -> Scale:
        """The stretch of time that is in sight."""
        room = max(8, width - self._label_width(width) - TOOK - 4)
        if self._zoomed is not None:
            return self._zoomed._replace(width=room)
        return Scale(self._zero, max(self._last, now.timestamp()) if self.grows else self._last, room)

    @staticmethod
    def _end(node: Any, now: datetime) -> float:
        begun: float = node.start_time.timestamp()
        if node.end_time is not None:
            return float(node.end_time.timestamp())
        return begun if node.state_type == "SCHEDULED" else max(begun, now.timestamp())

    def action_zoom(self, nearer: bool) -> None:
        """Shows half or twice the time, around the run under the cursor."""
        node, now = self.current, self.now()
        if node is None:
            return
        scale = self.scale(self.size.width, now)
        start, end = node.start_time.timestamp(), self._end(node, now)
        around = min(max((start + end) / 2, scale.start), scale.end)
        self._zoomed = scale.zoomed(1 / ZOOM if nearer else ZOOM, around)
        self.refresh()

    def action_fit(self) -> None:
        """Shows all of the time."""
        self._zoomed = None
        self.refresh()

    def action_pan(self, by: int) -> None:
        """Shows a time earlier or later."""
        scale = self.scale(self.size.width, self.now())
        self._zoomed = scale.moved(by * scale.width / 4)
        self.refresh()

    def move_to(self, index: int) -> None:
        """Puts the cursor on a run; a time that is zoomed follows it."""
        super().move_to(index)
        node, now = self.current, self.now()
        if self._zoomed is None or node is None:
            return
        scale = self.scale(self.size.width, now)
        if not bar(scale, node.start_time.timestamp(), self._end(node, now))[1]:
            self._zoomed = scale.moved(scale.place(node.start_time.timestamp()) - scale.width / 4)
            self.refresh()

    # Painting

    def head(self, width: int) -> str:
        """The marks of the scale."""
        label, scale = self._label_width(width), self.scale(width, self.now())
        begin = datetime.fromtimestamp(self._zero, UTC)
        told = next((text for form in BEGINS if len(text := begin.strftime(form)) <= label), "")
        line = padded(f"  {told}", label + 3)
        for at, text in marks(scale, self._zero):
            gap = at + label + 3 - len(line)
            if gap >= 0:
                line += " " * gap + f"╷{text}"
        return line

    def row(self, at: int, width: int, base: Style) -> list[Segment]:
        """Sign, name, bar and how long it took."""
        node, now, label = self.nodes[at], self.now(), self._label_width(width)
        scale = self.scale(width, now)
        before, text = bar(scale, node.start_time.timestamp(), self._end(node, now))
        if node.state_type in NOT_BEGUN:
            text = WAITS * len(text)
        tone = self.toned(node.state_type, base)
        return [
            Segment(f"{sign_of(node.state_type)} ", tone),
            Segment(padded(shortened(on_one_line(node.label), label), label + 1), base),
            Segment(" " * before, base),
            Segment(padded(text, scale.width - before), tone),
            Segment(f"{duration(seconds_of(node, now)):>{TOOK}}", base),
        ]
