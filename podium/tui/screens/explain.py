"""Why a flow run is where it is, as it changes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widget import Widget

from podium.client.nouns.noun import Noun, endpoint
from podium.tui.explaining import explanation_lines
from podium.tui.owners import open_owner
from podium.tui.screens.detail import json_lines
from podium.tui.screens.view import View
from podium.tui.widgets.text import Text

if TYPE_CHECKING:
    from podium.wire.explain import Explanation

CAUSES_EVERY: Final = 5.0
"""Seconds between looks: workers go silent, slots lapse and clocks go on without an event."""


class Explain(View):
    """The causes that hold, the answer first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search"),
        Binding("c", "copy", "copy the fix"),
        Binding("y", "json", "json"),
        Binding("J", "owner", "owner", show=False),
    ]

    def __init__(self, noun: Noun, row: Any) -> None:
        super().__init__()
        self.noun, self.row = noun, row
        self.heading = f"Why {row.name} is where it is"
        self.concerns = ("prefect.flow-run.", "prefect.task-run.")
        self.about = (f"prefect.flow-run.{row.id}",)
        self.as_json = False
        self._explanation: Explanation | None = None
        self._looking: Timer | None = None

    def body(self) -> Iterator[Widget]:
        """The text alone."""
        yield Text()

    @property
    def text(self) -> Text:
        """The text."""
        return self.query_one(Text)

    async def load(self) -> None:
        """The causes as of now."""
        run_id = self.row.id
        known: Explanation = await self.ask(lambda client: client.call(endpoint("explain.EXPLAIN"), id=run_id))
        self._explanation = known
        self.told = f"as of {known.asked.astimezone(UTC):%H:%M:%S}"
        self.refresh_ages()

    def refresh_ages(self) -> None:
        """Writes what is known."""
        known = self._explanation
        if known is not None:
            lines = json_lines(known) if self.as_json else list(explanation_lines(known, datetime.now(UTC)))
            self.text.show(lines)

    def _attend(self) -> None:
        super()._attend()
        if self.is_seen and self._looking is None:
            self._looking = self.set_interval(CAUSES_EVERY, self.rung)

    def _ignore(self) -> None:
        super()._ignore()
        if self._looking is not None:
            self._looking.stop()
            self._looking = None

    def action_json(self) -> None:
        """Shows what the server told as JSON, or the lines again."""
        self.as_json = not self.as_json
        self.refresh_ages()

    def action_copy(self) -> None:
        """Copies the command of the first cause that has one."""
        reasons = self._explanation.reasons if self._explanation else ()
        fix = next((reason.fix for reason in reasons if reason.fix), None)
        if fix is None:
            self.dashboard.say("None of the causes has a command that changes it.")
        else:
            self.dashboard.copy_to_clipboard(fix)
            self.dashboard.say(f"Copied: {fix}")

    def action_search(self) -> None:
        """Asks for a text to find."""
        self.dashboard.prompt("/", self.text.search, (), self.search)

    def search(self, text: str) -> str | None:
        """Finds a text; says so where it is not there."""
        return None if self.text.find(text) or not text else f"{text!r} is not here."

    def action_owner(self) -> None:
        """Opens what the run belongs to."""
        open_owner(self, self.noun, self.row)

    def action_back(self) -> None:
        """Ends a search; then goes back."""
        if self.text.search:
            self.text.find("")
        else:
            super().action_back()
