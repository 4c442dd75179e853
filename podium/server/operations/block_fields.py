"""The fields of block schemas: their checksum, and the schemas of other blocks inside of them."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

Fields = dict[str, Any]

SLUG = "block_type_slug"
REFERENCES = "block_schema_references"


def checksum(fields: Fields) -> str:
    """What clients and server call these fields by: the hash of their text without secrets' names and inner blocks."""
    kept = _without_secrets(fields)
    definitions = kept.pop("definitions", {})
    plain = {
        name: definitions[name]
        for name in _reachable(kept, definitions)
        if definitions[name] and SLUG not in definitions[name]
    }
    if plain:
        kept["definitions"] = plain
    text = json.dumps([[kept], {}], sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _without_secrets(fields: Fields) -> Fields:
    return {
        key: _without_secrets(value) if isinstance(value, dict) else value
        for key, value in fields.items()
        if key != "secret_fields"
    }


def _pointers(value: Any) -> Iterator[str]:
    """The names of the definitions that a schema refers to."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "$ref" and isinstance(item, str):
                yield item.rpartition("/")[2]
            else:
                yield from _pointers(item)
    elif isinstance(value, list):
        for item in value:
            yield from _pointers(item)


def _reachable(fields: Fields, definitions: Fields) -> list[str]:
    found: dict[str, None] = {}
    waiting = list(_pointers(fields))
    while waiting:
        name = waiting.pop()
        if name not in found and name in definitions:
            found[name] = None
            waiting.extend(_pointers(definitions[name]))
    return list(found)


def without_inner_blocks(fields: Fields) -> Fields:
    """The fields as they are stored: blocks among the definitions have a schema of their own."""
    definitions = fields.get("definitions")
    if definitions is None:
        return fields
    kept = {name: each for name, each in definitions.items() if SLUG not in each}
    bare = {key: value for key, value in fields.items() if key != "definitions"}
    return {**bare, "definitions": kept} if kept else bare


def references(fields: Fields) -> list[tuple[str, str, str]]:
    """Property, checksum and slug of each block schema that the fields refer to."""
    return [
        (name, entry["block_schema_checksum"], entry[SLUG])
        for name, entries in (fields.get(REFERENCES) or {}).items()
        for entry in (entries if isinstance(entries, list) else [entries])
    ]


def inner_block(fields: Fields, wanted: str) -> Fields | None:
    """The fields of the block among the definitions that has this checksum."""
    definitions = fields.get("definitions") or {}
    for definition in definitions.values():
        if SLUG in definition:
            needed = {name: definitions[name] for name in _reachable(definition, definitions)}
            inner = {**definition, "definitions": needed} if needed else definition
            if checksum(inner) == wanted:
                return dict(inner)
    return None


def _definitions(fields: Fields) -> Fields:
    found = fields.get("definitions")
    return found if isinstance(found, dict) else {}


def with_inner_blocks(fields: Fields, inner: list[Fields]) -> Fields:
    """The fields as clients read them: the blocks they refer to (each complete) among the definitions again."""
    definitions = dict(_definitions(fields))
    for block in inner:
        definitions.update(_definitions(block))
        definitions[block.get("title", "")] = {key: value for key, value in block.items() if key != "definitions"}
    return {**fields, "definitions": definitions} if definitions else fields
