"""An editor on the screen, for where the terminal cannot be handed over to another: in a browser."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea


class Editor(ModalScreen[str | None]):
    """A text to change; None when it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "save", priority=True),
        Binding("escape", "leave", "leave", priority=True),
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def compose(self) -> ComposeResult:
        """The text."""
        with Vertical(classes="page"):
            yield TextArea(self.text, show_line_numbers=True, tab_behavior="indent", compact=True)
            yield Static("^s save and close   esc leave it as it is", classes="answers", markup=False)

    def action_save(self) -> None:
        """The text as it is now."""
        self.dismiss(self.query_one(TextArea).text)

    def action_leave(self) -> None:
        """Nothing."""
        self.dismiss(None)
