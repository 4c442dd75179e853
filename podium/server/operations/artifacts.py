"""Creating, changing and deleting artifacts, and which one is the newest of its key."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, select, update

from podium.db.tables.artifacts import artifact_collections, artifacts
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import Invalid
from podium.server.events.lifecycle import Verb, artifact_collection_event
from podium.server.queries.artifacts import ARTIFACTS
from podium.server.queries.generic import add, change, new_row, upsert

LONGEST_TYPE = 150
"""Characters: a type shares an entry of an index with a key."""

_COLUMNS = artifact_collections.c

_NEWEST_OF_KEY = (
    select(artifacts.c.id)
    .where(artifacts.c.workspace_id == WORKSPACE, artifacts.c.key == bindparam("artifact_key"))
    .order_by(artifacts.c.created.desc(), artifacts.c.id.desc())
    .limit(1)
)
_COLLECTION = select(_COLUMNS.id, _COLUMNS.key, _COLUMNS.latest_id).where(
    _COLUMNS.workspace_id == WORKSPACE, _COLUMNS.key == bindparam("artifact_key")
)


def create_artifact(tx: Tx, values: Mapping[str, Any]) -> Row:
    """Stores an artifact; one with a key becomes the latest of its collection. ``Invalid`` for too long a type."""
    if len(values.get("type") or "") > LONGEST_TYPE:
        raise Invalid(f"The type of an artifact has at most {LONGEST_TYPE} characters.")
    artifact = add(tx, ARTIFACTS, values)
    if artifact["key"] is not None:
        collection = _point_to(tx, artifact["key"], artifact["id"])
        made = collection["created"] == tx.now
        _tell(tx, "created" if made else "updated", collection, artifact)
    return artifact


def _point_to(tx: Tx, key: str, artifact_id: str) -> Row:
    row = new_row(tx, artifact_collections, {"key": key, "latest_id": artifact_id})
    statement = upsert(tx, artifact_collections, row, on=("workspace_id", "key"), replace=("latest_id", "updated"))
    collection = tx.one(statement.returning(_COLUMNS.id, _COLUMNS.key, _COLUMNS.latest_id, _COLUMNS.created))
    assert collection is not None
    return collection


def _tell(tx: Tx, verb: Verb, collection: Row, artifact: Row) -> None:
    tx.emit(artifact_collection_event(verb, {**artifact, **collection}, tx.now))


def change_artifact(tx: Tx, artifact_id: str, values: Mapping[str, Any]) -> bool:
    """Sets columns of an artifact; whether there is one."""
    artifact = change(tx, ARTIFACTS, artifact_id, values)
    if artifact is None:
        return False
    if artifact["key"] is not None:
        collection = tx.one(_COLLECTION, artifact_key=artifact["key"])
        if collection is not None and collection["latest_id"] == artifact_id:
            _tell(tx, "updated", collection, artifact)
    return True


def delete_artifact(tx: Tx, artifact_id: str) -> bool:
    """Deletes an artifact; whether there was one. The newest one left of its key becomes the latest."""
    return delete_artifacts(tx, artifacts.c.id == artifact_id) > 0


def delete_artifacts(tx: Tx, where: ColumnElement[bool]) -> int:
    """Deletes the artifacts that match, how many.

    Where one was the latest of its key, the newest one left takes its place; with none left the collection goes.
    """
    chosen = delete(artifacts).where(artifacts.c.workspace_id == WORKSPACE, where)
    gone = {row["id"]: row for row in tx.all(chosen.returning(*ARTIFACTS.columns))}
    for key in sorted({row["key"] for row in gone.values()} - {None}):
        collection = tx.one(_COLLECTION, artifact_key=key)
        if collection is None or collection["latest_id"] not in gone:
            continue
        newest = tx.value(_NEWEST_OF_KEY, artifact_key=key)
        if newest is not None:
            repointed = update(artifact_collections).where(_COLUMNS.id == collection["id"])
            tx.run(repointed.values(latest_id=newest, updated=tx.now))
        else:
            tx.run(delete(artifact_collections).where(_COLUMNS.id == collection["id"]))
            _tell(tx, "deleted", collection, gone[collection["latest_id"]])
    return len(gone)
