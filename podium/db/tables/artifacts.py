"""Artifacts, and for each key its newest one."""

from sqlalchemy import Column, Index, Table, Text, UniqueConstraint, select

from podium.db.tables.metadata import created, key, metadata, partial, unchecked_workspace, updated, workspace
from podium.db.types import Id, Json

artifacts = Table(
    "artifacts",
    metadata,
    key(),
    unchecked_workspace(),
    Column("key", Text),
    Column("type", Text),
    Column("description", Text),
    Column("data", Json(verbatim=True)),
    Column("metadata_", Json(verbatim=True)),
    # No foreign keys: a task run is known only when its events arrive. Deleting a run deletes its artifacts by these.
    Column("flow_run_id", Id()),
    Column("task_run_id", Id()),
    created(),
    updated(),
    Index("ix_artifacts_key", "key", "created", "workspace_id", "type"),
    Index("ix_artifacts_created", "created"),
    Index("ix_artifacts_updated", "updated"),
    partial("ix_artifacts_flow_run", "flow_run_id", where="flow_run_id IS NOT NULL"),
    partial("ix_artifacts_task_run", "task_run_id", where="task_run_id IS NOT NULL"),
)

artifact_collections = Table(
    "artifact_collections",
    metadata,
    key(),
    workspace(),
    Column("key", Text, nullable=False),
    Column("latest_id", Id(), nullable=False),
    created(),
    updated(),
    UniqueConstraint("workspace_id", "key"),
    Index("ix_artifact_collections_latest", "latest_id"),
)

latest_artifacts = (
    select(
        artifact_collections,
        artifacts.c.type,
        artifacts.c.description,
        artifacts.c.data,
        artifacts.c.metadata_,
        artifacts.c.flow_run_id,
        artifacts.c.task_run_id,
    )
    .join(artifacts, artifacts.c.id == artifact_collections.c.latest_id)
    .subquery("latest_artifacts")
)
"""Artifact collections as the wire shows them: with the fields of their newest artifact. To read and filter."""
