"""Variables."""

from sqlalchemy import Column, Table, Text, UniqueConstraint

from podium.db.tables.metadata import created, key, metadata, searchable, tags, updated, workspace
from podium.db.types import Json

variables = Table(
    "variables",
    metadata,
    key(),
    workspace(),
    Column("name", Text, nullable=False),
    Column("value", Json(verbatim=True)),
    tags(),
    created(),
    updated(),
    UniqueConstraint("workspace_id", "name"),
    searchable("ix_variables_tags", "tags"),
)
