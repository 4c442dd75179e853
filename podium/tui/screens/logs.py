"""The log of a run as it grows."""

from collections.abc import Iterator
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from podium.client.nouns.noun import Noun
from podium.tui.owners import open_owner
from podium.tui.panes.logs import LogPane
from podium.tui.screens.view import View


class Logs(View):
    """Its lines alone."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search"),
        Binding("J", "owner", "owner", show=False),
    ]

    def __init__(self, noun: Noun, row: Any) -> None:
        super().__init__()
        self.noun, self.row = noun, row
        self.pane = LogPane()
        self.heading = f"Log of {row.name}"
        self.concerns = (f"prefect.{noun.name}.",)
        self.about = (f"prefect.{noun.name}.{row.id}",)

    def body(self) -> Iterator[Widget]:
        """The lines."""
        yield self.pane

    def on_mount(self) -> None:
        """Keys are for the lines."""
        self.pane.text.focus()

    async def load(self) -> None:
        """The state of the run, and what it logged."""
        noun, row, pane = self.noun, self.row, self.pane

        def fetch(client: Any) -> Any:
            fresh = noun.find(client, row.id)
            pane.fetch(client, fresh)
            return fresh

        try:
            self.row = await self.ask(fetch)
        finally:
            pane.show(None)
        self.told = self.row.state_name or ""

    def _attend(self) -> None:
        super()._attend()
        if self.is_seen:
            self.pane.attend()

    def _ignore(self) -> None:
        super()._ignore()
        self.pane.leave()

    def action_search(self) -> None:
        """Asks for a text to find."""
        self.dashboard.prompt("/", self.pane.search, (), self.search)

    def search(self, text: str) -> str | None:
        """Finds a text; says so where it is not there."""
        return None if self.pane.find(text) or not text else f"{text!r} is not here."

    def action_owner(self) -> None:
        """Opens what the run belongs to."""
        open_owner(self, self.noun, self.row)

    def action_back(self) -> None:
        """Ends a search; then goes back."""
        if self.pane.search:
            self.pane.find("")
        else:
            super().action_back()
