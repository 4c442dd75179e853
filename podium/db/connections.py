"""Opens SQLAlchemy engines with what Podium needs of each database."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.pool import NullPool, StaticPool

from podium.db.options import Options
from podium.db.urls import is_in_memory, sync_url

A_DAY = 86400.0
"""What SQLite waits for a lock where the settings say: any time."""


class _Compiler(SQLiteCompiler):
    def visit_ilike_case_insensitive_operand(self, element: Any, **options: Any) -> str:
        """As it is: SQLite's LIKE leaves out the case of the letters that lower() knows, in a third of the time."""
        return self.process(element.element, **options)


def open_engine(url: str, options: Options) -> Engine:
    """An engine for any accepted URL; connects to nothing yet."""
    if url.startswith("sqlite"):
        return _open_sqlite(url, options)
    # Loaded on use: the driver costs a server on SQLite 150 ms and 24 MB.
    from podium.db.postgresql import open_postgresql

    return open_postgresql(url, options)


def _open_sqlite(url: str, options: Options) -> Engine:
    options.in_memory = is_in_memory(url)
    target = sync_url(url)
    path = make_url(target).database or ":memory:"
    if not options.in_memory:
        Path(path).expanduser().parent.mkdir(parents=True, exist_ok=True)

    def connect() -> sqlite3.Connection:
        file = Path(path).expanduser()
        is_new = options.in_memory or not file.exists() or file.stat().st_size == 0
        connection = sqlite3.connect(
            ":memory:" if options.in_memory else str(file),
            timeout=options.timeout or A_DAY,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        for pragma in (
            # So that the file can be made smaller without being written anew; on one that is there it would only wait
            # for the lock and write.
            *(("auto_vacuum = INCREMENTAL",) if is_new else ()),
            "journal_mode = WAL",
            f"synchronous = {options.synchronous}",
            "foreign_keys = ON",
            "cache_size = -16000",
            "temp_store = MEMORY",
            "journal_size_limit = 67108864",
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=StaticPool if options.in_memory else NullPool,
        isolation_level="AUTOCOMMIT",
        echo=options.echo,
        query_cache_size=2000,
    )
    engine.dialect.statement_compiler = _Compiler
    return engine
