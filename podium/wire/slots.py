"""The slots of concurrency limits of every kind: who holds them, and who waits for one."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from podium.wire.endpoint import Answer, Endpoint
from podium.wire.explain import Holder
from podium.wire.parameters import Listing
from podium.wire.scalars import Id, OrDefault

LimitKind = Literal["global", "tag", "deployment", "work_pool", "work_queue"]


class SlotQuery(Listing):
    """Which limits to tell of: of these ``kinds``, with these ``ids`` (of pools and queues too).

    ``in_use`` leaves out those that have all their slots free. ``holders`` is how many of each are named.
    """

    kinds: list[LimitKind] | None = None
    ids: list[UUID] | None = None
    in_use: OrDefault[bool] = False
    holders: OrDefault[Annotated[int, msgspec.Meta(ge=0, le=200)]] = 20


class LimitSlots(Answer):
    """A limit and its slots; ``id`` is that of the limit, pool or queue, ``deployment_id`` whose own limit it is.

    One that is not ``active`` limits nobody. Of the ``used`` slots ``holders`` have some, the longest first, and
    ``anonymous`` were taken without a lease: nobody knows by whom. ``waiting`` runs stand before a limit that is full,
    counted so far as the first thousand, ``waiters`` are the first of them. Where it cannot be known who waits, as with
    a global limit that code asks for, ``denied`` tells how many slots were refused lately.
    """

    kind: LimitKind
    id: Id
    name: str
    limit: int
    used: int
    active: bool
    slot_decay_per_second: float = 0.0
    deployment_id: Id | None = None
    anonymous: int = 0
    denied: int = 0
    holders: list[Holder] = []
    waiting: int = 0
    waiters: list[Holder] = []


FILTER = Endpoint(
    method="POST",
    path="/podium/slots",
    summary="Tell who holds slots of concurrency limits and who waits, the fullest first",
    body=SlotQuery,
    body_required=False,
    answer=list[LimitSlots],
    statuses=(422,),
)
