"""The keys that the data of block documents is encrypted with.

The first key encrypts, each decrypts: those of ``PODIUM_SERVER_ENCRYPTION_KEY`` in their order, then the key beside the
SQLite file, then the one in the database. Without the setting a key is made on first use: in a private file
(``podium.db.key``) on SQLite, in the database on PostgreSQL, where several servers have nothing else in common.
"""

import contextlib
import logging
import os
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, select, text, update

from podium.db.engine import Database
from podium.db.ids import DEFAULT_WORKSPACE_ID
from podium.db.keys import KEY_ROW, fingerprint, key_file
from podium.db.tables.blocks import block_documents
from podium.db.tables.configuration import configuration
from podium.db.unit import Tx
from podium.server.errors import Conflict
from podium.server.queries.generic import insert_or_ignore, new_row, upsert

logger = logging.getLogger("podium.server")

IN_USE_ROW = "ENCRYPTION_KEY_IN_USE"
PAGE = 200

_READ = select(configuration.c.value).where(
    configuration.c.workspace_id == DEFAULT_WORKSPACE_ID, configuration.c.key == bindparam("name")
)
_FORGET_KEY = delete(configuration).where(
    configuration.c.workspace_id == DEFAULT_WORKSPACE_ID, configuration.c.key == KEY_ROW
)
_SQLITE_FILE = text("SELECT file FROM pragma_database_list WHERE name = 'main'")
_PAGE_OF_DOCUMENTS = (
    select(block_documents.c.id, block_documents.c.data)
    .where(block_documents.c.id > bindparam("after", type_=block_documents.c.id.type))
    .order_by(block_documents.c.id)
    .limit(PAGE)
)
_REPLACE = (
    update(block_documents)
    .where(block_documents.c.id == bindparam("document_id"), block_documents.c.data == bindparam("before"))
    .values(data=bindparam("after"))
)


class Cipher:
    """Encrypts and decrypts the data of documents within a unit of work.

    cryptography is loaded on use: a server whose clients use no blocks starts sooner and smaller without it.
    """

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._fernets: Any = None

    def encrypt(self, data: dict[str, Any]) -> str:
        """The encrypted text of a document's data; makes a key where there is none to encrypt with."""
        if self._fernets is None and not _has_first_key(self._tx):
            _make_key(self._tx)
        token: bytes = self._ready().encrypt(msgspec.json.encode(data))
        return token.decode()

    def decrypt(self, encrypted: str, name: str | None) -> dict[str, Any]:
        """The data of the document with this name; ``Conflict`` when none of the keys is the one it needs."""
        from cryptography.fernet import InvalidToken  # on use, see the class

        try:
            data: dict[str, Any] = msgspec.json.decode(self._ready().decrypt(encrypted.encode()))
        except InvalidToken:
            raise Conflict(
                f"The server does not have the key of the block document {name!r}: "
                "put back the key file of the database, or name the key in PODIUM_SERVER_ENCRYPTION_KEY."
            ) from None
        return data

    def rotate(self, encrypted: str) -> str | None:
        """The same data encrypted with the first key; None without the key to read it."""
        from cryptography.fernet import InvalidToken  # on use, see the class

        try:
            token: bytes = self._ready().rotate(encrypted.encode())
        except InvalidToken:
            return None
        return token.decode()

    def _ready(self) -> Any:
        from cryptography.fernet import Fernet, InvalidToken, MultiFernet  # on use, see the class

        if self._fernets is None:
            known = keys(self._tx)
            if not known:
                raise InvalidToken
            self._fernets = MultiFernet([Fernet(key) for key in known])
        return self._fernets


def keys(tx: Tx) -> list[str]:
    """The keys there are; the first is the one to encrypt with."""
    configured = tx.settings.server.encryption_key
    found = [key.strip() for key in configured.split(",")] if configured else []
    file = _key_file(tx)
    if file is not None:
        with contextlib.suppress(FileNotFoundError):
            found.append(file.read_text("ascii").strip())
    stored = tx.value(_READ, name=KEY_ROW)
    if stored is not None:
        found.append(msgspec.json.decode(stored)["fernet_key"])
    return found


