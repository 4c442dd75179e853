"""Webhooks over HTTP."""

from typing import Any

import msgspec

from podium.db.unit import Row
from podium.server.errors import Invalid
from podium.server.events.event import Event
from podium.server.events.intake import Limits
from podium.server.http.call import Call
from podium.server.http.workspaces import api_path_of
from podium.server.operations import webhooks as operations
from podium.server.queries import filter_targets, generic, sorting
from podium.server.queries.filtering import conditions
from podium.server.queries.webhooks import WEBHOOKS
from podium.wire import webhooks as wire


async def create_webhook(call: Call, body: wire.WebhookCreate) -> Row:
    values = _with_template(msgspec.structs.asdict(body))
    return _told(call, await call.write(operations.create_webhook, values))


def _with_template(values: dict[str, Any]) -> dict[str, Any]:
    """The values with a template that is one, or the server's in place of null."""
    # Loaded on use: a server that renders nothing starts sooner and smaller without Jinja.
    from podium.server.operations.webhook_templates import DEFAULT, check_template

    if "template" not in values:
        return values
    template = DEFAULT if values["template"] is None else values["template"]
    check_template(template)
    return {**values, "template": template}


def _told(call: Call, made: tuple[Row, str]) -> Row:
    """A webhook with the URL of its secret."""
    webhook, secret = made
    api = call.request.prefix + api_path_of(call.request.scope, call.runtime.settings.server.api.mount)
    return {**webhook, "url": f"{api}{wire.CALL.url(secret=secret)}"}


async def read_webhook(call: Call) -> Row:
    row: Row = await call.read(generic.get, WEBHOOKS, call.path["id"])
    return row


async def read_webhook_by_name(call: Call) -> Row:
    row: Row = await call.read(_by_name, call.path["name"])
    return row


def _by_name(tx: Any, name: str) -> Row:
    return generic.get_by(tx, WEBHOOKS, name=name)


async def list_webhooks(call: Call, body: wire.WebhookQuery) -> list[Row]:
    limit = call.limit(body.limit)
    where = conditions(filter_targets.WEBHOOKS, body)
    rows: list[Row] = await call.read(generic.page, WEBHOOKS, where, sorting.WEBHOOKS[body.sort], limit, body.offset)
    return rows


async def count_webhooks(call: Call, body: wire.WebhookCountQuery) -> int:
    total: int = await call.read(generic.count, WEBHOOKS, conditions(filter_targets.WEBHOOKS, body))
    return total


async def update_webhook(call: Call, body: wire.WebhookUpdate) -> None:
    await call.write(operations.change_webhook, call.path["id"], _with_template(body.sent()))


async def rotate_webhook(call: Call) -> Row:
    return _told(call, await call.write(operations.rotate_webhook, call.path["id"]))


async def delete_webhook(call: Call) -> None:
    await call.write(operations.delete_webhook, call.path["id"])


async def test_webhook(call: Call, body: wire.WebhookTrial) -> dict[str, Any]:
    """What a call would become; nothing is stored."""
    from podium.server.operations.webhook_calls import Headers, NoEvent, Received, event_of

    webhook: Row = await call.read(generic.get, WEBHOOKS, call.path["id"])
    template = webhook["template"] if body.template is None else body.template
    received = Received(method=body.method, headers=Headers(body.headers), query=dict(body.query), body=body.body)
    limits = Limits.of(call.runtime.settings)
    try:
        event, known = await call.aside(event_of, webhook, template, received, call.now, limits)
    except NoEvent as error:
        raise Invalid(str(error)) from None
    return _shown(event, known)


def _shown(event: Event, known: bool) -> dict[str, Any]:
    shown = {name: getattr(event, name) for name in ("event", "resource", "related", "payload", "occurred")}
    return {**shown, "id": event.id if known else None}


ROUTES = (
    (wire.CREATE, create_webhook),
    (wire.READ, read_webhook),
    (wire.READ_BY_NAME, read_webhook_by_name),
    (wire.FILTER, list_webhooks),
    (wire.COUNT, count_webhooks),
    (wire.UPDATE, update_webhook),
    (wire.DELETE, delete_webhook),
    (wire.ROTATE, rotate_webhook),
    (wire.TEST, test_webhook),
)
