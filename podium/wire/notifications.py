"""Notifications: which states of which flow runs somebody is told of, where, and in which words."""

import re
from collections.abc import Iterable
from typing import Annotated, get_args
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from podium.wire.actions import ADDRESS
from podium.wire.endpoint import Answer, Body, Endpoint, Filter, Patch
from podium.wire.filters import AnyId, AnyNameOrLike, Equals, Operator
from podium.wire.parameters import Listing, Parameters, Row
from podium.wire.scalars import Id, Name, OrDefault, refusal
from podium.wire.sorting import NotificationSort
from podium.wire.states import StateType

STATE_TYPES: tuple[str, ...] = get_args(StateType)
STATE_NAMES = (
    "Scheduled",
    "Late",
    "AwaitingRetry",
    "AwaitingConcurrencySlot",
    "Resuming",
    "Pending",
    "Submitting",
    "InfrastructurePending",
    "Running",
    "Retrying",
    "Completed",
    "Cached",
    "RolledBack",
    "Skipped",
    "Failed",
    "TimedOut",
    "Crashed",
    "Paused",
    "Suspended",
    "Cancelling",
    "Cancelled",
)
"""The states that server and clients give runs; flows may name theirs otherwise."""

_KNOWN = {name.lower(): name for name in STATE_NAMES} | {"canceled": "Cancelled", "canceling": "Cancelling"}
Tag = Annotated[str, msgspec.Meta(min_length=1)]
Template = Annotated[str, msgspec.Meta(max_length=100_000)]


def state_name(text: str) -> str:
    """A state as it is called, however it is written: ``awaiting-retry`` is ``AwaitingRetry``.

    The name of a type in capitals (``FAILED``) stays, and means every state of the type. Names not known stay too.
    """
    stripped = text.strip()
    return stripped if stripped in STATE_TYPES else _KNOWN.get(re.sub(r"[\s_-]", "", stripped).lower(), stripped)


def _states(given: Iterable[str]) -> list[str]:
    names = list(dict.fromkeys(map(state_name, given)))
    if "" in names:
        raise refusal("state_names", "Expected names or types of states, not an empty text")
    return names


def _check_addresses(emails: list[str]) -> None:
    for place, address in enumerate(emails):
        if not ADDRESS.fullmatch(address):
            raise refusal(f"emails[{place}]", "Expected an address such as `name@example.com`")


class NotificationCreate(Body):
    """A notification to create: it goes to a channel (a block), or by email to addresses.

    Of states, tags, flows, deployments and work pools each that is given must fit, by one of its values.
    ``state_names`` are names (``Failed``, also ``failed``) or types (``FAILED``: ``Failed``, ``TimedOut`` and others of
    the type); none is every state. ``subject`` and ``message`` are templates; null is the server's text. With
    ``emails`` the block, if there is one, says which mail server sends them.
    """

    name: Name
    enabled: bool = True
    state_names: list[str] = []
    tags: list[Tag] = []
    flow_ids: list[UUID] = []
    deployment_ids: list[UUID] = []
    work_pool_ids: list[UUID] = []
    block_document_id: UUID | None = None
    emails: list[str] = []
    subject: Template | None = None
    message: Template | None = None

    def __post_init__(self) -> None:
        """Spell the states as they are called, and check the addresses."""
        self.state_names = _states(self.state_names)
        _check_addresses(self.emails)


class NotificationUpdate(Patch):
    """What may change of a notification."""

    name: Name | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    state_names: list[str] | UnsetType = UNSET
    tags: list[Tag] | UnsetType = UNSET
    flow_ids: list[UUID] | UnsetType = UNSET
    deployment_ids: list[UUID] | UnsetType = UNSET
    work_pool_ids: list[UUID] | UnsetType = UNSET
    block_document_id: UUID | UnsetType | None = UNSET
    emails: list[str] | UnsetType = UNSET
    subject: Template | UnsetType | None = UNSET
    message: Template | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        """Spell the states as they are called, and check the addresses."""
        if self.state_names is not UNSET:
            self.state_names = _states(self.state_names)
        if self.emails is not UNSET:
            _check_addresses(self.emails)


class Notification(Row):
    """A notification; ``automation_id`` is what does it, and is deleted with it."""

    name: str
    enabled: bool
    automation_id: Id
    state_names: list[str] = []
    tags: list[str] = []
    flow_ids: list[Id] = []
    deployment_ids: list[Id] = []
    work_pool_ids: list[Id] = []
    block_document_id: Id | None = None
    emails: list[str] = []
    subject: str | None = None
    message: str | None = None


class NotificationTest(Answer):
    """What was sent to try a notification: the delivery, and its words about a run that there is not."""

    delivery_id: Id
    subject: str
    body: str


class NotificationFilter(Filter):
    """Selects notifications."""

    id: AnyId | None = None
    name: AnyNameOrLike | None = None
    enabled: Equals | None = None
    automation_id: AnyId | None = None
    operator: Operator = "and_"


class NotificationQuery(Listing):
    """Which notifications to list."""

    notifications: NotificationFilter | None = None
    sort: OrDefault[NotificationSort] = "NAME_ASC"


class NotificationCountQuery(Parameters):
    """Which notifications to count."""

    notifications: NotificationFilter | None = None


CREATE = Endpoint(
    method="POST",
    path="/notifications/",
    summary="Create a notification",
    body=NotificationCreate,
    answer=Notification,
    status=201,
    statuses=(409, 422),
    permission="edit",
)
READ = Endpoint(
    method="GET", path="/notifications/{id}", summary="Read a notification", answer=Notification, statuses=(404, 422)
)
READ_BY_NAME = Endpoint(
    method="GET",
    path="/notifications/name/{name}",
    summary="Read a notification by its name",
    answer=Notification,
    statuses=(404, 422),
)
FILTER = Endpoint(
    method="POST",
    path="/notifications/filter",
    summary="List notifications",
    body=NotificationQuery,
    body_required=False,
    answer=list[Notification],
    statuses=(422,),
)
COUNT = Endpoint(
    method="POST",
    path="/notifications/count",
    summary="Count notifications",
    body=NotificationCountQuery,
    body_required=False,
    answer=int,
    statuses=(422,),
)
UPDATE = Endpoint(
    method="PATCH",
    path="/notifications/{id}",
    summary="Change a notification, pause it or resume it",
    body=NotificationUpdate,
    status=204,
    statuses=(404, 409, 422),
    permission="edit",
)
DELETE = Endpoint(
    method="DELETE",
    path="/notifications/{id}",
    summary="Delete a notification",
    status=204,
    statuses=(404, 422),
    permission="edit",
)
TEST = Endpoint(
    method="POST",
    path="/notifications/{id}/test",
    summary="Send what a notification would say about a run",
    answer=NotificationTest,
    status=202,
    statuses=(404, 422),
    permission="operate",
)
