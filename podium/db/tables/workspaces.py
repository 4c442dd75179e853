"""Workspaces: the tenants of a server."""

from sqlalchemy import Column, Table, Text, UniqueConstraint

from podium.db.tables.metadata import created, key, metadata, updated

workspaces = Table(
    "workspaces",
    metadata,
    key(),
    Column("handle", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    created(),
    updated(),
    UniqueConstraint("handle"),
)
