"""The first and the last line of every screen: where one is and how the server is; and which keys there are."""

from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.widget import Widget

from podium.client.nouns.fitting import cut, width_of
from podium.tui.connection import Condition

if TYPE_CHECKING:
    from podium.tui.app import Dashboard
    from podium.tui.screens.view import View

CONDITIONS = {
    Condition.CONNECTING: ("connecting", "busy"),
    Condition.ONLINE: ("online", "good"),
    Condition.AWAY: ("away, trying again", "bad"),
    Condition.REFUSED: ("not let in", "bad"),
    Condition.FOREIGN: ("not the API", "bad"),
}


class Bar(Widget):
    """A line of one row."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "bar--good",
        "bar--bad",
        "bar--busy",
        "bar--key",
        "bar--dim",
        "bar--strong",
    }
    can_focus = False

    @property
    def dashboard(self) -> "Dashboard":
        """The application."""
        dashboard: Any = self.app
        return dashboard  # type: ignore[no-any-return]

    @property
    def view(self) -> "View":
        """The screen it is on."""
        view: Any = self.screen
        return view  # type: ignore[no-any-return]

    def styled(self, text: str, name: str) -> Text:
        """A text in the colours of ``bar--name``."""
        return Text(text, self.get_component_rich_style(f"bar--{name}", partial=True))


class TopBar(Bar):
    """Title of the view on the left; profile, server and its condition on the right."""

    def render(self) -> Text:
        """The line."""
        dashboard, view, width = self.dashboard, self.view, self.size.width
        condition, tone = CONDITIONS[dashboard.condition]
        url = dashboard.target.url.partition("://")[2].removesuffix("/api")
        right = [f"{dashboard.target.profile}", url] if width >= 60 else [dashboard.target.profile]
        if dashboard.read_only:
            right.append("read-only")
        tail = "  ".join(right)
        state = f"● {condition}"
        room = width - width_of(tail) - width_of(state) - 5
        title, told = f" {view.heading}", view.told
        line = Text.assemble(self.styled(cut(title, max(room, 8)), "strong"))
        if told and room - width_of(title) > 4:
            line += self.styled(cut(f"  {told}", room - width_of(title)), "dim")
        line += Text(" " * max(1, width - line.cell_len - width_of(tail) - width_of(state) - 3))
        return Text.assemble(line, self.styled(f"{tail}  ", "dim"), self.styled(state, tone), " ")


class KeyBar(Bar):
    """The keys of the view; what cannot be done now is dim, and says why when it is tried."""

    def render(self) -> Text:
        """The line: as many keys as fit, those that all views have always."""
        width = self.size.width
        fixed = [(key, label, True) for key, label in self.view.common_keys]
        room = width - sum(width_of(key) + width_of(label) + 3 for key, label, _ in fixed)
        line = Text(" ")
        for key, label, enabled in self.view.shown_keys():
            if line.cell_len + width_of(key) + width_of(label) + 3 > room:
                break
            line += self._key(key, label, enabled)
        for key, label, enabled in fixed:
            line += self._key(key, label, enabled)
        return line

    def _key(self, key: str, label: str, enabled: bool) -> Text:
        return Text.assemble(self.styled(key, "key" if enabled else "dim"), self.styled(f" {label}  ", "dim"))


class Message(Bar):
    """What went wrong with the last thing asked for; not there while nothing is wrong."""

    DEFAULT_CSS = "Message { display: none; }"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.text = ""

    def say(self, text: str) -> None:
        """Shows a text, or nothing."""
        if text != self.text:
            self.text = " ".join(text.split())
            self.display = bool(text)
            self.refresh(layout=True)

    def render(self) -> Text:
        """The line."""
        return self.styled(f" {self.text}", "bad")
