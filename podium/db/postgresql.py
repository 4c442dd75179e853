"""PostgreSQL through psycopg: sessions in UTC, ids as text, JSON as the bytes it is."""

from typing import Any

import msgspec
import psycopg
from psycopg.adapt import Loader
from psycopg.types.string import TextLoader
from sqlalchemy import Engine, create_engine, event

from podium.db.options import Options
from podium.db.urls import sync_url


class _RawLoader(Loader):
    """JSON columns stay the bytes they are."""

    def load(self, data: Any) -> msgspec.Raw:
        return msgspec.Raw(bytes(data))


def open_postgresql(url: str, options: Options) -> Engine:
    """A pooled engine; connects to nothing yet."""
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
            "options": _session(options),
            **(options.tls or {}),
        },
    )

    @event.listens_for(engine, "connect")
    def _adapt(connection: psycopg.Connection[Any], record: object) -> None:
        connection.adapters.register_loader("uuid", TextLoader)
        connection.adapters.register_loader("json", _RawLoader)
        connection.adapters.register_loader("jsonb", _RawLoader)
        connection.prepare_threshold = None if options.prepared == 0 else 2
        if options.prepared:
            connection.prepared_max = options.prepared

    @event.listens_for(engine, "do_execute")
    def _plan(cursor: psycopg.Cursor[Any], statement: Any, parameters: Any, context: Any) -> bool:
        """Has a query that is made of a filter planned for its values, each time.

        What a plan for any values guesses of a range of time may cost a hundred times as much. Constant statements
        (``podium.db.prepared``), which come another way, have one plan.
        """
        if not getattr(context.invoked_statement, "is_select", False):
            return False
        cursor.execute(statement, parameters, prepare=False)
        return True

    return engine


def _session(options: Options) -> str:
    """The parameters a session starts with, as the server's command line spells them."""
    # Compiling a statement, or starting workers for it, takes longer than the longest of ours run, and with workers the
    # planner would rather read whole tables. Pages lie in memory or on flash: none is far, and what is done with a row
    # weighs more beside them.
    parameters = {
        "timezone": "UTC",
        "statement_timeout": str(int(options.timeout * 1000)),
        "jit": "off",
        "max_parallel_workers_per_gather": "0",
        "random_page_cost": "0.9",
        "seq_page_cost": "0.5",
    }
    if options.lock_timeout:
        parameters["lock_timeout"] = str(int(options.lock_timeout * 1000))
    if options.search_path:
        parameters["search_path"] = options.search_path
    return " ".join(f"-c {name}={_escaped(value)}" for name, value in parameters.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
