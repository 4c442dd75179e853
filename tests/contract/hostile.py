"""What a hostile caller puts where, derived from the types of the endpoint rows.

A place is a field at any depth of a body (or a query parameter) with a way to build a body that is good but for what
stands there. ``wrong`` are values that no reader may take for one of the field's type; ``odd`` are of the type, or
close to it, and whether they are taken is the server's to say.
"""

import json
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec.inspect as types

DEEPEST = 5
SAMPLE_ID = "5c0ffee0-0000-4000-8000-000000000001"

Node = Any
Path = tuple[str | int, ...]
Build = Callable[[Any], Any]
Known = dict[str, Any]
"""Values of fields by name, so that a good body names what exists; a function makes a new text each time."""


class Raw(str):
    """Text that stands in a body as it is, whether it is JSON or not."""

    __slots__ = ()


def written(value: Any) -> bytes:
    """The JSON of a value, ``Raw`` within it verbatim; NaN and Infinity as Python writes them."""
    parts: list[str] = []

    def marked(part: Any) -> Any:
        if isinstance(part, Raw):
            parts.append(str(part))
            return f"@raw:{len(parts) - 1}@"
        if isinstance(part, dict):
            return {name: marked(each) for name, each in part.items()}
        return [marked(each) for each in part] if isinstance(part, list) else part

    text = json.dumps(marked(value))
    for number, part in enumerate(parts):
        text = text.replace(f'"@raw:{number}@"', part)
    return text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Place:
    """A field: where it is, its type, and how a body looks that has another value there."""

    path: Path
    kind: Node
    build: Build


def members(kind: Node) -> list[Node]:
    """The alternatives of a type."""
    if isinstance(kind, types.Metadata):
        return members(kind.type)
    return [each for part in kind.types for each in members(part)] if isinstance(kind, types.UnionType) else [kind]


def sample(kind: Node, known: Known, name: str = "") -> Any:
    """A value that is good: what is known of the field, else the least that its type wants."""
    first = members(kind)[0]
    if name in known and _kind(first) == ("object" if known[name] == {} else "text"):
        return known[name]() if callable(known[name]) else known[name]
    if isinstance(first, types.StructType):
        return _struct(first, known)
    if isinstance(first, types.LiteralType):
        return first.values[0]
    if isinstance(first, types.IntType | types.FloatType):
        return max(1, int(first.ge or 0), int(first.gt or 0) + 1)
    if isinstance(first, types.TupleType):
        return [sample(each, known) for each in first.item_types]
    made = {
        types.UUIDType: SAMPLE_ID,
        types.DateTimeType: "2026-05-06T12:00:00Z",
        types.BoolType: True,
        types.DictType: {},
        types.ListType: [],
        types.StrType: SAMPLE_ID if "0-9a-fA-F]{8}" in str(getattr(first, "pattern", "")) else "sample",
    }
    return made.get(type(first), "anything")


def _struct(kind: types.StructType, known: Known) -> dict[str, Any]:
    made = {} if kind.tag_field is None else {kind.tag_field: kind.tag}
    fields = (each for each in kind.fields if each.required or _fixed(each, known))
    return {**made, **{each.encode_name: sample(each.type, known, each.encode_name) for each in fields}}


def _fixed(field: types.Field, known: Known) -> bool:
    value = known.get(field.encode_name)
    texts = types.StrType | types.UUIDType
    return isinstance(value, str) and any(isinstance(each, texts) for each in members(field.type))


def places(kind: Node, known: Known, walked: set[Any], depth: int = 0) -> Iterator[Place]:
    """Every place below a value of this type, but for what is within objects ``walked`` before (it is added to)."""
    for each in members(kind) if depth <= DEEPEST else ():
        if isinstance(each, types.StructType):
            if depth and each.cls in walked:
                continue
            walked.add(each.cls)
            for field in each.fields:
                put = partial(_with, partial(_struct, each, known), field.encode_name)
                yield Place((field.encode_name,), field.type, put)
                yield from _below((field.encode_name,), put, field.type, known, walked, depth)
        elif isinstance(each, types.ListType):
            yield Place((0,), each.item_type, _alone)
            yield from _below((0,), _alone, each.item_type, known, walked, depth)
        elif isinstance(each, types.DictType):
            put = partial(_with, dict, "key")
            yield Place(("key",), each.value_type, put)
            yield from _below(("key",), put, each.value_type, known, walked, depth)


def _below(path: Path, put: Build, kind: Node, known: Known, walked: set[Any], depth: int) -> Iterator[Place]:
    for inner in places(kind, known, walked, depth + 1):
        yield Place((*path, *inner.path), inner.kind, partial(_through, put, inner.build))


def _with(base: Callable[[], dict[str, Any]], name: str, value: Any) -> dict[str, Any]:
    return {**base(), name: value}


