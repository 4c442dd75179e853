"""Everything about a thing: the columns of its noun's row, each on a line, and the lists that belong to it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from podium.client.errors import NotFound
from podium.client.nouns.cells import cell, tone_of
from podium.client.nouns.fitting import GAP, padded, width_of
from podium.client.nouns.noun import Column, Names, Noun, joined
from podium.client.nouns.printing import on_one_line
from podium.tui.acting import act_on, why_not
from podium.tui.acts import acts_of
from podium.tui.opening import bind_about, keys_of, open_about
from podium.tui.owners import open_owner
from podium.tui.screens.view import View
from podium.tui.widgets.text import LineOfText, Part, Searched, Text

LONG = 60
"""Characters of JSON from which on it is written over several lines."""


class Detail(View):
    """One of a noun. What is shown at once is the row that was known; the server is asked for the rest."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search"),
        Binding("y", "json", "json"),
    ]

    def __init__(self, noun: Noun, row: Any) -> None:
        super().__init__()
        self.noun, self.row = noun, row
        self.sections = noun.sections
        self.names: Names = {join.name: {} for join in noun.joins}
        self.as_json = False
        self.heading = self.heading_of(self.names)
        self.concerns = (f"prefect.{noun.name}.",)
        self.acts = {act.name: act for act in acts_of(noun)}
        self.more = {each.screen: each for each in keys_of(noun)}
        self.parts: list[Sequence[Any]] = [()] * len(self.sections)
        bind_about(self, self.noun, self.more.values(), self.acts.values())

    def body(self) -> Iterator[Widget]:
        """The text alone."""
        yield Text()

    @property
    def text(self) -> Text:
        """The text."""
        return self.query_one(Text)

    @property
    def searched(self) -> Searched | None:
        """What `/` searches; None where there is no text."""
        return self.text

    async def load(self) -> None:
        """The row as it is now, the names it shows and its lists."""
        noun, given, sections = self.noun, self.given(), self.sections

        def fetch(client: Any) -> tuple[Any, Names, list[Sequence[Any]]]:
            fresh = noun.find(client, given)
            rows = [each.rows(client, fresh) for each in sections]
            return fresh, joined(client, noun, [fresh], detail=True), rows

        try:
            self.row, self.names, self.parts = await self.ask(fetch)
        except NotFound:
            self.told = "deleted"
            raise
        self.heading = self.heading_of(self.names)
        self.show()

    def given(self) -> str:
        """What finds it: the id it is listed with, where it has one."""
        columns = (*self.noun.columns, *self.noun.detail)
        ids = [column.of(self.row, self.names) for column in columns if column.name == "id"]
        return str(next(iter(ids), None) or getattr(self.row, "id", None) or self.noun.reference(self.row, self.names))

    def heading_of(self, names: Names) -> str:
        """What the top line calls it."""
        return f"{self.noun.words.capitalize()} {self.noun.told(self.row, names)}"

    def show(self) -> None:
        """Writes what is known."""
        self.text.show(json_lines(self.row) if self.as_json else list(self._lines()))

    def _lines(self) -> Iterator[LineOfText]:
        now = datetime.now(UTC)
        yield from detail_lines((*self.noun.columns, *self.noun.detail), self.row, self.names, now)
        for section, rows in zip(self.sections, self.parts, strict=True):
            if rows:
                yield ()
                yield (Part(section.name.capitalize(), "title"),)
                yield from table_lines(section.columns, rows, self.names, now)

    def refresh_ages(self) -> None:
        """Tells ages anew."""
        if not self.as_json:
            self.show()

    def action_json(self) -> None:
        """Shows what the server told as JSON, or the lines again."""
        self.as_json = not self.as_json
        self.show()

    def action_search(self) -> None:
        """Asks for a text to find."""
        if self.searched is None:
            self.dashboard.say("There is no text to search here.")
        else:
            self.dashboard.prompt("/", self.searched.search, (), self.search)

    def search(self, text: str) -> str | None:
        """Finds a text; says so where it is not there."""
        found = self.searched.find(text) if self.searched else 0
        return None if found or not text else f"{text!r} is not here."

    def action_open(self, screen: str) -> None:
        """Opens a screen about it, or does what else a key does."""
        open_about(self, self.more[screen], self.noun, self.row, self.names)

    def action_owner(self) -> None:
        """Opens what it belongs to."""
        open_owner(self, self.noun, self.row)

    def action_act(self, name: str) -> None:
        """Does something to it, once it is confirmed."""
        act_on(self, self.noun, self.acts[name], [self.row], self.names, self.reload)

    def action_back(self) -> None:
        """Ends a search; then goes back."""
        if self.searched and self.searched.search:
            self.searched.find("")
        else:
            super().action_back()

    def shown_keys(self) -> list[tuple[str, str, bool]]:
        """Keys; acts that cannot be done to it are dim."""
        dim = {self.key_name(act.key) for act in self.acts.values() if why_not(self.dashboard, act, [self.row])}
        dim |= {self.key_name(each.key) for each in self.more.values() if each.changes and self.dashboard.read_only}
        return [(key, label, key not in dim) for key, label, _ in super().shown_keys()]


def detail_lines(
    columns: Sequence[Column], row: Any, names: Names, now: datetime, width: int = 0
) -> Iterator[LineOfText]:
    """A line for each column that has a value, or several for a long one; ``width`` is that of the names at least."""
    pairs = [(column, _value(column, column.of(row, names), now)) for column in columns]
    shown = [(column, text) for column, text in pairs if text]
    width = max([width, *(len(column.name) + 2 for column, _ in shown)])
    for column, text in shown:
        tone = (tone_of(text) or "") if column.kind == "state" else ""
        first, *more = text.split("\n")
        yield (Part(padded(column.name, width), "label"), Part(first, tone))
        for line in more:
            yield (Part(" " * width), Part(line, tone))


def _value(column: Column, value: Any, now: datetime) -> str:
    if isinstance(value, datetime):
        return f"{cell(value, column.kind)} UTC ({cell(value, column.kind, now)})"
    text = cell(value, column.kind)
    if column.kind == "json" and len(text) > LONG and text[0] in "[{":
        import msgspec

        return msgspec.json.format(text, indent=2)
    return text


def table_lines(columns: Sequence[Column], rows: Sequence[Any], names: Names, now: datetime) -> Iterator[LineOfText]:
    """Rows under their heads."""
    cells = [[on_one_line(cell(column.of(row, names), column.kind, now)) for column in columns] for row in rows]
    heads = [column.name.upper() for column in columns]
    widths = [max(map(width_of, each)) for each in zip(heads, *cells, strict=True)]
    yield (Part(GAP.join(map(padded, heads, widths)), "label"),)
    for row in cells:
        parts = []
        for column, text, width in zip(columns, row, widths, strict=True):
            tone = (tone_of(text) or "") if column.kind == "state" else ""
            parts += [Part(padded(text, width), tone), Part(GAP)]
        *shown, last, _ = parts
        yield (*shown, last._replace(text=last.text.rstrip()))


def json_lines(value: Any) -> list[LineOfText]:
    """A value as indented JSON."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return [(Part(line),) for line in text.split("\n")]
