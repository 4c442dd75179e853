"""The profiles: which server each names, and changing to another."""

from collections.abc import Iterator
from typing import NamedTuple

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
        if self.dashboard.target.source in ("env", "flag"):
            self.told = "PODIUM_API_URL of the environment wins over every profile"
        wanted, self.wanted = self.wanted, ""
        if wanted and (problem := self.dashboard.switch_profile(wanted)):
            raise ValueError(problem)

    def on_table_opened(self) -> None:
        """Changes to it."""
        line = self.query_one(Table).current
        if line is not None and (problem := self.dashboard.switch_profile(line.key)):
            self.say(problem)
