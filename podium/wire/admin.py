"""The server itself: its version, settings and default result storage."""

from uuid import UUID

from podium.wire.endpoint import Answer, Body, Endpoint
from podium.wire.scalars import Id, Json


class ResultStorage(Answer):
    """The block that keeps results where nothing else is said."""

    default_result_storage_block_id: Id | None = None


class ResultStorageUpdate(Body):
    """The block to keep results from now on."""

    default_result_storage_block_id: UUID


# Every client reads the version and, before a run, the storage.
READ_VERSION = Endpoint(
    method="GET",
    path="/admin/version",
    summary="Read the version of the wire's server",
    answer=str,
    statuses=(422,),
)
READ_SETTINGS = Endpoint(
    method="GET",
    path="/admin/settings",
    summary="Read the settings, secrets masked",
    answer=Json,
    statuses=(422,),
    permission="admin",
)
READ_STORAGE = Endpoint(
    method="GET",
    path="/admin/storage",
    summary="Read the default result storage",
    answer=ResultStorage,
    statuses=(422,),
)
SET_STORAGE = Endpoint(
    method="PUT",
    path="/admin/storage",
    summary="Set the default result storage",
    body=ResultStorageUpdate,
    answer=ResultStorage,
    statuses=(422,),
    further=(404,),
    permission="admin",
)
CLEAR_STORAGE = Endpoint(
    method="DELETE",
    path="/admin/storage",
    summary="Clear the default result storage",
    status=204,
    statuses=(422,),
    permission="admin",
)
