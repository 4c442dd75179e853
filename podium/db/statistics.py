"""How large each table is, since when it has rows, and how fast it grows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, text

from podium.db import commands
from podium.db.connections import open_engine
from podium.db.options import Options
from podium.db.tables import metadata
from podium.db.unit import utc_now

TIMES = {
    "events": "occurred",
    "event_resources": "occurred",
    "logs": "timestamp",
    "flow_runs": "expected_start_time",
    "task_runs": "expected_start_time",
    "artifacts": "created",
    "automation_firings": "triggered",
}
"""The times that tables have an index of: the others are not worth reading a table for."""

_ESTIMATED = text(
    "SELECT coalesce(p.inhparent::regclass, c.oid::regclass)::text AS name, "
    "sum(pg_total_relation_size(c.oid)) AS bytes, sum(c.reltuples) AS rows, min(c.reltuples) AS least "
    "FROM pg_class c LEFT JOIN pg_inherits p ON p.inhrelid = c.oid "
    "WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace GROUP BY 1"
)
_PAGES = text("SELECT m.tbl_name AS name, sum(d.pgsize) AS bytes FROM dbstat d JOIN sqlite_master m USING (name) "
              "WHERE d.aggregate = TRUE GROUP BY 1")  # fmt: skip


@dataclass(frozen=True, slots=True)
class TableStatistics:
    """A table: its rows (an estimate where ``estimated``), its bytes with indexes (None: not known), the time of its
    oldest row, and how many rows are of the last day."""

    table: str
    rows: int
    estimated: bool
    bytes: int | None
    oldest: datetime | None
    rows_per_day: int | None

    @property
    def bytes_per_day(self) -> int | None:
        """How much it grows in a day, rows being as large as they are on average; None: not known."""
        if self.bytes is None or self.rows_per_day is None or not self.rows:
            return None
        return round(self.bytes / self.rows * self.rows_per_day)


def statistics(url: str, options: Options) -> list[TableStatistics]:
    """Every table, the largest first."""
    commands.ensure_current(url, migrate=False, options=options)
    engine = open_engine(url, options)
    try:
        with engine.connect() as connection:
            sizes = _sizes(connection)
            found = [_statistics(connection, name, sizes.get(name, {})) for name in metadata.tables]
    finally:
        engine.dispose()
    return sorted(found, key=lambda each: (-(each.bytes or 0), -each.rows, each.table))


def _sizes(connection: Connection) -> dict[str, dict[str, Any]]:
    """What the database knows of its tables; of SQLite nothing where it was built without that."""
    if connection.dialect.name == "sqlite":
        try:
            rows = connection.execute(_PAGES).mappings().all()
        except Exception:
            return {}
    else:
        rows = connection.execute(_ESTIMATED).mappings().all()
    return {row["name"]: dict(row) for row in rows}


def _statistics(connection: Connection, name: str, size: dict[str, Any]) -> TableStatistics:
    table = metadata.tables[name]
    estimated = size.get("least", -1) >= 0 and size["rows"] > 0
    rows = size["rows"] if estimated else connection.execute(select(func.count()).select_from(table)).scalar_one()
    oldest, recent = None, None
    if name in TIMES:
        time, now = table.c[TIMES[name]], utc_now()
        oldest = connection.execute(select(func.min(time))).scalar()
        last_day = select(func.count()).select_from(table).where(time >= now - timedelta(days=1), time <= now)
        recent = connection.execute(last_day).scalar_one()
    known = size.get("bytes")
    return TableStatistics(name, int(rows), estimated, None if known is None else int(known), oldest, recent)
