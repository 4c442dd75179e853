"""The command that does the same as something done elsewhere, to copy."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from podium.client.nouns.editing import body_of, edits_of, path_of, split
from podium.client.nouns.noun import Names, Noun, Option, endpoint
from podium.client.nouns.values import loosely
from podium.profiles.masking import MASK

Said = tuple[list[str], list[str]]
"""Arguments and options."""


def line(words: Sequence[str], profile: str | None = None) -> str:
    """The words as a line for a shell; ``profile`` is one that has to be named."""
    chosen = ["--profile", profile] if profile else []
    return " ".join(map(shlex.quote, ["podium", *chosen, *words]))


def group_of(noun: Noun) -> list[str]:
    """The words of a noun's commands."""
    return (noun.command or noun.name).split()


def acting(noun: Noun, verb: str, references: Sequence[str]) -> list[str]:
    """The command that does something to these."""
    return _words([*group_of(noun), verb], [*_owner(noun), *references], [])


def changing(noun: Noun, row: Any, names: Names, before: Mapping[str, Any], changes: Mapping[str, Any]) -> list[str]:
    """The command that makes these changes; a call of the API where options cannot say them."""
    edits = edits_of(noun)
    if edits.as_json:
        import msgspec

        said: Said | None = ([], [edits.as_json, msgspec.json.encode(changes).decode()])
    elif edits.within:
        said = _fields(edits.options[0], before, changes)
    else:
        said = _said(edits.options, changes, before, is_change=True)
    if said is None:
        return calling(edits.endpoint, body_of(edits, row, changes), path_of(edits, row))
    arguments, options = said
    references = [*_owner(noun), noun.reference(row, names)]
    return _words([*group_of(noun), edits.verb], [*references, *arguments], options)


def creating(noun: Noun, values: Mapping[str, Any]) -> list[str]:
    """The command that makes one of these values. Raises ValueError for a field that is missing."""
    creates = noun.creates
    assert creates is not None
    body, path = split(creates, values)
    said = _said(creates.options, values, creates.template, is_change=False)
    if said is None:
        return calling(creates.endpoint, body, path)
    arguments, options = said
    return _words([*group_of(noun), creates.verb], [*_owner(noun), *arguments], options)


def calling(name: str, body: Any, path: Mapping[str, Any]) -> list[str]:
    """The command that calls an endpoint with a body."""
    import msgspec

    row = endpoint(name)
    return ["api", row.method, row.url(**path), "-d", msgspec.json.encode(body).decode()]


def typed(value: Any) -> str:
    """A value as a word that commands read as the same value: JSON, or the text where that is none."""
    import msgspec

    if isinstance(value, str) and value not in ("", "-") and value[0] != "@" and loosely(value) == value:
        return value
    return msgspec.json.encode(value).decode()


def pairs(flag: str, values: Mapping[str, Any]) -> list[str]:
    """``--param day=2026-05-06 --param full=true``."""
    return [word for key, value in values.items() for word in (flag, f"{key}={typed(value)}")]


def _owner(noun: Noun) -> list[str]:
    return [noun.owner] if noun.owner else []


def _words(command: list[str], arguments: Sequence[str], options: Sequence[str]) -> list[str]:
    """Arguments before options, unless one looks like an option."""
    if any(word.startswith("-") for word in arguments):
        return [*command, *options, "--", *arguments]
    return [*command, *arguments, *options]


def _said(
    options: Sequence[Option], values: Mapping[str, Any], before: Mapping[str, Any], *, is_change: bool
) -> Said | None:
    """Arguments and options that say these values; None where they cannot."""
    known = {each.field for each in options}
    if any(name not in known and (is_change or value != before.get(name)) for name, value in values.items()):
        return None
    arguments: list[str] = []
    further: list[str] = []
    for option in options:
        if option.field not in values:
            continue
        value, old = values[option.field], before.get(option.field)
        is_argument = not option.flag and option.kind != "switch"
        if not is_change and not is_argument and value == old:
            continue
        words = _words_of(option, value, old, is_change)
        if words is None:
            return None
        if is_argument:
            arguments += words
        else:
            further += words
    return arguments, further


def _words_of(option: Option, value: Any, before: Any, is_change: bool) -> list[str] | None:
    """An option with its value; None for a value that it cannot say."""
    flag = [option.flag] if option.flag else []
    if option.kind == "switch":
        if value:
            return flag
        return [option.off] if option.off else None if is_change else []
    if option.kind == "number":
        return [*flag, "none" if value is None else typed(value)]
    if option.kind == "json":
        return [*flag, typed(value)]
    if option.kind == "list":
        texts = [str(each) for each in value or ()]
        if not texts:
            return [*flag, ""] if option.off else None if is_change else []
        return [word for text in texts for word in (option.flag, text)]
    if option.kind == "pairs":
        old, new = before or {}, value or {}
        if set(old) - set(new) or any("=" in key for key in new):
            return None
        return pairs(option.flag, {key: each for key, each in new.items() if key not in old or old[key] != each})
    if not isinstance(value, str) or value == "-" or value.startswith("@"):
        return None
    return [*flag, value]


def _fields(option: Option, before: Mapping[str, Any], changes: Mapping[str, Any]) -> Said:
    """Options for the fields of a block. Secrets are to come from a file, which keeps them out of the history."""
    words = []
    for key, value in changes.items():
        from_file = _has_mask(before.get(key)) or (isinstance(value, str) and value.startswith("@"))
        words += [option.flag, f"{key}=@FILE" if from_file else f"{key}={typed(value)}"]
    return [], words


def _has_mask(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_mask, value.values()))
    return any(map(_has_mask, value)) if isinstance(value, list) else value == MASK
