"""The reads and writes that every entity shares; each adds the workspace's condition and nothing else does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Column, ColumnElement, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from podium.db.ids import new_id
from podium.db.prepared import Prepared
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import NotFound


@dataclass(frozen=True, slots=True, eq=False)
class Entity:
    """A table and the columns of it that the wire shows; ``name`` is what an error calls it."""

    table: Table
    answer: type
    name: str
    columns: tuple[Column[Any], ...] = field(init=False)
    mine: ColumnElement[bool] = field(init=False)
    statements: dict[object, Any] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        fields = msgspec.structs.fields(self.answer)
        shown = tuple(self.table.c[each.name] for each in fields if each.name in self.table.c)
        object.__setattr__(self, "columns", shown)
        object.__setattr__(self, "mine", self.table.c.workspace_id == WORKSPACE)


def find(tx: Tx, entity: Entity, row_id: str) -> Row | None:
    """The row with this id, or None."""
    statement = entity.statements.get("find")
    if statement is None:
        statement = Prepared(select(*entity.columns).where(entity.table.c.id == bindparam("row_id"), entity.mine))
        entity.statements["find"] = statement
    return tx.one(statement, row_id=row_id)


def get(tx: Tx, entity: Entity, row_id: str) -> Row:
    """The row with this id; ``NotFound`` when there is none."""
    row = find(tx, entity, row_id)
    if row is None:
        raise NotFound(f"{entity.name} not found")
    return row


def find_by(tx: Tx, entity: Entity, **values: Any) -> Row | None:
    """The row whose columns have these values, or None."""
    key = ("find_by", *values)
    statement = entity.statements.get(key)
    if statement is None:
        conditions = [entity.table.c[name] == bindparam(f"by_{name}") for name in values]
        statement = entity.statements[key] = Prepared(select(*entity.columns).where(entity.mine, *conditions))
    return tx.one(statement, {f"by_{name}": value for name, value in values.items()})


def get_by(tx: Tx, entity: Entity, **values: Any) -> Row:
    """The row whose columns have these values; ``NotFound`` when there is none."""
    row = find_by(tx, entity, **values)
    if row is None:
        raise NotFound(f"{entity.name} not found")
    return row


def new_row(tx: Tx, table: Table, values: Mapping[str, Any]) -> Row:
    """The values with id, workspace and times filled in where the table has them."""
    row = {"id": new_id(), "workspace_id": tx.workspace_id, "created": tx.now, "updated": tx.now, **values}
    return {name: value for name, value in row.items() if name in table.c}


def add(tx: Tx, entity: Entity, values: Mapping[str, Any]) -> Row:
    """Inserts a row and returns what the wire shows of it; a violated uniqueness raises ``IntegrityError``."""
    statement = entity.statements.get("add")
    if statement is None:
        statement = entity.statements["add"] = Prepared(insert(entity.table).returning(*entity.columns))
    row = tx.one(statement, new_row(tx, entity.table, values))
    assert row is not None
    return row


def add_if_absent(tx: Tx, entity: Entity, values: Mapping[str, Any]) -> Row | None:
    """Inserts a row unless a uniqueness is violated: then None."""
    key = ("add_if_absent", tx.dialect)
    statement = entity.statements.get(key)
    if statement is None:
        statement = insert_or_ignore(tx, entity.table).returning(*entity.columns)
        entity.statements[key] = statement
    return tx.one(statement, new_row(tx, entity.table, values))


def insert_or_ignore(tx: Tx, table: Table) -> Any:
    """INSERT … ON CONFLICT DO NOTHING for the database of the unit."""
    make = postgresql.insert if tx.dialect == "postgresql" else sqlite.insert
    return make(table).on_conflict_do_nothing()


def upsert(tx: Tx, table: Table, row: Mapping[str, Any], on: Sequence[str], replace: Sequence[str]) -> Any:
    """INSERT of a row that, where one with the same columns ``on`` exists, sets the columns ``replace`` of that one."""
    make = postgresql.insert if tx.dialect == "postgresql" else sqlite.insert
    return make(table).values(row).on_conflict_do_update(index_elements=on, set_={name: row[name] for name in replace})


def patch(tx: Tx, entity: Entity, row_id: str, values: Mapping[str, Any]) -> bool:
    """Sets columns of one row (and ``updated``); whether the row exists."""
    changes = dict(values)
    if "updated" in entity.table.c:
        changes.setdefault("updated", tx.now)
    statement = update(entity.table).where(entity.table.c.id == row_id, entity.mine).values(changes)
    return tx.run(statement) > 0


def change(tx: Tx, entity: Entity, row_id: str, values: Mapping[str, Any]) -> Row | None:
    """Sets columns of one row (and ``updated``) and returns what the wire shows of it then; None without such a row."""
    changes = {"updated": tx.now, **values} if "updated" in entity.table.c else values
    statement = update(entity.table).where(entity.table.c.id == row_id, entity.mine).values(changes)
    return tx.one(statement.returning(*entity.columns))


def remove(tx: Tx, entity: Entity, row_id: str) -> bool:
    """Deletes one row; whether there was one."""
    return tx.run(delete(entity.table).where(entity.table.c.id == row_id, entity.mine)) > 0


def take_out(tx: Tx, entity: Entity, row_id: str) -> Row | None:
    """Deletes one row and returns what the wire showed of it; None when there was none."""
    statement = delete(entity.table).where(entity.table.c.id == row_id, entity.mine)
    return tx.one(statement.returning(*entity.columns))


def page(
    tx: Tx,
    entity: Entity,
    where: Sequence[ColumnElement[bool]] = (),
    order: Sequence[ColumnElement[Any]] = (),
    limit: int | None = None,
    offset: int = 0,
) -> list[Row]:
    """The rows that match, in order, at most ``limit`` after the first ``offset``."""
    statement = select(*entity.columns).where(entity.mine, *where).order_by(*order)
    if limit is not None:
        statement = statement.limit(limit)
    if offset:
        statement = statement.offset(offset)
    return tx.all(statement)


def count(tx: Tx, entity: Entity, where: Sequence[ColumnElement[bool]] = ()) -> int:
    """How many rows match."""
    total: int = tx.value(select(func.count()).select_from(entity.table).where(entity.mine, *where))
    return total
