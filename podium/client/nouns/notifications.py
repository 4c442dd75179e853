"""Notifications."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from podium.client.errors import ClientError
from podium.client.nouns.automations import status
from podium.client.nouns.choosing import by_name, named
from podium.client.nouns.noun import Action, Column, Edits, Filter, Join, Names, Noun, Option, Section, endpoint, nested

if TYPE_CHECKING:
    from podium.client.api import Client

ANY = "any"
"""The word for every state."""


def find(client: "Client", given: str) -> Any:
    """The notification of this id or name. Raises NotFound."""
    return named(
        client, given, "notification", "notification", "notifications.READ", "notifications.READ_BY_NAME", name=given
    )


def _enable(client: "Client", row: Any, enabled: bool) -> None:
    client.call(endpoint("notifications.UPDATE"), {"enabled": enabled}, id=row.id)


def _pause(client: "Client", row: Any) -> None:
    _enable(client, row, False)


def _resume(client: "Client", row: Any) -> None:
    _enable(client, row, True)


def _delete(client: "Client", row: Any) -> None:
    client.call(endpoint("notifications.DELETE"), id=row.id)


PATIENCE = 15.0
"""Seconds for a test to arrive."""


class NotDelivered(ClientError):
    """A test was sent and did not arrive."""


def _test(client: "Client", row: Any) -> str:
    """Sends it now and tells whether it arrived. Raises NotDelivered."""
    # Loaded on use: lists of notifications need nothing of deliveries.
    from podium.client.nouns.deliveries import ended

    sent = client.call(endpoint("notifications.TEST"), id=row.id)
    delivery = ended(client, sent.delivery_id, PATIENCE)
    if delivery.state == "delivered":
        return "it arrived"
    if delivery.state == "dead":
        raise NotDelivered(f"it was given up: {delivery.error}")
    raise NotDelivered(f"it has not arrived after {PATIENCE:g} s: {delivery.error or 'are the services running?'}")


def _states(row: Any, names: Names) -> list[str]:
    return list(row.state_names) or [ANY]


def _about(row: Any, names: Names) -> list[str]:
    """Its tags, and how many of everything else it is narrowed down to."""
    counts = (("flow", row.flow_ids), ("deployment", row.deployment_ids), ("pool", row.work_pool_ids))
    counted = [f"{len(ids)} {word}{'' if len(ids) == 1 else 's'}" for word, ids in counts if ids]
    return [*row.tags, *counted] or ["all runs"]


def _goes_to(row: Any, names: Names) -> list[str]:
    channel = row.block_document_id
    over = [] if channel is None else [names["channel"].get(channel) or channel]
    return [*row.emails, *(f"over {each}" for each in over)] if row.emails else over


class Scope(NamedTuple):
    """Something that a notification is narrowed down to."""

    kind: str
    name: str
    id: str


_SCOPES = (
    ("flow", "flow_ids", "flows.FILTER", "flows.id.any_"),
    ("deployment", "deployment_ids", "deployments.FILTER", "deployments.id.any_"),
    ("work pool", "work_pool_ids", "work_pools.FILTER", "work_pools.id.any_"),
)


def _scopes(client: "Client", row: Any) -> Sequence[Scope]:
    found = []
    for kind, field, listed, place in _SCOPES:
        ids = getattr(row, field)
        rows = client.pages(endpoint(listed), nested(place, ids)) if ids else ()
        names = {each.id: each.name for each in rows}
        found += [Scope(kind, names.get(each, "(deleted)"), each) for each in ids]
    return found


_SCOPE_FIELDS = ("state_names", "tags", "flow_ids", "deployment_ids", "work_pool_ids")

EDITS = Edits(
    "notifications.UPDATE",
    ("name", "enabled", *_SCOPE_FIELDS, "block_document_id", "emails", "subject", "message"),
    options=(
        Option("name", "--name"),
        Option("state_names", "--on", "list"),
        Option("tags", "--tag", "list", "--tag"),
        Option("flow_ids", "--flow", "list", "--flow"),
        Option("deployment_ids", "--deployment", "list", "--deployment"),
        Option("work_pool_ids", "--pool", "list", "--pool"),
        Option("block_document_id", "--channel"),
        Option("emails", "--email", "list", "--email"),
        Option("subject", "--subject"),
        Option("message", "--message"),
    ),
)

NOTIFICATION = Noun(
    name="notification",
    plural="notifications",
    list="notifications.FILTER",
    columns=(
        Column("name", cut=True),
        Column("status", status, kind="state"),
        Column("on", _states, kind="list", cut=True),
        Column("about", _about, kind="list", cut=True, rank=2),
        Column("to", _goes_to, kind="list", cut=True, rank=1),
        Column("id", kind="id", rank=3),
    ),
    detail=(
        Column("subject"),
        Column("message"),
        Column("automation", "automation_id", kind="id"),
        Column("created", kind="moment"),
        Column("updated", kind="moment"),
    ),
    find=find,
    key="name",
    metavar="NAME|ID",
    filters=(
        by_name("notifications.name.like_"),
        Filter(
            ("--tag", "-t"),
            "Only those about runs with this tag.",
            keep=lambda row, wanted: bool(set(wanted) & set(row.tags)),
            metavar="TAG",
        ),
        Filter(
            ("--paused/--active",),
            "Only those that are paused, or that are not.",
            lambda client, paused: nested("notifications.enabled.eq_", not paused),
            kind="flag",
        ),
    ),
    sorts={"name": "NAME_ASC", "-name": "NAME_DESC", "created": "CREATED_DESC", "updated": "UPDATED_DESC"},
    joins=(Join("channel", "block_document_id", "block_documents.FILTER", "block_documents.id.any_"),),
    actions=(
        Action("pause", "Paused", "Pause notifications: nothing is sent.", _pause),
        Action("resume", "Resumed", "Resume paused notifications.", _resume),
        Action(
            "test",
            "Sent",
            "Send notifications now, about a run that there is not; also while they are paused.",
            _test,
            asks=True,
        ),
        Action("delete", "Deleted", "Delete notifications.", _delete, asks=True),
    ),
    sections=(
        Section("scopes", _scopes, (Column("only", "kind"), Column("name", cut=True), Column("id", kind="id", rank=1))),
    ),
    edits=EDITS,
)
