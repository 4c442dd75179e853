"""Units of work: what `Database.read` and `Database.write` promise on both databases."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from podium.db import commands
from podium.db.engine import Database
from podium.db.ids import new_id
from podium.db.tables.variables import variables
from podium.db.tables.workspaces import workspaces
from podium.db.unit import WORKSPACE, Tx
from podium.profiles import load_settings
from tests.migrated import migrate

NAMES = select(variables.c.name).where(variables.c.workspace_id == WORKSPACE).order_by(variables.c.name)


def _add(tx: Tx, name: str) -> str:
    row = {"id": new_id(), "workspace_id": tx.workspace_id, "name": name, "value": 1, "tags": []}
    tx.run(insert(variables).values({**row, "created": tx.now, "updated": tx.now}))
    return name


def _names(tx: Tx) -> list[str]:
    return tx.column(NAMES)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    migrate(database_url)
    database = Database(database_url)
    yield database
    await database.close()


async def test_a_unit_is_stored_whole_or_not_at_all(database: Database) -> None:
    """What a unit wrote before it failed is not there, and the error reaches who asked."""

    def half(tx: Tx) -> None:
        _add(tx, "half")
        raise LookupError("no")

    with pytest.raises(LookupError):
        await database.write(half)
    assert await database.read(_names) == []


async def test_units_that_share_a_commit_fail_alone(database: Database) -> None:
    """Of many units at once, one that violates a constraint takes nothing else with it."""
    await database.write(_add, "taken")
    results = await asyncio.gather(
        *(database.write(_add, name) for name in ("a", "taken", "b", "taken", "c")), return_exceptions=True
    )
    assert [result if isinstance(result, str) else type(result) for result in results] == [
        "a",
        IntegrityError,
        "b",
        IntegrityError,
        "c",
    ]
    assert await database.read(_names) == ["a", "b", "c", "taken"]


async def test_a_written_unit_is_readable_when_it_is_answered(database: Database) -> None:
    """A read that starts after the answer of a write sees it."""
    for number in range(20):
        name = await database.write(_add, f"n{number:02}")
        assert name in await database.read(_names)


async def test_reading_units_leave_nothing(database: Database) -> None:
    """Whatever a reading unit writes is rolled back (or refused)."""
    assert await database.read(_add, "reader") == "reader"
    assert await database.read(_names) == []


async def test_steps_after_the_commit(database: Database) -> None:
    """They run once the unit is stored, and not at all when it fails."""
    seen: list[str] = []

    def announces(tx: Tx, fails: bool) -> None:
        _add(tx, "announced")
        tx.after_commit(lambda: seen.append("after"))
        if fails:
            raise ValueError

    with pytest.raises(ValueError):
        await database.write(announces, True)
    assert seen == []
    await database.write(announces, False)
    assert seen == ["after"]


async def test_a_part_of_a_unit_fails_alone(database: Database) -> None:
    """What it wrote is undone, also after an error of the database, and what it registered is forgotten."""
    steps: list[str] = []

    def unit(tx: Tx) -> None:
        _add(tx, "before")
        for number, name in enumerate(("first", "before", "last")):
            with suppress(IntegrityError), tx.part():
                _add(tx, f"part-{number}")
                tx.after_commit(lambda name=name: steps.append(name))
                _add(tx, name)

    await database.write(unit)
    assert await database.read(_names) == ["before", "first", "last", "part-0", "part-2"]
    assert steps == ["first", "last"]


async def test_workspaces_do_not_see_each_other(database: Database) -> None:
    """The workspace of a unit is the only one its statements touch."""

    def make_workspace(tx: Tx) -> str:
        workspace_id = new_id()
        row: dict[str, Any] = {"id": workspace_id, "handle": "other", "name": "Other"}
        tx.run(insert(workspaces).values({**row, "created": tx.now, "updated": tx.now}))
        return workspace_id

    other = await database.write(make_workspace)
    await database.write(_add, "mine")
    await database.write(_add, "mine", workspace_id=other)
    assert await database.read(_names) == ["mine"]
    assert await database.read(_names, workspace_id=other) == ["mine"]


async def test_a_database_in_memory_needs_no_file() -> None:
    """`sqlite:///:memory:` serves reads and writes of one process."""
    database = Database("sqlite+aiosqlite:///:memory:")
    with database.engine.connect() as connection:
        commands.upgrade_connection(connection)
    await asyncio.gather(*(database.write(_add, f"n{number}") for number in range(10)))
    assert len(await database.read(_names)) == 10
    await database.close()


async def test_units_see_the_settings_of_their_database() -> None:
    """A rule that a setting governs asks the unit."""
    settings = load_settings(flags={"server.tasks.max_cache_key_length": 12}, environ={})
    database = Database("sqlite+aiosqlite:///:memory:", settings=settings)
    assert await database.write(lambda tx: tx.settings.server.tasks.max_cache_key_length) == 12
    await database.close()
