"""Databases with the newest schema: migrated once for all of a session's processes, then copied."""

import fcntl
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from podium.db import commands
from podium.db.urls import sqlite_path
from tests import backing


def migrate(url: str) -> None:
    """Makes of an empty database, which nobody is connected to, what `commands.upgrade` makes of it."""
    path = sqlite_path(url)
    if path is not None:
        Path(path).write_bytes(sqlite_file().read_bytes())
        return
    postgres = backing.postgres()
    template, name = postgres_template(postgres), url.rpartition("/")[2]
    postgres.drop(name)
    postgres.create(name, template)


def sqlite(folder: Path) -> str:
    """The URL of a SQLite database with the newest schema, in a folder where there is none."""
    url = f"sqlite+aiosqlite:///{folder / 'podium.db'}"
    migrate(url)
    return url


def sqlite_file() -> Path:
    """A SQLite file with the newest schema."""

    def make() -> str:
        path = _shared() / "migrated.db"
        commands.upgrade(f"sqlite+aiosqlite:///{path}")
        return str(path)

    return Path(_once("migrated.file", make))


def postgres_template(postgres: backing.Postgres) -> str:
    """The name of a PostgreSQL database with the newest schema; the end of the session drops it."""

    def make() -> str:
        name = f"podium_test_{secrets.token_hex(6)}_template"
        commands.upgrade(postgres.create(name))
        return name

    return _once("migrated.database", make)


def _once(name: str, make: Callable[[], str]) -> str:
    """What ``make`` returned to the first of the session's processes that asked."""
    answer = _shared() / name
    with (_shared() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not answer.exists():
            answer.write_text(make())
    return answer.read_text()


def _shared() -> Path:
    return Path(os.environ[backing.SHARED])
