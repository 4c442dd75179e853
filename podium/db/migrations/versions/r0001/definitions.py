"""Workspaces, flows, blocks, variables, and what the server keeps for itself."""

import sqlalchemy as sa
from alembic import op

from podium.db.migrations.operations import dialect
from podium.db.types import Id, Json, Timestamp


def create_workspaces() -> None:
    op.create_table(
        "workspaces",
        sa.Column("id", Id(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workspaces"),
        sa.UniqueConstraint("handle", name="uq_workspaces_handle"),
    )


def create_flows() -> None:
    op.create_table(
        "flows",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tags", Json(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("labels", Json(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_flows_workspace_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_flows"),
        sa.UniqueConstraint("workspace_id", "name", name="uq_flows_workspace_id_name"),
    )
    if dialect() == "postgresql":
        op.create_index("ix_flows_tags", "flows", ["tags"], postgresql_using="gin")


def create_block_types() -> None:
    op.create_table(
        "block_types",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("logo_url", sa.Text()),
        sa.Column("documentation_url", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("code_example", sa.Text()),
        sa.Column("is_protected", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_block_types_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_block_types"),
        sa.UniqueConstraint("workspace_id", "name", name="uq_block_types_workspace_id_name"),
        sa.UniqueConstraint("workspace_id", "slug", name="uq_block_types_workspace_id_slug"),
    )


def create_block_schemas() -> None:
    op.create_table(
        "block_schemas",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("block_type_id", Id(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), server_default="non-versioned", nullable=False),
        sa.Column("fields", Json(verbatim=True), nullable=False),
        sa.Column("capabilities", Json(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_type_id"], ["block_types.id"], name="fk_block_schemas_block_type_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_block_schemas_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_block_schemas"),
        sa.UniqueConstraint(
            "workspace_id", "checksum", "version", name="uq_block_schemas_workspace_id_checksum_version"
        ),
    )
    op.create_index("ix_block_schemas_block_type", "block_schemas", ["block_type_id"])
    if dialect() == "postgresql":
        op.create_index("ix_block_schemas_capabilities", "block_schemas", ["capabilities"], postgresql_using="gin")


def create_block_schema_references() -> None:
    op.create_table(
        "block_schema_references",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_block_schema_id", Id(), nullable=False),
        sa.Column("reference_block_schema_id", Id(), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_block_schema_id"],
            ["block_schemas.id"],
            name="fk_block_schema_references_parent_block_schema_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["reference_block_schema_id"],
            ["block_schemas.id"],
            name="fk_block_schema_references_reference_block_schema_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_block_schema_references_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_block_schema_references"),
        sa.UniqueConstraint(
            "workspace_id",
            "parent_block_schema_id",
            "name",
            "reference_block_schema_id",
            name="uq_block_schema_references_reference",
        ),
    )
    op.create_index("ix_block_schema_references_parent", "block_schema_references", ["parent_block_schema_id"])
    op.create_index("ix_block_schema_references_reference", "block_schema_references", ["reference_block_schema_id"])


def create_block_documents() -> None:
    op.create_table(
        "block_documents",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("block_type_id", Id(), nullable=False),
        sa.Column("block_schema_id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("is_anonymous", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_schema_id"], ["block_schemas.id"], name="fk_block_documents_block_schema_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["block_type_id"], ["block_types.id"], name="fk_block_documents_block_type_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_block_documents_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_block_documents"),
        sa.UniqueConstraint(
            "workspace_id", "block_type_id", "name", name="uq_block_documents_workspace_id_block_type_id_name"
        ),
    )
    op.create_index("ix_block_documents_block_schema", "block_documents", ["block_schema_id"])
    op.create_index("ix_block_documents_block_type", "block_documents", ["block_type_id"])
    op.create_index("ix_block_documents_name", "block_documents", ["name"])


def create_block_document_references() -> None:
    op.create_table(
        "block_document_references",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_block_document_id", Id(), nullable=False),
        sa.Column("reference_block_document_id", Id(), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_block_document_id"],
            ["block_documents.id"],
            name="fk_block_document_references_parent_block_document_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["reference_block_document_id"],
            ["block_documents.id"],
            name="fk_block_document_references_reference_block_document_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_block_document_references_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_block_document_references"),
        sa.UniqueConstraint(
            "workspace_id", "parent_block_document_id", "name", name="uq_block_document_references_reference"
        ),
    )
    op.create_index("ix_block_document_references_parent", "block_document_references", ["parent_block_document_id"])
    op.create_index(
        "ix_block_document_references_reference", "block_document_references", ["reference_block_document_id"]
    )


def create_variables() -> None:
    op.create_table(
        "variables",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", Json(verbatim=True)),
        sa.Column("tags", Json(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_variables_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_variables"),
        sa.UniqueConstraint("workspace_id", "name", name="uq_variables_workspace_id_name"),
    )
    if dialect() == "postgresql":
        op.create_index("ix_variables_tags", "variables", ["tags"], postgresql_using="gin")


def create_saved_searches() -> None:
    op.create_table(
        "saved_searches",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("filters", Json(verbatim=True), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_saved_searches_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_saved_searches"),
        sa.UniqueConstraint("workspace_id", "name", name="uq_saved_searches_workspace_id_name"),
    )


def create_csrf_tokens() -> None:
    op.create_table(
        "csrf_tokens",
        sa.Column("id", Id(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("expiration", Timestamp(), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_csrf_tokens"),
        sa.UniqueConstraint("client", name="uq_csrf_tokens_client"),
    )
    op.create_index("ix_csrf_tokens_expiration", "csrf_tokens", ["expiration"])


def create_configuration() -> None:
    op.create_table(
        "configuration",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", Json(verbatim=True), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_configuration_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_configuration"),
        sa.UniqueConstraint("workspace_id", "key", name="uq_configuration_workspace_id_key"),
    )


def create_service_heartbeats() -> None:
    op.create_table(
        "service_heartbeats",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("interval", sa.Float(), nullable=False),
        sa.Column("last_started", Timestamp()),
        sa.Column("last_finished", Timestamp()),
        sa.Column("duration", sa.Float()),
        sa.Column("last_error", sa.Text()),
        sa.Column("last_failed", Timestamp()),
        sa.PrimaryKeyConstraint("name", "process", name="pk_service_heartbeats"),
    )
