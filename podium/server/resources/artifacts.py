"""Artifacts and the latest of each key over HTTP."""

from podium.db.unit import Row
from podium.server.errors import NotFound
from podium.server.http.call import Call
from podium.server.operations.artifacts import change_artifact, create_artifact, delete_artifact
from podium.server.queries import filter_targets, generic, sorting
from podium.server.queries.artifacts import ARTIFACTS, LATEST_ARTIFACTS, latest_artifact
from podium.server.queries.filtering import conditions
from podium.wire import artifacts as wire


async def add_artifact(call: Call, body: wire.ArtifactCreate) -> Row:
    values = {name: getattr(body, name) for name in body.__struct_fields__}
    row: Row = await call.write(create_artifact, values)
    return row


async def read_artifact(call: Call) -> Row:
    row: Row = await call.read(generic.get, ARTIFACTS, call.path["id"])
    return row


async def read_latest_artifact(call: Call) -> Row:
    row: Row = await call.read(latest_artifact, call.path["key"])
    return row


async def list_artifacts(call: Call, body: wire.ArtifactQuery) -> list[Row]:
    limit = call.limit(body.limit)
    where = conditions(filter_targets.ARTIFACTS, body)
    rows: list[Row] = await call.read(generic.page, ARTIFACTS, where, sorting.ARTIFACTS[body.sort], limit, body.offset)
    return rows


async def list_latest_artifacts(call: Call, body: wire.ArtifactCollectionQuery) -> list[Row]:
    limit = call.limit(body.limit)
    where = conditions(filter_targets.LATEST_ARTIFACTS, body)
    order = sorting.LATEST_ARTIFACTS[body.sort]
    rows: list[Row] = await call.read(generic.page, LATEST_ARTIFACTS, where, order, limit, body.offset)
    return rows


async def count_artifacts(call: Call, body: wire.ArtifactScope) -> int:
    total: int = await call.read(generic.count, ARTIFACTS, conditions(filter_targets.ARTIFACTS, body))
    return total


async def count_latest_artifacts(call: Call, body: wire.ArtifactCollectionScope) -> int:
    total: int = await call.read(generic.count, LATEST_ARTIFACTS, conditions(filter_targets.LATEST_ARTIFACTS, body))
    return total


async def update_artifact(call: Call, body: wire.ArtifactUpdate) -> None:
    if not await call.write(change_artifact, call.path["id"], body.sent()):
        raise NotFound("Artifact not found")


async def remove_artifact(call: Call) -> None:
    if not await call.write(delete_artifact, call.path["id"]):
        raise NotFound("Artifact not found")


ROUTES = (
    (wire.CREATE, add_artifact),
    (wire.READ, read_artifact),
    (wire.READ_LATEST, read_latest_artifact),
    (wire.FILTER, list_artifacts),
    (wire.FILTER_LATEST, list_latest_artifacts),
    (wire.COUNT, count_artifacts),
    (wire.COUNT_LATEST, count_latest_artifacts),
    (wire.UPDATE, update_artifact),
    (wire.DELETE, remove_artifact),
)
