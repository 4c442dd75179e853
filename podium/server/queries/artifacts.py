"""Reading artifacts and the latest of each key."""

from typing import cast

from sqlalchemy import Table, select

from podium.db.tables.artifacts import artifact_collections, artifacts, latest_artifacts
from podium.db.unit import Row, Tx
from podium.server.errors import NotFound
from podium.server.queries.generic import Entity
from podium.wire.artifacts import Artifact, ArtifactCollection

ARTIFACTS = Entity(artifacts, Artifact, "Artifact")
LATEST_ARTIFACTS = Entity(cast(Table, latest_artifacts), ArtifactCollection, "Artifact")
"""A view: to read only."""


def latest_artifact(tx: Tx, key: str) -> Row:
    """The newest artifact of a key; ``NotFound`` when there is none."""
    latest = artifact_collections.c
    row = tx.one(
        select(*ARTIFACTS.columns)
        .join(artifact_collections, latest.latest_id == artifacts.c.id)
        .where(ARTIFACTS.mine, latest.workspace_id == artifacts.c.workspace_id, latest.key == key)
    )
    if row is None:
        raise NotFound("Artifact not found")
    return row
