"""The list of a noun: pages from the server, filters, marks and acts. All of it from the noun's row."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from podium.client.nouns.cells import cell
from podium.client.nouns.noun import Names, Noun
from podium.client.nouns.registry import noun_of
from podium.tui.acting import act_on, why_not
from podium.tui.acts import acts_of
from podium.tui.filtering import parse
from podium.tui.opening import bind_about, keys_of_changing, open_about
from podium.tui.owners import open_owner
from podium.tui.screens.view import View
from podium.tui.views import More, ViewRow
from podium.tui.widgets.table import Line, Table

if TYPE_CHECKING:
    from podium.client.nouns.selecting import Page


class Listing(View):
    """Rows of a noun."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter"),
        Binding("space", "mark", "mark", show=False),
        Binding("d", "describe", "describe"),
        Binding("o", "sort", "order", show=False),
    ]

    def __init__(
        self,
        row: ViewRow,
        filter_text: str = "",
        given: dict[str, Any] | None = None,
        of: str = "",
        noun: Noun | None = None,
        sort: str | None = None,
    ) -> None:
        """``given`` are values of filters that stay, for a list that belongs to something (``of``).

        ``noun`` is one that is in no registry, such as the schedules of one deployment.
        """
        super().__init__()
        self.row = row
        self.noun = noun or noun_of(row.noun)
        self.concerns = row.concerns
        self.heading = f"{row.title} of {of}" if of else row.title
        self.filter_text = filter_text
        self.faults = False
        self.sort = sort
        self.acts = {act.name: act for act in acts_of(self.noun)}
        self.given = given or {}
        self._names: Names = {}
        self._held: dict[str, Any] = {}
        self._marked: dict[str, Any] = {}
        self._first = 0
        if self.noun.faults:
            self._bindings.bind("f,ctrl+z", "faults", "faults")
        self.more = {each.screen: each for each in (*row.more, *keys_of_changing(self.noun))}
        bind_about(self, self.noun, self.more.values(), self.acts.values())

    def body(self) -> Iterator[Widget]:
        """The table alone."""
        yield Table(self.noun.columns)

    @property
    def table(self) -> Table:
        """The table."""
        return self.query_one(Table)

    # Loading

    async def load(self) -> None:
        """The window of rows around what is seen: two screens."""
        from podium.client.nouns.selecting import Selection

        noun, values, sort = self.noun, self.values(), self.sort
        first, most = self._first, 2 * self.table.page
        page = await self.ask(lambda client: Selection(noun, values).page(client, first, most, sort))
        if not page.rows and first:  # there are fewer than there were
            self._first = max(0, (page.total or first) - self.table.page)
            page = await self.ask(lambda client: Selection(noun, values).page(client, self._first, most, sort))
        self.show(page)

    def values(self) -> dict[str, Any]:
        """What is filtered by. Raises ValueError for a filter that cannot be read."""
        values = parse(self.noun, self.filter_text) if self.filter_text else {}
        if self.faults:
            values = {**values, **self.noun.faults}
        return {**values, **self.given}

    def show(self, page: "Page") -> None:
        """Shows a page of rows."""
        self._names = page.names
        self._held = {self._key(row): row for row in page.rows}
        self._marked = {key: self._held.get(key, row) for key, row in self._marked.items()}
        self.table.show(page.first, self._lines(page.rows), page.total)
        self._tell()

    def _key(self, row: Any) -> str:
        return str(getattr(row, "id", None) or self.noun.reference(row, self._names))

    def _lines(self, rows: list[Any]) -> list[Line]:
        now, columns, names = datetime.now(UTC), self.noun.columns, self._names
        return [
            Line(self._key(row), tuple(cell(column.of(row, names), column.kind, now) for column in columns))
            for row in rows
        ]

    def _tell(self) -> None:
        """How many there are, and by what they were chosen."""
        table = self.table
        total = f"{table.total - 1:,}+" if table.is_open else f"{table.total:,}"
        told = [total if table.total else "none"]
        told += ["only faults"] if self.faults else []
        told += [f"/{self.filter_text}"] if self.filter_text else []
        told += [f"by {self.sort}"] if self.sort else []
        told += [f"{len(self._marked)} marked"] if self._marked else []
        self.told = "  ".join(told)
        self.update_bars()

    def refresh_ages(self) -> None:
        """Tells ages anew from the rows that are held."""
        table = self.table
        if self._held:
            total = None if table.is_open else table.total
            table.show(table.first, self._lines(list(self._held.values())), total)

    def on_table_wanted(self, message: Table.Wanted) -> None:
        """Another part of the list is looked at."""
        self._first = message.first
        self.reload()

    def on_table_moved(self) -> None:
        """Other keys may be possible for another row."""
        self.update_bars()

    # What is chosen

    @property
    def current(self) -> Any:
        """The row under the cursor; None where there is none."""
        line = self.table.current
        return self._held.get(line.key) if line else None

    def chosen(self) -> list[Any]:
        """The rows that an act is for: those that are marked, else the one under the cursor."""
        if self._marked:
            return list(self._marked.values())
        return [self.current] if self.current is not None else []

    def action_mark(self) -> None:
        """Marks the row for an act on many, or takes the mark away."""
        line = self.table.current
        if line is None:
            return
        if line.key in self._marked:
            del self._marked[line.key]
        else:
            self._marked[line.key] = self._held[line.key]
        self.table.mark()
        self._tell()

    def unmark(self) -> None:
        """Takes all marks away."""
        self._marked.clear()
        self.table.marked.clear()
        self.table.refresh()
        self._tell()

    # Keys

    def action_filter(self) -> None:
        """Asks for a filter."""
        from podium.tui.filtering import keys_of

        words = [f"{key}=" for key in keys_of(self.noun)]
        self.dashboard.prompt("/", self.filter_text, words, self.filter_by)

    def filter_by(self, text: str) -> str | None:
        """Shows only what a filter selects; what is wrong with the filter, if anything."""
        try:
            parse(self.noun, text)
        except ValueError as error:
            return str(error)
        self.filter_text = text.strip()
        self._from_the_start()
        return None

    def action_faults(self) -> None:
        """Shows only what needs somebody, or everything again."""
        self.faults = not self.faults
        self._from_the_start()

    def action_sort(self) -> None:
        """Takes the next order there is."""
        sorts = list(self.noun.sorts) or [column.name for column in self.noun.columns]
        at = sorts.index(self.sort) + 1 if self.sort in sorts else 1
        self.sort = sorts[at % len(sorts)] if at % len(sorts) or not self.noun.sorts else None
        self._from_the_start()

    def _from_the_start(self) -> None:
        self._first = 0
        self.table.move_to(0)
        self.reload()

    def action_back(self) -> None:
        """Takes marks, then the filter away; then goes back."""
        if self._marked:
            self.unmark()
        elif self.filter_text or self.faults:
            self.filter_text, self.faults = "", False
            self._from_the_start()
        else:
            super().action_back()

    def on_table_opened(self) -> None:
        """Opens the row."""
        self.action_open(self.row.opens)

    def action_describe(self) -> None:
        """Shows everything about the row."""
        self.action_open("detail.Detail")

    def action_open(self, screen: str) -> None:
        """Opens a screen about the row, or does what else a key does."""
        more = self.more.get(screen) or More("", "", screen)
        if self.current is not None or more.alone:
            open_about(self, more, self.noun, self.current, self._names)

    def action_owner(self) -> None:
        """Opens what the row belongs to."""
        if self.current is not None:
            open_owner(self, self.noun, self.current)

    def action_act(self, name: str) -> None:
        """Does something to what is chosen, once it is confirmed."""
        act_on(self, self.noun, self.acts[name], self.chosen(), self._names, self._acted)

    def _acted(self) -> None:
        self.unmark()
        self.reload()

    def shown_keys(self) -> list[tuple[str, str, bool]]:
        """Keys; acts that cannot be done to what is chosen are dim."""
        rows = self.chosen() if self.is_mounted and self.query(Table) else []
        dim = {self.key_name(act.key) for act in self.acts.values() if why_not(self.dashboard, act, rows)}
        dim |= {self.key_name(each.key) for each in self.more.values() if each.changes and self.dashboard.read_only}
        return [(key, label, key not in dim) for key, label, _ in super().shown_keys()]
