"""Variables."""

from typing import TYPE_CHECKING, Any

from podium.client.nouns.choosing import by_name, by_tag, named
from podium.client.nouns.noun import Action, Column, Creates, Edits, Noun, Option, endpoint

if TYPE_CHECKING:
    from podium.client.api import Client


def find(client: "Client", given: str) -> Any:
    """The variable of this name or id. Raises NotFound."""
    return named(client, given, "variable", "variable", "variables.READ", "variables.READ_BY_NAME", name=given)


def _delete(client: "Client", variable: Any) -> None:
    client.call(endpoint("variables.DELETE"), id=variable.id)


VARIABLE = Noun(
    name="variable",
    plural="variables",
    list="variables.FILTER",
    columns=(
        Column("name"),
        Column("value", kind="json", cut=True),
        Column("tags", kind="list", rank=2, cut=True),
        Column("updated", kind="moment", rank=1),
        Column("id", kind="id", rank=3),
    ),
    detail=(Column("created", kind="moment"),),
    find=find,
    counting="variables.COUNT",
    key="name",
    metavar="NAME",
    filters=(by_name("variables.name.like_"), by_tag("variables.tags.all_")),
    sorts={"name": "NAME_ASC", "-name": "NAME_DESC", "created": "CREATED_DESC", "updated": "UPDATED_DESC"},
    actions=(
        Action("delete", "Deleted", "Delete variables.", _delete, asks=True),
        Action("unset", "Unset", "Delete variables; the same as delete.", _delete, asks=True),
    ),
    edits=Edits(
        "variables.UPDATE",
        ("name", "value", "tags"),
        options=(Option("name", "--name"), Option("value", "--value", "json"), Option("tags", "--tag", "list")),
    ),
    creates=Creates(
        "variables.CREATE",
        {"name": "", "value": "", "tags": []},
        verb="set",
        options=(Option("name"), Option("value", "", "json"), Option("tags", "--tag", "list")),
    ),
)
