"""Hands background task runs over to task workers."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, UniqueConstraint, false

from podium.db.tables.metadata import key, metadata, part_of, unchecked_workspace
from podium.db.types import Id, Json, Timestamp

task_run_deliveries = Table(
    "task_run_deliveries",
    metadata,
    # A row is a background run that some task worker has still to take; it is deleted when one did.
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    unchecked_workspace(),
    part_of("task_run_id", "task_runs.id"),
    Column("task_key", Text, nullable=False),
    # Retries and runs that were given back go first.
    Column("urgent", Boolean, nullable=False, server_default=false()),
    # The connection it is offered to, and until when nobody else gets it.
    Column("task_worker_id", Id()),
    Column("offered_until", Timestamp()),
    UniqueConstraint("task_run_id"),
    Index("ix_task_run_deliveries_task_key", "task_key", "position"),
)

task_workers = Table(
    "task_workers",
    metadata,
    # A row is an open connection of a task worker.
    key(),
    unchecked_workspace(),
    Column("identifier", Text, nullable=False),
    Column("task_keys", Json(), nullable=False),
    Column("timestamp", Timestamp(), nullable=False),
    # Moved on while the connection stands; its server is gone when this has passed.
    Column("alive_until", Timestamp(), nullable=False),
    Index("ix_task_workers_alive_until", "alive_until"),
)
