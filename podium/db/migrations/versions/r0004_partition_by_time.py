"""Partition events and logs by time on PostgreSQL; note the time of an event with the work it makes."""

from collections.abc import Mapping
from typing import NamedTuple

import sqlalchemy as sa
from alembic import op

from podium.db.migrations.operations import create_partial_index, dialect
from podium.db.types import Timestamp

revision = "0004"
down_revision = "0003"


class Keys(NamedTuple):
    """What a table is partitioned by, its primary key, and its indexes by name: columns, condition."""

    time: str
    primary: str
    indexes: Mapping[str, tuple[str, str | None]]


TABLES: Mapping[str, Keys] = {
    "events": Keys(
        "occurred",
        "id occurred",
        {
            "ix_events_occurred": ("occurred id workspace_id", None),
            "ix_events_event": ("event occurred workspace_id", None),
            "ix_events_resource": ("resource_id occurred", None),
        },
    ),
    "event_resources": Keys(
        "occurred",
        "event_id position occurred",
        {
            "ix_event_resources_resource": ("resource_id occurred event_id", None),
            "ix_event_resources_occurred": ("occurred", None),
        },
    ),
    "logs": Keys(
        "timestamp",
        "timestamp id",
        {
            "ix_logs_flow_run": ("flow_run_id timestamp", "flow_run_id IS NOT NULL"),
            "ix_logs_task_run": ("task_run_id timestamp", "task_run_id IS NOT NULL"),
        },
    ),
}

# The old table becomes the partition of all the past, as it is: no row is copied but those that are dated after today.
ATTACH = """
DO $$
DECLARE bound timestamptz := (date_trunc('day', now() AT TIME ZONE 'UTC') + interval '1 day') AT TIME ZONE 'UTC';
BEGIN
    IF EXISTS (SELECT FROM {table}_before) THEN
        WITH later AS (DELETE FROM {table}_before WHERE {time} >= bound RETURNING *)
            INSERT INTO {table}_other SELECT * FROM later;
        EXECUTE 'ALTER TABLE {table} ATTACH PARTITION {table}_before FOR VALUES FROM (MINVALUE) TO ('
            || quote_literal(bound) || ')';
    ELSE
        DROP TABLE {table}_before;
    END IF;
END $$
"""


def upgrade() -> None:
    op.add_column("event_deliveries", sa.Column("occurred", Timestamp()))
    op.execute("UPDATE event_deliveries SET occurred = (SELECT max(e.occurred) FROM events e WHERE e.id = event_id)")
    if dialect() == "postgresql":
        for table, keys in TABLES.items():
            _partition(table, keys)


def downgrade() -> None:
    if dialect() == "postgresql":
        for table, keys in TABLES.items():
            _make_whole(table, keys)
    op.drop_column("event_deliveries", "occurred")


def _partition(table: str, keys: Keys) -> None:
    op.execute(f"ALTER TABLE {table} RENAME TO {table}_before")
    op.execute(f"ALTER TABLE {table}_before RENAME CONSTRAINT pk_{table} TO pk_{table}_before")
    for name in keys.indexes:
        op.execute(f"ALTER INDEX {name} RENAME TO {name}_before")
    op.execute(f"CREATE TABLE {table} (LIKE {table}_before INCLUDING DEFAULTS) PARTITION BY RANGE ({keys.time})")
    _create_keys(table, keys)
    op.execute(f"CREATE TABLE {table}_other PARTITION OF {table} DEFAULT")
    op.execute(ATTACH.format(table=table, time=keys.time))


def _make_whole(table: str, keys: Keys) -> None:
    op.execute(f"CREATE TABLE {table}_whole (LIKE {table} INCLUDING DEFAULTS)")
    op.execute(f"INSERT INTO {table}_whole SELECT * FROM {table}")  # noqa: S608 - a constant
    op.execute(f"DROP TABLE {table}")
    op.execute(f"ALTER TABLE {table}_whole RENAME TO {table}")
    _create_keys(table, keys)


def _create_keys(table: str, keys: Keys) -> None:
    op.create_primary_key(f"pk_{table}", table, keys.primary.split())
    for name, (columns, where) in keys.indexes.items():
        if where is None:
            op.create_index(name, table, columns.split())
        else:
            create_partial_index(name, table, columns.split(), where)
