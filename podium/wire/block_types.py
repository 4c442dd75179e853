"""Block types, and the documents of one by name."""

from types import NoneType

from msgspec import UNSET, UnsetType

from podium.wire.block_documents import BlockDocument, Secrets
from podium.wire.block_schemas import BlockSchemaFilter, BlockType, BlockTypeFilter
from podium.wire.endpoint import Body, Endpoint, Patch
from podium.wire.parameters import Listing
from podium.wire.scalars import Name, Slug


class BlockTypeCreate(Body):
    """A block type to create."""

    name: Name
    slug: Slug
    logo_url: str | None = None
    documentation_url: str | None = None
    description: str | None = None
    code_example: str | None = None


class BlockTypeUpdate(Patch):
    """What may change of a block type."""

    logo_url: str | UnsetType | None = UNSET
    documentation_url: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    code_example: str | UnsetType | None = UNSET


class BlockTypeQuery(Listing):
    """Which block types to list."""

    block_types: BlockTypeFilter | None = None
    block_schemas: BlockSchemaFilter | None = None


CREATE = Endpoint(
    method="POST",
    path="/block_types/",
    summary="Create a block type",
    body=BlockTypeCreate,
    answer=BlockType,
    status=201,
    statuses=(409, 422),
    permission="edit",
)
READ = Endpoint(
    method="GET", path="/block_types/{id}", summary="Read a block type", answer=BlockType, statuses=(404, 422)
)
READ_BY_SLUG = Endpoint(
    method="GET",
    path="/block_types/slug/{slug}",
    summary="Read a block type by its slug",
    answer=BlockType,
    statuses=(404, 422),
)
FILTER = Endpoint(
    method="POST",
    path="/block_types/filter",
    summary="List block types",
    body=BlockTypeQuery,
    body_required=False,
    answer=list[BlockType],
    statuses=(422,),
)
UPDATE = Endpoint(
    method="PATCH",
    path="/block_types/{id}",
    summary="Change a block type",
    body=BlockTypeUpdate,
    status=204,
    statuses=(403, 404, 422),
    permission="edit",
)
DELETE = Endpoint(
    method="DELETE",
    path="/block_types/{id}",
    summary="Delete a block type with its schemas and documents",
    status=204,
    statuses=(403, 404, 422),
    permission="edit",
)
INSTALL = Endpoint(
    method="POST",
    path="/block_types/install_system_block_types",
    summary="Create the block types the server relies on",
    answer=NoneType,
    statuses=(422,),
    permission="edit",
)
LIST_DOCUMENTS = Endpoint(
    method="GET",
    path="/block_types/slug/{slug}/block_documents",
    summary="List the block documents of a type",
    query=Secrets,
    answer=list[BlockDocument],
    statuses=(404, 422),
)
READ_DOCUMENT = Endpoint(
    method="GET",
    path="/block_types/slug/{slug}/block_documents/name/{block_document_name}",
    summary="Read a block document by its type and name",
    query=Secrets,
    answer=BlockDocument,
    statuses=(404, 422),
)
