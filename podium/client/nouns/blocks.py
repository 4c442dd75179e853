"""Blocks, written TYPE/NAME, and their types."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from podium.client.errors import NotFound
from podium.client.nouns.choosing import Missing, by_name, named
from podium.client.nouns.noun import Action, Column, Edits, Filter, Names, Noun, Option, Section, endpoint, nested
from podium.client.nouns.values import is_id

if TYPE_CHECKING:
    from podium.client.api import Client


def find(client: "Client", given: str) -> Any:
    """The block of this id or `type/name`, its secrets masked. Raises NotFound."""
    try:
        if is_id(given):
            return client.call(endpoint("block_documents.READ"), id=given)
        slug, _, name = given.partition("/")
        if name:
            return client.call(endpoint("block_types.READ_DOCUMENT"), slug=slug, block_document_name=name)
    except NotFound:
        raise Missing("block", given, "block") from None
    raise NotFound(404, f"Which block {given!r}? Write TYPE/NAME as `podium block ls` shows it.")


def find_type(client: "Client", given: str) -> Any:
    """The type of this slug or id. Raises NotFound."""
    return named(client, given, "block type", "block type", "block_types.READ", "block_types.READ_BY_SLUG", slug=given)


def path_of(block: Any, names: Names) -> str:
    """`type/name`, which commands take."""
    return f"{block.block_type.slug}/{block.name}" if block.block_type and block.name else str(block.id)


def _delete(client: "Client", block: Any) -> None:
    client.call(endpoint("block_documents.DELETE"), id=block.id)


def _delete_type(client: "Client", kind: Any) -> None:
    client.call(endpoint("block_types.DELETE"), id=kind.id)


def schema_of(client: "Client", kind: Any) -> Any:
    """The newest schema of a block type; None where it has none."""
    body = {**nested("block_schemas.block_type_id.any_", [kind.id]), "limit": 1}
    return next(iter(client.call(endpoint("block_schemas.FILTER"), body)), None)


def _fields(client: "Client", kind: Any) -> Sequence[Any]:
    schema = schema_of(client, kind)
    fields = schema.fields if schema else {}
    required = fields.get("required", ())
    return [
        {
            "field": name,
            "type": about.get("type") or ("one of several" if "anyOf" in about else "object"),
            "required": name in required,
            "secret": name in fields.get("secret_fields", ()),
            "description": about.get("description") or about.get("title") or "",
        }
        for name, about in fields.get("properties", {}).items()
    ]


BLOCK = Noun(
    name="block",
    plural="blocks",
    list="block_documents.FILTER",
    columns=(
        Column("block", path_of),
        Column("updated", kind="moment", rank=1),
        Column("id", kind="id", rank=2),
    ),
    detail=(
        Column("type", "block_type.name"),
        Column("data", kind="json"),
        Column("created", kind="moment"),
    ),
    find=find,
    key=path_of,
    metavar="TYPE/NAME|ID",
    filters=(
        by_name("block_documents.name.like_"),
        Filter(("--type",), "Only those of this type.", "block_types.slug.any_", metavar="SLUG", noun="block-type"),
    ),
    sorts={"type": "BLOCK_TYPE_AND_NAME_ASC", "name": "NAME_ASC", "-name": "NAME_DESC"},
    actions=(Action("delete", "Deleted", "Delete blocks.", _delete, asks=True),),
    edits=Edits("block_documents.UPDATE", ("data",), within="data", options=(Option("data", "--field", "pairs"),)),
)

BLOCK_TYPE = Noun(
    name="block-type",
    command="block type",
    plural="block types",
    list="block_types.FILTER",
    columns=(
        Column("slug"),
        Column("name", rank=2, cut=True),
        Column("description", rank=1, cut=True),
        Column("id", kind="id", rank=3),
    ),
    detail=(
        Column("documentation", "documentation_url"),
        Column("protected", "is_protected", kind="flag"),
        Column("example", "code_example"),
    ),
    find=find_type,
    key="slug",
    metavar="SLUG|ID",
    filters=(by_name("block_types.name.like_"),),
    actions=(Action("delete", "Deleted", "Delete block types with their blocks.", _delete_type, asks=True),),
    sections=(
        Section(
            "fields",
            _fields,
            (
                Column("field"),
                Column("type"),
                Column("required", kind="flag"),
                Column("secret", kind="flag"),
                Column("description", rank=1, cut=True),
            ),
        ),
    ),
)
