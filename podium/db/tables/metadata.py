"""The registry of all tables, and the columns that most of them share.

Rules that hold for every table:

* A tenant-owned table has ``workspace_id``. Each uniqueness starts with it, or with the id of the tenant-owned row that
  the row is a part of (a state of its run, a task run of its flow run), which is of one workspace already.
* Other indexes do not start with it: SQLite, without statistics, would take such an index for a selective one. Those
  that counts are read from end with it: a count then reads the index alone.
* A table that grows with time (events, logs, states) has its time column in the primary key, so that PostgreSQL can
  partition it, and no foreign key points at it. Events and logs are partitioned (``podium.db.partitions``).
* A table that grows has a rule in ``podium.db.retention.rules``, any other a reason there why it does not.
* A column has the name of the wire's field where there is one. ``created`` and ``updated`` are set by the writer.
* A partial index is used by SQLite only if its condition stands in the query word for word (no bound parameter), or,
  for ``x IS NOT NULL``, if the query compares ``x``.
* Names of runs have trigram indexes besides (``ix_…_name_trigrams``), made by a migration where PostgreSQL has pg_trgm.
"""

from typing import Any

from sqlalchemy import Column, ColumnElement, ForeignKey, Index, MetaData, text
from sqlalchemy.sql.elements import TextClause

from podium.db.types import Id, Json, Timestamp

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

EMPTY_OBJECT = text("'{}'")
EMPTY_LIST = text("'[]'")
ZERO = text("0")


def key() -> Column[str]:
    """The row's own id."""
    return Column("id", Id(), primary_key=True)


def workspace() -> Column[str]:
    """The workspace that owns the row; the rows go with it."""
    return Column("workspace_id", Id(), ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False)


def unchecked_workspace() -> Column[str]:
    """The workspace that owns the row, without a foreign key.

    For tables written at a high rate: PostgreSQL would lock the one workspace row for every insert.
    """
    return Column("workspace_id", Id(), nullable=False)


def created() -> Column[Any]:
    """When the row was inserted."""
    return Column("created", Timestamp(), nullable=False)


def updated() -> Column[Any]:
    """When the row was last changed."""
    return Column("updated", Timestamp(), nullable=False)


def tags() -> Column[Any]:
    """A JSON list of strings."""
    return Column("tags", Json(), nullable=False, server_default=EMPTY_LIST)


def labels() -> Column[Any]:
    """A JSON object of scalars."""
    return Column("labels", Json(), nullable=False, server_default=EMPTY_OBJECT)


def part_of(name: str, target: str) -> Column[str]:
    """A reference to the row this one is a part of: deleted with it."""
    return Column(name, Id(), ForeignKey(target, ondelete="CASCADE"), nullable=False)


def link(name: str, target: str, *, circular: bool = False) -> Column[str]:
    """A reference that becomes null when its target is deleted.

    ``circular``: the two tables refer to each other, so PostgreSQL gets the constraint after both exist.
    """
    return Column(name, Id(), ForeignKey(target, ondelete="SET NULL", use_alter=circular))


def partial(name: str, *columns: str | ColumnElement[Any], where: str, unique: bool = False) -> Index:
    """An index of only those rows for which ``where`` holds."""
    condition: TextClause = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def searchable(name: str, column: str) -> Index:
    """A PostgreSQL index for containment searches in a JSON column; SQLite has no such index."""
    index = Index(name, column, postgresql_using="gin", info={"dialect": "postgresql"})
    return index.ddl_if(dialect="postgresql")


def tag_search(table: str) -> list[Index]:
    """Indexes for searches in the tags of a table that grows; SQLite reads through one that holds all it needs."""
    sqlite = Index(f"ix_{table}_tags_listed", "tags", "workspace_id", "id", info={"dialect": "sqlite"})
    return [sqlite.ddl_if(dialect="sqlite"), searchable(f"ix_{table}_tags", "tags")]


def latest_first(name: str, column: str) -> list[Index]:
    """Indexes for ``ORDER BY column DESC`` with nulls last.

    SQLite's natural order has them there; PostgreSQL needs an index and a query that say ``NULLS LAST``.
    """
    sqlite = Index(name, column, info={"dialect": "sqlite"})
    postgresql = Index(f"{name}_desc", text(f"{column} DESC NULLS LAST"), info={"dialect": "postgresql"})
    return [sqlite.ddl_if(dialect="sqlite"), postgresql.ddl_if(dialect="postgresql")]
