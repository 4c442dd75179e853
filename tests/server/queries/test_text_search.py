"""Searching text: the words of a query, and what they match."""

from typing import Any

import pytest
from sqlalchemy import literal, select

from podium.server.queries.text_search import Terms, matches, parse


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("", Terms()),
        ("   ", Terms()),
        ("one two", Terms(("one", "two"))),
        ("-noise !also +must", Terms((), ("must",), ("noise", "also"))),
        ('"a phrase" -"not this" +"but that"', Terms(("a phrase",), ("but that",), ("not this",))),
        (r'"say \"hi\" \\ there"', Terms(('say "hi" \\ there',))),
        ('"never closed', Terms(("never closed",))),
        ("a-b c+d", Terms(("a-b", "c+d"))),
        ("a - b", Terms(("a", "-", "b"))),
    ],
)
def test_queries_are_words_with_signs_and_phrases(query: str, terms: Terms) -> None:
    """``-`` and ``!`` exclude, ``+`` requires, quotes keep a phrase together."""
    assert parse(query) == terms


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("timeout", True),
        ("TIMEOUT", True),
        ("nothing timeout", True),
        ("nothing", False),
        ("timeout -connection", False),
        ("-nothing", True),
        ("+timeout nothing", False),
        ("+timeout +connection", True),
        ("+timeout +nothing", False),
        ('"connection timeout"', True),
        ('"timeout connection"', False),
        ("prefect.flow_runs", True),
        ("flowXruns", False),
        ("100%", True),
        ("10%0", False),
    ],
)
def test_text_matches_ignoring_case_and_without_wildcards(units: Any, query: str, found: bool) -> None:
    """One wanted word is enough, all required ones are needed, no excluded one may be there."""
    text = literal("Connection timeout after 100% of retries prefect.flow_runs")
    condition = matches(text, query)
    assert condition is not None
    assert bool(units.read(lambda tx: tx.value(select(condition)))) is found
