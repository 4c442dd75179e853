"""What is said once about a kind of declared thing: its endpoints, its fields, and which of them name other things."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from podium.client.api import Client

Row = dict[str, Any]
"""A thing as a server tells it."""

Spec = dict[str, Any]
"""A thing as a document says it: with names where the server has ids, and nothing that the server makes."""


class Unresolved(Exception):
    """A document names a thing that is neither on the server nor in the documents."""


class Names(Protocol):
    """Which id a name stands for, and the other way round."""

    def id_of(self, kind: str, name: str) -> str:
        """The id of what has this name. Raises Unresolved."""

    def name_of(self, kind: str, id: str) -> str | None:  # noqa: A002
        """The name of what has this id; None for what is not there or cannot be named."""

    def rows(self, kind: str) -> Mapping[str, Row]:
        """Everything of a kind, by name."""


class Form(NamedTuple):
    """How a value is said in documents: ``told`` makes that of the server's, ``sent`` the other way round."""

    told: Callable[[Any, Names], Any]
    sent: Callable[[Any, Names], Any]


def _same(value: Any, names: Names) -> Any:
    return value


PLAIN = Form(_same, _same)


class Field(NamedTuple):
    """A field of a spec. ``wire`` is its name on the wire, where that is another.

    One that is ``fixed`` cannot be changed once the thing is there. ``beside`` are fields that have to be sent with it.
    ``when`` says when it is sent: with every change, with a new thing, or never: then ``Kind.after`` sees to it.
    """

    name: str
    form: Form = PLAIN
    wire: str = ""
    fixed: bool = False
    beside: tuple[str, ...] = ()
    when: Literal["always", "new", "never"] = "always"

    @property
    def sent_as(self) -> str:
        """Its name on the wire."""
        return self.wire or self.name


class Difference(NamedTuple):
    """A value that is not as the document says; ``secret``: nobody is to read it."""

    path: str
    before: Any
    after: Any
    secret: bool = False


def _no_identity(name: str, names: Names) -> dict[str, Any]:
    return {"name": name}


def _by_id(row: Row) -> dict[str, Any]:
    return {"id": row["id"]}


def _by_name(name: str) -> dict[str, Any]:
    return {}


def _own_name(row: Row, names: Names) -> str | None:
    name: str | None = row["name"]
    return name


def _nobodys(row: Row, names: Names) -> bool:
    return False


class Kind(NamedTuple):
    """A kind of declared thing. Endpoints are named as in the catalogue, and so is ``body``, the Struct of a new one.

    ``name_of`` is what a document calls a row, None for one that cannot be declared, ``identity`` what a body says
    because of that name. ``place`` fills in the path of a new one, ``path`` that of one that is there. ``is_made``
    tells what a server makes by itself, ``cannot_go`` what is not deleted alone. ``whole``: a change sends every field.
    Names of a kind that ``repeats`` are not unique: documents number those that come again.
    ``needs`` are others of the kind that have to be there before, ``rank`` orders them besides. ``row`` completes a row
    before it is told, ``compare`` and ``complete`` stand in where fields are more than their values, and ``after`` does
    what is left once a thing is there; it may return a note. ``also`` is said with every change.
    """

    name: str
    plural: str
    listed: str
    body: str
    fields: tuple[Field, ...]
    create: str
    update: str
    delete: str
    name_of: Callable[[Row, Names], str | None] = _own_name
    identity: Callable[[str, Names], dict[str, Any]] = _no_identity
    place: Callable[[str], dict[str, Any]] = _by_name
    path: Callable[[Row], dict[str, Any]] = _by_id
    is_made: Callable[[Row, Names], bool] = _nobodys
    cannot_go: Callable[[Row, Names], bool] = _nobodys
    whole: bool = False
    by_default: bool = True
    only_podium: bool = False
    needs: Callable[[Spec], Sequence[str]] | None = None
    rank: Callable[[str, Spec], int] | None = None
    repeats: bool = False
    row: Callable[[Row, Names], Row] | None = None
    compare: "Callable[[Comparison], list[Difference]] | None" = None
    complete: "Callable[[Client, Sending], Spec] | None" = None
    after: "Callable[[Client, Sending], str | None] | None" = None
    also: Mapping[str, Any] = {}

    @property
    def words(self) -> str:
        """Its name as it is read."""
        return self.name.replace("-", " ")

    @property
    def field_names(self) -> tuple[str, ...]:
        """What a spec may say."""
        return tuple(field.name for field in self.fields)

    def told(self, row: Row, names: Names) -> Spec:
        """The spec of a thing that is there, or of as many fields as ``row`` has."""
        row = self.row(row, names) if self.row else row
        return {field.name: field.form.told(row[field.sent_as], names) for field in self.fields if field.sent_as in row}

    def sent(self, spec: Mapping[str, Any], names: Names) -> dict[str, Any]:
        """The fields of a spec as they are sent. Raises Unresolved."""
        return {field.sent_as: field.form.sent(spec[field.name], names) for field in self.fields if field.name in spec}


class Comparison(NamedTuple):
    """Two specs of a thing: what a document wants, with defaults inside its fields, and what is there."""

    wanted: Spec
    current: Spec
    row: Row


class Sending(NamedTuple):
    """What is about to be sent, or was: the wanted spec, the row that is there (empty for a new one), and names."""

    name: str
    wanted: Spec
    row: Row
    names: Names


def struct(name: str) -> Any:
    """The Struct of this name: ``variables.VariableCreate``."""
    module, _, constant = name.partition(".")
    return getattr(import_module(f"podium.wire.{module}"), constant)


def differences(path: str, before: Any, after: Any) -> list[Difference]:
    """Where two values differ, as deep as objects and lists of one length go."""
    if isinstance(before, dict) and isinstance(after, dict):
        found = []
        for key in [*before, *(key for key in after if key not in before)]:
            found += differences(f"{path}.{key}", before.get(key), after.get(key))
        return found or ([] if before == after else [Difference(path, before, after)])
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [each for at, (old, new) in pairs for each in differences(f"{path}[{at}]", old, new)]
    same = before == after and isinstance(before, bool) == isinstance(after, bool)
    return [] if same else [Difference(path, before, after)]
