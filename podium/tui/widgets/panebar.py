"""The names of the parts of a screen, and how the run is."""

from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.message import Message

from podium.client.nouns.cells import duration, tone_of
from podium.client.nouns.fitting import width_of
from podium.tui.widgets.bars import Bar


class PaneBar(Bar):
    """``1 Overview  2 Timeline …`` on the left, a state and how long it took on the right."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"bar--warning", "bar--idle", "bar--chosen"}

    class Chosen(Message):
        """A name was clicked."""

        def __init__(self, at: int) -> None:
            super().__init__()
            self.at = at

    def __init__(self, names: tuple[str, ...], **options: Any) -> None:
        super().__init__(**options)
        self.names, self.at = names, 0
        self.state, self.seconds = "", 0.0

    def show(self, at: int, state: str, seconds: float) -> None:
        """Tells which part is seen and how the run is."""
        self.at, self.state, self.seconds = at, state, seconds
        self.refresh()

    def render(self) -> Text:
        """The line; the state takes what room there is."""
        line = Text(" ")
        for at, (key, name) in enumerate(self._labels()):
            chosen = at == self.at
            line += self.styled(key, "chosen" if chosen else "key") + self.styled(name, "chosen" if chosen else "dim")
            line += Text(" ")
        told = f"● {self.state} {duration(self.seconds)}".rstrip() if self.state else ""
        for text in (told, f"● {self.state}", "●") if told else ():
            room = self.size.width - line.cell_len - width_of(text) - 1
            if room >= 0:
                return line + Text(" " * room) + self.styled(text, tone_of(self.state) or "dim")
        return line

    def _labels(self) -> list[tuple[str, str]]:
        return [(str(number), f" {name}") for number, name in enumerate(self.names, 1)]

    def on_click(self, event: events.Click) -> None:
        """Chooses the name that is there."""
        left = 1
        for at, (key, name) in enumerate(self._labels()):
            left += len(key) + len(name) + 1
            if event.x < left:
                self.post_message(self.Chosen(at))
                return
