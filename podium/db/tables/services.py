"""What the background services last did, one row for each service and process."""

from sqlalchemy import Column, Float, PrimaryKeyConstraint, Table, Text

from podium.db.tables.metadata import metadata
from podium.db.types import Timestamp

service_heartbeats = Table(
    "service_heartbeats",
    metadata,
    Column("name", Text, nullable=False),
    # Host and process id, as people would look for it.
    Column("process", Text, nullable=False),
    # Seconds between two starts.
    Column("interval", Float, nullable=False),
    Column("last_started", Timestamp()),
    # When it last finished without an error, and how many seconds that took.
    Column("last_finished", Timestamp()),
    Column("duration", Float),
    Column("last_error", Text),
    Column("last_failed", Timestamp()),
    PrimaryKeyConstraint("name", "process"),
)
