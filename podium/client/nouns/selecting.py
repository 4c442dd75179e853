"""The rows of a noun that filters select."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from podium.client.api import Client
from podium.client.nouns.cells import cell
from podium.client.nouns.noun import Names, Noun, endpoint, joined, merged, nested


class WrongFilter(ValueError):
    """A value is not what its filter takes; the line begins with the filter's flag."""


class Page(NamedTuple):
    """Some rows of a selection, the names they show, and how many there are in all if the server counts them."""

    first: int
    rows: list[Any]
    names: Names
    total: int | None


class Selection:
    """The rows of a noun that these filters select: values by the keys of the noun's filters."""

    def __init__(self, noun: Noun, given: Mapping[str, Any]) -> None:
        self.noun = noun
        values = ((each, given.get(each.key)) for each in noun.filters)
        self.filters = [(each, value) for each, value in values if value not in (None, [], ())]

    @property
    def is_empty(self) -> bool:
        """Whether no filter was given."""
        return not self.filters

    def rows(self, client: Client, most: int | None = None, skip: int = 0, sort: str | None = None) -> Iterator[Any]:
        """The rows, each once. Raises WrongFilter for a value that is not what its filter takes."""
        noun = self.noun
        looks = [(keep, value) for each, value in self.filters if (keep := each.look(value))]
        ordered = None if noun.sorts else sort
        body = self.body(client, sort)
        whole = bool(looks or ordered or noun.rows)
        limit, offset = (None, 0) if whole else (most, skip)
        found = noun.rows(client, body, most) if noun.rows else client.pages(endpoint(noun.list), body, limit, offset)
        kept: Iterator[Any] = (row for row in _once(found) if all(keep(row, value) for keep, value in looks))
        if ordered:
            kept = iter(self._sorted(client, list(kept), ordered))
        return islice(kept, skip, None if most is None else skip + most) if whole else kept

    def body(self, client: Client, sort: str | None = None) -> dict[str, Any]:
        """The body that asks for them. Raises WrongFilter for a value that is not what its filter takes."""
        body = dict(self.noun.body)
        if self.noun.sorts:
            body["sort"] = self.noun.sorts[sort or next(iter(self.noun.sorts))]
        for each, value in self.filters:
            if not each.where:
                continue
            try:
                part = each.where(client, value) if callable(each.where) else nested(each.where, value)
            except ValueError as error:
                raise WrongFilter(f"{each.flags[0]}: {error}") from None
            body = merged(body, part)
        return body

    def count(self, client: Client) -> int:
        """How many there are, of a noun that the server counts. Raises WrongFilter."""
        body = {name: value for name, value in self.body(client).items() if name != "sort"}
        number: int = client.call(endpoint(self.noun.counting), body)
        return number

    def page(self, client: Client, first: int, most: int, sort: str | None = None) -> Page:
        """At the most so many rows from the ``first`` on (from 0). Raises WrongFilter."""
        rows = list(self.rows(client, most, first, sort))
        looks = any(each.look(value) for each, value in self.filters)
        if len(rows) < most and (rows or not first):
            total: int | None = first + len(rows)
        elif self.noun.counting and not looks:
            total = self.count(client)
        else:
            total = None
        return Page(first, rows, joined(client, self.noun, rows), total)

    def _sorted(self, client: Client, rows: list[Any], sort: str) -> list[Any]:
        column = next(each for each in self.noun.columns if each.name == sort.removeprefix("-"))
        names = joined(client, self.noun, rows)

        def order(row: Any) -> tuple[bool, Any]:
            value = column.of(row, names)
            number = isinstance(value, int | float) or hasattr(value, "timestamp")
            return value is None, value if number else cell(value, column.kind)

        return sorted(rows, key=order, reverse=sort.startswith("-"))


def _once(rows: Iterator[Any]) -> Iterator[Any]:
    """Without those that come twice, since rows move from page to page while others are made."""
    seen = set()
    for row in rows:
        if row.id not in seen:
            seen.add(row.id)
            yield row
