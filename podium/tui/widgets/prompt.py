"""The line that `:` and `/` open."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Static

Done = Callable[[str], str | None]
"""Does what was typed; returns what is wrong with it, if anything."""


class LastWord(Suggester):
    """Completes the last word that is typed."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(use_cache=False, case_sensitive=False)
        self._words = words

    async def get_suggestion(self, value: str) -> str | None:
        """The whole line with its last word completed."""
        before, _, last = value.rpartition(" ")
        for word in self._words:
            if last and word.startswith(last) and word != last:
                return f"{before} {word}" if before else word
        return None


class Prompt(ModalScreen[None]):
    """A line to type in, below the view. `tab` takes what is suggested."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "close", show=False),
        Binding("tab", "complete", "complete", show=False, priority=True),
    ]

    def __init__(self, sign: str, text: str, words: Sequence[str], done: Done) -> None:
        super().__init__()
        self.sign, self.text, self.words, self.done = sign, text, words, done

    def compose(self) -> ComposeResult:
        """The line and what is wrong with it."""
        yield Static("", id="wrong", markup=False)
        with Horizontal(id="prompt"):
            yield Static(self.sign, id="sign", markup=False)
            yield Input(self.text, suggester=LastWord(self.words), compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        """The cursor stands behind the text; what there is is shown above."""
        if not self.text and self.words:
            self.tell(" ".join(self.words))

    def tell(self, text: str) -> None:
        """Shows a line above."""
        self.query_one("#wrong", Static).update(text)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Closes, unless something is wrong with it."""
        event.stop()
        wrong = self.done(event.value)
        if wrong:
            self.tell(wrong)
            self.query_one("#wrong", Static).add_class("bad")
        else:
            self.dismiss()

    def action_complete(self) -> None:
        """Takes what is suggested."""
        field: Any = self.query_one(Input)
        field.action_cursor_right()
