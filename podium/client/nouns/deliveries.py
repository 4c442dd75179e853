"""Deliveries: what is sent for notifications and automations, was sent, or was given up."""

import time
from typing import TYPE_CHECKING, Any

from podium.client.errors import NotFound
from podium.client.nouns import automations, notifications
from podium.client.nouns.channels import find_channel
from podium.client.nouns.choosing import Missing, by_time
from podium.client.nouns.noun import Action, Column, Filter, Join, Names, Noun, endpoint, nested

if TYPE_CHECKING:
    from podium.client.api import Client

COMMAND = "notification deliveries"


def find(client: "Client", given: str) -> Any:
    """The delivery of this id. Raises NotFound."""
    try:
        return client.call(endpoint("notification_deliveries.READ"), id=given)
    except NotFound:
        raise Missing("delivery", given, COMMAND) from None


def _replay(client: "Client", row: Any) -> None:
    client.call(endpoint("notification_deliveries.REPLAY"), id=row.id)


def _delete(client: "Client", row: Any) -> None:
    client.call(endpoint("notification_deliveries.DELETE"), id=row.id)


def _channel(row: Any, names: Names) -> str:
    if row.block_document_id is None:
        return ", ".join(row.request.get("emails", ())) or str(row.channel)
    return names["channel"].get(row.block_document_id) or str(row.block_document_id)


def _says(row: Any, names: Names) -> str:
    return str(row.request.get("subject") or row.request.get("body") or row.request.get("payload") or "")


def _about(row: Any, names: Names) -> str:
    """Why it has not arrived, or else what it says."""
    return str(row.error or "") if row.state != "delivered" and row.error else _says(row, names)


def _channels(client: "Client", values: list[str]) -> dict[str, Any]:
    ids = ["email" if value == "email" else find_channel(client, value).id for value in values]
    return nested("notification_deliveries.channel.any_", ids)


def ended(client: "Client", delivery_id: str, patience: float) -> Any:
    """The delivery once it was delivered or given up, or as it is after so many seconds."""
    read = endpoint("notification_deliveries.READ")
    end, pause = time.monotonic() + patience, 0.1
    while True:
        delivery = client.call(read, id=delivery_id)
        if delivery.state in ("delivered", "dead") or time.monotonic() >= end:
            return delivery
        time.sleep(pause)
        pause = min(1.0, pause * 1.5)


def _of_actions(client: "Client", automation_ids: list[str]) -> dict[str, Any]:
    """Those of the actions of the newest firings of automations."""
    read, query = endpoint("automation_firings.FIRINGS"), {"limit": "200"}
    firings = [firing for each in automation_ids for firing in client.call(read, query=query, id=each)]
    return nested("notification_deliveries.action_id.any_", [action.id for each in firings for action in each.actions])


def _automations(client: "Client", values: list[str]) -> dict[str, Any]:
    return _of_actions(client, [automations.find(client, value).id for value in values])


def _notifications(client: "Client", values: list[str]) -> dict[str, Any]:
    return _of_actions(client, [notifications.find(client, value).automation_id for value in values])


DELIVERY = Noun(
    name="delivery",
    command=COMMAND,
    plural="deliveries",
    list="notification_deliveries.FILTER",
    columns=(
        Column("id", kind="id"),
        Column("state", kind="state"),
        Column("channel", _channel, cut=True),
        Column("about", _about, cut=True),
        Column("attempts", kind="number", rank=2),
        Column("created", kind="moment", rank=1),
    ),
    detail=(
        Column("kind"),
        Column("says", _says),
        Column("error"),
        Column("request", kind="json"),
        Column("result", kind="json"),
        Column("not before", "not_before", kind="moment"),
        Column("ended", kind="moment"),
        Column("key", "idempotency_key"),
        Column("action", "action_id", kind="id"),
    ),
    find=find,
    key="id",
    metavar="ID",
    filters=(
        Filter(
            ("--state", "-s"),
            "Only those that are waiting, delivered or dead (given up).",
            lambda client, values: nested("notification_deliveries.state.any_", [each.lower() for each in values]),
            metavar="STATE",
        ),
        Filter(("--channel", "-c"), "Only those to this channel: a block, or email.", _channels, metavar="CHANNEL"),
        Filter(
            ("--kind",), "Only notification, webhook or email.", "notification_deliveries.kind.any_", metavar="KIND"
        ),
        Filter(
            ("--notification",),
            "Only those of runs that a notification told of lately.",
            _notifications,
            metavar="NAME|ID",
            noun="notification",
        ),
        Filter(
            ("--automation",),
            "Only those of the newest firings of an automation.",
            _automations,
            metavar="ID|NAME",
            noun="automation",
        ),
        *by_time("notification_deliveries.created", "were queued"),
    ),
    sorts={"created": "CREATED_DESC", "-created": "CREATED_ASC"},
    joins=(Join("channel", "block_document_id", "block_documents.FILTER", "block_documents.id.any_"),),
    actions=(
        Action("replay", "Queued", "Send again what was given up, or waits for its next attempt.", _replay),
        Action("delete", "Deleted", "Delete deliveries; what waits is not sent.", _delete, asks=True),
    ),
    limit=15,
)
