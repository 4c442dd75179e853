"""The contract's OpenAPI document, and what differs between it and the Structs of the wire.

Both sides are reduced to JSON Schema and compared field by field. A difference is one line of text, such as
``FlowRunCreate.name: null is taken``, named after the contract's component so that each is told once.

Some things are the same though they are spelled differently, everywhere: a duration is a number or ISO 8601 text
on arrival; null for an embedded parameter stands for its default; the tag that tells the members of a union apart is
always sent; a field the contract lets an answer leave out may be one that is always there.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from podium.wire.endpoint import Patch
from podium.wire.openapi import schemas

Schema = dict[str, Any]
Side = Literal["body", "answer"]

PARAMETER = re.compile(r"^[A-Z]+ /\S*\.\w+$")
SCHEDULES = ("interval", "cron", "rrule")
CONSTRAINTS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern")


@cache
def document() -> dict[str, Any]:
    """The contract."""
    loaded: dict[str, Any] = json.loads(Path(__file__).with_name("openapi.json").read_text())
    return loaded


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each (method, path, operation)."""
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield method.upper(), path, operation


def json_schema(content: dict[str, Any] | None) -> Schema | None:
    """The schema of a request's or response's content."""
    for media in (content or {}).values():
        schema: Schema = media.get("schema", {})
        return schema
    return None


@dataclass
class Comparison:
    """Compares one side's types; ``differences`` collects what is not the same."""

    side: Side
    differences: set[str] = field(default_factory=set)
    seen: set[tuple[str, str]] = field(default_factory=set)

    def compare(self, ours: Any, theirs: Schema, where: str) -> None:
        """Compare a type with a schema of the contract."""
        (schema,), definitions = schemas([ours])
        self.compare_schema(schema, definitions, theirs, where)

    def compare_schema(self, ours: Schema, definitions: dict[str, Schema], theirs: Schema, where: str) -> None:
        """Compare two schemas; ``definitions`` has the components that ours refers to, by name."""
        self._definitions = definitions
        self._values(ours, theirs, where)

    def say(self, where: str, what: str) -> None:
        self.differences.add(f"{where}: {what}")

    def _values(self, ours: Schema, theirs: Schema, where: str) -> None:
        mine = _alternatives(ours, self._definitions)
        other = _alternatives(theirs, document()["components"]["schemas"])
        if any(not schema for _, schema in other):
            if self.side == "body" and all(schema for _, schema in mine):
                self.say(where, "not any JSON")
            return
        if any(not schema for _, schema in mine):
            return
        self._kinds(mine, other, where)
        if self.side == "body":
            self._constraints(mine, other, where)
        for key, pairs in _paired(mine, other).items():
            for (my_name, my_schema), (name, schema) in pairs:
                if key == "array" and "items" in schema:
                    self._values(my_schema.get("items", {}), schema["items"], f"{where}[]")
                elif key == "object":
                    self._objects(my_name, my_schema, name, schema, where)

    def _kinds(self, mine: "Alternatives", other: "Alternatives", where: str) -> None:
        ours, theirs = _kinds(mine), _kinds(other)
        for kind in sorted(theirs - ours):
            self.say(where, f"no {kind}")
        for kind in sorted(ours - theirs):
            if not (kind == "null" and self.side == "body" and PARAMETER.match(where)):
                self.say(where, f"{kind} is taken" if self.side == "body" else f"may be {kind}")

    def _constraints(self, mine: "Alternatives", other: "Alternatives", where: str) -> None:
        for name in CONSTRAINTS:
            ours = {schema[name] for _, schema in mine if name in schema}
            theirs = {schema[name] for _, schema in other if name in schema}
            if ours != theirs:
                self.say(where, f"{name} {sorted(ours) or 'none'}, in the contract {sorted(theirs) or 'none'}")

    def _objects(self, my_name: str, ours: Schema, name: str, theirs: Schema, where: str) -> None:
        where = name or where
        if (my_name, where) in self.seen:
            return
        self.seen.add((my_name, where))
        if "properties" not in theirs or "properties" not in ours:
            if "properties" in theirs:
                self.say(where, "its fields are not declared")
            elif isinstance(theirs.get("additionalProperties"), dict):
                self._values(ours.get("additionalProperties", {}), theirs["additionalProperties"], f"{where}{{}}")
            return
        fields, contract = ours["properties"], theirs["properties"]
        for missing in sorted(contract.keys() - fields.keys()):
            self.say(f"{where}.{missing}", "no such field")
        for extra in sorted(fields.keys() - contract.keys()):
            self.say(f"{where}.{extra}", "not in the contract")
        forbids = [schema.get("additionalProperties") is False for schema in (ours, theirs)]
        if self.side == "body" and "Filter" in where and forbids[0] != forbids[1]:
            self.say(where, "unknown keys are refused" if forbids[0] else "unknown keys are ignored")
        self._required(ours, theirs, where)
        for common in fields.keys() & contract.keys():
            self._values(fields[common], contract[common], f"{where}.{common}")
            if self.side == "body" and not _is_patch(my_name) and common != _tag_field(theirs):
                self._default(fields[common], contract[common], f"{where}.{common}")

    def _required(self, ours: Schema, theirs: Schema, where: str) -> None:
        mine, other = set(ours.get("required", ())), set(theirs.get("required", ()))
        fields = ours["properties"].keys() & theirs["properties"].keys() - {_tag_field(theirs)}
        for name in sorted((other - mine) & fields):
            self.say(f"{where}.{name}", "not required")
        if self.side == "body":
            for name in sorted((mine - other) & fields):
                self.say(f"{where}.{name}", "required")

    def _default(self, ours: Schema, theirs: Schema, where: str) -> None:
        if "default" in theirs:
            default = 0.0 if theirs["default"] == "PT0S" else theirs["default"]
            if ours.get("default") != default:
                self.say(where, f"default {ours.get('default')!r}, in the contract {default!r}")


