"""Signs of life: of the processes that run flows, and of the server that hears them."""

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, Table

from podium.db.tables.metadata import metadata, unchecked_workspace
from podium.db.types import Id, Timestamp

flow_run_heartbeats = Table(
    "flow_run_heartbeats",
    metadata,
    unchecked_workspace(),
    # No foreign key: a client may say anything. Rows of runs that ended, or never were, are swept away.
    Column("flow_run_id", Id(), nullable=False),
    # By the server's clock. Not in an index: a table of the runs that are under way is read quickly without, and
    # PostgreSQL then writes the new version of a row beside the old one.
    Column("received", Timestamp(), nullable=False),
    # The times of the last two heartbeats by the client's clock: what lies between is its interval.
    Column("occurred", Timestamp(), nullable=False),
    Column("previous", Timestamp()),
    PrimaryKeyConstraint("workspace_id", "flow_run_id"),
)

api_presence = Table(
    "api_presence",
    metadata,
    # The only row is 1.
    Column("id", Integer, primary_key=True, autoincrement=False),
    # Some process has answered requests all the time from then on, until it was seen last.
    Column("since", Timestamp(), nullable=False),
    Column("seen", Timestamp(), nullable=False),
)
