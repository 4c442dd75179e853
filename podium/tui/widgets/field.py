"""A field of a form: its name, what is typed or chosen, what it takes, and what is wrong with it."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Select, Static

from podium.client.nouns.printing import on_one_line, printable


class Choice(Select[str], inherit_bindings=False):
    """A choice that `enter` opens; up and down go to other fields."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "show_overlay", "choose", show=False)]


class Field(Vertical):
    """One line to type in, or to choose from; ``name`` is what it is known by, ``label`` what is read."""

    def __init__(
        self,
        name: str,
        label: str,
        text: str = "",
        *,
        note: str = "",
        about: str = "",
        choices: Sequence[str] = (),
        secret: bool = False,
    ) -> None:
        """``about`` is said below. Of ``choices`` one is taken, or none where ``text`` is none of them."""
        super().__init__(classes="field")
        self.field_name, self.label, self.begins, self.note, self.about = name, label, text, note, about
        self.control: Input | Select[str]
        if choices:
            options = [(on_one_line(choice), choice) for choice in choices]
            value: Any = text if text in choices else Select.NULL
            self.control = Choice(options, value=value, prompt="", allow_blank=text not in choices, compact=True)
        else:
            self.control = Input(text, password=secret, compact=True, select_on_focus=False)

    def compose(self) -> ComposeResult:
        """The line, and below it what it is about."""
        with Horizontal(classes="line"):
            yield Static(on_one_line(self.label), classes="label", markup=False)
            yield self.control
            yield Static(on_one_line(self.note), classes="note", markup=False)
        if self.about:
            yield Static(printable(self.about.strip()), classes="about", markup=False)
        yield Static("", classes="wrong", markup=False)

    @property
    def text(self) -> str:
        """What is typed or chosen; nothing where nothing is."""
        if isinstance(self.control, Input):
            return self.control.value
        return "" if self.control.is_blank() else str(self.control.value)

    @text.setter
    def text(self, text: str) -> None:
        if isinstance(self.control, Input):
            self.control.value = text
            self.control.cursor_position = len(text)

    def on_input_changed(self) -> None:
        """What was wrong may be right now."""
        self.tell("")

    def on_select_changed(self) -> None:
        """The same for what is chosen."""
        self.tell("")

    def tell(self, wrong: str) -> None:
        """Says what is wrong with it, or nothing."""
        for each in self.query(".wrong").results(Static):
            each.update(wrong)
            each.display = bool(wrong)
