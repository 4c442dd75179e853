"""Blocks as they are sent with: their data decrypted, and which texts of it are secret."""

from dataclasses import dataclass, field
from typing import Any

from podium.db.unit import Tx
from podium.server.errors import NotFound, Problem
from podium.server.events.lifecycle import block_loaded_event
from podium.server.notifications.hiding import difference
from podium.server.notifications.outcome import Failed
from podium.server.operations.block_documents import answers
from podium.server.queries.blocks import BLOCK_DOCUMENTS
from podium.server.queries.generic import get


@dataclass(frozen=True, slots=True)
class Block:
    """A block document. Its representation shows nothing of its data."""

    slug: str
    data: dict[str, Any] = field(repr=False)
    secrets: list[str] = field(repr=False)


def load_block(tx: Tx, document_id: str, tell: bool) -> Block:
    """The block, also what it refers to, of the unit's workspace; ``tell``: an event says that it was loaded.

    Raises ``Failed``: for good without the block, for now where the server lacks the key to read it.
    """
    try:
        document = get(tx, BLOCK_DOCUMENTS, document_id)
        [found] = answers(tx, [document], with_secrets=True)
        [shown] = answers(tx, [document])
    except NotFound:
        raise Failed(f"the block {document_id} does not exist", True) from None
    except Problem as error:
        raise Failed(error.detail) from None
    slug = found["block_type"]["slug"]
    if tell:
        tx.emit(block_loaded_event(document, slug, tx.now))
    return Block(slug, found["data"], list(difference(found["data"], shown["data"])))
