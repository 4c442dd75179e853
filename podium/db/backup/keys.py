"""Puts the key of block documents where a restored server looks for it, and tries whether it opens them."""

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select

from podium.db.connections import open_engine
from podium.db.ids import DEFAULT_WORKSPACE_ID, new_id
from podium.db.keys import KEY_ROW, key_file
from podium.db.options import Options
from podium.db.tables.blocks import block_documents
from podium.db.tables.configuration import configuration
from podium.db.urls import sqlite_path

_KEY = select(configuration.c.value).where(configuration.c.key == KEY_ROW)


def put_beside(database: Path, draft: Path, key: str | None) -> None:
    """The key in the file beside the database; where that holds another, in a row of the draft, which decrypts too."""
    if key is None:
        return
    file = key_file(database)
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as writer:
            writer.write(f"{key}\n")
            writer.flush()
            os.fsync(writer.fileno())
        return
    if file.read_text("ascii").strip() != key:
        engine = open_engine(f"sqlite:///{draft}", Options())
        with engine.begin() as connection:
            put_in_row(connection, key)
        engine.dispose()


def put_in_row(connection: Connection, key: str | None) -> None:
    """The key in the database, unless there is one."""
    if key is None or connection.execute(_KEY).first() is not None:
        return
    now = datetime.now(UTC)
    connection.execute(
        insert(configuration).values(
            id=new_id(),
            workspace_id=DEFAULT_WORKSPACE_ID,
            key=KEY_ROW,
            value={"fernet_key": key},
            created=now,
            updated=now,
        )
    )


def unreadable(url: str, options: Options, configured: str | None) -> int:
    """How many block documents of a database no key opens: of the settings, the file or the row."""
    from cryptography.fernet import Fernet, InvalidToken, MultiFernet  # on use: most databases have no blocks

    engine = open_engine(url, options)
    try:
        with engine.connect() as connection:
            fernets = [Fernet(key) for key in _keys_at_hand(connection, url, configured)]
            tokens = connection.execute(select(block_documents.c.data)).scalars().all()
    finally:
        engine.dispose()
    if not fernets:
        return len(tokens)
    cipher, closed = MultiFernet(fernets), 0
    for token in tokens:
        try:
            cipher.decrypt(token.encode())
        except InvalidToken:
            closed += 1
    return closed


def _keys_at_hand(connection: Connection, url: str, configured: str | None) -> list[str]:
    found = [key.strip() for key in configured.split(",")] if configured else []
    path = sqlite_path(url)
    if path is not None:
        with contextlib.suppress(FileNotFoundError):
            found.append(key_file(Path(path).expanduser()).read_text("ascii").strip())
    stored: Any = connection.execute(_KEY).scalar()
    if stored is not None:
        found.append(msgspec.json.decode(stored)["fernet_key"])
    return found
