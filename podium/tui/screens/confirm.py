"""The question before an act: what it changes, how much that matters, and the command that does the same."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from podium.client.nouns.printing import on_one_line
from podium.tui.acts import Risk

NAMED = 8
"""How many of many are named."""
FRAME = 17
"""Lines that everything else in the box takes."""


class Confirm(ModalScreen[bool]):
    """Yes or no. Little risk: enter or `y`. More: `y` alone. Many at once: their number is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "no", show=False),
        Binding("c", "copy", "copy the command", show=False),
    ]

    def __init__(
        self,
        question: str,
        names: Sequence[str],
        risk: Risk,
        command: str,
        note: str = "",
        help_text: str = "",
    ) -> None:
        super().__init__()
        self.question, self.names, self.risk, self.command = question, list(names), risk, command
        self.note, self.help_text = note, help_text
        self.typed = ""

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(classes=f"box {self.risk.name.lower()}"):
            yield Static(self.question, classes="question", markup=False)
            if self.help_text:
                yield Static(self.help_text, classes="dim", markup=False)
            if len(self.names) > 1:
                most = min(NAMED, max(2, self.app.size.height - FRAME))
                named = [f"  {on_one_line(name)}" for name in self.names[:most]]
                named += [f"  … and {len(self.names) - most:,} more"] if len(self.names) > most else []
                yield Static("\n".join(named), markup=False)
            if self.note:
                yield Static(self.note, classes="dim", markup=False)
            yield Static(f"$ {self.command}", classes="command", markup=False)
            yield Static(self.answers(), classes="answers", markup=False)

    def answers(self) -> str:
        """What may be pressed."""
        copy = "c copy the command"
        if self.risk is Risk.HUGE:
            return f"Type {len(self.names)} and enter: {self.typed}_   esc no   {copy}"
        return f"{'enter or y' if self.risk is Risk.LOW else 'y'} yes   n or esc no   {copy}"

    def on_key(self, event: events.Key) -> None:
        """Yes, in the way that the risk asks for."""
        if self.risk is Risk.HUGE:
            self._type(event)
        elif event.key == "y" or (event.key == "enter" and self.risk is Risk.LOW):
            event.stop()
            self.dismiss(True)

    def _type(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            if self.typed == str(len(self.names)):
                self.dismiss(True)
        elif event.key == "backspace":
            self.typed = self.typed[:-1]
        elif event.character and event.character.isdigit():
            self.typed += event.character
        self.query_one(".answers", Static).update(self.answers())

    def action_answer(self, answer: bool) -> None:
        """No."""
        self.dismiss(answer)

    def action_copy(self) -> None:
        """Puts the command where the terminal keeps what is copied."""
        self.app.copy_to_clipboard(self.command)
        self.app.notify("Copied the command.")
