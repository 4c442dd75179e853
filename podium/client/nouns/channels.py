"""Channels: blocks that notify, by their names."""

from typing import TYPE_CHECKING, Any

from podium.client.errors import NotFound
from podium.client.nouns.noun import endpoint, nested
from podium.client.nouns.values import is_id

if TYPE_CHECKING:
    from podium.client.api import Client


def find_channel(client: "Client", given: str) -> Any:
    """The block document of this id, `type/name`, or a name that only one block has. Raises NotFound."""
    missing = f"There is no block {given!r}; a block of a type such as slack-webhook is a channel."
    try:
        if is_id(given):
            return client.call(endpoint("block_documents.READ"), id=given)
        if "/" in given:
            slug, _, name = given.partition("/")
            return client.call(endpoint("block_types.READ_DOCUMENT"), slug=slug, block_document_name=name)
    except NotFound:
        raise NotFound(404, missing) from None
    same = client.call(
        endpoint("block_documents.FILTER"), {**nested("block_documents.name.any_", [given]), "limit": 50}
    )
    able = [each for each in same if each.block_schema and "notify" in each.block_schema.capabilities]
    found = able or same
    if len(found) > 1:
        names = " or ".join(sorted(channel_name(each) for each in found))
        raise NotFound(404, f"There are several blocks named {given!r}: {names}?")
    if not found:
        raise NotFound(404, missing)
    return found[0]


def channel_name(document: Any) -> str:
    """`type/name`, which commands take."""
    slug = document.block_type.slug if document.block_type else "block"
    return f"{slug}/{document.name}"
