"""Searching for words in text: the grammar of `logs.text` and `events.text`, and its SQL."""

import re
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, not_, or_

_TERM = re.compile(r"""([-!+]?)(?:"((?:[^"\\]|\\.)*)"?|(\S+))""", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a query asks for: one of ``wanted`` (if there are any), all of ``required``, none of ``excluded``."""

    wanted: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()


def parse(query: str) -> Terms:
    """Reads ``word "a phrase" -excluded !excluded +required``; a backslash in a phrase escapes the next character."""
    found: dict[str, list[str]] = {"": [], "+": [], "-": [], "!": []}
    for sign, phrase, word in _TERM.findall(query):
        term = _ESCAPED.sub(r"\1", phrase) if phrase else word
        if term:
            found[sign].append(term)
    return Terms(tuple(found[""]), tuple(found["+"]), tuple(found["-"] + found["!"]))


def matches(text: ColumnElement[str], query: str) -> ColumnElement[bool] | None:
    """The condition that a text matches a query, ignoring case; None for a query without terms."""
    terms = parse(query)
    parts = [_contains(text, term) for term in terms.required]
    parts += [not_(_contains(text, term)) for term in terms.excluded]
    if terms.wanted:
        parts.append(or_(*(_contains(text, term) for term in terms.wanted)))
    return and_(*parts) if parts else None


def _contains(text: ColumnElement[str], term: str) -> ColumnElement[bool]:
    return text.icontains(term, autoescape=True)
