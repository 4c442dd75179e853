"""Opens SQLAlchemy engines with what Podium needs of each database."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg.adapt import Loader
from psycopg.types.string import TextLoader
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.pool import NullPool, StaticPool

from podium.db.urls import is_in_memory, sync_url


@dataclass(slots=True)
class Options:
    """How to connect: times in seconds, sizes in connections."""

    timeout: float = 10.0
    connection_timeout: float = 5.0
    pool_size: int = 5
    max_overflow: int = 10
    pool_recycle: int = 3600
    pool_timeout: float = 30.0
    readers: int = 2
    synchronous: str = "NORMAL"
    echo: bool = False
    application_name: str = "podium"
    in_memory: bool = False


def open_engine(url: str, options: Options) -> Engine:
    """An engine for any accepted URL; connects to nothing yet."""
    if url.startswith("sqlite"):
        return _open_sqlite(url, options)
    return _open_postgresql(url, options)


def _open_sqlite(url: str, options: Options) -> Engine:
    options.in_memory = is_in_memory(url)
    target = sync_url(url)
    path = make_url(target).database or ":memory:"
    if not options.in_memory:
        Path(path).expanduser().parent.mkdir(parents=True, exist_ok=True)

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            str(Path(path).expanduser()) if not options.in_memory else ":memory:",
            timeout=options.timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        for pragma in (
            "journal_mode = WAL",
            f"synchronous = {options.synchronous}",
            "foreign_keys = ON",
            "cache_size = -16000",
            "temp_store = MEMORY",
            "journal_size_limit = 67108864",
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    return create_engine(
        "sqlite://",
        creator=connect,
        poolclass=StaticPool if options.in_memory else NullPool,
        isolation_level="AUTOCOMMIT",
        echo=options.echo,
        query_cache_size=2000,
    )


class _RawLoader(Loader):
    """JSON columns stay the bytes they are."""

    def load(self, data: Any) -> msgspec.Raw:
        return msgspec.Raw(bytes(data))


def _open_postgresql(url: str, options: Options) -> Engine:
    engine = create_engine(
        sync_url(url),
        pool_size=options.pool_size,
        max_overflow=options.max_overflow,
        pool_recycle=options.pool_recycle,
        pool_timeout=options.pool_timeout,
        echo=options.echo,
        query_cache_size=2000,
        connect_args={
            "connect_timeout": max(1, round(options.connection_timeout)),
            "application_name": options.application_name,
            "options": f"-c timezone=UTC -c statement_timeout={int(options.timeout * 1000)}",
        },
    )

    @event.listens_for(engine, "connect")
    def _adapt(connection: psycopg.Connection[Any], record: object) -> None:
        connection.adapters.register_loader("uuid", TextLoader)
        connection.adapters.register_loader("json", _RawLoader)
        connection.adapters.register_loader("jsonb", _RawLoader)
        connection.prepare_threshold = 2

    return engine
