"""The default result storage of a workspace: a block document's id."""

import msgspec
from sqlalchemy import bindparam, delete, select

from podium.db.tables.blocks import block_documents
from podium.db.tables.configuration import configuration
from podium.db.unit import WORKSPACE, Tx
from podium.server.errors import NotFound
from podium.server.queries.generic import new_row, upsert

KEY = "default_result_storage"

_MINE = (configuration.c.workspace_id == WORKSPACE, configuration.c.key == KEY)
_READ = select(configuration.c.value).where(*_MINE)
_CLEAR = delete(configuration).where(*_MINE)
_BLOCK = select(block_documents.c.id).where(
    block_documents.c.workspace_id == WORKSPACE, block_documents.c.id == bindparam("block_id")
)


def read_result_storage(tx: Tx) -> str | None:
    """The id of the block document that keeps results by default; None when none is set or it was deleted."""
    value = tx.value(_READ)
    if value is None:
        return None
    block_id: str | None = tx.value(_BLOCK, block_id=msgspec.json.decode(value, type=str))
    return block_id


def set_result_storage(tx: Tx, block_id: str) -> None:
    """Makes a block document the default; ``NotFound`` when there is no such document."""
    if tx.value(_BLOCK, block_id=block_id) is None:
        raise NotFound(f"Block document {block_id} not found.")
    row = new_row(tx, configuration, {"key": KEY, "value": block_id})
    tx.run(upsert(tx, configuration, row, on=("workspace_id", "key"), replace=("value", "updated")))


def clear_result_storage(tx: Tx) -> None:
    """Forgets the default."""
    tx.run(_CLEAR)
