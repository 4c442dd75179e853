"""One step of deleting: a bounded number of rows in a unit of work, and where to go on.

A step does not depend on those before: whoever begins at the beginning again finds what is left. So a process may die
anywhere, and several may be at it; on PostgreSQL each leaves alone what another has locked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, FromClause, Table, column, delete, func, literal_column, select, table
from sqlalchemy.sql.expression import Delete

from podium.db.retention.ages import Ages
from podium.db.unit import Row, Tx

Condition = Callable[[FromClause], Sequence[ColumnElement[bool]]]
Order = Callable[[FromClause], Sequence[ColumnElement[Any]]]


@dataclass(frozen=True, slots=True)
class Step:
    """What a step did: how many rows it deleted, by table and without those that a foreign key takes along, and where
    the next one begins; None: there is nothing left."""

    deleted: Mapping[str, int]
    next: Any


class Sweep(Protocol):
    """A way to find and delete what a rule is about."""

    def step(self, tx: Tx, ages: Ages, begin: Any, most: int) -> Step:
        """Deletes about ``most`` rows from ``begin`` on; None: the beginning."""
        ...

    def count(self, tx: Tx, ages: Ages) -> dict[str, int]:
        """How many rows of each table all steps would delete now."""
        ...


def delete_some(tx: Tx, named: Table | FromClause, where: Condition, order: Order, most: int) -> Delete:
    """A DELETE of the first ``most`` rows that meet a condition and that nobody else has locked.

    ``named`` is a table that is no partitioned one. Rows are found by their place: no key could be quicker.
    """
    chosen = named.alias("chosen")
    name = "rowid" if tx.dialect == "sqlite" else "ctid"
    place: ColumnElement[Any] = literal_column(f"chosen.{name}")
    picked = select(place).select_from(chosen).where(*where(chosen)).order_by(*order(chosen)).limit(most)
    picked = picked.with_for_update(skip_locked=True, of=chosen)
    own: ColumnElement[Any] = literal_column(name)
    if tx.dialect == "sqlite":
        return delete(named).where(own.in_(picked))  # type: ignore[arg-type]
    return delete(named).where(own == func.any(func.array(picked.scalar_subquery())))  # type: ignore[arg-type]


def as_table(whole: Table, name: str) -> FromClause:
    """A partition of a table, to read and delete from; on SQLite, under its own name, the table itself."""
    return table(name, *(column(each.name, each.type) for each in whole.c))


@dataclass(frozen=True, slots=True)
class Simple:
    """Deletes the rows of one table that meet a condition, in an order that an index serves."""

    table: Table
    condition: Callable[[FromClause, Tx, Ages], Sequence[ColumnElement[bool]]]
    order: str

    def step(self, tx: Tx, ages: Ages, begin: Any, most: int) -> Step:
        def where(rows: FromClause) -> Sequence[ColumnElement[bool]]:
            return self.condition(rows, tx, ages)

        deleted = tx.run(delete_some(tx, self.table, where, lambda rows: [rows.c[self.order]], most))
        return Step({self.table.name: deleted}, True if deleted == most else None)

    def count(self, tx: Tx, ages: Ages) -> dict[str, int]:
        return {self.table.name: count(tx, self.table, *self.condition(self.table, tx, ages))}


def count(tx: Tx, rows: FromClause, *where: ColumnElement[bool]) -> int:
    """How many rows of a table meet the conditions."""
    found: int = tx.value(select(func.count()).select_from(rows).where(*where))
    return found


def sum_up(*counts: Mapping[str, int]) -> dict[str, int]:
    """Numbers by table, added."""
    total: dict[str, int] = {}
    for each in counts:
        for name, number in each.items():
            total[name] = total.get(name, 0) + number
    return total


def last(rows: Sequence[Row], *names: str) -> tuple[Any, ...]:
    """The values of the last row."""
    return tuple(rows[-1][name] for name in names)
