"""The block types that a server brings along are there, with their schemas, once it has started."""

import asyncio
from typing import Any

import httpx
from sqlalchemy import func, select

from podium.db.tables.blocks import block_schema_references, block_schemas, block_types
from podium.db.tables.configuration import configuration
from podium.db.unit import Tx
from podium.server.operations import block_fields
from podium.server.operations.block_catalogue import (
    EDITION_ROW,
    bring_block_types,
    install_catalogue,
    load,
    workspaces_without,
)
from podium.server.operations.block_types import change_block_type
from tests.migrated import migrate
from tests.server.conftest import LiveServer, Units, settings_for

CATALOGUE = {each.slug: each for each in load()}
SYSTEM = {
    "custom-webhook": ("notify",),
    "discord-webhook": ("notify",),
    "local-file-system": ("get-directory", "put-directory", "read-path", "write-path"),
    "mattermost-webhook": ("notify",),
    "ms-teams-webhook": ("notify",),
    "opsgenie-webhook": ("notify",),
    "pager-duty-webhook": ("notify",),
    "remote-file-system": ("get-directory", "put-directory", "read-path", "write-path"),
    "secret": (),
    "sendgrid-email": ("notify",),
    "slack-webhook": ("notify",),
    "smb": ("get-directory", "put-directory", "read-path", "write-path"),
    "twilio-sms": ("notify",),
    "webhook": (),
}
OUTDATED_INSIDE = {
    "database-credentials",
    "dbt-cli-postgres-target-configs",
    "dbt-cli-profile",
    "dbt-cli-snowflake-target-configs",
    "dbt-cli-target-configs",
    "s3-bucket",
    "snowflake-connector",
    "snowflake-credentials",
}
"""Types with a schema whose integration called it by a checksum that its own definitions no longer give."""


def _all(api: str, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.post(f"{api}/{kind}/filter", json={}).json()
    return found


def test_clients_find_the_blocks_they_expect(database_url: str) -> None:
    """With the first answer, and not when the setting is off; the client needs to register none of its own."""
    migrate(database_url)
    off = settings_for(database_url, PODIUM_SERVER_REGISTER_BLOCKS_ON_START=False)
    with LiveServer(off, with_services=False) as server:
        assert _all(server.url, "block_types") == []
    with LiveServer(settings_for(database_url), with_services=False) as server:
        types = {each["slug"]: each for each in _all(server.url, "block_types")}
        schemas = _all(server.url, "block_schemas")
        path = f"{server.url}/block_schemas/checksum/{CATALOGUE['secret'].schemas[0].checksum}"
        assert httpx.get(path, params={"version": "3.8.8"}).json()["block_type"]["slug"] == "secret"
    assert types.keys() == CATALOGUE.keys()
    assert {slug for slug in types if types[slug]["is_protected"]} == {"secret", "webhook", "local-file-system"}
    slugs = {each["id"]: slug for slug, each in types.items()}
    system = {
        slugs[each["block_type_id"]]: tuple(sorted(each["capabilities"]))
        for each in schemas
        if each["version"] == "3.8.8"
    }
    assert system == SYSTEM
    wrong = {
        slugs[each["block_type_id"]] for each in schemas if block_fields.checksum(each["fields"]) != each["checksum"]
    }
    assert wrong == OUTDATED_INSIDE
    (bucket,) = [each["fields"] for each in schemas if each["fields"]["title"] == "S3Bucket"]
    assert {"AwsCredentials", "MinIOCredentials"} <= bucket["definitions"].keys()


def _counts(tx: Tx) -> list[int]:
    tables = (block_types, block_schemas, block_schema_references, configuration)
    return [tx.value(select(func.count()).select_from(table)) for table in tables]


def test_what_users_did_stays(units: Units) -> None:
    """A start writes nothing where this edition is; another edition brings what is missing and keeps changed texts."""

    def find(slug: str) -> dict[str, Any]:
        (row,) = units.all(block_types.select().where(block_types.c.slug == slug))
        return row

    def edit(tx: Tx) -> None:
        tx.run(block_types.delete().where(block_types.c.slug == "smb"))
        slack = tx.value(select(block_types.c.id).where(block_types.c.slug == "slack-webhook"))
        change_block_type(tx, slack, {"description": "mine"})
        tx.run(block_types.update().where(block_types.c.slug == "secret").values(description="old", is_protected=False))

    def forget(tx: Tx) -> None:
        tx.run(configuration.update().where(configuration.c.key == EDITION_ROW).values(value="another"))

    units.run(bring_block_types(units.database))
    complete = units.read(_counts)
    units.write(edit)
    assert units.read(workspaces_without, "another") != []
    units.run(bring_block_types(units.database))
    assert units.all(block_types.select().where(block_types.c.slug == "smb")) == []
    units.write(forget)
    units.run(bring_block_types(units.database))
    assert units.read(_counts) == complete
    assert find("slack-webhook")["description"] == "mine"
    assert (find("secret")["description"], find("secret")["is_protected"]) == (CATALOGUE["secret"].description, True)


def test_servers_that_start_at_once_install_it_once(units: Units) -> None:
    """Several processes find nothing and all install."""

    def forget(tx: Tx) -> None:
        tx.run(block_types.delete())
        tx.run(configuration.delete())

    async def together() -> None:
        await asyncio.gather(*(units.database.write(install_catalogue) for _ in range(4)))

    units.write(forget)
    units.run(together())
    units.run(together())
    types, schemas, _, rows = units.read(_counts)
    assert (types, rows) == (len(CATALOGUE), 1)
    assert schemas == sum(len(each.schemas) for each in CATALOGUE.values())
