"""A form: fields to fill in, what is wrong with them, and the question before it is sent."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from podium.client.nouns.fitting import width_of
from podium.tui.acts import Risk
from podium.tui.screens.confirm import Confirm
from podium.tui.screens.view import View
from podium.tui.widgets.field import Field

WIDEST = 26
"""Cells of the longest label that stands on one line."""


class Form(View):
    """Fields below each other. `enter` in a line and `ctrl+s` anywhere send it, once that is agreed to."""

    AUTO_FOCUS: ClassVar[str | None] = "Field Input, Field Select"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "submit", "send", priority=True),
        Binding("ctrl+o", "editor", "edit in editor"),
        Binding("down", "app.focus_next", "next", show=False),
        Binding("up", "app.focus_previous", "previous", show=False),
    ]

    common_keys = (("esc", "leave"),)
    verb = "send"
    intro = ""
    """Said above the fields."""

    def __init__(self) -> None:
        super().__init__()
        self.fields = {field.field_name: field for field in self.make_fields()}
        self._leaving = False

    def make_fields(self) -> Iterator[Field]:
        """The fields."""
        yield from ()

    def check(self, texts: Mapping[str, str]) -> dict[str, str]:
        """What is wrong with fields, by their names."""
        return {}

    def command(self, texts: Mapping[str, str]) -> str:
        """The command that does the same."""
        return ""

    def note(self, texts: Mapping[str, str]) -> str:
        """More to say before it is sent."""
        return ""

    async def send(self, texts: Mapping[str, str]) -> None:
        """Sends it and leaves the form. May raise ClientError."""

    def field_of(self, error: Exception) -> str:
        """The name of the field that the server finds fault with; none where it does not say."""
        return ""

    def reason(self, error: Exception) -> str:
        """What the server finds fault with."""
        return str(error)

    def question(self) -> str:
        """What is asked before it is sent."""
        return f"{self.heading}?"

    def shown_keys(self) -> list[tuple[str, str, bool]]:
        """Keys, the first by what the form is for."""
        return [(key, self.verb if label == "send" else label, can) for key, label, can in super().shown_keys()]

    # The screen

    def body(self) -> Iterator[Widget]:
        """The fields."""
        with VerticalScroll(can_focus=False, classes="form"):
            if self.intro:
                yield Static(self.intro, classes="intro", markup=False)
            yield from self.fields.values()

    def on_mount(self) -> None:
        """Labels are as wide as the longest."""
        width = min(WIDEST, max((width_of(field.label) for field in self.fields.values()), default=0)) + 2
        for field in self.fields.values():
            for label in field.query(".label"):
                label.styles.width = width
            for below in field.query(".about, .wrong"):
                below.styles.padding = (0, 0, 0, width)

    @property
    def texts(self) -> dict[str, str]:
        """What is typed, by field."""
        return {name: field.text for name, field in self.fields.items()}

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Sends it."""
        event.stop()
        self.action_submit()

    def action_submit(self) -> None:
        """Asks whether to send what is typed, or says what is wrong with it."""
        texts = self.texts
        if not self.told_wrong(self.check(texts)):
            question = Confirm(self.question(), (), Risk.LOW, self.command(texts), note=self.note(texts))
            self.dashboard.push_screen(question, self._answered)

    def told_wrong(self, wrong: Mapping[str, str]) -> bool:
        """Says what is wrong at each field, and goes to the first; whether anything is."""
        for name, field in self.fields.items():
            field.tell(wrong.get(name, ""))
        first = next((name for name in self.fields if name in wrong), None)
        if first is not None:
            self.fields[first].control.focus()
        self.say("")
        return bool(wrong)

    def _answered(self, yes: bool | None) -> None:
        if yes:
            self.run_worker(self._send(), group="send", exclusive=True)

    async def _send(self) -> None:
        from podium.client.errors import ClientError

        try:
            await self.send(self.texts)
        except (ClientError, ValueError) as error:
            name = self.field_of(error)
            if not self.told_wrong({name: self.reason(error)} if name in self.fields else {}):
                self.say(self.reason(error))

    def action_back(self) -> None:
        """Leaves the form; where something is typed, the second time."""
        typed = any(field.text != field.begins for field in self.fields.values())
        if typed and not self._leaving:
            self._leaving = True
            self.say("Press esc again to leave: what is typed is lost.")
        else:
            super().action_back()

    def on_input_changed(self) -> None:
        """Who types on does not leave."""
        self._leaving = False

    def action_editor(self) -> None:
        """Has the text of the field with the cursor changed in the editor: a long or nested value."""
        self.run_worker(self._edit(), group="edit", exclusive=True)

    async def _edit(self) -> None:
        from podium.client.editor import Draft
        from podium.tui.screens.changing import edited

        field = next((each for each in self.fields.values() if each.control is self.focused), None)
        if field is None or not isinstance(field.control, Input) or field.control.password:
            self.dashboard.say("Only what is typed is edited; go to such a field.")
            return
        draft = Draft(indented(field.text), ".json")
        try:
            if await edited(self.dashboard, draft):
                field.text = on_a_line(draft.read())
        except ValueError as error:
            self.say(str(error))
        finally:
            draft.discard()


def indented(text: str) -> str:
    """JSON over several lines; any other text as it is."""
    value = _json(text)
    import msgspec

    return text if value is None else msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def on_a_line(text: str) -> str:
    """JSON on one line; any other text as a field takes it: several lines as a JSON string."""
    import msgspec

    value = _json(text)
    if value is not None:
        return msgspec.json.encode(value).decode()
    text = text.removesuffix("\n")
    return msgspec.json.encode(text).decode() if "\n" in text else text


def _json(text: str) -> Any:
    """The list or object that a text is; None for any other."""
    import msgspec

    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return value if isinstance(value, list | dict) else None