Alternatives = list[tuple[str, Schema]]


def _alternatives(schema: Schema, definitions: dict[str, Schema], name: str = "") -> Alternatives:
    """The (component, schema) of each value a schema allows; an empty schema is any JSON."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _alternatives(definitions[name], definitions, name)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return [found for each in schema[key] for found in _alternatives(each, definitions, name)]
    if isinstance(schema.get("type"), list):
        return [(name, {**schema, "type": kind}) for kind in schema["type"]]
    meaning = {key: value for key, value in schema.items() if key not in ("title", "description", "default")}
    return [(name, schema if meaning else {})]


def _kind(schema: Schema) -> str:
    if "const" in schema or "enum" in schema:
        return "/".join(sorted(map(str, schema.get("enum", [schema.get("const")]))))
    kind = str(schema.get("type", "object"))
    known = schema.get("format") in ("uuid", "date-time", "duration")
    return f"{kind} {schema['format']}" if kind == "string" and known else kind


def _kinds(alternatives: Alternatives) -> set[str]:
    kinds = {_kind(schema) for _, schema in alternatives}
    if "string duration" in kinds:
        kinds = kinds - {"string duration"} | {"number"}
    return kinds - {"integer"} if "number" in kinds else kinds


def _is_patch(name: str) -> bool:
    return name in {kind.__name__ for kind in Patch.__subclasses__()}


def _tag_field(schema: Schema) -> str:
    """The name of the field that tells an object from the others of its union, or an empty text."""
    for name in ("type", "input_type"):
        discriminator = schema.get("properties", {}).get(name, {})
        if "const" in discriminator or len(discriminator.get("enum", ())) == 1:
            return name
    return ""


def _tag(schema: Schema) -> str:
    """What tells an object from the others of its union: its tag, or the one kind of schedule that it requires."""
    name = _tag_field(schema)
    if name:
        return _kind(schema["properties"][name])
    return next((key for key in SCHEDULES if key in schema.get("required", ())), "")


def _paired(mine: Alternatives, other: Alternatives) -> dict[str, list[tuple[tuple[str, Schema], tuple[str, Schema]]]]:
    """The arrays and objects of both sides that stand for each other: by tag where there are several."""
    pairs: dict[str, list[tuple[tuple[str, Schema], tuple[str, Schema]]]] = {"array": [], "object": []}
    for key, found in pairs.items():
        ours = {_tag(schema): (name, schema) for name, schema in mine if schema.get("type") == key}
        theirs = [(name, schema) for name, schema in other if schema.get("type") == key]
        if key == "array" and len(theirs) > 1:
            theirs = [("", {"type": "array", "items": {"anyOf": [schema["items"] for _, schema in theirs]}})]
        found += [(ours[_tag(schema)], (name, schema)) for name, schema in theirs if _tag(schema) in ours]
    return pairs
