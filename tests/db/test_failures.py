"""What an error in a unit of work means to its caller, on both databases."""

import asyncio
import datetime as dt
import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import bindparam, literal, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from podium.db.bulk import insert_many
from podium.db.engine import Database
from podium.db.errors import DatabaseUnavailable, ValueRefused
from podium.db.failures import failure_of
from podium.db.ids import new_id
from podium.db.tables.logs import logs
from podium.db.tables.workspaces import workspaces
from podium.db.types import Timestamp
from podium.db.unit import Tx
from tests.migrated import migrate

END_OF_TIME = dt.datetime.fromisoformat("9999-12-31T23:59:59-14:00")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    migrate(database_url)
    database = Database(database_url)
    yield database
    await database.close()


def _say(tx: Tx, value: Any, type_: Any = None) -> Any:
    return tx.value(select(bindparam("said", type_=type_)) if type_ else select(literal(value)), said=value)


@pytest.mark.parametrize("doors", ["read", "write"])
async def test_a_value_it_cannot_hold(database: Database, doors: str) -> None:
    """The same unit will never work, whichever way it took: that is the value's fault."""
    run = getattr(database, doors)
    with pytest.raises(ValueRefused):
        await run(_say, END_OF_TIME, Timestamp())
    assert await run(_say, 1) == 1
    too_large = "SELECT 1 LIMIT 1 OFFSET :number"
    with pytest.raises(ValueRefused):
        await run(lambda tx: tx.all(text(too_large), number=10**30))
    most = 250_000 if database.dialect == "sqlite" else 65_535
    many = select(workspaces.c.id).where(workspaces.c.handle.in_([str(each) for each in range(most + 1)]))
    with pytest.raises(ValueRefused):
        await run(lambda tx: tx.all(many))


async def test_a_value_it_cannot_hold_takes_nobody_with_it(database: Database) -> None:
    """Units that share a commit with such a one are stored, also when it is the first there ever was."""

    def add(tx: Tx, handle: str) -> None:
        row = {"id": new_id(), "handle": handle, "name": handle, "created": tx.now, "updated": tx.now}
        tx.run(workspaces.insert().values(row))

    results = await asyncio.gather(
        database.write(_say, END_OF_TIME, Timestamp()),
        database.write(add, "one"),
        database.write(_say, END_OF_TIME, Timestamp()),
        database.write(add, "two"),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [ValueRefused, type(None)] * 2
    handles = await database.read(lambda tx: tx.column(select(workspaces.c.handle)))
    assert {"one", "two"} <= set(handles)


async def test_a_mistake_of_ours(database: Database) -> None:
    """A statement that is wrong stays the error it is: neither the caller's fault nor something to wait for."""
    for run in (database.read, database.write):
        with pytest.raises(DBAPIError) as raised:
            await run(lambda tx: tx.all(text("SELECT 1 FROM no_such_table")))
        assert "no_such_table" in str(raised.value)


async def test_a_rule_of_the_tables(database: Database) -> None:
    """A violated constraint is the same error, past SQLAlchemy too."""

    def store(tx: Tx) -> None:
        line = (new_id(), tx.workspace_id, "x", 20, None, tx.now, tx.now)
        insert_many(tx, logs, ("id", "workspace_id", "name", "level", "message", "timestamp", "created"), [line])

    with pytest.raises(IntegrityError):
        await database.write(store)


async def test_what_a_unit_raises_itself(database: Database) -> None:
    """Other errors reach the caller as they are."""

    def refuse(tx: Tx) -> None:
        raise LookupError("no")

    for run in (database.read, database.write):
        with pytest.raises(LookupError) as raised:
            await run(refuse)
        assert raised.value.__cause__ is None


def test_a_full_disk() -> None:
    """Trouble that passes is told from a statement that is wrong by SQLite's code."""
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    assert isinstance(failure_of(full), DatabaseUnavailable)
    wrong = sqlite3.OperationalError('near "FORM": syntax error')
    wrong.sqlite_errorcode = sqlite3.SQLITE_ERROR
    assert failure_of(wrong) is wrong
