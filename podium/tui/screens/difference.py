"""What a change comes to, before it is made: the lines that differ and the same command; or what is wrong with it."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from podium.tui.widgets.text import LineOfText, Part, Text

Answer = Literal["yes", "again", "no"]


class Difference(ModalScreen[Answer]):
    """`y` makes the change, `e` goes back to the editor, anything else leaves all as it is.

    With a ``problem`` there is nothing to agree to.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer('no')", "no", show=False, priority=True),
        Binding("e", "answer('again')", "edit again", show=False),
        Binding("c", "copy", "copy the command", show=False),
    ]

    def __init__(self, question: str, lines: Sequence[LineOfText], command: str = "", problem: str = "") -> None:
        super().__init__()
        self.question, self.lines, self.command, self.problem = question, list(lines), command, problem

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(classes="box high"):
            yield Static(self.question, classes="question", markup=False)
            if self.problem:
                yield Static(self.problem, classes="problem", markup=False)
            if self.lines:
                yield Text(classes="difference")
            if self.command:
                yield Static(f"$ {self.command}", classes="command", markup=False)
            yield Static(self.answers(), classes="answers", markup=False)

    def on_mount(self) -> None:
        """Writes the lines."""
        for text in self.query(Text):
            text.show(self.lines)
            text.styles.height = min(len(self.lines), max(3, self.app.size.height - 14))

    def answers(self) -> str:
        """What may be pressed."""
        if self.problem:
            return "e edit again   n or esc leave it"
        return "y yes   e edit again   n or esc no   c copy the command"

    def on_key(self, event: events.Key) -> None:
        """Yes, by `y` alone."""
        if event.key == "y" and not self.problem:
            event.stop()
            self.dismiss("yes")

    def action_answer(self, answer: Answer) -> None:
        """Another answer."""
        self.dismiss(answer)

    def action_copy(self) -> None:
        """Puts the command where the terminal keeps what is copied."""
        if self.command:
            self.app.copy_to_clipboard(self.command)
            self.app.notify("Copied the command.")


def toned(lines: Sequence[str]) -> list[LineOfText]:
    """The lines of a unified difference in their colours."""
    tones = {"+": "good", "-": "bad", "@": "label"}
    return [(Part(line, tones.get(line[:1], "")),) for line in lines]
