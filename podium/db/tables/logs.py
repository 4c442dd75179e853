"""Log lines of runs. Immutable: the wire's ``updated`` is ``created``. They outlive their run until swept away."""

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, Table, Text

from podium.db.tables.metadata import created, metadata, partial, unchecked_workspace
from podium.db.types import Id, Timestamp

logs = Table(
    "logs",
    metadata,
    Column("id", Id(), nullable=False),
    unchecked_workspace(),
    Column("timestamp", Timestamp(), nullable=False),
    Column("level", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("flow_run_id", Id()),
    Column("task_run_id", Id()),
    created(),
    PrimaryKeyConstraint("timestamp", "id"),
    partial("ix_logs_flow_run", "flow_run_id", "timestamp", where="flow_run_id IS NOT NULL"),
    partial("ix_logs_task_run", "task_run_id", "timestamp", where="task_run_id IS NOT NULL"),
    postgresql_partition_by="RANGE (timestamp)",
)
