"""Database URLs: every accepted spelling, and the one that SQLAlchemy gets."""

from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from podium.db.errors import UnsupportedDatabase
from podium.profiles.masking import mask_url

SQLITE_NAMES = {"sqlite", "sqlite+pysqlite", "sqlite+aiosqlite"}
POSTGRESQL_NAMES = {
    "postgres",
    "postgresql",
    "postgresql+asyncpg",
    "postgresql+psycopg",
    "postgresql+psycopg2",
    "postgresql+psycopg_async",
}

# Options of the asyncpg driver that the PostgreSQL client library does not know and does not need.
ASYNCPG_ONLY = {
    "command_timeout",
    "direct_tls",
    "max_cached_statement_lifetime",
    "max_cacheable_statement_size",
    "prepared_statement_cache_size",
    "prepared_statement_name_func",
    "server_settings",
    "statement_cache_size",
}
TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


def sync_url(url: str) -> str:
    """The SQLAlchemy URL of the driver Podium uses: ``sqlite`` or ``postgresql+psycopg``.

    Accepts the URLs of the asynchronous drivers (aiosqlite, asyncpg, with their options) and plain ones.
    Raises ``UnsupportedDatabase`` for any other.
    """
    parsed = _parse(url)
    if parsed.drivername in SQLITE_NAMES:
        return _sqlite(parsed)
    if parsed.drivername in POSTGRESQL_NAMES:
        return _postgresql(parsed)
    raise UnsupportedDatabase(
        f"{mask_url(url)}: Podium runs on SQLite and PostgreSQL; "
        "use sqlite:///<file> or postgresql://<user>:<password>@<host>/<name>"
    )


def is_in_memory(url: str) -> bool:
    """Whether the URL names a SQLite database without a file."""
    parsed = _parse(url)
    if parsed.drivername not in SQLITE_NAMES:
        return False
    database = parsed.database or ""
    return database in ("", ":memory:") or ":memory:" in database or parsed.query.get("mode") == "memory"


def sqlite_path(url: str) -> str | None:
    """The file of a SQLite URL as it is written there; None for any other URL and for databases in memory."""
    if is_in_memory(url) or _parse(url).drivername not in SQLITE_NAMES:
        return None
    return make_url(sync_url(url)).database


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise UnsupportedDatabase(
            f"{mask_url(url)}: not a database URL; "
            "use sqlite:///<file> or postgresql://<user>:<password>@<host>:<port>/<name>"
        ) from None


def _sqlite(parsed: URL) -> str:
    database = (parsed.database or ":memory:").removeprefix("file:")
    if ":memory:" in database or parsed.query.get("mode") == "memory":
        database = ":memory:"
    return f"sqlite:///{database}"


def _postgresql(parsed: URL) -> str:
    query: dict[str, Any] = {name: value for name, value in parsed.query.items() if name not in ASYNCPG_ONLY}
    ssl = query.pop("ssl", None)
    if ssl is not None:
        query.setdefault("sslmode", _sslmode(str(ssl)))
    timeout = query.pop("timeout", None)
    if timeout is not None:
        query.setdefault("connect_timeout", str(max(1, round(float(timeout)))))
    return parsed.set(drivername="postgresql+psycopg", query=query).render_as_string(hide_password=False)


def _sslmode(value: str) -> str:
    if value.lower() in TRUE:
        return "require"
    return "disable" if value.lower() in FALSE else value
