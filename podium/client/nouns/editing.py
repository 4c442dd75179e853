"""Changing a thing as text: its fields as YAML, what somebody made of them, the difference, and sending it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from podium.client.nouns.noun import Creates, Edits, Noun, attribute, endpoint
from podium.client.nouns.printing import printable
from podium.client.yaml_text import yaml_text
from podium.profiles.masking import MASK

if TYPE_CHECKING:
    from podium.client.api import Client

Fields = dict[str, Any]

ANOTHER = f"{MASK} (another)"
"""What a difference shows in place of a secret that somebody typed."""


def edits_of(noun: Noun) -> Edits:
    """What can be changed of a noun. Raises ValueError where nothing can."""
    if noun.edits is None:
        raise ValueError(f"{noun.plural.capitalize()} cannot be edited.")
    return noun.edits


def values_of(noun: Noun, row: Any) -> Fields:
    """The fields of a row that can be changed, as JSON has them."""
    edits = edits_of(noun)
    if edits.within:
        inside: Fields = msgspec.to_builtins(attribute(row, edits.within) or {})
        return inside
    return {name: msgspec.to_builtins(attribute(row, name)) for name in edits.fields}


def text_of(values: Mapping[str, Any], title: str) -> str:
    """The values as a text to edit; its first line says what it is."""
    heading = f"# {title}: change what you like, save and close. Fields that are left out stay as they are.\n"
    return heading + yaml_text(values)


def read(text: str) -> Fields:
    """The fields that a text holds; none where everything was deleted. Raises ValueError, which names the line."""
    # Loaded on use: it knows every kind of thing that can be declared.
    from podium.client.manifests.documents import yaml_value

    found = yaml_value(text)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ValueError("Expected fields with their values.")
    return found


def changed(text: str, before: Mapping[str, Any]) -> Fields:
    """The fields that are not as they were. Raises ValueError for what is not YAML of these fields."""
    after = read(text)
    if unknown := [name for name in after if name not in before]:
        raise ValueError(f"{', '.join(unknown)} cannot be edited; known are {', '.join(before)}.")
    return {name: value for name, value in after.items() if value != before[name]}


def difference(before: Mapping[str, Any], changes: Mapping[str, Any]) -> list[str]:
    """The lines of a unified difference, fit for a terminal; secrets that were masked stay hidden."""
    import difflib

    after = {**before, **{name: _hidden(before.get(name), value) for name, value in changes.items()}}
    old, new = yaml_text(before).splitlines(), yaml_text(after).splitlines()
    return [printable(line) for line in list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]]


def _hidden(before: Any, after: Any) -> Any:
    """The value after, with what took the place of a mask hidden."""
    if before == MASK:
        return after if after in (MASK, None) else ANOTHER
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return {name: _hidden(before.get(name), value) for name, value in after.items()}
    if isinstance(before, list) and isinstance(after, list):
        further = [None] * (len(after) - len(before))
        return [_hidden(old, new) for old, new in zip([*before, *further], after, strict=False)]
    return after


def overwritten(before: Mapping[str, Any], changes: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """The fields that somebody else changed as well meanwhile: ``theirs`` is what all fields are by now."""
    return [name for name in changes if theirs.get(name) not in (before.get(name), changes[name])]


def body_of(edits: Edits, row: Any, changes: Mapping[str, Any]) -> Fields:
    """What is sent for these changes of a row."""
    if edits.within:
        return {edits.within: dict(changes)}
    return {**{name: msgspec.to_builtins(attribute(row, name)) for name in edits.always}, **changes}


def path_of(edits: Edits, row: Any) -> Fields:
    """What goes into the path of the endpoint."""
    return {name: attribute(row, value) for name, value in edits.path.items()}


def send(client: "Client", noun: Noun, row: Any, changes: Mapping[str, Any]) -> None:
    """Sends the changes of a row, which is as it is by now. Raises ClientError."""
    edits = edits_of(noun)
    client.call(endpoint(edits.endpoint), body_of(edits, row, changes), **path_of(edits, row))


def split(creates: Creates, values: Mapping[str, Any]) -> tuple[Fields, Fields]:
    """The body and the path of what makes one of these values. Raises ValueError for a field that is missing."""
    path = {name: values.get(field) for name, field in creates.path.items()}
    if missing := [creates.path[name] for name, value in path.items() if not value]:
        raise ValueError(f"Say the {missing[0]}.")
    return {name: value for name, value in values.items() if name not in creates.path.values()}, path


def make(client: "Client", noun: Noun, values: Mapping[str, Any]) -> Any:
    """Makes one of these values and returns it. Raises ClientError, and ValueError for a field that is missing."""
    creates = noun.creates
    if creates is None:
        raise ValueError(f"{noun.plural.capitalize()} cannot be made here.")
    body, path = split(creates, values)
    if creates.finished is not None:
        body = creates.finished(client, body)
    return client.call(endpoint(creates.endpoint), body, **path)
