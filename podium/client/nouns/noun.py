"""What is said once about a kind of thing: how it is listed, filtered, found, shown and acted on.

Endpoints are named as in the catalogue (``flow_runs.FILTER``) and imported when they are called: help and completion
read these rows without loading the wire.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from podium.client.api import Client
    from podium.wire.endpoint import Endpoint

Kind = Literal["text", "id", "state", "moment", "stamp", "duration", "list", "flag", "number", "json"]
Names = Mapping[str, Mapping[str, str]]
"""For each join of a noun, the names by id."""


class Column(NamedTuple):
    """A column of a list, or a line of the details.

    ``value`` is the path of an attribute (``state.message``), or a function of the row and the joined names. ``rank``
    says how early the column goes where there is no room: 0 never, 1 when others were cut short. One that is ``cut``
    may lose its end.
    """

    name: str
    value: str | Callable[[Any, Names], Any] = ""
    kind: Kind = "text"
    rank: int = 0
    cut: bool = False

    def of(self, row: Any, names: Names) -> Any:
        """The value for a row; None where there is none."""
        if callable(self.value):
            return self.value(row, names)
        return attribute(row, self.value or self.name)


class Filter(NamedTuple):
    """An option that narrows a list.

    ``where`` is a place in the body that takes a list (``flows.name.any_``), or a function of the client and the values
    that returns a part of the body; empty where the server has no such filter and ``keep`` looks at each row instead.
    Where both are there, ``keep`` is for values that are not ``exact`` for the server. ``noun`` is whose names complete
    the value.
    """

    flags: tuple[str, ...]
    help: str
    where: str | Callable[["Client", Any], dict[str, Any]] = ""
    keep: Callable[[Any, Any], bool] | None = None
    metavar: str = "TEXT"
    kind: Literal["many", "one", "flag", "number"] = "many"
    noun: str = ""
    exact: Callable[[Any], bool] | None = None

    def look(self, value: Any) -> Callable[[Any, Any], bool] | None:
        """What looks at each row for this value, if that is needed."""
        return None if self.where and self.exact is not None and self.exact(value) else self.keep

    @property
    def key(self) -> str:
        """The name of the parameter."""
        return self.flags[0].partition("/")[0].lstrip("-").replace("-", "_")


class Join(NamedTuple):
    """A name to show in place of an id: ``attribute`` of the row is the id of a row of ``endpoint``.

    ``where`` is the place of the ids in its body. One that is not ``in_lists`` is for details.
    """

    name: str
    attribute: str
    endpoint: str
    where: str
    in_lists: bool = True


class Action(NamedTuple):
    """What can be done to a thing, alone or to many: ``run`` does it and returns what is worth telling, if anything.

    ``asks`` is for what cannot be undone: a person is asked even for a single one. ``refused`` tells why it cannot be
    done to a row as it is, as far as that is known before.
    """

    name: str
    past: str
    help: str
    run: Callable[["Client", Any], str | None]
    asks: bool = False
    refused: Callable[[Any], str | None] | None = None


class Section(NamedTuple):
    """A list below the details of a thing, such as the states of a run. ``noun`` is whose rows it has, if any one's."""

    name: str
    rows: Callable[["Client", Any], Sequence[Any]]
    columns: tuple[Column, ...]
    noun: str = ""


class Option(NamedTuple):
    """How a command is told a field. ``flag`` is empty for an argument.

    ``kind`` is how the value is written: as it is (``text``), as JSON where it would not be read as the same word
    (``json``), once for each item (``list``), as a number or `none` (``number``), as KEY=VALUE (``pairs``), or by being
    there or not (``switch``; ``off`` is what is written for no).
    """

    field: str
    flag: str = ""
    kind: Literal["text", "json", "list", "number", "pairs", "switch"] = "text"
    off: str = ""


class Edits(NamedTuple):
    """What of a thing can be changed, and by which endpoint.

    ``path`` are the attributes of the row that go into the endpoint's path. With ``within`` the fields are those of
    an object, such as the data of a block. ``always`` are fields that the endpoint takes each time. ``verb`` and
    ``options`` are the command that does the same, as far as it can; ``as_json`` is its option for all changes at once.
    """

    endpoint: str
    fields: tuple[str, ...]
    path: Mapping[str, str] = {"id": "id"}
    within: str = ""
    always: tuple[str, ...] = ()
    verb: str = "edit"
    options: tuple[Option, ...] = ()
    as_json: str = ""


