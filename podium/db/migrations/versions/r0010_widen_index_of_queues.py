"""Widen the index of the runs of work queues: their lateness is read from it, and of a history no run outside of it."""

from alembic import op

from podium.db.migrations.operations import create_partial_index

revision = "0010"
down_revision = "0009"

NAME = "ix_flow_runs_work_queue"
NARROW = ("work_queue_id", "state_type", "workspace_id")
WIDE = (*NARROW, "expected_start_time", "start_time")


def upgrade() -> None:
    _replace(WIDE)


def downgrade() -> None:
    _replace(NARROW)


def _replace(columns: tuple[str, ...]) -> None:
    op.drop_index(NAME, "flow_runs")
    create_partial_index(NAME, "flow_runs", list(columns), "work_queue_id IS NOT NULL")
