"""The profiles: which server each names, and changing to another."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from textual.widget import Widget

from podium.client.nouns.noun import Column
from podium.tui.screens.view import View
from podium.tui.views import ViewRow
from podium.tui.widgets.table import Line, Table

COLUMNS = (
    Column("name", cut=True),
    Column("server", cut=True),
    Column("active", kind="state"),
)


class Choice(NamedTuple):
    """A profile and the server it names."""

    name: str
    server: str
    active: str


class Profiles(View):
    """The profiles of the profile file."""

    heading = "Profiles"

    def __init__(self, row: ViewRow, filter_text: str = "") -> None:
        super().__init__()
        self.wanted = filter_text.strip()

    def body(self) -> Iterator[Widget]:
        """The table alone."""
        yield Table(COLUMNS)

    async def load(self) -> None:
        """Reads the profile file; no server is asked."""
        choices = self.dashboard.profiles()
        self.query_one(Table).show(0, [Line(each.name, tuple(each)) for each in choices], len(choices))
        self.told = f"{len(choices)}  enter changes to it"
        if self.wanted:
            wanted, self.wanted = self.wanted, ""
            self._choose(wanted)

    def on_table_opened(self) -> None:
        """Changes to it."""
        line: Any = self.query_one(Table).current
        self._choose(line.key)

    def _choose(self, name: str) -> None:
        problem = self.dashboard.switch_profile(name)
        if problem:
            self.say(problem)
