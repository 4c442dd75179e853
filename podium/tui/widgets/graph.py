"""What the runs of a graph waited for: a line each, below the last of those."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich.segment import Segment
from rich.style import Style

from podium.client.nouns.cells import duration
from podium.client.nouns.fitting import cut, padded, width_of
from podium.client.nouns.printing import on_one_line
from podium.tui.layering import Placed
from podium.tui.widgets.nodes import Nodes, seconds_of, shortened, sign_of

NAMED: Final = 3
"""How many of what a run waited for are named."""


class Graph(Nodes):
    """The graph of a flow run. What the run under the cursor waited for and what waits for it stands out."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._lines: Sequence[Placed] = ()
        self._names: Mapping[str, str] = {}
        self._parents: Mapping[str, frozenset[str]] = {}
        self._width = 0

    def show(self, lines: Sequence[Placed], until: datetime | None = None) -> None:
        """Shows the lines of a graph; ``until`` is the end of the flow run, once it is over."""
        self._lines = lines
        nodes = [line.node for line in lines]
        self._names = {node.id: on_one_line(node.label) for node in nodes}
        self._parents = {node.id: frozenset(edge.id for edge in node.parents) for node in nodes}
        self._width = max((len(line.branches) + width_of(line.node.label) for line in lines), default=0)
        self.hold(nodes, until)

    def move_to(self, index: int) -> None:
        """Puts the cursor on a run, and marks those it hangs together with."""
        super().move_to(index)
        self.refresh()

    def head(self, width: int) -> str:
        """The heads."""
        name, _ = self._widths(width)
        return f"  {padded('RUN', name)}  {'STATE':<10}  {'TOOK':>9}  ALSO AFTER"

    def _widths(self, width: int) -> tuple[int, int]:
        """Cells for names with their branches, and for what they waited for."""
        rest = width - 2 - 2 - 10 - 2 - 9 - 2
        name = max(8, min(self._width, rest - min(24, rest // 3)))
        return name, max(0, rest - name)

    def row(self, at: int, width: int, base: Style) -> list[Segment]:
        """Branches, name, state, how long it took, and what it waited for besides what it stands below."""
        line, node = self._lines[at], self._lines[at].node
        name, rest = self._widths(width)
        tone = self.toned(node.state_type, base)
        branches = line.branches
        if len(branches) > name // 2:
            branches = "…" + branches[-(name // 2) :]
        took = duration(seconds_of(node, self.now()))
        return [
            Segment(f"{sign_of(node.state_type)} ", tone),
            Segment(branches, self.colored("waiting", base)),
            Segment(
                padded(shortened(self._names[node.id], name - len(branches)), name - len(branches)),
                base + self._related(node),
            ),
            Segment(f"  {node.state_type.capitalize():<10}", tone),
            Segment(f"  {took:>9}", base),
            Segment(f"  {cut(self._waited_for(line), rest)}", self.colored("waiting", base)),
        ]

    def _related(self, node: Any) -> Style:
        """How a run stands out that the one under the cursor waited for, or that waits for it."""
        current = self.current
        if current is None or node.id == current.id:
            return Style.null()
        together = node.id in self._parents[current.id] or current.id in self._parents[node.id]
        return Style(bold=True, underline=True) if together else Style.null()

    def _waited_for(self, line: Placed) -> str:
        names = [self._names[each] for each in line.others[:NAMED]]
        more = len(line.others) - len(names)
        return ", ".join([*names, f"{more} more"] if more > 0 else names)
