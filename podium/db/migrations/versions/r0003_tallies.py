"""Roll up the runs of the past, so that counts and histories of all of them stay quick."""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

from podium.db.migrations.operations import dialect
from podium.db.types import Id, Timestamp

revision = "0003"
down_revision = "0002"

COUNTED = (
    "workspace_id, expected_start_time, state_type, state_name, state_timestamp, start_time, end_time, total_run_time"
)
UPDATED = {"flow_runs": f"{COUNTED}, parent_task_run_id", "task_runs": COUNTED}

YOUNG = "clock_timestamp() - interval '3600 seconds'"
OLD_IS_PAST, NEW_IS_PAST = (f"{row}.expected_start_time < {YOUNG}" for row in ("OLD", "NEW"))

NOTE = f"""
CREATE FUNCTION note_change_of_tally() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.expected_start_time < {YOUNG} THEN
        INSERT INTO tally_notes (runs, slice, change, changed) VALUES (
            TG_TABLE_NAME, date_bin('1800 seconds', OLD.expected_start_time, '0001-01-01 00:00:00+00'),
            txid_current(), clock_timestamp()
        ) ON CONFLICT DO NOTHING;
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.expected_start_time < {YOUNG} THEN
        INSERT INTO tally_notes (runs, slice, change, changed) VALUES (
            TG_TABLE_NAME, date_bin('1800 seconds', NEW.expected_start_time, '0001-01-01 00:00:00+00'),
            txid_current(), clock_timestamp()
        ) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$
"""  # noqa: S608 constants


# What counts and histories read from a wide index is read from tallies now; each change of a state writes them all.
HISTORY = "expected_start_time workspace_id state_type state_name state_timestamp start_time total_run_time"
WIDE = {
    "ix_flow_runs_expected_start_time": ("flow_runs", f"{HISTORY} parent_task_run_id"),
    "ix_flow_runs_state_type": ("flow_runs", "state_type expected_start_time workspace_id"),
    "ix_flow_runs_state_name": ("flow_runs", "state_name expected_start_time workspace_id"),
    "ix_task_runs_expected_start_time": ("task_runs", HISTORY),
    "ix_task_runs_state_type": ("task_runs", "state_type expected_start_time workspace_id"),
    "ix_task_runs_start_time": ("task_runs", "start_time state_type workspace_id"),
}
NARROW = {
    "ix_flow_runs_expected_start_time": ("flow_runs", "expected_start_time"),
    "ix_flow_runs_state_type": ("flow_runs", "state_type expected_start_time"),
    "ix_flow_runs_state_name": ("flow_runs", "state_name expected_start_time"),
    "ix_task_runs_expected_start_time": ("task_runs", "expected_start_time"),
    "ix_task_runs_state_type": ("task_runs", "state_type expected_start_time"),
    "ix_task_runs_start_time": ("task_runs", "start_time"),
}


def upgrade() -> None:
    _replace(NARROW)
    _create_tallies("flow_run_tallies", sa.Column("has_parent", sa.Boolean(), nullable=False))
    _create_tallies("task_run_tallies")
    op.create_table(
        "tally_horizons",
        sa.Column("runs", sa.Text(), nullable=False),
        sa.Column("horizon", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("runs", name="pk_tally_horizons"),
    )
    op.create_table(
        "tally_notes",
        sa.Column("runs", sa.Text(), nullable=False),
        sa.Column("slice", Timestamp(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("changed", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("runs", "slice", "change", name="pk_tally_notes"),
    )
    if dialect() == "postgresql":
        op.execute(NOTE)
    for table in UPDATED:
        for statement in _postgresql(table) if dialect() == "postgresql" else _sqlite(table):
            op.execute(statement)


def downgrade() -> None:
    _replace(WIDE)
    for table in UPDATED:
        for kind in ("insert", "update", "delete"):
            if dialect() == "postgresql":
                op.execute(f"DROP TRIGGER IF EXISTS note_{kind}_of_tally ON {table}")
            else:
                op.execute(f"DROP TRIGGER IF EXISTS note_{kind}_of_{table}_tally")
    if dialect() == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS note_change_of_tally")
    for table in ("tally_notes", "tally_horizons", "task_run_tallies", "flow_run_tallies"):
        op.drop_table(table)


def _replace(indexes: Mapping[str, tuple[str, str]]) -> None:
    for name, (table, columns) in indexes.items():
        op.drop_index(name, table)
        op.create_index(name, table, columns.split())


def _create_tallies(name: str, *kinds: sa.Column[bool]) -> None:
    op.create_table(
        name,
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("slice", Timestamp(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state_type", sa.Text()),
        sa.Column("state_name", sa.Text()),
        *kinds,
        sa.Column("started", sa.Boolean(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("first_expected", Timestamp(), nullable=False),
        sa.Column("last_expected", Timestamp(), nullable=False),
        sa.Column("first_start", Timestamp()),
        sa.Column("last_start", Timestamp()),
        sa.Column("first_end", Timestamp()),
        sa.Column("last_end", Timestamp()),
        sa.Column("run_time", sa.Float(), nullable=False),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.Column("lateness", sa.Float(), nullable=False),
        sa.Column("overdue", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "slice", "number", name=f"pk_{name}"),
    )


def _postgresql(table: str) -> list[str]:
    changes = (
        ("insert", "INSERT", NEW_IS_PAST),
        ("update", f"UPDATE OF {UPDATED[table]}", f"{OLD_IS_PAST} OR {NEW_IS_PAST}"),
        ("delete", "DELETE", OLD_IS_PAST),
    )
    return [
        f"CREATE TRIGGER note_{kind}_of_tally AFTER {change} ON {table} FOR EACH ROW WHEN ({condition})"
        " EXECUTE FUNCTION note_change_of_tally()"
        for kind, change, condition in changes
    ]


def _sqlite(table: str) -> list[str]:
    old, new = (_note(table, f"{row}.expected_start_time") for row in ("OLD", "NEW"))
    earlier = (
        "min(ifnull(OLD.expected_start_time, NEW.expected_start_time),"
        " ifnull(NEW.expected_start_time, OLD.expected_start_time))"
    )
    changes = (
        ("insert", "INSERT", "NEW.expected_start_time", new),
        ("update", f"UPDATE OF {UPDATED[table]}", earlier, f"{old}; {new}"),
        ("delete", "DELETE", "OLD.expected_start_time", old),
    )
    return [
        f"CREATE TRIGGER note_{kind}_of_{table}_tally AFTER {change} ON {table}"  # noqa: S608 constants
        f" WHEN {moment} < (SELECT horizon FROM tally_horizons WHERE runs = '{table}') BEGIN {notes}; END"
        for kind, change, moment, notes in changes
    ]


def _note(table: str, moment: str) -> str:
    return (
        f"INSERT INTO tally_notes (runs, slice, change, changed) SELECT '{table}',"
        f" {moment} - (({moment} % 1800000000) + 1800000000) % 1800000000, 0,"
        " CAST(strftime('%s', 'now') AS INTEGER) * 1000000"
        f" WHERE {moment} IS NOT NULL ON CONFLICT DO NOTHING"
    )
