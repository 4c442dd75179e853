"""Runs and events of the past rolled up, so that counting all reads a line for many (docs/architecture.md, "Tallies").

The runs expected to start in a slice of time are one line of a tally for each workspace, state and kind; the events of
a slice are one for each workspace, and one for each name. A slice counts by its lines where it lies before the horizon
and has no note; anything else is counted row by row. Triggers leave a note in the transaction that changes a row of the
past; a roll-up takes away the notes it saw, in one snapshot.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, PrimaryKeyConstraint, Table, Text, event
from sqlalchemy.schema import DDL

from podium.db.tables.metadata import metadata, partial, unchecked_workspace
from podium.db.tables.tally_triggers import CREATE_POSTGRESQL, CREATE_SQLITE
from podium.db.types import Json, Timestamp


def _tallies(name: str, *kinds: Column[bool]) -> Table:
    return Table(
        name,
        metadata,
        unchecked_workspace(),
        # The moment the slice begins.
        Column("slice", Timestamp(), nullable=False),
        # Of the lines of the slice.
        Column("number", Integer, nullable=False),
        # What the runs of a line have in common; ``first_…`` and ``last_…`` are null where they have no such time.
        Column("state_type", Text),
        Column("state_name", Text),
        *kinds,
        Column("started", Boolean, nullable=False),
        Column("ended", Boolean, nullable=False),
        Column("runs", Integer, nullable=False),
        Column("first_expected", Timestamp(), nullable=False),
        Column("last_expected", Timestamp(), nullable=False),
        Column("first_start", Timestamp()),
        Column("last_start", Timestamp()),
        Column("first_end", Timestamp()),
        Column("last_end", Timestamp()),
        # The sums of the estimates as they were at the end of the slice, and how many of the runs add to them since.
        Column("run_time", Float, nullable=False),
        Column("running", Integer, nullable=False),
        Column("lateness", Float, nullable=False),
        Column("overdue", Integer, nullable=False),
        # Of the runs of the line how many have each tag; null where they have too many tags, and on SQLite.
        Column("tags", Json()),
        PrimaryKeyConstraint("workspace_id", "slice", "number"),
    )


flow_run_tallies = _tallies("flow_run_tallies", Column("has_parent", Boolean, nullable=False))
task_run_tallies = _tallies("task_run_tallies")

event_tallies = Table(
    "event_tallies",
    metadata,
    unchecked_workspace(),
    Column("slice", Timestamp(), nullable=False),
    # 0 is the line of all events of the slice, 1 and up are those of a name each.
    Column("number", Integer, nullable=False),
    Column("event", Text),
    Column("events", Integer, nullable=False),
    Column("first_occurred", Timestamp(), nullable=False),
    Column("last_occurred", Timestamp(), nullable=False),
    # Whether the slice has lines of names; not where it has too many.
    Column("named", Boolean, nullable=False),
    PrimaryKeyConstraint("workspace_id", "slice", "number"),
    partial("ix_event_tallies_whole", "workspace_id", "slice", where="number = 0"),
)

tally_horizons = Table(
    "tally_horizons",
    metadata,
    # The table that is tallied: of runs, or of events.
    Column("runs", Text, primary_key=True),
    # Slices before this moment are rolled up.
    Column("horizon", Timestamp(), nullable=False),
)

tally_notes = Table(
    "tally_notes",
    metadata,
    Column("runs", Text, nullable=False),
    # A slice of that table, whose tally does not hold any more.
    Column("slice", Timestamp(), nullable=False),
    # Of the transaction that changed a row of it, so that no two wait for each other; 0 on SQLite.
    Column("change", BigInteger, nullable=False),
    Column("changed", Timestamp(), nullable=False),
    PrimaryKeyConstraint("runs", "slice", "change"),
)

for statements, dialect in ((CREATE_POSTGRESQL, "postgresql"), (CREATE_SQLITE, "sqlite")):
    for statement in statements:
        made: Any = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
        event.listen(metadata, "after_create", made.execute_if(dialect=dialect))
