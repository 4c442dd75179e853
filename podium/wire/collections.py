"""Views of the collections of workers and blocks there are."""

from podium.wire.endpoint import Endpoint
from podium.wire.scalars import Json

READ_VIEW = Endpoint(
    method="GET",
    path="/collections/views/{view}",
    summary="Read a view of the collections",
    answer=Json,
    statuses=(404, 422),
)
