"""What is sent, was sent, or was given up: messages to channels, and the list of the dead among them."""

from typing import Any, Literal

from podium.wire.endpoint import Answer, Endpoint, Filter
from podium.wire.filters import AnyId, AnyText, Operator, TimeBounds
from podium.wire.parameters import Parameters
from podium.wire.scalars import Id, Natural, OrDefault, Time

DeliveryState = Literal["waiting", "delivered", "dead"]
DeliveryKind = Literal["notification", "webhook", "email"]
DeliverySort = Literal["CREATED_ASC", "CREATED_DESC"]


class NotificationDelivery(Answer):
    """A message to a channel.

    ``channel`` is what keeps an order of its own: the id of the block, or ``email``. ``request`` is what is said, to be
    put into the request that the block describes, whose secrets are shown nowhere. ``error`` is why the last attempt
    failed, ``result`` what the peer answered, ``not_before`` when the next attempt is.
    """

    id: Id
    created: Time
    channel: str
    block_document_id: Id | None
    kind: DeliveryKind
    request: dict[str, Any]
    idempotency_key: str
    state: DeliveryState
    attempts: int
    not_before: Time | None
    error: str | None
    result: dict[str, Any] | None
    action_id: Id | None
    ended: Time | None


class AnyDeliveryState(Filter):
    """The state is one of these."""

    any_: list[DeliveryState] | None = None


class AnyDeliveryKind(Filter):
    """The kind is one of these."""

    any_: list[DeliveryKind] | None = None


class NotificationDeliveryFilter(Filter):
    """Selects deliveries; ``ended`` is when one was delivered or given up."""

    id: AnyId | None = None
    state: AnyDeliveryState | None = None
    channel: AnyText | None = None
    kind: AnyDeliveryKind | None = None
    block_document_id: AnyId | None = None
    action_id: AnyId | None = None
    created: TimeBounds | None = None
    ended: TimeBounds | None = None
    operator: Operator = "and_"


class NotificationDeliveryScope(Parameters):
    """Which deliveries."""

    notification_deliveries: NotificationDeliveryFilter | None = None


class NotificationDeliveryQuery(NotificationDeliveryScope):
    """Which deliveries to list."""

    limit: int | None = None
    offset: OrDefault[Natural] = 0
    sort: OrDefault[DeliverySort] = "CREATED_DESC"


FILTER = Endpoint(
    method="POST",
    path="/notification_deliveries/filter",
    summary="List deliveries",
    body=NotificationDeliveryQuery,
    body_required=False,
    answer=list[NotificationDelivery],
    statuses=(422,),
)
COUNT = Endpoint(
    method="POST",
    path="/notification_deliveries/count",
    summary="Count deliveries",
    body=NotificationDeliveryScope,
    body_required=False,
    answer=int,
    statuses=(422,),
)
READ = Endpoint(
    method="GET",
    path="/notification_deliveries/{id}",
    summary="Read a delivery",
    answer=NotificationDelivery,
    statuses=(404, 422),
)
REPLAY = Endpoint(
    method="POST",
    path="/notification_deliveries/{id}/replay",
    summary="Send a delivery that was given up, or waits for its next attempt, now",
    answer=NotificationDelivery,
    statuses=(404, 409, 422),
    permission="operate",
)
DELETE = Endpoint(
    method="DELETE",
    path="/notification_deliveries/{id}",
    summary="Delete a delivery; one that waits is not sent",
    status=204,
    statuses=(404, 422),
    permission="edit",
)
