"""Secrets in the data of block documents: masked where nobody asked for them, kept where their mask comes back.

A path of a schema's ``secret_fields`` is a name at each step (``login.password``); ``*`` is every key. Lists are
no step of their own: a path goes into each item.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from podium.profiles.masking import MASK

Paths = Sequence[str]


def masked(data: Any, paths: Paths) -> Any:
    """The data with what is at each path in place of its secret."""
    for path in paths:
        data = _masked(data, path.split("."))
    return data


def _masked(data: Any, steps: list[str]) -> Any:
    if not steps:
        return data if data is None else MASK
    if isinstance(data, list):
        return [_masked(item, steps) for item in data]
    if not isinstance(data, dict):
        return data
    return {**data, **{name: _masked(data[name], steps[1:]) for name in _named(data, steps[0])}}


def _named(data: Mapping[str, Any], step: str) -> Iterable[str]:
    if step == "*":
        return list(data)
    return (step,) if step in data else ()


def unmasked(sent: Any, current: Any, paths: Paths) -> Any:
    """The data with what is still masked as it is now."""
    for path in paths:
        sent = _unmasked(sent, current, path.split("."))
    return sent


def _unmasked(sent: Any, current: Any, steps: list[str]) -> Any:
    if not steps:
        return current if sent == MASK and current is not None else sent
    if isinstance(sent, list) and isinstance(current, list):
        return [_unmasked(item, _counterpart(item, place, current, steps), steps) for place, item in enumerate(sent)]
    if not isinstance(sent, dict) or not isinstance(current, dict):
        return sent
    kept = {name: _unmasked(sent[name], current.get(name), steps[1:]) for name in _named(sent, steps[0])}
    return {**sent, **kept}


def _counterpart(item: Any, place: int, current: list[Any], steps: list[str]) -> Any:
    """What an item of a list is now: it may have moved, then it is told by what is not secret of it."""
    same_place = current[place : place + 1]
    for each in same_place + current:
        if _masked(each, steps) == item:
            return each
    return same_place[0] if same_place else None
