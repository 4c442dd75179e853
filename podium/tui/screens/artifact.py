"""An artifact: what it is, and what it holds as a terminal can show it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from textual.widget import Widget

from podium.client.nouns.noun import Noun
from podium.tui.screens.detail import Detail, detail_lines, json_lines
from podium.tui.widgets.artifact import ArtifactBody
from podium.tui.widgets.text import LineOfText, Searched, Text


class ArtifactDetail(Detail):
    """Its columns above, what it holds below; JSON in place of both."""

    def __init__(self, noun: Noun, row: Any) -> None:
        super().__init__(noun, row)
        self.concerns = ("prefect.artifact-collection.",)

    def body(self) -> Iterator[Widget]:
        """The columns and what it holds."""
        yield Text(id="columns")
        yield ArtifactBody()

    @property
    def text(self) -> Text:
        """The columns."""
        return self.query_one("#columns", Text)

    @property
    def searched(self) -> Searched | None:
        """JSON while it is shown, else what it holds."""
        texts = self.query_one(ArtifactBody).query(Text)
        return self.text if self.as_json else texts.last() if texts else None

    def show(self) -> None:
        """Writes what is known."""
        lines = json_lines(self.row) if self.as_json else list(self._lines())
        body = self.query_one(ArtifactBody)
        body.display = not self.as_json
        self.text.styles.height = "1fr" if self.as_json else len(lines) + 1
        self.text.show(lines)
        body.show(self.row)
        (self.text if self.as_json else self._focusable(body)).focus(scroll_visible=False)

    @staticmethod
    def _focusable(body: ArtifactBody) -> Widget:
        return next((widget for widget in body.query("*") if widget.can_focus), body)

    def _lines(self) -> Iterator[LineOfText]:
        columns = [column for column in (*self.noun.columns, *self.noun.detail) if column.name != "data"]
        yield from detail_lines(columns, self.row, self.names, datetime.now(UTC))
