"""Artifacts, and the latest of each key."""

from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from podium.wire.endpoint import Body, Endpoint, Filter, Patch
from podium.wire.filters import AnyId, AnyTextOrNot, Key, Operator, RunScope
from podium.wire.parameters import Row
from podium.wire.scalars import Id, Natural, OrDefault, Slug
from podium.wire.sorting import ArtifactSort


class ArtifactCreate(Body):
    """An artifact to create."""

    key: Slug | None = None
    type: str | None = None
    description: str | None = None
    data: Any = None
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class ArtifactUpdate(Patch):
    """What may change of an artifact."""

    data: Any | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    metadata_: dict[str, str] | UnsetType | None = UNSET


class Artifact(Row):
    """An artifact of a run."""

    key: str | None = None
    type: str | None = None
    description: str | None = None
    data: Any = None
    metadata_: dict[str, str] | None = None
    flow_run_id: Id | None = None
    task_run_id: Id | None = None


class ArtifactCollection(Row):
    """A key and its latest artifact."""

    key: str
    latest_id: Id
    type: str | None = None
    description: str | None = None
    data: Any = None
    metadata_: dict[str, str] | None = None
    flow_run_id: Id | None = None
    task_run_id: Id | None = None


class ArtifactFilter(Filter):
    """Selects artifacts."""

    id: AnyId | None = None
    key: Key | None = None
    flow_run_id: AnyId | None = None
    task_run_id: AnyId | None = None
    type: AnyTextOrNot | None = None
    operator: Operator = "and_"


class ArtifactCollectionFilter(Filter):
    """Selects keys by their latest artifact."""

    latest_id: AnyId | None = None
    key: Key | None = None
    flow_run_id: AnyId | None = None
    task_run_id: AnyId | None = None
    type: AnyTextOrNot | None = None
    operator: Operator = "and_"


class ArtifactScope(RunScope):
    """Which artifacts."""

    artifacts: ArtifactFilter | None = None


class ArtifactQuery(ArtifactScope):
    """Which artifacts to list."""

    limit: int | None = None
    offset: OrDefault[Natural] = 0
    sort: OrDefault[ArtifactSort] = "ID_DESC"


class ArtifactCollectionScope(RunScope):
    """Which keys."""

    artifacts: ArtifactCollectionFilter | None = None


class ArtifactCollectionQuery(ArtifactCollectionScope):
    """Which keys to list."""

    limit: int | None = None
    offset: OrDefault[Natural] = 0
    sort: OrDefault[ArtifactSort] = "ID_DESC"


CREATE = Endpoint(
    method="POST",
    path="/artifacts/",
    summary="Create an artifact",
    body=ArtifactCreate,
    answer=Artifact,
    status=201,
    statuses=(200, 422),
    permission="operate",
)
READ = Endpoint(method="GET", path="/artifacts/{id}", summary="Read an artifact", answer=Artifact, statuses=(404, 422))
READ_LATEST = Endpoint(
    method="GET",
    path="/artifacts/{key}/latest",
    summary="Read the latest artifact of a key",
    answer=Artifact,
    statuses=(404, 422),
)
FILTER = Endpoint(
    method="POST",
    path="/artifacts/filter",
    summary="List artifacts",
    body=ArtifactQuery,
    body_required=False,
    answer=list[Artifact],
    statuses=(422,),
)
FILTER_LATEST = Endpoint(
    method="POST",
    path="/artifacts/latest/filter",
    summary="List keys with their latest artifact",
    body=ArtifactCollectionQuery,
    body_required=False,
    answer=list[ArtifactCollection],
    statuses=(422,),
)
COUNT = Endpoint(
    method="POST",
    path="/artifacts/count",
    summary="Count artifacts",
    body=ArtifactScope,
    body_required=False,
    answer=int,
    statuses=(422,),
)
COUNT_LATEST = Endpoint(
    method="POST",
    path="/artifacts/latest/count",
    summary="Count keys of artifacts",
    body=ArtifactCollectionScope,
    body_required=False,
    answer=int,
    statuses=(422,),
)
UPDATE = Endpoint(
    method="PATCH",
    path="/artifacts/{id}",
    summary="Change an artifact",
    body=ArtifactUpdate,
    status=204,
    statuses=(404, 422),
    permission="operate",
)
DELETE = Endpoint(
    method="DELETE",
    path="/artifacts/{id}",
    summary="Delete an artifact",
    status=204,
    statuses=(404, 422),
    permission="operate",
)
