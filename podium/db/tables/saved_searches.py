"""Saved searches."""

from sqlalchemy import Column, Table, Text, UniqueConstraint

from podium.db.tables.metadata import EMPTY_LIST, created, key, metadata, updated, workspace
from podium.db.types import Json

saved_searches = Table(
    "saved_searches",
    metadata,
    key(),
    workspace(),
    Column("name", Text, nullable=False),
    Column("filters", Json(verbatim=True), nullable=False, server_default=EMPTY_LIST),
    created(),
    updated(),
    UniqueConstraint("workspace_id", "name"),
)
