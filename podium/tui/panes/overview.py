"""A flow run in short: what it is, why it waits if it does, and the states it was in."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from textual.app import ComposeResult

from podium.client.errors import NotFound
from podium.client.nouns.noun import endpoint
from podium.client.nouns.proposing import TERMINAL
from podium.tui.explaining import reason_lines
from podium.tui.panes.pane import Pane
from podium.tui.screens.detail import detail_lines, json_lines, table_lines
from podium.tui.widgets.text import LineOfText, Part, Text

if TYPE_CHECKING:
    from podium.client.api import Client
    from podium.wire.explain import Explanation

FIRST = 7
"""Columns told before the reasons: what it is and how it is."""


class Told(NamedTuple):
    """The states of a run, and the reasons where it is not over."""

    states: Sequence[Any] = ()
    explanation: "Explanation | None" = None


class Overview(Pane):
    """Lines about the run."""

    def __init__(self) -> None:
        super().__init__()
        self._told = Told()

    def compose(self) -> ComposeResult:
        """The text alone."""
        yield Text()

    @property
    def searched(self) -> Text:
        """The text."""
        return self.query_one(Text)

    def on_mount(self) -> None:
        """Shows what is known at once: the row of a list."""
        self.refresh_ages()

    def fetch(self, client: "Client", run: Any) -> Told:
        """The states and the reasons."""
        return Told(self.view.noun.sections[0].rows(client, run), _explanation(client, run))

    def show(self, told: Told) -> None:
        """Writes what is known."""
        self._told = told
        self.refresh_ages()

    def refresh_ages(self) -> None:
        """Writes it anew."""
        view = self.view
        self.searched.show(json_lines(view.row) if view.as_json else list(self._lines()))

    def _lines(self) -> Iterator[LineOfText]:
        now, noun, row, names = datetime.now(UTC), self.view.noun, self.view.row, self.view.names
        columns = [column for column in (*noun.columns, *noun.detail) if column.kind != "json"]
        width = max(len(column.name) for column in columns) + 2
        yield from detail_lines(columns[:FIRST], row, names, now, width)
        if self._told.explanation is not None:
            reasons = [each for each in self._told.explanation.reasons if each.code != "running"]
            for number, reason in enumerate(reasons):
                yield from reason_lines(reason, "also" if number else "why", width)
        yield from detail_lines(columns[FIRST:], row, names, now, width)
        if self._told.states:
            yield ()
            yield (Part("States", "title"),)
            yield from table_lines(noun.sections[0].columns, self._told.states, names, now)


def _explanation(client: "Client", run: Any) -> "Explanation | None":
    """Why it is where it is; None for one that is over, and from servers that do not tell."""
    if run.state_type in TERMINAL:
        return None
    try:
        explanation: Explanation = client.call(endpoint("explain.EXPLAIN"), id=run.id)
    except NotFound:
        return None
    return explanation
