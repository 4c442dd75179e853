"""Widen the indexes of what grows, so that counts and histories are read from an index alone."""

from collections.abc import Mapping
from typing import NamedTuple

from alembic import op

from podium.db.migrations.operations import create_partial_index, dialect

revision = "0002"
down_revision = "0001"


class Columns(NamedTuple):
    """An index: its table, its columns and, for a partial one, its condition."""

    table: str
    names: str
    where: str | None = None


HISTORY = "expected_start_time workspace_id state_type state_name state_timestamp start_time total_run_time"

NARROW: Mapping[str, Columns] = {
    "ix_flow_runs_flow": Columns("flow_runs", "flow_id expected_start_time"),
    "ix_flow_runs_name": Columns("flow_runs", "name"),
    "ix_flow_runs_expected_start_time": Columns("flow_runs", "expected_start_time"),
    "ix_flow_runs_next_scheduled_start_time": Columns("flow_runs", "next_scheduled_start_time"),
    "ix_flow_runs_state_type": Columns("flow_runs", "state_type expected_start_time"),
    "ix_flow_runs_state_name": Columns("flow_runs", "state_name expected_start_time"),
    "ix_flow_runs_deployment": Columns("flow_runs", "deployment_id expected_start_time", "deployment_id IS NOT NULL"),
    "ix_flow_runs_work_queue": Columns("flow_runs", "work_queue_id state_type", "work_queue_id IS NOT NULL"),
    "ix_task_runs_name": Columns("task_runs", "name"),
    "ix_task_runs_expected_start_time": Columns("task_runs", "expected_start_time"),
    "ix_task_runs_next_scheduled_start_time": Columns("task_runs", "next_scheduled_start_time"),
    "ix_task_runs_state_type": Columns("task_runs", "state_type expected_start_time"),
    "ix_events_occurred": Columns("events", "occurred id"),
    "ix_events_event": Columns("events", "event occurred"),
    "ix_event_resources_resource": Columns("event_resources", "resource_id occurred"),
    "ix_artifacts_key": Columns("artifacts", "key created"),
}
WIDE: Mapping[str, Columns] = {
    "ix_flow_runs_flow": Columns("flow_runs", "flow_id expected_start_time workspace_id state_type"),
    "ix_flow_runs_name": Columns("flow_runs", "name id workspace_id"),
    "ix_flow_runs_expected_start_time": Columns("flow_runs", f"{HISTORY} parent_task_run_id"),
    "ix_flow_runs_next_scheduled_start_time": Columns("flow_runs", "next_scheduled_start_time id"),
    "ix_flow_runs_state_type": Columns("flow_runs", "state_type expected_start_time workspace_id"),
    "ix_flow_runs_state_name": Columns("flow_runs", "state_name expected_start_time workspace_id"),
    "ix_flow_runs_deployment": Columns(
        "flow_runs", "deployment_id expected_start_time workspace_id state_type", "deployment_id IS NOT NULL"
    ),
    "ix_flow_runs_work_queue": Columns(
        "flow_runs", "work_queue_id state_type workspace_id", "work_queue_id IS NOT NULL"
    ),
    "ix_task_runs_name": Columns("task_runs", "name id workspace_id"),
    "ix_task_runs_expected_start_time": Columns("task_runs", HISTORY),
    "ix_task_runs_next_scheduled_start_time": Columns("task_runs", "next_scheduled_start_time id"),
    "ix_task_runs_start_time": Columns("task_runs", "start_time state_type workspace_id"),
    "ix_task_runs_state_type": Columns("task_runs", "state_type expected_start_time workspace_id"),
    "ix_events_occurred": Columns("events", "occurred id workspace_id"),
    "ix_events_event": Columns("events", "event occurred workspace_id"),
    "ix_event_resources_resource": Columns("event_resources", "resource_id occurred event_id"),
    "ix_artifacts_key": Columns("artifacts", "key created workspace_id type"),
}


RUNS = ("flow_runs", "task_runs")

# Searches for a part of a name. The extension is trusted, but may not be installed, or not allowed: then searches read
# the names one by one.
TRIGRAMS = """
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX IF NOT EXISTS ix_flow_runs_name_trigrams ON flow_runs USING gin (name gin_trgm_ops);
    CREATE INDEX IF NOT EXISTS ix_task_runs_name_trigrams ON task_runs USING gin (name gin_trgm_ops);
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE USING MESSAGE = 'no trigram indexes of names: ' || SQLERRM;
END $$
"""


def upgrade() -> None:
    _replace(NARROW, WIDE)
    if dialect() == "postgresql":
        op.execute(TRIGRAMS)
        return
    for table in RUNS:
        op.create_index(f"ix_{table}_tags_listed", table, ["tags", "workspace_id", "id"])


def downgrade() -> None:
    for table in RUNS:
        if dialect() == "postgresql":
            op.drop_index(f"ix_{table}_name_trigrams", table, if_exists=True)
        else:
            op.drop_index(f"ix_{table}_tags_listed", table)
    _replace(WIDE, NARROW)


def _replace(old: Mapping[str, Columns], new: Mapping[str, Columns]) -> None:
    for name, columns in old.items():
        op.drop_index(name, columns.table)
    for name, columns in new.items():
        if columns.where is None:
            op.create_index(name, columns.table, columns.names.split())
        else:
            create_partial_index(name, columns.table, columns.names.split(), columns.where)
