"""Flows."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from podium.wire.endpoint import Body, Endpoint, Patch
from podium.wire.filters import FlowFilter, PoolScope
from podium.wire.parameters import Deleted, Page, Parameters, Row
from podium.wire.scalars import Labels, Name, Natural, OrDefault, PageNumber
from podium.wire.sorting import FlowSort


class FlowCreate(Body):
    """A flow to register; one that exists by its name is answered as it is."""

    name: Name
    tags: list[str] = []
    labels: Labels | None = None


class FlowUpdate(Patch):
    """What may change of a flow."""

    tags: list[str] | UnsetType = UNSET


class Flow(Row):
    """A flow."""

    name: str
    tags: list[str] = []
    labels: Labels | None = None


class FlowQuery(PoolScope):
    """Which flows to list."""

    limit: int | None = None
    offset: OrDefault[Natural] = 0
    sort: OrDefault[FlowSort] = "NAME_ASC"


class FlowPageQuery(PoolScope):
    """Which page of flows to list."""

    limit: int | None = None
    page: OrDefault[PageNumber] = 1
    sort: OrDefault[FlowSort] = "NAME_ASC"


class FlowPage(Page):
    """A page of flows."""

    results: list[Flow]


class FlowBulkDelete(Parameters):
    """Which flows to delete. No filter, or an empty one, selects every flow."""

    flows: FlowFilter | None = None
    limit: OrDefault[Annotated[int, msgspec.Meta(ge=1, le=50)]] = 50


# A run registers its flow before itself, so that who may run may also register.
CREATE = Endpoint(
    method="POST",
    path="/flows/",
    summary="Register a flow, or read it when it exists",
    body=FlowCreate,
    answer=Flow,
    status=201,
    statuses=(200, 422),
    permission="operate",
)
READ = Endpoint(method="GET", path="/flows/{id}", summary="Read a flow", answer=Flow, statuses=(404, 422))
READ_BY_NAME = Endpoint(
    method="GET", path="/flows/name/{name}", summary="Read a flow by its name", answer=Flow, statuses=(404, 422)
)
FILTER = Endpoint(
    method="POST",
    path="/flows/filter",
    summary="List flows",
    body=FlowQuery,
    body_required=False,
    answer=list[Flow],
    statuses=(422,),
)
PAGINATE = Endpoint(
    method="POST",
    path="/flows/paginate",
    summary="List a page of flows",
    body=FlowPageQuery,
    body_required=False,
    answer=FlowPage,
    statuses=(422,),
)
COUNT = Endpoint(
    method="POST",
    path="/flows/count",
    summary="Count flows",
    body=PoolScope,
    body_required=False,
    answer=int,
    statuses=(422,),
)
UPDATE = Endpoint(
    method="PATCH",
    path="/flows/{id}",
    summary="Change a flow",
    body=FlowUpdate,
    status=204,
    statuses=(404, 422),
    permission="edit",
)
DELETE = Endpoint(
    method="DELETE",
    path="/flows/{id}",
    summary="Delete a flow with its deployments and runs",
    status=204,
    statuses=(404, 422),
    permission="edit",
)
BULK_DELETE = Endpoint(
    method="POST",
    path="/flows/bulk_delete",
    summary="Delete the flows a filter selects",
    body=FlowBulkDelete,
    body_required=False,
    answer=Deleted,
    statuses=(422,),
    permission="edit",
)
