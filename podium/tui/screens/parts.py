"""A thing above, and the lists that belong to it below as tables to move in: a pool with its queues and workers."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from textual.containers import Vertical
from textual.widget import Widget

from podium.client.nouns.cells import cell
from podium.client.nouns.noun import Names, Noun, Section
from podium.client.nouns.registry import noun_of
from podium.tui.screens.detail import Detail, detail_lines, json_lines
from podium.tui.screens.view import View
from podium.tui.views import screen_of
from podium.tui.widgets.pane import Pane
from podium.tui.widgets.table import Line
from podium.tui.widgets.text import LineOfText, Text

FACTS = 0.4
"""How much of the screen what is told of the thing itself takes at the most."""


class Parts(Detail):
    """`tab` goes from table to table, `enter` opens the row under the cursor."""

    AUTO_FOCUS: ClassVar[str | None] = ""

    def __init__(self, noun: Noun, row: Any) -> None:
        super().__init__(noun, row)
        self.concerns = (*self.concerns, *(f"prefect.{each.noun}." for each in self.sections if each.noun))

    def body(self) -> Iterator[Widget]:
        """What is told of it, and a pane for each list."""
        panes = [Pane(section.name.capitalize(), section.columns, classes="part") for section in self.sections]
        yield Vertical(Text(classes="facts"), *panes, classes="parts")

    async def load(self) -> None:
        """The thing and its lists as they are now."""
        for pane in self.panes:
            await pane.furnish()
        if self.focused is None and self.panes:
            self.panes[0].table.focus(scroll_visible=False)
        await super().load()

    @property
    def panes(self) -> list[Pane]:
        """The panes, in the order of the sections."""
        return list(self.query(Pane))

    def facts(self) -> Iterator[LineOfText]:
        """The lines above."""
        yield from detail_lines((*self.noun.columns, *self.noun.detail), self.row, self.names, datetime.now(UTC))

    def show(self) -> None:
        """Writes what is known; with JSON there are no tables."""
        self.set_class(self.as_json, "-json")
        if self.as_json:
            super().show()
            self.text.styles.height = "1fr"
            return
        self.text.show(list(self.facts()))
        self.text.styles.height = max(1, min(self.text.virtual_size.height, int(self.size.height * FACTS)))
        for section, pane, rows in zip(self.sections, self.panes, self.parts, strict=True):
            pane.show(self._lines_of(section, rows), f"{len(rows):,}" if rows else "none")
            pane.styles.max_height = len(rows) + 2 if rows else 1

    def _lines_of(self, section: Section, rows: Sequence[Any]) -> list[tuple[Any, Line]]:
        now, columns, names = datetime.now(UTC), section.columns, self.names
        return [
            (row, Line(str(row.id), tuple(cell(each.of(row, names), each.kind, now) for each in columns)))
            for row in rows
        ]

    def on_table_opened(self) -> None:
        """Opens the row of the table that has the cursor."""
        for section, pane in zip(self.sections, self.panes, strict=True):
            if pane.table is self.focused and pane.current is not None:
                self.open_part(section, pane.current)

    def open_part(self, section: Section, row: Any) -> None:
        """Opens a row of a list; one that is no noun's is shown as it is."""
        if section.noun:
            self.dashboard.push_screen(screen_of(noun_of(section.noun), row))
        else:
            self.dashboard.push_screen(Shown(section, row, self.names, self.heading))


class Shown(View):
    """A row that has no screen of its own: its columns in full, and all that the server told of it."""

    def __init__(self, section: Section, row: Any, names: Names, of: str) -> None:
        super().__init__()
        self.section, self.row, self.names = section, row, names
        self.heading = f"{section.name.capitalize()}: {of}"

    def body(self) -> Iterator[Widget]:
        """The text alone."""
        yield Text()

    async def load(self) -> None:
        """Writes what is known; no server is asked."""
        facts = detail_lines(self.section.columns, self.row, self.names, datetime.now(UTC))
        self.query_one(Text).show([*facts, (), *json_lines(self.row)])
