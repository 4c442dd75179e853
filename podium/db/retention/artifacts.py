"""Deleting artifacts, and keeping the collections true: each points at the newest artifact of its key that is left."""

from sqlalchemy import ColumnElement, bindparam, delete, exists, func, not_, select, update

from podium.db.retention.ages import Ages
from podium.db.retention.steps import Step, count
from podium.db.tables.artifacts import artifact_collections, artifacts
from podium.db.unit import Row, Tx

_COLLECTION = artifact_collections.c
_LATEST = select(_COLLECTION.id, _COLLECTION.workspace_id, _COLLECTION.key).where(
    _COLLECTION.latest_id.in_(bindparam("ids", expanding=True))
)
_NEWEST = (
    select(artifacts.c.id)
    .where(
        artifacts.c.key == bindparam("artifact_key"),
        artifacts.c.workspace_id == bindparam("of", type_=_COLLECTION.id.type),
    )
    .order_by(artifacts.c.created.desc(), artifacts.c.id.desc())
    .limit(1)
)
_MISSING = not_(exists().where(artifacts.c.id == _COLLECTION.latest_id))


def delete_artifacts_of(tx: Tx, *where: ColumnElement[bool]) -> int:
    """Deletes artifacts; how many."""
    gone = tx.column(delete(artifacts).where(*where).returning(artifacts.c.id))
    if gone:
        for collection in tx.all(_LATEST.order_by(_COLLECTION.id), ids=gone):
            repoint(tx, collection)
    return len(gone)


def repoint(tx: Tx, collection: Row) -> None:
    """Points a collection at the newest artifact of its key; deletes it where there is none."""
    newest = tx.value(_NEWEST, artifact_key=collection["key"], of=collection["workspace_id"])
    own = _COLLECTION.id == collection["id"]
    if newest is None:
        tx.run(delete(artifact_collections).where(own))
    else:
        tx.run(update(artifact_collections).where(own).values(latest_id=newest, updated=tx.now))


class EmptyCollections:
    """Collections whose latest artifact is not there."""

    def step(self, tx: Tx, ages: Ages, begin: str | None, most: int) -> Step:
        """Puts a page of them right; told are those that had to be deleted or pointed elsewhere."""
        lost = _MISSING.label("lost")
        page = select(_COLLECTION.id, _COLLECTION.workspace_id, _COLLECTION.key, lost).order_by(_COLLECTION.id)
        found = tx.all((page if begin is None else page.where(_COLLECTION.id > begin)).limit(most))
        wrong = [row for row in found if row["lost"]]
        for collection in wrong:
            repoint(tx, collection)
        return Step({artifact_collections.name: len(wrong)}, found[-1]["id"] if len(found) == most else None)

    def count(self, tx: Tx, ages: Ages) -> dict[str, int]:
        found: int = tx.value(select(func.count()).select_from(artifact_collections).where(_MISSING))
        return {artifact_collections.name: found}


def count_artifacts(tx: Tx, *where: ColumnElement[bool]) -> int:
    """How many artifacts meet the conditions."""
    return count(tx, artifacts, *where)
