"""Creating, changing and deleting artifacts, and which one is the newest of its key."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from podium.db.ids import new_id
from podium.db.tables.artifacts import artifact_collections, artifacts
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.queries.artifacts import ARTIFACTS
from podium.server.queries.generic import add

_NEWEST_OF_KEY = (
    select(artifacts.c.id)
    .where(artifacts.c.workspace_id == WORKSPACE, artifacts.c.key == bindparam("artifact_key"))
    .order_by(artifacts.c.created.desc(), artifacts.c.id.desc())
    .limit(1)
)


def create_artifact(tx: Tx, values: Mapping[str, Any]) -> Row:
    """Stores an artifact; one with a key becomes the latest of its collection."""
    row = add(tx, ARTIFACTS, values)
    if row["key"] is not None:
        _point_to(tx, row["key"], row["id"])
    return row


def _point_to(tx: Tx, key: str, artifact_id: str) -> None:
    make = postgresql.insert if tx.dialect == "postgresql" else sqlite.insert
    row = {
        "id": new_id(),
        "workspace_id": tx.workspace_id,
        "key": key,
        "latest_id": artifact_id,
        "created": tx.now,
        "updated": tx.now,
    }
    columns = artifact_collections.c
    tx.run(
        make(artifact_collections)
        .values(row)
        .on_conflict_do_update(
            index_elements=[columns.workspace_id, columns.key], set_={"latest_id": artifact_id, "updated": tx.now}
        )
    )


def delete_artifact(tx: Tx, artifact_id: str) -> bool:
    """Deletes an artifact; whether there was one. The newest one left of its key becomes the latest."""
    return forget_artifacts(tx, artifacts.c.id == artifact_id) > 0


def forget_artifacts(tx: Tx, where: ColumnElement[bool]) -> int:
    """Deletes the artifacts that match, and repoints the collections whose latest one went; how many were deleted."""
    gone = tx.all(
        delete(artifacts).where(artifacts.c.workspace_id == WORKSPACE, where).returning(artifacts.c.id, artifacts.c.key)
    )
    keys = sorted({row["key"] for row in gone if row["key"] is not None})
    ids = {row["id"] for row in gone}
    columns = artifact_collections.c
    for key in keys:
        mine = (columns.workspace_id == WORKSPACE, columns.key == key)
        if tx.value(select(columns.latest_id).where(*mine)) not in ids:
            continue
        newest = tx.value(_NEWEST_OF_KEY, artifact_key=key)
        if newest is None:
            tx.run(delete(artifact_collections).where(*mine))
        else:
            tx.run(update(artifact_collections).where(*mine).values(latest_id=newest, updated=tx.now))
    return len(gone)
