"""Prepared statements: what SQLAlchemy would do, on the driver's own connection."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from podium.db.engine import Database
from podium.db.ids import new_id
from podium.db.prepared import Prepared
from podium.db.tables.variables import variables
from podium.db.unit import WORKSPACE, Row, Tx
from tests.migrated import migrate

INSERT = insert(variables)
INSERT_RETURNING = insert(variables).returning(variables.c.id, variables.c.created, variables.c.value)
READ = select(variables).where(variables.c.workspace_id == WORKSPACE, variables.c.name == bindparam("wanted"))
UPDATE = update(variables).where(variables.c.name == bindparam("wanted")).values(value=bindparam("new_value"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    migrate(database_url)
    database = Database(database_url)
    yield database
    await database.close()


def _variable(tx: Tx, name: str, value: Any = 1) -> Row:
    times = {"created": tx.now, "updated": tx.now}
    return {"id": new_id(), "workspace_id": tx.workspace_id, "name": name, "value": value, "tags": ["a"], **times}


async def test_values_go_in_and_come_out_as_with_sqlalchemy(database: Database) -> None:
    """Ids, moments, JSON and the workspace: a prepared statement and a plain one see the same row."""

    def both(tx: Tx) -> tuple[Row | None, Row | None]:
        tx.run(Prepared(INSERT), _variable(tx, "v", {"deep": [1, None]}))
        return tx.one(Prepared(READ), wanted="v"), tx.one(READ, wanted="v")

    prepared, plain = await database.write(both)
    assert {**prepared, "value": bytes(prepared["value"]), "tags": bytes(prepared["tags"])} == {
        **plain,
        "value": bytes(plain["value"]),
        "tags": bytes(plain["tags"]),
    }
    assert msgspec.json.decode(prepared["value"]) == {"deep": [1, None]}


async def test_rows_counts_and_columns(database: Database) -> None:
    """``all``, ``value``, ``column``, ``run`` and ``many`` take a prepared statement as they take a plain one."""

    def use(tx: Tx) -> tuple[Any, ...]:
        tx.many(Prepared(INSERT), [_variable(tx, "one"), _variable(tx, "two")])
        changed = tx.run(Prepared(UPDATE), wanted="one", new_value=[5])
        missing = tx.one(Prepared(READ), wanted="three")
        names = Prepared(select(variables.c.name).order_by(variables.c.name))
        return changed, missing, tx.column(names), tx.value(names), len(tx.all(names))

    assert await database.write(use) == (1, None, ["one", "two"], "one", 2)


async def test_a_violated_constraint_is_sqlalchemys_error(database: Database) -> None:
    """So that a unit can tell it, and the rest of the shared commit goes on."""

    def twice(tx: Tx) -> None:
        tx.one(Prepared(INSERT_RETURNING), _variable(tx, "same"))
        tx.one(Prepared(INSERT_RETURNING), _variable(tx, "same"))

    with pytest.raises(IntegrityError):
        await database.write(twice)


async def test_parameters_that_expand_are_refused(database: Database) -> None:
    """A list has no fixed number of places."""
    listed = Prepared(select(variables.c.id).where(variables.c.name.in_(bindparam("names", expanding=True))))
    with pytest.raises(TypeError, match="not a constant statement"):
        await database.read(lambda tx: tx.all(listed, names=["a", "b"]))
