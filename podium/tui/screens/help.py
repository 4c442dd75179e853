"""The keys of the view, those of everywhere, and the views by name."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from podium.client.nouns.fitting import padded
from podium.tui.views import VIEWS
from podium.tui.widgets.text import LineOfText, Part, Text

EVERYWHERE = (
    (":", "go to a view by its name or alias; `:fr state=failed` filters it at once"),
    ("/", "filter a list: `state=failed,late tag=x since=2h name`; search in a text, then n and N"),
    ("esc", "take marks, filter or search away; else go back"),
    ("-", "the view before"),
    ("up down j k", "move; page up, page down, g first, G last"),
    ("enter", "open what is under the cursor"),
    ("d", "describe it: everything about it; y there shows JSON"),
    ("space", "mark; acts then are for all that are marked"),
    ("f or ^z", "only what failed or is late"),
    ("o", "the next order of a list"),
    ("r", "ask the server again"),
    ("^p", "all commands, with a search; themes too"),
    ("^q", "quit; also `:q`"),
)


class Help(ModalScreen[None]):
    """A page of help over the view."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q", "dismiss", "close", show=False)]

    def __init__(self, title: str, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.page_title, self.page_keys = title, keys

    def compose(self) -> ComposeResult:
        """The text."""
        yield Text(classes="page")

    def on_mount(self) -> None:
        """Writes the page."""
        self.query_one(Text).show(list(self.lines()))

    def lines(self) -> list[LineOfText]:
        """The lines of the page."""
        lines: list[LineOfText] = [(Part(self.page_title, "title"), Part("   esc closes", "label"))]
        lines += [_line(key, text) for key, text in self.page_keys]
        lines += [(), (Part("Everywhere", "title"),)]
        lines += [_line(key, text) for key, text in EVERYWHERE]
        lines += [(), (Part("Views, after :", "title"),)]
        lines += [_line(row.name, f"{row.help} {', '.join(row.aliases)}", 26) for row in VIEWS]
        return lines


def _line(key: str, text: str, width: int = 13) -> LineOfText:
    return (Part(f"  {padded(key, width)}", "busy"), Part(text))
