"""Flows."""

from sqlalchemy import Column, Table, Text, UniqueConstraint

from podium.db.tables.metadata import created, key, labels, metadata, searchable, tags, updated, workspace

flows = Table(
    "flows",
    metadata,
    key(),
    workspace(),
    Column("name", Text, nullable=False),
    tags(),
    labels(),
    created(),
    updated(),
    UniqueConstraint("workspace_id", "name"),
    searchable("ix_flows_tags", "tags"),
)
