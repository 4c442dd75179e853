"""Tokens against cross-site request forgery: one for each client of the server."""

from sqlalchemy import Column, Index, Table, Text, UniqueConstraint

from podium.db.tables.metadata import created, key, metadata, updated
from podium.db.types import Timestamp

csrf_tokens = Table(
    "csrf_tokens",
    metadata,
    key(),
    Column("client", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("expiration", Timestamp(), nullable=False),
    created(),
    updated(),
    UniqueConstraint("client"),
    Index("ix_csrf_tokens_expiration", "expiration"),
)
