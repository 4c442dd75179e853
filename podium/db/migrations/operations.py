"""What revisions need beside Alembic's own operations. Revisions depend on these functions: add, do not change."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


def dialect() -> str:
    """``sqlite`` or ``postgresql``."""
    return op.get_context().dialect.name


def create_partial_index(name: str, table: str, columns: Sequence[str], where: str, unique: bool = False) -> None:
    """An index of only those rows for which ``where`` holds."""
    condition = sa.text(where)
    op.create_index(name, table, list(columns), unique=unique, sqlite_where=condition, postgresql_where=condition)


def now() -> str:
    """SQL for this moment as a timestamp column stores it."""
    if dialect() == "postgresql":
        return "now()"
    return "CAST(round((julianday('now') - 2440587.5) * 86400000000.0) AS INTEGER)"
