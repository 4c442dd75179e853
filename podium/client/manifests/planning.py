"""What has to change on a server so that it is as documents say."""

import re
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

import msgspec

from podium.client.manifests.block_secrets import missing, needs_secrets
from podium.client.manifests.documents import Document, Problem
from podium.client.manifests.inventory import Expected, Inventory
from podium.client.manifests.kind import Comparison, Difference, Kind, Row, Spec, Unresolved, differences, struct
from podium.client.manifests.kinds import BLOCKS, KINDS
from podium.client.nouns.noun import endpoint
from podium.wire.decoding import BadBody, decode, encode
from podium.wire.unknown_fields import twin_decoder, unknown_fields

Action = Literal["create", "update", "delete"]


class Change(NamedTuple):
    """Something to do, and the differences that it does away with. ``wanted`` is the whole spec that is said."""

    kind: str
    name: str
    action: Action
    differences: Sequence[Difference]
    wanted: Spec

    @property
    def about(self) -> str:
        """Its kind and name as they are read."""
        return f"{KINDS[self.kind].words} {self.name!r}"


class Plan(NamedTuple):
    """All there is to do, in order. With ``problems`` nothing is to be done."""

    changes: list[Change]
    unchanged: int
    problems: list[Problem]
    warnings: list[str]


def planned(
    inventory: Inventory, documents: Sequence[Document], prune: Collection[str] = (), *, keep: bool = False
) -> Plan:
    """Compare documents with what is there.

    ``prune`` are kinds of which nothing stays that is not in the documents. With ``keep`` what is there stays as it is.
    """
    expected = Expected(inventory, _declared(documents))
    plan = Plan([], 0, [], [])
    unchanged = 0
    for document in ordered(documents):
        row = inventory.rows(document.kind).get(document.name)
        if row is not None and keep:
            unchanged += 1
            continue
        try:
            change = _change(inventory, expected, document, row, plan.warnings)
        except (Unresolved, ValueError) as error:
            plan.problems.append(Problem(_place(document, str(error)), document.about, str(error)))
            continue
        if change is None:
            unchanged += 1
        else:
            plan.changes.append(change)
    plan.changes.extend(_pruned(inventory, documents, prune))
    return plan._replace(unchanged=unchanged)


def _place(document: Document, reason: str) -> str:
    """Where the field is that a reason speaks of, else where the document is."""
    field = re.search(r"spec\.\w+", reason)
    return document.marks.get(field[0], document.place) if field else document.place


def _declared(documents: Iterable[Document]) -> dict[str, set[str]]:
    """The names of what the documents are to make, by kind."""
    declared: dict[str, set[str]] = {"block-schema": set()}
    for each in documents:
        declared.setdefault(each.kind, set()).add(each.name)
        for schema in (each.spec.get("schemas") or ()) if each.kind == "block-type" else ():
            declared["block-schema"].add(str(schema.get("checksum")))
    return declared


def ordered(documents: Iterable[Document]) -> list[Document]:
    """Documents in the order in which they can be made."""
    places = {name: place for place, name in enumerate(KINDS)}

    def order(document: Document) -> tuple[Any, ...]:
        rank = KINDS[document.kind].rank
        return places[document.kind], rank(document.name, document.spec) if rank else 0, document.name

    wanted = {(each.kind, each.name): each for each in sorted(documents, key=order)}
    done: dict[tuple[str, str], Document] = {}

    def put(document: Document, above: tuple[str, ...]) -> None:
        kind, key = KINDS[document.kind], (document.kind, document.name)
        for name in kind.needs(document.spec) if kind.needs and key not in done else ():
            needed = wanted.get((document.kind, name))
            if needed and name not in above:
                put(needed, (*above, document.name))
        done.setdefault(key, document)

    for each in wanted.values():
        put(each, ())
    return list(done.values())


