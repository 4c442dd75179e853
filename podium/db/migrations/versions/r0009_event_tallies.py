"""Roll up the events of the past, so that counts of all of them stay quick."""

import sqlalchemy as sa
from alembic import op

from podium.db.migrations.operations import create_partial_index, dialect
from podium.db.types import Id, Timestamp

revision = "0009"
down_revision = "0008"

YOUNG = "clock_timestamp() - interval '600 seconds'"
OLD_IS_PAST, NEW_IS_PAST = (f"{row}.occurred < {YOUNG}" for row in ("OLD", "NEW"))

# Of a trigger of a partition TG_TABLE_NAME would be the partition.
NOTE = f"""
CREATE FUNCTION note_change_of_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.occurred < {YOUNG} THEN
        INSERT INTO tally_notes (runs, slice, change, changed) VALUES (
            'events', date_bin('1800 seconds', OLD.occurred, '0001-01-01 00:00:00+00'),
            txid_current(), clock_timestamp()
        ) ON CONFLICT DO NOTHING;
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.occurred < {YOUNG} THEN
        INSERT INTO tally_notes (runs, slice, change, changed) VALUES (
            'events', date_bin('1800 seconds', NEW.occurred, '0001-01-01 00:00:00+00'),
            txid_current(), clock_timestamp()
        ) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$
"""  # noqa: S608 constants


def upgrade() -> None:
    op.create_table(
        "event_tallies",
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("slice", Timestamp(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("event", sa.Text()),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("first_occurred", Timestamp(), nullable=False),
        sa.Column("last_occurred", Timestamp(), nullable=False),
        sa.Column("named", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "slice", "number", name="pk_event_tallies"),
    )
    create_partial_index("ix_event_tallies_whole", "event_tallies", ["workspace_id", "slice"], "number = 0")
    if dialect() == "postgresql":
        op.execute(NOTE)
    for statement in _postgresql() if dialect() == "postgresql" else _sqlite():
        op.execute(statement)


def downgrade() -> None:
    for kind in ("insert", "update", "delete"):
        if dialect() == "postgresql":
            op.execute(f"DROP TRIGGER IF EXISTS note_{kind}_of_tally ON events")
        else:
            op.execute(f"DROP TRIGGER IF EXISTS note_{kind}_of_events_tally")
    if dialect() == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS note_change_of_events")
    op.execute("DELETE FROM tally_notes WHERE runs = 'events'")
    op.execute("DELETE FROM tally_horizons WHERE runs = 'events'")
    op.drop_table("event_tallies")


def _postgresql() -> list[str]:
    changes = (
        ("insert", "INSERT", NEW_IS_PAST),
        ("update", "UPDATE OF workspace_id, occurred, event", f"{OLD_IS_PAST} OR {NEW_IS_PAST}"),
        ("delete", "DELETE", OLD_IS_PAST),
    )
    return [
        f"CREATE TRIGGER note_{kind}_of_tally AFTER {change} ON events FOR EACH ROW WHEN ({condition})"
        " EXECUTE FUNCTION note_change_of_events()"
        for kind, change, condition in changes
    ]


def _sqlite() -> list[str]:
    old, new = (_note(f"{row}.occurred") for row in ("OLD", "NEW"))
    earlier = "min(ifnull(OLD.occurred, NEW.occurred), ifnull(NEW.occurred, OLD.occurred))"
    changes = (
        ("insert", "INSERT", "NEW.occurred", new),
        ("update", "UPDATE OF workspace_id, occurred, event", earlier, f"{old}; {new}"),
        ("delete", "DELETE", "OLD.occurred", old),
    )
    return [
        f"CREATE TRIGGER note_{kind}_of_events_tally AFTER {change} ON events"  # noqa: S608 constants
        f" WHEN {moment} < (SELECT horizon FROM tally_horizons WHERE runs = 'events') BEGIN {notes}; END"
        for kind, change, moment, notes in changes
    ]


def _note(moment: str) -> str:
    return (
        "INSERT INTO tally_notes (runs, slice, change, changed) SELECT 'events',"
        f" {moment} - (({moment} % 1800000000) + 1800000000) % 1800000000, 0,"
        " CAST(strftime('%s', 'now') AS INTEGER) * 1000000"
        f" WHERE {moment} IS NOT NULL ON CONFLICT DO NOTHING"
    )
