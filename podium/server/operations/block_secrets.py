"""Secrets of block documents: encrypted where they are stored, masked where nobody asked for them."""

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from podium.db.ids import DEFAULT_WORKSPACE_ID
from podium.db.tables.configuration import configuration
from podium.db.unit import Tx
from podium.profiles.masking import MASK
from podium.server.errors import Conflict
from podium.server.queries.generic import insert_or_ignore, new_row

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

KEY_ROW = "ENCRYPTION_KEY"

_READ_KEY = select(configuration.c.value).where(
    configuration.c.workspace_id == DEFAULT_WORKSPACE_ID, configuration.c.key == KEY_ROW
)


class Cipher:
    """Encrypts and decrypts with the configured key, or else with the one in the database, made on first use.

    cryptography is loaded on use: a server whose clients use no blocks starts sooner and smaller without it.
    """

    def __init__(self, tx: Tx, configured: str | None) -> None:
        self._tx = tx
        self._configured = configured
        self._fernet: Fernet | None = None

    def encrypt(self, data: dict[str, Any]) -> str:
        """The encrypted text of a document's data."""
        return self._ready().encrypt(msgspec.json.encode(data)).decode()

    def decrypt(self, text: str) -> dict[str, Any]:
        """The data of a document; ``Conflict`` when it was encrypted with another key."""
        from cryptography.fernet import InvalidToken  # on use, see the class

        try:
            data: dict[str, Any] = msgspec.json.decode(self._ready().decrypt(text.encode()))
        except InvalidToken:
            raise Conflict("The block document was encrypted with another key than the server has.") from None
        return data

    def _ready(self) -> "Fernet":
        from cryptography.fernet import Fernet  # on use, see the class

        if self._fernet is None:
            self._fernet = Fernet((self._configured or self._stored_key()).encode())
        return self._fernet

    def _stored_key(self) -> str:
        from cryptography.fernet import Fernet  # on use, see the class

        stored = self._tx.value(_READ_KEY)
        if stored is None:
            value = {"fernet_key": Fernet.generate_key().decode()}
            row = new_row(self._tx, configuration, {"key": KEY_ROW, "value": value})
            self._tx.run(insert_or_ignore(self._tx, configuration), {**row, "workspace_id": DEFAULT_WORKSPACE_ID})
            stored = self._tx.value(_READ_KEY)
        key: str = msgspec.json.decode(stored)["fernet_key"]
        return key


def masked(data: Any, paths: list[str]) -> Any:
    """The data with what is at each path (``a.b``, or ``a.*`` for every key below) in place of its secret."""
    for path in paths:
        data = _masked(data, path.split("."))
    return data


def _masked(data: Any, steps: list[str]) -> Any:
    if not steps:
        return data if data is None else MASK
    if not isinstance(data, dict):
        return data
    names = list(data) if steps[0] == "*" else [steps[0]]
    return {**data, **{name: _masked(data[name], steps[1:]) for name in names if name in data}}


def unmasked(sent: Any, current: Any, paths: list[str]) -> Any:
    """The data with what is still masked as it is now."""
    for path in paths:
        sent = _unmasked(sent, current, path.split("."))
    return sent


def _unmasked(sent: Any, current: Any, steps: list[str]) -> Any:
    if not steps:
        return current if sent == MASK and current is not None else sent
    if not isinstance(sent, dict) or not isinstance(current, dict):
        return sent
    names = list(sent) if steps[0] == "*" else [steps[0]]
    kept = {name: _unmasked(sent[name], current.get(name), steps[1:]) for name in names if name in sent}
    return {**sent, **kept}