def _alone(value: Any) -> list[Any]:
    return [value]


def _through(outer: Build, inner: Build, value: Any) -> Any:
    return outer(inner(value))


_KINDS: dict[type, str] = {
    types.StrType: "text",
    types.UUIDType: "text",
    types.DateTimeType: "text",
    types.IntType: "number",
    types.FloatType: "number",
    types.BoolType: "truth",
    types.NoneType: "null",
    types.ListType: "list",
    types.TupleType: "list",
    types.DictType: "object",
    types.StructType: "object",
}
_OF_KIND = {"text": "such a thing", "number": 5, "truth": True, "null": None, "list": [], "object": {}}


def kinds_of(kind: Node) -> set[str]:
    """What JSON a type takes: ``text``, ``number``, ``truth``, ``null``, ``list``, ``object`` or ``any``."""
    return {_kind(each) for each in members(kind)}


def _kind(each: Node) -> str:
    if isinstance(each, types.LiteralType):
        return "text"
    return _KINDS.get(type(each), "any")


def wrong(kind: Node) -> Iterator[Any]:
    """Values that a field of this type cannot take."""
    found = members(kind)
    kinds = {_kind(each) for each in found}
    if "any" in kinds:
        return
    yield from (value for name, value in _OF_KIND.items() if name not in kinds and (name != "null" or "x" in kinds))
    if "object" in kinds and any(isinstance(each, types.StructType) and each.tag_field for each in found):
        yield from ({"type": "no-such-kind"}, {"type": 5}, {"type": None})
    texts = [each for each in found if _kind(each) == "text"]
    if texts and not any(isinstance(each, types.StrType) for each in texts):
        yield from ("such a thing", "", "5", "\x00", "\U0001f600")
    if any(isinstance(each, types.DateTimeType) for each in texts) and len(texts) == 1:
        yield from (
            "0000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-01-01T25:00:00Z",
            "2026-01-01T00:00:00+25:00",
            "2026-01-01T00:00:00+99:99",
        )
    if {type(each) for each in found} & {types.IntType, types.FloatType} == {types.IntType}:
        yield 1.5


SURROGATE = Raw('"a\\ud800b"')
LONG = "".join(random.Random(7).choices(string.ascii_letters, k=3000))
"""More than an index takes, and nothing that can be packed."""


def odd(kind: Node) -> Iterator[Any]:
    """Values whose taking is the server's decision: it takes or refuses them, and does nothing else."""
    kinds = kinds_of(kind)
    if kinds & {"text", "any"}:
        yield from (SURROGATE, LONG, "a\x00b", "", " ", "../..", "%00")
        yield from ("\u202egnp", "\U0001f600" * 300, "\ufffe", "\x1b")
    if kinds & {"number", "any"}:
        yield from (0, -1, 2**31 - 1, 2**31, -(2**31) - 1, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 2**200)
        yield from map(Raw, ("1e308", "1e999", "-1e999", "NaN", "Infinity", "-0.0", "9" * 5000))
    if "text" in kinds and any(isinstance(each, types.DateTimeType) for each in members(kind)):
        yield from ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z")
        yield from ("9999-12-31T23:59:59.999999Z", "2026-06-30T23:59:60Z", "2026-01-01T00:00:00+23:59")
    if kinds & {"list", "any"}:
        yield from ([], [None], [1, "1", {}])
    if kinds & {"object", "any"}:
        yield from ({"a\x00b": "c\x00d"}, {"": {}}, {"__proto__": {}, "$ref": "#", "__prefect_kind": "x"})
        yield from (Raw('{"\\ud800": 1}'), Raw('{"a": 1, "a": 2}'))
        yield from ({"a": Raw("NaN")}, {"a": Raw("1e999")}, {"a": 2**70}, {"a": SURROGATE})


def heavy(kind: Node) -> Iterator[Any]:
    """As ``odd``, and large or deep."""
    kinds = kinds_of(kind)
    if kinds & {"text", "any"}:
        yield "x" * 1_000_000
    if kinds & {"list", "any"}:
        yield from (["x"] * 50_000, [[]] * 50_000)
    if kinds & {"object", "any"}:
        yield from ({f"k{n}": n for n in range(20_000)}, {"k" * 1_000_000: 1})
        yield from (
            Raw("[" * 100_000 + "]" * 100_000),
            Raw('{"a":' * 100_000 + "1" + "}" * 100_000),
            Raw("[" * 100_000),
        )
        yield from (Raw('{"and_":' * 300 + "1" + "}" * 300), {"a": Raw("[" * 1000 + "]" * 1000)})


def name(value: Any) -> str:
    """A hostile value in a word, for a report."""
    text = repr(value)
    return text if len(text) < 60 else f"{text[:40]}… ({len(text)})"