class Creates(NamedTuple):
    """How one is made: a body to begin with, and the endpoint that takes it.

    ``path`` are the fields that go into the endpoint's path. ``finished`` adds what nobody wants to write. ``verb`` and
    ``options`` are as for changes.
    """

    endpoint: str
    template: Mapping[str, Any]
    path: Mapping[str, str] = {}
    finished: Callable[["Client", dict[str, Any]], dict[str, Any]] | None = None
    verb: str = "create"
    options: tuple[Option, ...] = ()


class Noun(NamedTuple):
    """A kind of thing. ``name`` is the word of its commands, ``key`` what a command takes for one.

    ``sorts`` are orders the server knows, the first the usual one; where there are none, rows are sorted by a column.
    ``within`` is the filter by what it belongs to, whose name goes before its own. ``limit`` is how many a list shows
    unless told otherwise. ``rows`` stands in where a list is not one endpoint with pages. ``counting`` is the endpoint
    that counts what a body selects. ``faults`` are the values of filters that select only those that need somebody.
    ``command`` are the words of its commands, where they are not its name; ``owner`` is what they take first, before
    those that they are about.
    """

    name: str
    plural: str
    list: str
    columns: tuple[Column, ...]
    find: Callable[["Client", str], Any]
    key: str | Callable[[Any, Names], str]
    metavar: str
    detail: tuple[Column, ...] = ()
    filters: tuple[Filter, ...] = ()
    sorts: Mapping[str, str] = {}
    joins: tuple[Join, ...] = ()
    actions: tuple[Action, ...] = ()
    sections: tuple[Section, ...] = ()
    limit: int | None = None
    rows: Callable[["Client", dict[str, Any], int | None], Iterator[Any]] | None = None
    label: str = ""
    within: str = ""
    body: Mapping[str, Any] = {}
    counting: str = ""
    faults: Mapping[str, Any] = {}
    edits: Edits | None = None
    creates: Creates | None = None
    command: str = ""
    owner: str = ""

    @property
    def words(self) -> str:
        """Its name as it is read."""
        return self.name.replace("-", " ")

    def action(self, name: str) -> Action:
        """The action of this name."""
        return next(each for each in self.actions if each.name == name)

    def reference(self, row: Any, names: Names) -> str:
        """What a command takes for this row."""
        return str(self.key(row, names) if callable(self.key) else attribute(row, self.key))

    def told(self, row: Any, names: Names) -> str:
        """What a person recognizes a row by."""
        return str(attribute(row, self.label)) if self.label else self.reference(row, names)


def endpoint(name: str) -> "Endpoint":
    """The endpoint of this name: ``flow_runs.FILTER``."""
    module, _, constant = name.partition(".")
    row: Endpoint = getattr(import_module(f"podium.wire.{module}"), constant)
    return row


def attribute(row: Any, path: str) -> Any:
    """What lies at the end of a path of attributes or keys; None where the path breaks off."""
    for name in path.split("."):
        if row is None:
            return None
        row = row.get(name) if isinstance(row, Mapping) else getattr(row, name, None)
    return row


def nested(path: str, value: Any) -> dict[str, Any]:
    """A body with the value at this place."""
    for name in reversed(path.split(".")):
        value = {name: value}
    found: dict[str, Any] = value
    return found


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Both bodies in one; lists at the same place are joined."""
    result = dict(first)
    for name, value in second.items():
        old = result.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            result[name] = merged(old, value)
        elif isinstance(old, list) and isinstance(value, list):
            result[name] = old + value
        else:
            result[name] = value
    return result


def joined(client: "Client", noun: Noun, rows: Iterable[Any], *, detail: bool = False) -> Names:
    """The names that the columns of these rows show, or their details too."""
    found: dict[str, dict[str, str]] = {}
    for join in noun.joins:
        if not (detail or join.in_lists):
            continue
        ids = sorted({value for row in rows if (value := attribute(row, join.attribute))})
        names = found[join.name] = {}
        for start in range(0, len(ids), 200):
            for row in client.pages(endpoint(join.endpoint), nested(join.where, ids[start : start + 200])):
                names[row.id] = row.name
    return found
