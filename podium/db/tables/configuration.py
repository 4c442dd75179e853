"""Values that a server keeps for itself.

The default result storage is a workspace's own; what concerns the whole server (its generated encryption key) is kept
in the default workspace.
"""

from sqlalchemy import Column, Table, Text, UniqueConstraint

from podium.db.tables.metadata import created, key, metadata, updated, workspace
from podium.db.types import Json

configuration = Table(
    "configuration",
    metadata,
    key(),
    workspace(),
    Column("key", Text, nullable=False),
    Column("value", Json(verbatim=True), nullable=False),
    created(),
    updated(),
    UniqueConstraint("workspace_id", "key"),
)
