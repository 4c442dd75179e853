"""What a flow run was given: parameters, job variables, labels, and the inputs it was sent."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult

from podium.client.nouns.noun import endpoint
from podium.tui.panes.pane import Pane
from podium.tui.screens.detail import json_lines
from podium.tui.widgets.text import LineOfText, Part, Text

if TYPE_CHECKING:
    from podium.client.api import Client

MOST = 200
"""Inputs that are shown."""


class Parameters(Pane):
    """JSON under titles."""

    def compose(self) -> ComposeResult:
        """The text alone."""
        yield Text()

    @property
    def searched(self) -> Text:
        """The text."""
        return self.query_one(Text)

    def fetch(self, client: "Client", run: Any) -> Sequence[Any]:
        """The inputs."""
        body = {"prefix": "", "limit": MOST}
        inputs: Sequence[Any] = client.call(endpoint("flow_runs.FILTER_INPUT"), body, id=run.id)
        return inputs

    def show(self, told: Sequence[Any]) -> None:
        """Writes all of it."""
        self.searched.show(list(self._lines(told)))

    def _lines(self, inputs: Sequence[Any]) -> Iterator[LineOfText]:
        row = self.view.row
        yield (Part("Parameters", "title"),)
        yield from json_lines(row.parameters or {})
        for title, value in (("Job variables", row.job_variables), ("Labels", row.labels), ("Context", row.context)):
            if value:
                yield ()
                yield (Part(title, "title"),)
                yield from json_lines(value)
        for each in inputs:
            yield ()
            sender = f" from {each.sender}" if each.sender else ""
            yield (Part(f"Input {each.key}{sender}", "title"),)
            yield from _value(each.value)


def _value(text: str) -> Iterator[LineOfText]:
    """A value as JSON where it is, else as it is."""
    import msgspec

    try:
        yield from json_lines(msgspec.json.decode(text))
    except msgspec.DecodeError:
        yield from ((Part(line),) for line in text.split("\n"))
