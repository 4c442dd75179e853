"""Events, and the filters and counts over them."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from podium.wire.endpoint import Answer, Body, Endpoint, Filter
from podium.wire.filters import TextSearch
from podium.wire.parameters import Parameters
from podium.wire.scalars import Id, OrDefault, Time, refusal
from podium.wire.sorting import EventOrder

Countable = Literal["day", "time", "event", "resource"]
TimeUnit = Literal["week", "day", "hour", "minute", "second"]
Resource = dict[str, str]
ResourceSpecification = dict[str, str | list[str]]


class Event(Body):
    """Something that happened to a resource. Every resource has ``prefect.resource.id``, a related one its role too."""

    id: UUID
    occurred: Time
    event: Annotated[str, msgspec.Meta(max_length=1024)]
    resource: Resource
    related: list[Resource] = []
    payload: dict[str, Any] = {}
    follows: UUID | None = None

    def __post_init__(self) -> None:
        """Refuse resources without the labels every reader relies on."""
        if not self.resource.get("prefect.resource.id"):
            raise refusal("resource", "Expected a `prefect.resource.id` label")
        for position, resource in enumerate(self.related):
            for label in ("prefect.resource.id", "prefect.resource.role"):
                if not resource.get(label):
                    raise refusal(f"related[{position}]", f"Expected a `{label}` label")


class ReceivedEvent(Answer):
    """An event as it is kept."""

    id: Id
    occurred: Time
    event: str
    resource: Resource
    received: Time
    related: list[Resource] = []
    payload: dict[str, Any] = {}
    follows: Id | None = None


class EventOccurred(Filter):
    """When it happened, inclusive. ``since`` absent is 180 days ago, ``until`` absent the moment of asking."""

    since: Time | None = None
    until: Time | None = None


class EventName(Filter):
    """What it is called."""

    prefix: list[str] | None = None
    exclude_prefix: list[str] | None = None
    name: list[str] | None = None
    exclude_name: list[str] | None = None


class EventAnyResource(Filter):
    """The resource, or a related one, by id, start of the id, or labels (``*`` any run, leading ``!`` none of it)."""

    id: list[str] | None = None
    id_prefix: list[str] | None = None
    labels: ResourceSpecification | None = None


class EventResource(EventAnyResource):
    """The resource it happened to; ``distinct`` keeps the newest event of each."""

    distinct: bool = False


class EventRelated(Filter):
    """One related resource."""

    id: list[str] | None = None
    role: list[str] | None = None
    resources_in_roles: list[tuple[str, str]] | None = None
    labels: ResourceSpecification | None = None


class EventId(Filter):
    """The event's id is one of these."""

    id: list[UUID] | None = None


class EventFilter(Filter):
    """Selects events: every part given must hold; the entries of a list of ``any_resource`` are alternatives."""

    occurred: EventOccurred = msgspec.field(default_factory=EventOccurred)
    event: EventName | None = None
    resource: EventResource | None = None
    related: EventRelated | list[EventRelated] | None = None
    any_resource: EventAnyResource | list[EventAnyResource] | None = None
    id: EventId = msgspec.field(default_factory=EventId)
    text: TextSearch | None = None
    order: EventOrder = "DESC"


class EventQuery(Parameters):
    """Which events to list."""

    filter: EventFilter | None = None
    limit: OrDefault[Annotated[int, msgspec.Meta(ge=0, le=50)]] = 50


class NextPage(Body):
    """The token of the page that follows."""

    page_token: str = msgspec.field(name="page-token")


class EventPage(Answer):
    """A page of events; ``next_page`` is the address of the one that follows."""

    events: list[ReceivedEvent]
    total: int
    next_page: str | None


class EventCountQuery(Parameters):
    """Which events to count, and by what stretch of time."""

    filter: EventFilter
    time_unit: OrDefault[TimeUnit] = "day"
    time_interval: OrDefault[Annotated[float, msgspec.Meta(ge=0.01)]] = 1.0


class EventCount(Answer):
    """How many events have a value, or lie in a stretch of time."""

    value: str
    label: str
    count: int
    start_time: Time
    end_time: Time


CREATE = Endpoint(
    method="POST",
    path="/events",
    summary="Record events",
    body=list[Event],
    status=204,
    statuses=(422,),
    permission="operate",
)
FILTER = Endpoint(
    method="POST",
    path="/events/filter",
    summary="List events",
    body=EventQuery,
    body_required=False,
    answer=EventPage,
    statuses=(422,),
)
NEXT = Endpoint(
    method="GET",
    path="/events/filter/next",
    summary="List the events of the page that follows",
    query=NextPage,
    answer=EventPage,
    statuses=(403, 422),
)
COUNT_BY = Endpoint(
    method="POST",
    path="/events/count-by/{countable}",
    summary="Count events by time, name or resource",
    body=EventCountQuery,
    answer=list[EventCount],
    statuses=(404, 422),
)
