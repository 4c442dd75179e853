"""Concurrency limits by tag of a task run: the older face of the limits named ``tag:<tag>``."""

from types import NoneType
from uuid import UUID

from podium.wire.concurrency_v2 import MinimalConcurrencyLimit
from podium.wire.endpoint import Body, Endpoint
from podium.wire.parameters import Listing, Parameters, Row
from podium.wire.scalars import Id, Integer


class ConcurrencyLimitCreate(Body):
    """A limit to create, or to change by its tag."""

    tag: str
    concurrency_limit: Integer


class ConcurrencyLimit(Row):
    """A limit and the task runs that hold its slots."""

    tag: str
    concurrency_limit: int
    active_slots: list[Id] = []


class SlotsReset(Parameters):
    """The task runs that hold the slots from now on."""

    slot_override: list[UUID] | None = None


class TagSlots(Parameters):
    """A task run and the tags whose slots it takes or gives back."""

    names: list[str]
    task_run_id: UUID


CREATE = Endpoint(
    method="POST",
    path="/concurrency_limits/",
    summary="Create a concurrency limit, or change that of its tag",
    body=ConcurrencyLimitCreate,
    answer=ConcurrencyLimit,
    status=201,
    statuses=(200, 422),
    permission="edit",
)
READ = Endpoint(
    method="GET",
    path="/concurrency_limits/{id}",
    summary="Read a concurrency limit",
    answer=ConcurrencyLimit,
    statuses=(404, 422),
)
READ_BY_TAG = Endpoint(
    method="GET",
    path="/concurrency_limits/tag/{tag}",
    summary="Read a concurrency limit by its tag",
    answer=ConcurrencyLimit,
    statuses=(404, 422),
)
FILTER = Endpoint(
    method="POST",
    path="/concurrency_limits/filter",
    summary="List concurrency limits",
    body=Listing,
    body_required=False,
    answer=list[ConcurrencyLimit],
    statuses=(422,),
)
RESET = Endpoint(
    method="POST",
    path="/concurrency_limits/tag/{tag}/reset",
    summary="Empty the slots of a concurrency limit",
    body=SlotsReset,
    body_required=False,
    answer=NoneType,
    statuses=(404, 422),
    permission="edit",
)
DELETE = Endpoint(
    method="DELETE",
    path="/concurrency_limits/{id}",
    summary="Delete a concurrency limit",
    answer=NoneType,
    statuses=(404, 422),
    permission="edit",
)
DELETE_BY_TAG = Endpoint(
    method="DELETE",
    path="/concurrency_limits/tag/{tag}",
    summary="Delete a concurrency limit by its tag",
    answer=NoneType,
    statuses=(404, 422),
    permission="edit",
)
INCREMENT = Endpoint(
    method="POST",
    path="/concurrency_limits/increment",
    summary="Take a slot of each tag for a task run",
    body=TagSlots,
    answer=list[MinimalConcurrencyLimit],
    statuses=(422, 423),
    permission="operate",
)
DECREMENT = Endpoint(
    method="POST",
    path="/concurrency_limits/decrement",
    summary="Give back the slots of a task run",
    body=TagSlots,
    answer=list[MinimalConcurrencyLimit],
    statuses=(422,),
    permission="operate",
)
