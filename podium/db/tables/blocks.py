"""Block types, schemas and documents, and the references between schemas and between documents."""

from sqlalchemy import Boolean, Column, Index, Table, Text, UniqueConstraint, false

from podium.db.tables.metadata import EMPTY_LIST, created, key, metadata, part_of, searchable, updated, workspace
from podium.db.types import Json

block_types = Table(
    "block_types",
    metadata,
    key(),
    workspace(),
    Column("name", Text, nullable=False),
    Column("slug", Text, nullable=False),
    Column("logo_url", Text),
    Column("documentation_url", Text),
    Column("description", Text),
    Column("code_example", Text),
    Column("is_protected", Boolean, nullable=False, server_default=false()),
    created(),
    updated(),
    UniqueConstraint("workspace_id", "name"),
    UniqueConstraint("workspace_id", "slug"),
)

block_schemas = Table(
    "block_schemas",
    metadata,
    key(),
    workspace(),
    part_of("block_type_id", "block_types.id"),
    Column("checksum", Text, nullable=False),
    Column("version", Text, nullable=False, server_default="non-versioned"),
    Column("fields", Json(verbatim=True), nullable=False),
    Column("capabilities", Json(), nullable=False, server_default=EMPTY_LIST),
    created(),
    updated(),
    UniqueConstraint("workspace_id", "checksum", "version"),
    Index("ix_block_schemas_block_type", "block_type_id"),
    searchable("ix_block_schemas_capabilities", "capabilities"),
)

block_schema_references = Table(
    "block_schema_references",
    metadata,
    key(),
    workspace(),
    # The property that holds the block; one property may refer to several schemas.
    Column("name", Text, nullable=False),
    part_of("parent_block_schema_id", "block_schemas.id"),
    part_of("reference_block_schema_id", "block_schemas.id"),
    created(),
    updated(),
    UniqueConstraint(
        "workspace_id",
        "parent_block_schema_id",
        "name",
        "reference_block_schema_id",
        name="uq_block_schema_references_reference",
    ),
    Index("ix_block_schema_references_parent", "parent_block_schema_id"),
    Index("ix_block_schema_references_reference", "reference_block_schema_id"),
)

block_documents = Table(
    "block_documents",
    metadata,
    key(),
    workspace(),
    part_of("block_type_id", "block_types.id"),
    part_of("block_schema_id", "block_schemas.id"),
    Column("name", Text, nullable=False),
    # The encrypted JSON text; references to other documents are left out of it.
    Column("data", Text, nullable=False),
    Column("is_anonymous", Boolean, nullable=False, server_default=false()),
    created(),
    updated(),
    UniqueConstraint("workspace_id", "block_type_id", "name"),
    Index("ix_block_documents_block_type", "block_type_id"),
    Index("ix_block_documents_block_schema", "block_schema_id"),
    Index("ix_block_documents_name", "name"),
)

block_document_references = Table(
    "block_document_references",
    metadata,
    key(),
    workspace(),
    Column("name", Text, nullable=False),
    part_of("parent_block_document_id", "block_documents.id"),
    part_of("reference_block_document_id", "block_documents.id"),
    created(),
    updated(),
    UniqueConstraint("workspace_id", "parent_block_document_id", "name", name="uq_block_document_references_reference"),
    Index("ix_block_document_references_parent", "parent_block_document_id"),
    Index("ix_block_document_references_reference", "reference_block_document_id"),
)
