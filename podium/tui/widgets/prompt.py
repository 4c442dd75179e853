"""The line that `:` and `/` open."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Static


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


class Prompt(ModalScreen[str | None]):
    """A line to type in, below the view; None when it was left. `tab` takes what is suggested."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "close", show=False),
        Binding("tab", "complete", "complete", show=False, priority=True),
    ]

    def __init__(self, sign: str, text: str, words: Sequence[str], wrong: str = "") -> None:
        """``wrong`` is what is wrong with the text that stands there already."""
        super().__init__()
        self.sign, self.text, self.words, self.wrong = sign, text, words, wrong
        self._is_there = False
        self._answer: str | None = None

    def compose(self) -> ComposeResult:
        """The line, and above it what is wrong with it or what there is."""
        above = self.wrong or ("" if self.text else " ".join(self.words))
        yield Static(above, id="above", classes="bad" if self.wrong else "", markup=False)
        with Horizontal(id="prompt"):
            yield Static(self.sign, id="sign", markup=False)
            yield Input(self.text, suggester=LastWord(self.words), compact=True, select_on_focus=False)

    def take_key(self, event: events.Key) -> None:
        """Takes a key that went elsewhere, since the line was not there yet: whoever types does not wait for it."""
        if event.key == "enter":
            if not self._is_there:
                self._answer = self.text
            elif self.focused is None:
                self.dismiss(self.query_one(Input).value)
        elif event.is_printable and event.character and self._answer is None:
            if self._is_there:
                self.query_one(Input).insert_text_at_cursor(event.character)
            else:
                self.text += event.character

    def on_mount(self) -> None:
        """It may be typed in already, and answered."""
        self._is_there = True
        field = self.query_one(Input)
        field.value, field.cursor_position = self.text, len(self.text)
        if self._answer is not None:
            self.dismiss(self._answer)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """What was typed is the answer."""
        event.stop()
        self.dismiss(event.value)

    def action_complete(self) -> None:
        """Takes what is suggested."""
        for field in self.query(Input):
            field.action_cursor_right()

    def action_leave(self) -> None:
        """Nothing is asked for."""
        self.dismiss(None)
