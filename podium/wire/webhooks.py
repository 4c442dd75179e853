"""Webhooks: secret URLs whose calls become events through a template."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from podium.wire.endpoint import Answer, Body, Endpoint, Filter, Patch
from podium.wire.events import Resource
from podium.wire.filters import AnyId, AnyNameOrLike, Equals, Operator
from podium.wire.parameters import Listing, Parameters, Row
from podium.wire.scalars import Id, Name, OrDefault, Time
from podium.wire.sorting import WebhookSort

WebhookTemplate = Annotated[str, msgspec.Meta(max_length=100_000)]


class WebhookCreate(Body):
    """A webhook to create. ``template`` makes the JSON of an event out of a call; null is the server's own."""

    name: Name
    description: str = ""
    enabled: bool = True
    template: WebhookTemplate | None = None


class WebhookUpdate(Patch):
    """What may change of a webhook; ``template`` null is the server's own again."""

    name: Name | UnsetType = UNSET
    description: str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    template: WebhookTemplate | UnsetType | None = UNSET


class Webhook(Row):
    """A webhook. Its URL is told once, when it is made or its secret changed."""

    name: str
    template: str
    description: str = ""
    enabled: bool = True


class NewWebhook(Webhook):
    """A webhook with its URL, which nobody is told again: whoever knows it may call."""

    url: str = ""


class WebhookFilter(Filter):
    """Selects webhooks."""

    id: AnyId | None = None
    name: AnyNameOrLike | None = None
    enabled: Equals | None = None
    operator: Operator = "and_"


class WebhookQuery(Listing):
    """Which webhooks to list."""

    webhooks: WebhookFilter | None = None
    sort: OrDefault[WebhookSort] = "NAME_ASC"


class WebhookCountQuery(Parameters):
    """Which webhooks to count."""

    webhooks: WebhookFilter | None = None


class WebhookTrial(Parameters):
    """A call to try a webhook with, and the template to try in place of its own."""

    body: Any = None
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    method: OrDefault[str] = "POST"
    template: WebhookTemplate | None = None


class WebhookEvent(Answer):
    """The event that a call would make; ``id`` is its key, if it has one by which replays are known."""

    event: str
    resource: Resource
    related: list[Resource]
    payload: dict[str, Any]
    occurred: Time
    id: Id | None = None


class WebhookReceipt(Answer):
    """The event a call became; ``duplicate``: the call came before, and there is no other event."""

    event_id: Id
    duplicate: bool = False


CREATE = Endpoint(
    method="POST",
    path="/webhooks/",
    summary="Create a webhook and tell its URL",
    body=WebhookCreate,
    answer=NewWebhook,
    status=201,
    statuses=(409, 422),
    permission="edit",
)
READ = Endpoint(method="GET", path="/webhooks/{id}", summary="Read a webhook", answer=Webhook, statuses=(404, 422))
READ_BY_NAME = Endpoint(
    method="GET",
    path="/webhooks/name/{name}",
    summary="Read a webhook by its name",
    answer=Webhook,
    statuses=(404, 422),
)
FILTER = Endpoint(
    method="POST",
    path="/webhooks/filter",
    summary="List webhooks",
    body=WebhookQuery,
    body_required=False,
    answer=list[Webhook],
    statuses=(422,),
)
COUNT = Endpoint(
    method="POST",
    path="/webhooks/count",
    summary="Count webhooks",
    body=WebhookCountQuery,
    body_required=False,
    answer=int,
    statuses=(422,),
)
UPDATE = Endpoint(
    method="PATCH",
    path="/webhooks/{id}",
    summary="Change a webhook, pause it or resume it",
    body=WebhookUpdate,
    status=204,
    statuses=(404, 409, 422),
    permission="edit",
)
DELETE = Endpoint(
    method="DELETE",
    path="/webhooks/{id}",
    summary="Delete a webhook",
    status=204,
    statuses=(404, 422),
    permission="edit",
)
ROTATE = Endpoint(
    method="POST",
    path="/webhooks/{id}/rotate",
    summary="Give a webhook another URL and tell it",
    answer=NewWebhook,
    statuses=(404, 422),
    permission="edit",
)
TEST = Endpoint(
    method="POST",
    path="/webhooks/{id}/test",
    summary="Tell what event a call would make",
    body=WebhookTrial,
    body_required=False,
    answer=WebhookEvent,
    statuses=(404, 422),
)


def _call(method: Any) -> Endpoint:
    return Endpoint(
        method=method,
        path="/hooks/{secret}",
        summary="Call a webhook: any body, which becomes an event",
        answer=WebhookReceipt,
        statuses=(403, 404, 422),
        permission="open",
    )


CALL = _call("POST")
CALL_BY_PUT = _call("PUT")
CALL_BY_GET = _call("GET")
