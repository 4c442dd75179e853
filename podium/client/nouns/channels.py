"""Channels: blocks that notify, by their names."""

from typing import TYPE_CHECKING, Any

from podium.client.errors import NotFound
from podium.client.nouns import blocks
from podium.client.nouns.noun import endpoint, nested
from podium.client.nouns.values import is_id

if TYPE_CHECKING:
    from podium.client.api import Client


def find_channel(client: "Client", given: str) -> Any:
    """The block document of this id, `type/name`, or a name that only one block that notifies has. Raises NotFound."""
    if is_id(given) or "/" in given:
        return blocks.find(client, given)
    same = client.call(
        endpoint("block_documents.FILTER"), {**nested("block_documents.name.any_", [given]), "limit": 50}
    )
    able = [each for each in same if each.block_schema and "notify" in each.block_schema.capabilities]
    found = able or same
    if len(found) > 1:
        names = " or ".join(sorted(blocks.path_of(each, {}) for each in found))
        raise NotFound(404, f"There are several blocks named {given!r}: {names}?")
    if not found:
        raise NotFound(404, f"There is no block {given!r}; `podium block ls` lists them.")
    return found[0]
