"""The block types that a server brings along, with their schemas: what clients and their integrations register.

The texts are those of the clients, which send their own where ours differ, and part of the schemas' checksums.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
from sqlalchemy import bindparam, select, update

from podium.db.engine import Database
from podium.db.tables.blocks import block_schema_references, block_schemas, block_types
from podium.db.tables.configuration import configuration
from podium.db.tables.workspaces import workspaces
from podium.db.unit import Row, Tx
from podium.server.queries.blocks import BLOCK_SCHEMAS, BLOCK_TYPES
from podium.server.queries.generic import insert_or_ignore, new_row, upsert

FILE = Path(__file__).parents[1] / "data" / "block_types.json"
EDITION_ROW = "BLOCK_CATALOGUE"
TEXTS = ("logo_url", "documentation_url", "description", "code_example")

_INSTALLED = select(workspaces.c.id, configuration.c.value).outerjoin(
    configuration, (configuration.c.workspace_id == workspaces.c.id) & (configuration.c.key == EDITION_ROW)
)
_TYPE_IDS = select(block_types.c.slug, block_types.c.id).where(BLOCK_TYPES.mine)
_SCHEMA_IDS = select(block_schemas.c.checksum, block_schemas.c.version, block_schemas.c.id).where(BLOCK_SCHEMAS.mine)
_REFRESH = (
    update(block_types)
    .where(BLOCK_TYPES.mine, block_types.c.slug == bindparam("of"), block_types.c.updated == block_types.c.created)
    .values({name: bindparam(f"new_{name}") for name in TEXTS})
)
_PROTECT = (
    update(block_types)
    .where(BLOCK_TYPES.mine, block_types.c.slug.in_(bindparam("slugs", expanding=True)))
    .values(is_protected=True)
)


class CatalogueSchema(msgspec.Struct, frozen=True):
    """A schema as it is stored: the blocks inside of it are schemas of their own, given by property and checksum."""

    checksum: str
    version: str
    capabilities: list[str]
    fields: msgspec.Raw
    references: list[tuple[str, str]]


class CatalogueType(msgspec.Struct, frozen=True):
    """A block type with its schemas."""

    name: str
    slug: str
    logo_url: str | None
    documentation_url: str | None
    description: str | None
    code_example: str | None
    is_protected: bool
    schemas: list[CatalogueSchema]


def load() -> list[CatalogueType]:
    """The catalogue, by slug; read on each call, since that is once in the life of a database."""
    return msgspec.json.decode(FILE.read_bytes(), type=list[CatalogueType])


def edition() -> str:
    """Which edition of the catalogue this server has."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest()


async def bring_block_types(database: Database) -> None:
    """Installs the catalogue in each workspace that lacks this edition of it; one read where none does."""
    for workspace_id in await database.read(workspaces_without, edition()):
        await database.write(install_catalogue, workspace_id=workspace_id)


def workspaces_without(tx: Tx, wanted: str) -> list[str]:
    """The ids of the workspaces where this edition of the catalogue was not installed."""
    rows = tx.all(_INSTALLED)
    return [row["id"] for row in rows if row["value"] is None or msgspec.json.decode(row["value"]) != wanted]


def install_catalogue(tx: Tx) -> None:
    """Stores what is missing of the catalogue in the workspace of the unit, and notes that this edition is there.

    Block types that somebody changed keep their texts; those that somebody deleted come back with another edition.
    """
    # First, so that of several servers that start at once the others wait here.
    row = new_row(tx, configuration, {"key": EDITION_ROW, "value": edition()})
    tx.run(upsert(tx, configuration, row, ("workspace_id", "key"), ("value", "updated")))
    install_block_types(tx, load())


def install_system_block_types(tx: Tx) -> None:
    """Stores the protected block types where they are missing."""
    install_block_types(tx, [each for each in load() if each.is_protected])


def install_block_types(tx: Tx, types: Sequence[CatalogueType]) -> None:
    """Stores these types and their schemas, where they are missing; a name that somebody else has stays theirs."""
    rows = [{name: getattr(each, name) for name in ("name", "slug", "is_protected", *TEXTS)} for each in types]
    tx.many(insert_or_ignore(tx, block_types), [new_row(tx, block_types, row) for row in rows])
    tx.many(_REFRESH, [{"of": row["slug"], **{f"new_{name}": row[name] for name in TEXTS}} for row in rows])
    tx.run(_PROTECT, slugs=[each.slug for each in types if each.is_protected])
    type_ids: dict[str, str] = {row["slug"]: row["id"] for row in tx.all(_TYPE_IDS)}
    _install_schemas(
        tx, [(type_ids[each.slug], schema) for each in types if each.slug in type_ids for schema in each.schemas]
    )


def _install_schemas(tx: Tx, schemas: Sequence[tuple[str, CatalogueSchema]]) -> None:
    known = {(row["checksum"], row["version"]) for row in tx.all(_SCHEMA_IDS)}
    new = [(type_id, schema) for type_id, schema in schemas if (schema.checksum, schema.version) not in known]
    columns = ("checksum", "version", "capabilities", "fields")
    rows: list[Row] = [
        {"block_type_id": type_id, **{name: getattr(schema, name) for name in columns}} for type_id, schema in new
    ]
    tx.many(insert_or_ignore(tx, block_schemas), [new_row(tx, block_schemas, row) for row in rows])
    stored = tx.all(_SCHEMA_IDS)
    ids = {(row["checksum"], row["version"]): row["id"] for row in stored}
    any_version = {row["checksum"]: row["id"] for row in stored}
    references: list[Row] = [
        {
            "name": name,
            "parent_block_schema_id": ids[schema.checksum, schema.version],
            "reference_block_schema_id": any_version[inner],
        }
        for _, schema in new
        for name, inner in schema.references
        if inner in any_version
    ]
    table = block_schema_references
    tx.many(insert_or_ignore(tx, table), [new_row(tx, table, row) for row in references])
