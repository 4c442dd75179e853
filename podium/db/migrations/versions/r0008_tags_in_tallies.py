"""Count the tags of runs in their tallies, on PostgreSQL."""

import sqlalchemy as sa
from alembic import op

from podium.db.migrations.operations import dialect
from podium.db.types import Json

revision = "0008"
down_revision = "0007"

COUNTED = (
    "workspace_id, expected_start_time, state_type, state_name, state_timestamp, start_time, end_time, total_run_time"
)
UPDATED = {"flow_runs": f"{COUNTED}, parent_task_run_id", "task_runs": COUNTED}
YOUNG = "clock_timestamp() - interval '3600 seconds'"


def upgrade() -> None:
    for table in UPDATED:
        op.add_column(f"{table[:-1]}_tallies", sa.Column("tags", Json()))
    if dialect() != "postgresql":
        return
    for table, columns in UPDATED.items():
        _replace_trigger(table, f"{columns}, tags")
        # Rolled up again from their beginning.
        op.execute(f"DELETE FROM {table[:-1]}_tallies")  # noqa: S608 constants
    op.execute("DELETE FROM tally_horizons")


def downgrade() -> None:
    if dialect() == "postgresql":
        for table, columns in UPDATED.items():
            _replace_trigger(table, columns)
    for table in UPDATED:
        op.drop_column(f"{table[:-1]}_tallies", "tags")


def _replace_trigger(table: str, columns: str) -> None:
    op.execute(f"DROP TRIGGER note_update_of_tally ON {table}")
    op.execute(
        f"CREATE TRIGGER note_update_of_tally AFTER UPDATE OF {columns} ON {table} FOR EACH ROW"
        f" WHEN (OLD.expected_start_time < {YOUNG} OR NEW.expected_start_time < {YOUNG})"
        " EXECUTE FUNCTION note_change_of_tally()"
    )
