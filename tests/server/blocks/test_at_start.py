"""The block types that a server brings along are there once it has started."""

import time
from typing import Any

import httpx

from podium.db.tables.blocks import block_types
from podium.db.unit import Tx
from podium.server.operations.block_types import BROUGHT_ALONG, install_block_types, lacks_block_types
from tests.server.conftest import LiveServer, Units, settings_for

SLUGS = {slug for slug, *_ in BROUGHT_ALONG}


def _slugs(server: LiveServer) -> set[str]:
    listed = httpx.post(f"{server.url}/block_types/filter", json={}).json()
    return {each["slug"] for each in listed}


def test_clients_find_the_block_types_they_expect(module_database_url: str) -> None:
    """Soon after the start, and not when the setting is off."""
    off = settings_for(module_database_url, PODIUM_SERVER_REGISTER_BLOCKS_ON_START=False)
    with LiveServer(off, with_services=False) as server:
        assert _slugs(server) == set()
    with LiveServer(settings_for(module_database_url), with_services=False) as server:
        deadline = time.monotonic() + 10
        while _slugs(server) != SLUGS:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        secret = httpx.get(f"{server.url}/block_types/slug/secret").json()
        assert (secret["name"], secret["is_protected"]) == ("Secret", True)


def test_only_what_is_missing_is_stored(units: Units) -> None:
    """A second start writes nothing; a block type that was deleted comes back, the others stay as they are."""
    units.write(install_block_types)
    assert units.read(lacks_block_types) is False

    def forget(tx: Tx) -> None:
        tx.run(block_types.delete().where(block_types.c.slug == "smb"))

    def rows() -> dict[str, Any]:
        return {row["slug"]: row["id"] for row in units.all(block_types.select())}

    before = rows()
    units.write(forget)
    assert units.read(lacks_block_types) is True
    units.write(install_block_types)
    after = rows()
    assert after.keys() == before.keys() == SLUGS
    assert {slug for slug in after if after[slug] != before[slug]} == {"smb"}
