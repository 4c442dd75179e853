"""Webhooks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from podium.client.nouns.automations import status
from podium.client.nouns.choosing import by_name, named
from podium.client.nouns.noun import Action, Column, Edits, Filter, Names, Noun, Option, Section, endpoint, nested

if TYPE_CHECKING:
    from podium.client.api import Client

SHOWN_EVENTS = 10


def find(client: "Client", given: str) -> Any:
    """The webhook of this id or name. Raises NotFound."""
    return named(client, given, "webhook", "webhook", "webhooks.READ", "webhooks.READ_BY_NAME", name=given)


def _enable(client: "Client", row: Any, enabled: bool) -> None:
    client.call(endpoint("webhooks.UPDATE"), {"enabled": enabled}, id=row.id)


def _pause(client: "Client", row: Any) -> None:
    _enable(client, row, False)


def _resume(client: "Client", row: Any) -> None:
    _enable(client, row, True)


def _delete(client: "Client", row: Any) -> None:
    client.call(endpoint("webhooks.DELETE"), id=row.id)


def _events(client: "Client", row: Any) -> Sequence[Any]:
    """The newest events that calls of it became, or that tell of it, such as why one became none."""
    wanted = {"any_resource": {"id": [f"prefect.webhook.{row.id}"]}}
    page = client.call(endpoint("events.FILTER"), {"filter": wanted, "limit": SHOWN_EVENTS})
    found: Sequence[Any] = page.events
    return found


def _told(event: Any, names: Names) -> str:
    return str(event.payload.get("reason") or event.resource.get("prefect.resource.id"))


WEBHOOK = Noun(
    name="webhook",
    plural="webhooks",
    list="webhooks.FILTER",
    columns=(
        Column("name", cut=True),
        Column("status", status, kind="state"),
        Column("description", cut=True, rank=1),
        Column("created", kind="moment", rank=2),
        Column("id", kind="id", rank=3),
    ),
    detail=(Column("updated", kind="moment"), Column("template")),
    find=find,
    key="name",
    metavar="NAME|ID",
    filters=(
        by_name("webhooks.name.like_"),
        Filter(
            ("--paused/--active",),
            "Only those that are paused, or that are not.",
            lambda client, paused: nested("webhooks.enabled.eq_", not paused),
            kind="flag",
        ),
    ),
    sorts={"name": "NAME_ASC", "-name": "NAME_DESC", "created": "CREATED_DESC", "updated": "UPDATED_DESC"},
    actions=(
        Action("pause", "Paused", "Pause webhooks: calls are refused.", _pause),
        Action("resume", "Resumed", "Resume paused webhooks.", _resume),
        Action("delete", "Deleted", "Delete webhooks: their URLs are none any more.", _delete, asks=True),
    ),
    sections=(
        Section(
            "events",
            _events,
            (Column("time", "occurred", kind="stamp"), Column("event"), Column("about", _told, cut=True)),
            "event",
        ),
    ),
    edits=Edits(
        "webhooks.UPDATE",
        ("name", "description", "enabled", "template"),
        options=(Option("name", "--name"), Option("description", "--description"), Option("template", "--template")),
    ),
)
