"""A part of a screen: a line that tells what it is and how it is, and a table below."""

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from podium.client.nouns.fitting import cut, width_of
from podium.client.nouns.noun import Column
from podium.client.nouns.printing import on_one_line
from podium.tui.widgets.table import Line, Table


class PaneTitle(Widget):
    """The line above: the name, and what is told of it in a tone."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"pane--{name}" for name in ("name", "dim", "good", "bad", "warning")}
    can_focus = False

    def __init__(self, name: str) -> None:
        super().__init__()
        self.pane_name, self.told, self.tone = name, "…", "dim"

    def tell(self, told: str, tone: str = "dim") -> None:
        """Shows another text."""
        self.told, self.tone = on_one_line(told), tone
        self.refresh()

    def render(self) -> Text:
        """The line, cut where it does not fit."""
        name = f" {self.pane_name}  "
        told = cut(self.told, max(0, self.size.width - width_of(name)))
        styles = [self.get_component_rich_style(f"pane--{each}", partial=True) for each in ("name", self.tone)]
        return Text.assemble((name, styles[0]), (told, styles[1]))


class Pane(Vertical):
    """A title and a table. What fails in it is told in its title; the rows it had stay."""

    def __init__(self, name: str, columns: Sequence[Column], *, bare: bool = False, **options: Any) -> None:
        """One that is ``bare`` has its table when it is furnished, so that the frame of a screen is painted before."""
        super().__init__(**options)
        self._bare = bare
        self.title = PaneTitle(name)
        self.table = Table(columns)
        self.rows: dict[str, Any] = {}

    def compose(self) -> ComposeResult:
        """Title and table."""
        yield self.title
        if not self._bare:
            yield self.table

    async def furnish(self) -> None:
        """Puts the table below the title, where it is not there yet."""
        if not self.table.is_attached:
            await self.mount(self.table)

    def show(self, rows: Sequence[tuple[Any, Line]], told: str, tone: str = "dim") -> None:
        """Shows rows with the things that they stand for."""
        self.rows = {line.key: row for row, line in rows}
        self.title.tell(told, tone)
        self.table.show(0, [line for _, line in rows], len(rows))

    def fail(self, error: Exception) -> None:
        """Says what went wrong."""
        self.title.tell(str(error), "bad")

    @property
    def current(self) -> Any:
        """What the row under the cursor stands for; None where there is none."""
        line = self.table.current
        return self.rows.get(line.key) if line else None
