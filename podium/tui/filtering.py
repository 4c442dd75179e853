"""What is typed after `/`: words of a filter, by the names of the noun's own filters.

``state=failed,late tag=daily since=2h etl`` are those in one of these states, with this tag, of the last two hours,
with ``etl`` in their name.
"""

import shlex
from difflib import get_close_matches
from typing import Any, Final

from podium.client.nouns.noun import Filter, Noun

PLAIN: Final = ("text", "name", "tag", "key", "flow")
"""The filter that a word without a name is meant for: the first of these that the noun has."""


def keys_of(noun: Noun) -> list[str]:
    """The names of a noun's filters."""
    return [_key(each) for each in noun.filters]


def parse(noun: Noun, typed: str) -> dict[str, Any]:
    """Values by the keys of the noun's filters. Raises ValueError with one line."""
    try:
        words = shlex.split(typed)
    except ValueError:
        words = typed.split()
    values: dict[str, Any] = {}
    plain: list[str] = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            plain.append(word)
            continue
        _put(values, _filter(noun, name), value)
    if plain:
        _put(values, _plain(noun), " ".join(plain))
    return values


def _key(each: Filter) -> str:
    return each.key.replace("_", "-")


def _filter(noun: Noun, name: str) -> Filter:
    typed = name.strip().lower().replace("_", "-")
    for each in noun.filters:
        names = [part.lstrip("-") for flag in each.flags for part in flag.split("/")]
        if typed in names:
            return each
    keys = keys_of(noun)
    near = get_close_matches(typed, keys, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(keys)}." if keys else "there is none."
    raise ValueError(f"{noun.plural} have no filter {name!r}; {hint}")


def _plain(noun: Noun) -> Filter:
    keys = keys_of(noun)
    for name in PLAIN:
        if name in keys:
            return noun.filters[keys.index(name)]
    raise ValueError(f"{noun.plural} are not filtered by a word; write name=value with {', '.join(keys) or 'nothing'}.")


def _put(values: dict[str, Any], each: Filter, value: str) -> None:
    if each.kind == "many":
        values[each.key] = [*values.get(each.key, ()), *(part for part in value.split(",") if part)]
    elif each.kind == "flag":
        values[each.key] = _flag(_key(each), value)
    elif each.kind == "number":
        if not value.isdigit():
            raise ValueError(f"{_key(each)} takes a number, not {value!r}.")
        values[each.key] = int(value)
    else:
        values[each.key] = value


def _flag(key: str, value: str) -> bool:
    word = value.lower()
    if word not in ("yes", "no", "true", "false", ""):
        raise ValueError(f"{key} takes yes or no, not {value!r}.")
    return word in ("yes", "true", "")
