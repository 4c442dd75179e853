"""A flow run: what it is, when and in which order its tasks ran, what it was given, what it made and what it logged."""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from importlib import import_module
from typing import Any, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.timer import Timer
from textual.widget import Widget

from podium.client.errors import NotFound
from podium.client.nouns.noun import Names, Noun, joined
from podium.client.nouns.proposing import TERMINAL
from podium.client.nouns.registry import noun_of
from podium.tui.owners import open_thing
from podium.tui.panes.overview import Overview
from podium.tui.panes.pane import Pane
from podium.tui.screens.detail import Detail
from podium.tui.widgets.panebar import PaneBar
from podium.tui.widgets.rows import Rows
from podium.tui.widgets.text import Searched

PANES: Final = (
    ("Overview", "overview.Overview"),
    ("Timeline", "timeline.TimelinePane"),
    ("Graph", "graph.GraphPane"),
    ("Parameters", "parameters.Parameters"),
    ("Artifacts", "artifacts.Artifacts"),
    ("Logs", "logs.LogPane"),
)
OVERVIEW = 0
ECHO: Final = 1.5
"""Seconds after an event until it is stored as well: task runs are written from their events, after these are told."""
LOOK_EVERY: Final = 10
"""Seconds between looks at a run that goes on: states that are set by HTTP have no events."""
CONCERNS: Final = ("prefect.flow-run.", "prefect.task-run.", "prefect.artifact-collection.")


class Run(Detail):
    """The parts of it, one of which is seen; each is made when it is first chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"choose({number - 1})", name, show=False) for number, (name, _) in enumerate(PANES, 1)),
        Binding("tab", "turn(1)", "next"),
        Binding("shift+tab", "turn(-1)", "previous", show=False),
        Binding("l", "choose(5)", "logs", show=False),
    ]

    def __init__(self, noun: Noun, row: Any) -> None:
        super().__init__(noun, row)
        self.concerns = CONCERNS
        self.about = (f"prefect.flow-run.{row.id}",)
        self.panes: dict[int, Pane] = {OVERVIEW: Overview()}
        self.at = OVERVIEW
        self._ticking: Timer | None = None
        self._echo: Timer | None = None
        self._seconds = 0
        self._loaded = time.monotonic()

    def body(self) -> Iterator[Widget]:
        """The names of the parts, and the first of them."""
        yield PaneBar(tuple(name for name, _ in PANES))
        yield Vertical(self.pane, id="panes")

    @property
    def pane(self) -> Pane:
        """The part that is seen."""
        return self.panes[self.at]

    @property
    def searched(self) -> Searched | None:
        """What `/` searches in the part that is seen."""
        return self.pane.searched

    # Choosing a part

    async def action_choose(self, at: int) -> None:
        """Shows another part."""
        if at == self.at:
            return
        if at not in self.panes:
            module, _, name = PANES[at][1].partition(".")
            made: Pane = getattr(import_module(f"podium.tui.panes.{module}"), name)()
            made.display = False
            await self.query_one("#panes").mount(made)
            self.panes[at] = made
        self.pane.leave()
        self.pane.display = False
        self.at = at
        self.pane.display = True
        self._focus()
        self.show_state()
        self.pane.attend()
        self.reload()

    def _focus(self) -> None:
        for widget in self.pane.query("*"):
            if widget.can_focus:
                widget.focus(scroll_visible=False)
                return

    async def action_turn(self, by: int) -> None:
        """Shows the next part or the one before."""
        await self.action_choose((self.at + by) % len(PANES))

    async def on_pane_bar_chosen(self, message: PaneBar.Chosen) -> None:
        """Its name was clicked."""
        await self.action_choose(message.at)

    def action_json(self) -> None:
        """Shows the run as JSON, or as lines again."""
        self.as_json = not self.as_json or self.at != OVERVIEW
        if self.at == OVERVIEW:
            self.pane.refresh_ages()
        else:
            self.run_worker(self.action_choose(OVERVIEW), group="choose")

    # Loading

    async def load(self) -> None:
        """The run as it is now, and what the part that is seen shows."""
        noun, row, names, pane = self.noun, self.row, self.names, self.pane

        def fetch(client: Any) -> tuple[Any, Names, Any]:
            fresh = noun.find(client, row.id)
            known = all(getattr(fresh, join.attribute) in (None, *names.get(join.name, ())) for join in noun.joins)
            return fresh, names if known else joined(client, noun, [fresh], detail=True), pane.fetch(client, fresh)

        try:
            self.row, self.names, told = await self.ask(fetch)
        except NotFound:
            self.told = "deleted"
            raise
        self._loaded = time.monotonic()
        self.heading = f"{noun.words.capitalize()} {noun.told(self.row, self.names)}"
        self.show_state()
        pane.show(told)

    def found(self, nodes: Sequence[Any]) -> None:
        """Listens to what happens to these subflows too; their events do not name the run."""
        subflows = (f"prefect.flow-run.{node.id}" for node in nodes if node.kind == "flow-run" and not node.end_time)
        about = (self.about[0], *subflows)
        if about != self.about:
            self.about = about
            if self._listening is not None:
                self._listening.stop()
                self._listening = self.listen()

    def show_state(self) -> None:
        """Tells how the run is and how long it took, or takes so far."""
        state, took = self.row.state_name or "", float(self.row.estimated_run_time or 0)
        if self.is_under_way:
            took += time.monotonic() - self._loaded
        self.query_one(PaneBar).show(self.at, state, took)

    @property
    def is_under_way(self) -> bool:
        """Whether the time that it takes goes on."""
        return bool(self.row.state_type == "RUNNING")

    @property
    def is_over(self) -> bool:
        """Whether nothing happens to it by itself any more."""
        return self.row.state_type in TERMINAL

    @property
    def ended(self) -> datetime | None:
        """When it ended; None for one that is not over."""
        return self.row.end_time if self.is_over else None

    def refresh_ages(self) -> None:
        """Tells ages anew."""
        self.pane.refresh_ages()

    # Being seen

    def _attend(self) -> None:
        super()._attend()
        if self.is_seen and self._ticking is None:
            self._ticking = self.set_interval(1.0, self._tick)
            self.pane.attend()

    def _ignore(self) -> None:
        super()._ignore()
        self.pane.leave()
        for timer in (self._ticking, self._echo):
            if timer is not None:
                timer.stop()
        self._ticking = self._echo = None

    def rung(self) -> None:
        """Something happened to it; what follows from that is seen with a second look."""
        super().rung()
        if self._echo is not None:
            self._echo.stop()
        self._echo = self.set_timer(ECHO, super().rung)

    def _tick(self) -> None:
        self._seconds += 1
        if self.is_under_way:
            self.show_state()
            if self._seconds % LOOK_EVERY == 0:
                self.reload(now=False)
        self.pane.tick()

    # Opening

    def on_rows_opened(self, message: Rows.Opened) -> None:
        """Opens a task run or subflow."""
        node = getattr(self.searched, "current", None)
        if node is not None:
            open_thing(self, noun_of(node.kind), node.id)
