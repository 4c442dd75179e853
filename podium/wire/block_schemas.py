"""Block schemas, the types they are of, and the filters over both."""

from uuid import UUID

from podium.wire.endpoint import Body, Endpoint, Filter
from podium.wire.filters import AllText, AnyId, AnyText, Like, Operator
from podium.wire.parameters import Listing, Row
from podium.wire.scalars import Id, Json

DEFAULT_VERSION = "non-versioned"


class BlockType(Row):
    """A block type; a protected one cannot be deleted."""

    name: str
    slug: str
    logo_url: str | None = None
    documentation_url: str | None = None
    description: str | None = None
    code_example: str | None = None
    is_protected: bool = False


class BlockSchemaCreate(Body):
    """A block schema to create, or to read by its checksum and version."""

    block_type_id: UUID
    fields: Json = {}
    capabilities: list[str] = []
    version: str = DEFAULT_VERSION


class BlockSchema(Row):
    """A block schema; ``checksum`` is that of the fields as they were sent."""

    checksum: str
    block_type_id: Id | None
    fields: Json = {}
    block_type: BlockType | None = None
    capabilities: list[str] = []
    version: str = DEFAULT_VERSION


class BlockTypeFilter(Filter):
    """Selects block types."""

    name: Like | None = None
    slug: AnyText | None = None


class BlockSchemaFilter(Filter):
    """Selects block schemas."""

    id: AnyId | None = None
    block_type_id: AnyId | None = None
    block_capabilities: AllText | None = None
    version: AnyText | None = None
    operator: Operator = "and_"


class BlockSchemaQuery(Listing):
    """Which block schemas to list."""

    block_schemas: BlockSchemaFilter | None = None


class Version(Body):
    """The version wanted; none is the newest."""

    version: str | None = None


CREATE = Endpoint(
    method="POST",
    path="/block_schemas/",
    summary="Create a block schema, or read it when it exists",
    body=BlockSchemaCreate,
    answer=BlockSchema,
    status=201,
    statuses=(200, 409, 422),
    further=(404,),
    permission="edit",
)
READ = Endpoint(
    method="GET", path="/block_schemas/{id}", summary="Read a block schema", answer=BlockSchema, statuses=(404, 422)
)
READ_BY_CHECKSUM = Endpoint(
    method="GET",
    path="/block_schemas/checksum/{checksum}",
    summary="Read a block schema by its checksum",
    query=Version,
    answer=BlockSchema,
    statuses=(404, 422),
)
FILTER = Endpoint(
    method="POST",
    path="/block_schemas/filter",
    summary="List block schemas, the newest first",
    body=BlockSchemaQuery,
    body_required=False,
    answer=list[BlockSchema],
    statuses=(422,),
)
DELETE = Endpoint(
    method="DELETE",
    path="/block_schemas/{id}",
    summary="Delete a block schema",
    status=204,
    statuses=(404, 422),
    permission="edit",
)
LIST_CAPABILITIES = Endpoint(
    method="GET",
    path="/block_capabilities/",
    summary="List the capabilities any block has",
    answer=list[str],
    statuses=(422,),
)
