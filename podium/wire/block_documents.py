"""Block documents."""

from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from podium.wire.block_schemas import BlockSchema, BlockSchemaFilter, BlockType, BlockTypeFilter
from podium.wire.endpoint import Body, Endpoint, Filter, Patch
from podium.wire.filters import AnyId, AnyNameOrLike, Equals, Operator
from podium.wire.parameters import Parameters, Row
from podium.wire.scalars import Id, Json, Natural, OrDefault, Slug, refusal
from podium.wire.sorting import BlockDocumentSort


class BlockDocumentCreate(Body):
    """A block document to create; only an anonymous one goes without a name."""

    block_schema_id: UUID
    block_type_id: UUID
    name: Slug | None = None
    data: Json = {}
    is_anonymous: bool = False

    def __post_init__(self) -> None:
        """Refuse a nameless document."""
        if self.name is None and not self.is_anonymous:
            raise refusal("name", "Expected a name for a block document that is not anonymous")


class BlockDocumentUpdate(Patch):
    """What may change of a block document. ``data`` is merged into the stored data unless told otherwise."""

    block_schema_id: UUID | UnsetType | None = UNSET
    data: Json | UnsetType = UNSET
    merge_existing_data: bool = True


class BlockDocument(Row):
    """A block document with its schema and type; secrets are masked unless they were asked for."""

    block_schema_id: Id
    block_type_id: Id
    name: str | None = None
    data: Json = {}
    block_schema: BlockSchema | None = None
    block_type: BlockType | None = None
    block_type_name: str | None = None
    block_document_references: dict[str, Json] = {}
    is_anonymous: bool = False


class BlockDocumentFilter(Filter):
    """Selects block documents: those with a name, unless ``is_anonymous`` says otherwise or is null."""

    id: AnyId | None = None
    name: AnyNameOrLike | None = None
    block_type_id: AnyId | None = None
    is_anonymous: Equals | None = msgspec.field(default_factory=lambda: Equals(eq_=False))
    operator: Operator = "and_"


class BlockDocumentScope(Parameters):
    """Which block documents. No filter is the one without any field: no anonymous documents."""

    block_documents: BlockDocumentFilter | None = None
    block_types: BlockTypeFilter | None = None
    block_schemas: BlockSchemaFilter | None = None


class BlockDocumentQuery(BlockDocumentScope):
    """Which block documents to list, and whether with their secrets."""

    include_secrets: OrDefault[bool] = False
    sort: OrDefault[BlockDocumentSort] = "NAME_ASC"
    limit: int | None = None
    offset: OrDefault[Natural] = 0


class Secrets(Body):
    """Whether secrets are wanted."""

    include_secrets: bool = False


CREATE = Endpoint(
    method="POST",
    path="/block_documents/",
    summary="Create a block document",
    body=BlockDocumentCreate,
    answer=BlockDocument,
    status=201,
    statuses=(409, 422),
    permission="edit",
)
READ = Endpoint(
    method="GET",
    path="/block_documents/{id}",
    summary="Read a block document",
    query=Secrets,
    answer=BlockDocument,
    statuses=(404, 422),
)
FILTER = Endpoint(
    method="POST",
    path="/block_documents/filter",
    summary="List block documents",
    body=BlockDocumentQuery,
    body_required=False,
    answer=list[BlockDocument],
    statuses=(422,),
)
COUNT = Endpoint(
    method="POST",
    path="/block_documents/count",
    summary="Count block documents",
    body=BlockDocumentScope,
    body_required=False,
    answer=int,
    statuses=(422,),
)
UPDATE = Endpoint(
    method="PATCH",
    path="/block_documents/{id}",
    summary="Change a block document",
    body=BlockDocumentUpdate,
    status=204,
    statuses=(404, 409, 422),
    permission="edit",
)
DELETE = Endpoint(
    method="DELETE",
    path="/block_documents/{id}",
    summary="Delete a block document",
    status=204,
    statuses=(404, 422),
    permission="edit",
)
