"""Global concurrency limits, and the slots taken of them with and without a lease."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from podium.wire.endpoint import Answer, Body, Endpoint, Patch
from podium.wire.parameters import Listing, Parameters, Row
from podium.wire.scalars import Amount, Id, Name, OrDefault, PositiveAmount, Rate

SlotMode = Literal["concurrency", "rate_limit"]
LeaseSeconds = Annotated[float, msgspec.Meta(ge=60, le=86400)]


class ConcurrencyLimitV2Create(Body):
    """A limit to create; with a decay its slots free themselves at that rate."""

    name: Name
    limit: Amount
    active: bool = True
    active_slots: Amount = 0
    denied_slots: Amount = 0
    slot_decay_per_second: Rate = 0


class ConcurrencyLimitV2Update(Patch):
    """What may change of a limit."""

    active: bool | UnsetType | None = UNSET
    name: Name | UnsetType | None = UNSET
    limit: Amount | UnsetType | None = UNSET
    active_slots: Amount | UnsetType | None = UNSET
    denied_slots: Amount | UnsetType | None = UNSET
    slot_decay_per_second: Rate | UnsetType | None = UNSET


class ConcurrencyLimitV2(Row):
    """A limit as its creation answers it."""

    name: str
    limit: int
    active: bool = True
    active_slots: int = 0
    denied_slots: int = 0
    slot_decay_per_second: float = 0
    avg_slot_occupancy_seconds: float = 2.0


class GlobalConcurrencyLimit(Row):
    """A limit as it is read; ``active_slots`` is after decay."""

    name: str
    limit: int
    active_slots: int
    active: bool = True
    slot_decay_per_second: float = 2.0


class MinimalConcurrencyLimit(Answer):
    """A limit whose slots were taken or given back."""

    id: Id
    name: str
    limit: int


class LeaseHolder(Body):
    """Who holds slots."""

    type: Literal["flow_run", "task_run", "deployment"]
    id: UUID


class Increment(Parameters):
    """Slots to take of every limit named, all or none. Unknown names are no limit."""

    names: list[str]
    slots: PositiveAmount
    mode: OrDefault[SlotMode] = "concurrency"
    create_if_missing: bool | None = None


class LeasedIncrement(Parameters):
    """Slots to take for as long as their lease is renewed."""

    names: list[str]
    slots: PositiveAmount
    mode: OrDefault[SlotMode] = "concurrency"
    lease_duration: OrDefault[LeaseSeconds] = 300
    holder: LeaseHolder | None = None


class Lease(Answer):
    """A lease and the limits whose slots it holds."""

    lease_id: Id
    limits: list[MinimalConcurrencyLimit]


class Renewal(Parameters):
    """How much longer a lease is to last."""

    lease_duration: OrDefault[LeaseSeconds] = 300


class Decrement(Parameters):
    """Slots to give back, and the seconds they were held."""

    names: list[str]
    slots: PositiveAmount
    occupancy_seconds: Annotated[float, msgspec.Meta(gt=0)] | None = None
    create_if_missing: bool | None = None


class LeaseEnd(Parameters):
    """The lease to end."""

    lease_id: UUID


CREATE = Endpoint(
    method="POST",
    path="/v2/concurrency_limits/",
    summary="Create a global concurrency limit",
    body=ConcurrencyLimitV2Create,
    answer=ConcurrencyLimitV2,
    status=201,
    statuses=(409, 422),
    permission="edit",
)
READ = Endpoint(
    method="GET",
    path="/v2/concurrency_limits/{id_or_name}",
    summary="Read a global concurrency limit",
    answer=GlobalConcurrencyLimit,
    statuses=(404, 422),
)
FILTER = Endpoint(
    method="POST",
    path="/v2/concurrency_limits/filter",
    summary="List global concurrency limits",
    body=Listing,
    body_required=False,
    answer=list[GlobalConcurrencyLimit],
    statuses=(422,),
)
UPDATE = Endpoint(
    method="PATCH",
    path="/v2/concurrency_limits/{id_or_name}",
    summary="Change a global concurrency limit",
    body=ConcurrencyLimitV2Update,
    status=204,
    statuses=(404, 422),
    further=(409,),
    permission="edit",
)
DELETE = Endpoint(
    method="DELETE",
    path="/v2/concurrency_limits/{id_or_name}",
    summary="Delete a global concurrency limit",
    status=204,
    statuses=(404, 422),
    permission="edit",
)
INCREMENT = Endpoint(
    method="POST",
    path="/v2/concurrency_limits/increment",
    summary="Take slots",
    body=Increment,
    answer=list[MinimalConcurrencyLimit],
    statuses=(422, 423),
    permission="operate",
)
INCREMENT_WITH_LEASE = Endpoint(
    method="POST",
    path="/v2/concurrency_limits/increment-with-lease",
    summary="Take slots with a lease",
    body=LeasedIncrement,
    answer=Lease,
    statuses=(422, 423),
    permission="operate",
)
RENEW = Endpoint(
    method="POST",
    path="/v2/concurrency_limits/leases/{lease_id}/renew",
    summary="Renew a lease",
    body=Renewal,
    body_required=False,
    status=204,
    statuses=(404, 410, 422),
    permission="operate",
)
DECREMENT = Endpoint(
    method="POST",
    path="/v2/concurrency_limits/decrement",
    summary="Give back slots",
    body=Decrement,
    answer=list[MinimalConcurrencyLimit],
    statuses=(422,),
    permission="operate",
)
DECREMENT_WITH_LEASE = Endpoint(
    method="POST",
    path="/v2/concurrency_limits/decrement-with-lease",
    summary="End a lease and give back its slots",
    body=LeaseEnd,
    status=204,
    statuses=(422,),
    permission="operate",
)
