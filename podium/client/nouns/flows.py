"""Flows."""

from typing import TYPE_CHECKING, Any

from podium.client.nouns.choosing import BY_DEPLOYMENT, BY_POOL, by_name, by_tag, named
from podium.client.nouns.noun import Action, Column, Noun, endpoint

if TYPE_CHECKING:
    from podium.client.api import Client


def find(client: "Client", given: str) -> Any:
    """The flow of this id or name. Raises NotFound."""
    return named(client, given, "flow", "flow", "flows.READ", "flows.READ_BY_NAME", name=given)


def _delete(client: "Client", flow: Any) -> None:
    client.call(endpoint("flows.DELETE"), id=flow.id)


FLOW = Noun(
    name="flow",
    plural="flows",
    list="flows.FILTER",
    columns=(
        Column("id", kind="id"),
        Column("name", cut=True),
        Column("tags", kind="list", rank=2, cut=True),
        Column("created", kind="moment", rank=1),
    ),
    detail=(Column("labels", kind="json"), Column("updated", kind="moment")),
    find=find,
    counting="flows.COUNT",
    key="name",
    metavar="ID|NAME",
    filters=(by_name("flows.name.like_"), by_tag("flows.tags.all_"), BY_DEPLOYMENT, BY_POOL),
    sorts={"created": "CREATED_DESC", "updated": "UPDATED_DESC", "name": "NAME_ASC", "-name": "NAME_DESC"},
    actions=(Action("delete", "Deleted", "Delete flows with their deployments and runs.", _delete, asks=True),),
    limit=15,
)