def _has_first_key(tx: Tx) -> bool:
    """Whether the key to encrypt with is there: one in a SQLite database is for reading only."""
    if tx.settings.server.encryption_key:
        return True
    file = _key_file(tx)
    return file.exists() if file is not None else tx.value(_READ, name=KEY_ROW) is not None


def _key_file(tx: Tx) -> Path | None:
    if tx.dialect != "sqlite":
        return None
    database = tx.value(_SQLITE_FILE)
    return key_file(database) if database else None


def _make_key(tx: Tx) -> None:
    from cryptography.fernet import Fernet  # on use, see Cipher

    key = Fernet.generate_key().decode()
    file = _key_file(tx)
    if file is not None:
        _write_once(file, key)
        return
    row = new_row(tx, configuration, {"key": KEY_ROW, "value": {"fernet_key": key}})
    tx.run(insert_or_ignore(tx, configuration), {**row, "workspace_id": DEFAULT_WORKSPACE_ID})


def _write_once(file: Path, content: str) -> None:
    """A private file, complete from the moment it is there; one that another process wrote first stays."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as writer:
            writer.write(f"{content}\n")
            writer.flush()
            os.fsync(writer.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
    finally:
        draft.unlink()


async def use_first_key(database: Database) -> None:
    """Encrypts every document with the first key where another was in use; one read where nothing is to do.

    A single key in the setting leaves what is stored as it is, so that who takes it back loses nothing; it takes two
    (``new,old``) to say that the old one shall go. A key in the database is forgotten once one in a file took over.
    """
    first, in_use = await database.read(_first_and_in_use)
    if first is None or first == in_use:
        return
    after, unreadable = "00000000-0000-0000-0000-000000000000", 0
    while after:
        after, left = await database.write(_rotate_page, after)
        unreadable += left
    if unreadable:
        logger.warning("%s block documents stay unreadable: none of the server's keys is theirs", unreadable)
    await database.write(_note_in_use, first, unreadable == 0)


def _first_and_in_use(tx: Tx) -> tuple[str | None, str | None]:
    configured = tx.settings.server.encryption_key
    if configured and "," not in configured:
        return None, None
    known = keys(tx)
    in_use = tx.value(_READ, name=IN_USE_ROW)
    return (fingerprint(known[0]) if known else None), (msgspec.json.decode(in_use) if in_use else None)


def _rotate_page(tx: Tx, after: str) -> tuple[str, int]:
    """The id of the last document of the page (empty after the last page), and how many nobody can read."""
    documents = tx.all(_PAGE_OF_DOCUMENTS, after=after)
    cipher, unreadable = Cipher(tx), 0
    for document in documents:
        rotated = cipher.rotate(document["data"])
        if rotated is None:
            unreadable += 1
        else:
            # What changed meanwhile was encrypted by a server that has the key.
            tx.run(_REPLACE, document_id=document["id"], before=document["data"], after=rotated)
    return documents[-1]["id"] if len(documents) == PAGE else "", unreadable


def _note_in_use(tx: Tx, in_use: str, all_readable: bool) -> None:
    row = new_row(tx, configuration, {"key": IN_USE_ROW, "value": in_use})
    row["workspace_id"] = DEFAULT_WORKSPACE_ID
    tx.run(upsert(tx, configuration, row, ("workspace_id", "key"), ("value", "updated")))
    stored = tx.value(_READ, name=KEY_ROW)
    replaced = stored is not None and fingerprint(msgspec.json.decode(stored)["fernet_key"]) != in_use
    if replaced and all_readable and not tx.settings.server.encryption_key:
        tx.run(_FORGET_KEY)
