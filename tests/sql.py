"""Counts the SQL statements that the drivers are given, past everything of Podium."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.counted import CONTROL, Counts, count_postgresql, count_sqlite


@contextmanager
def counted_statements(patch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Statements by their text, of connections opened meanwhile; BEGIN, COMMIT and the like are left out."""
    import sqlite3

    import psycopg

    for owner, name in (
        (sqlite3, "connect"),
        (psycopg.Cursor, "execute"),
        (psycopg.Cursor, "executemany"),
        (psycopg.Connection, "_exec_command"),
    ):
        patch.setattr(owner, name, getattr(owner, name))
    counts = Counts(Path(), left_out=CONTROL)
    count_sqlite(counts)
    count_postgresql(counts)
    yield counts.texts