def _change(
    inventory: Inventory, expected: Expected, document: Document, row: Row | None, warnings: list[str]
) -> Change | None:
    """What there is to do for a document; None for nothing. Raises Unresolved or ValueError."""
    kind = KINDS[document.kind]
    document = _with_known_schema(expected, document, warnings)
    if row is not None and kind is BLOCKS:
        row = _with_secrets(inventory, document, row)
    current = kind.told(row, inventory) if row is not None else {}
    wanted = _normalised(kind, document, current, expected)
    if kind is BLOCKS and (lacking := missing(wanted, row["data"] if row else {})):
        raise ValueError(f"its secrets are in no document; set {', '.join(lacking)}")
    if row is None:
        return Change(kind.name, document.name, "create", _additions(kind, wanted), wanted)
    found = _differences(kind, Comparison(wanted, current, row))
    for each in found:
        field = next((field for field in kind.fields if field.name == field_of(each)), None)
        if field and field.fixed:
            raise ValueError(f"{field.name} cannot be changed from {each.before!r} to {each.after!r}; delete it first")
    return Change(kind.name, document.name, "update", found, wanted) if found else None


def field_of(difference: Difference) -> str:
    """The field of the spec that a difference is in."""
    return difference.path.partition(".")[0].partition("[")[0]


def _differences(kind: Kind, pair: Comparison) -> list[Difference]:
    if kind.compare:
        return kind.compare(pair)
    return [each for name, value in pair.wanted.items() for each in differences(name, pair.current.get(name), value)]


def _additions(kind: Kind, wanted: Spec) -> list[Difference]:
    """What a new thing is to have; of a block's data nobody knows yet what is secret."""
    hidden = "data" if kind is BLOCKS else ""
    return [
        Difference(name, None, None if name == hidden else value, secret=name == hidden)
        for name, value in wanted.items()
        if value not in (None, [], {}, "")
    ]


def _with_known_schema(expected: Expected, document: Document, warnings: list[str]) -> Document:
    """A block whose schema this server does not know takes the newest one of its type."""
    checksum = document.spec.get("schema") if document.kind == BLOCKS.name else None
    if checksum is None:
        return document
    try:
        expected.id_of("block-schema", checksum)
    except Unresolved:
        warnings.append(f"{document.about}: the schema {checksum} is not known here; the newest of its type is taken")
        return document._replace(spec={key: value for key, value in document.spec.items() if key != "schema"})
    return document


def _with_secrets(inventory: Inventory, document: Document, row: Row) -> Row:
    """A block with what is secret in it, where a document tells secrets to compare it with."""
    if not needs_secrets(document.spec, BLOCKS.told(row, inventory)["data"]):
        return row
    query = {"include_secrets": "true"}
    return {**row, "data": inventory.client.call(endpoint("block_documents.READ"), query=query, id=row["id"]).data}


def _normalised(kind: Kind, document: Document, current: Spec, names: Expected) -> Spec:
    """The spec as the server would tell it: defaults inside its fields, what is not said left out.

    Raises Unresolved or ValueError.
    """
    spec = document.spec
    body = {**kind.identity(document.name, names), **kind.sent(current, names), **kind.sent(spec, names)}
    sendable = {field.sent_as for field in kind.fields if field.when != "never"}
    hidden = {field.sent_as for field in kind.fields} - sendable
    content = encode({name: value for name, value in body.items() if name not in hidden})
    body_type = struct(kind.body)
    _check_fields(kind.body, content)
    try:
        typed = decode(body_type, content)
    except BadBody as error:
        first = error.details[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        raise ValueError(f"spec.{place}: {first['msg']}") from None
    built = {**msgspec.to_builtins(typed), **{name: body[name] for name in hidden & body.keys()}}
    rebuilt = kind._replace(row=None).told(built, names)
    return {name: rebuilt[name] for name in spec if name in rebuilt}


@cache
def _twin(body: str) -> Any:
    return twin_decoder(struct(body))


def _check_fields(body: str, content: bytes) -> None:
    """Raises ValueError for a field that nobody would read."""
    try:
        _twin(body).decode(content)
    except msgspec.DecodeError:
        # A value that is not what it should be is told when it is read.
        for unknown in unknown_fields(struct(body), content):
            raise ValueError(f"there is no spec.{unknown}") from None


def _pruned(inventory: Inventory, documents: Iterable[Document], prune: Collection[str]) -> list[Change]:
    """What is of these kinds and in no document, in the order in which it can go."""
    said = {(each.kind, each.name) for each in documents}
    changes: list[Change] = []
    for kind in reversed(KINDS.values()):
        if kind.name not in prune:
            continue
        for name, row in sorted(inventory.rows(kind.name).items(), reverse=True):
            if (kind.name, name) not in said and not kind.cannot_go(row, inventory):
                changes.append(Change(kind.name, name, "delete", (), {}))
    return changes
