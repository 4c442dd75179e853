"""Flow runs and task runs with their states, artifacts and logs."""

import sqlalchemy as sa
from alembic import op

from podium.db.migrations.operations import create_partial_index, dialect
from podium.db.types import Id, Json, Timestamp


def create_flow_runs() -> None:
    op.create_table(
        "flow_runs",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("flow_id", Id(), nullable=False),
        sa.Column("deployment_id", Id()),
        sa.Column("parent_task_run_id", Id()),
        sa.Column("work_queue_id", Id()),
        sa.Column("infrastructure_document_id", Id()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("flow_version", sa.Text()),
        sa.Column("deployment_version", sa.Text()),
        sa.Column("work_queue_name", sa.Text()),
        sa.Column("infrastructure_pid", sa.Text()),
        sa.Column("idempotency_key", sa.Text()),
        sa.Column("parameters", Json(verbatim=True), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("context", Json(verbatim=True), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("job_variables", Json(verbatim=True), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("empirical_policy", Json(verbatim=True), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("tags", Json(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("labels", Json(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_by", Json()),
        sa.Column("auto_scheduled", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("state_id", Id()),
        sa.Column("state_type", sa.Text()),
        sa.Column("state_name", sa.Text()),
        sa.Column("state_timestamp", Timestamp()),
        sa.Column("run_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("expected_start_time", Timestamp()),
        sa.Column("next_scheduled_start_time", Timestamp()),
        sa.Column("start_time", Timestamp()),
        sa.Column("end_time", Timestamp()),
        sa.Column("total_run_time", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(["flow_id"], ["flows.id"], name="fk_flow_runs_flow_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["infrastructure_document_id"],
            ["block_documents.id"],
            name="fk_flow_runs_infrastructure_document_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["parent_task_run_id"],
            ["task_runs.id"],
            name="fk_flow_runs_parent_task_run_id",
            ondelete="SET NULL",
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(
            ["work_queue_id"], ["work_queues.id"], name="fk_flow_runs_work_queue_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_flow_runs"),
    )
    _index_flow_runs()


def _index_flow_runs() -> None:
    create_partial_index(
        "ix_flow_runs_deployment", "flow_runs", ["deployment_id", "expected_start_time"], "deployment_id IS NOT NULL"
    )
    op.create_index("ix_flow_runs_expected_start_time", "flow_runs", ["expected_start_time"])
    op.create_index("ix_flow_runs_flow", "flow_runs", ["flow_id", "expected_start_time"])
    create_partial_index(
        "ix_flow_runs_infrastructure_document",
        "flow_runs",
        ["infrastructure_document_id"],
        "infrastructure_document_id IS NOT NULL",
    )
    op.create_index("ix_flow_runs_name", "flow_runs", ["name"])
    op.create_index("ix_flow_runs_next_scheduled_start_time", "flow_runs", ["next_scheduled_start_time"])
    create_partial_index(
        "ix_flow_runs_parent_task_run", "flow_runs", ["parent_task_run_id"], "parent_task_run_id IS NOT NULL"
    )
    create_partial_index(
        "ix_flow_runs_scheduled_by_deployment",
        "flow_runs",
        ["deployment_id", "next_scheduled_start_time"],
        "state_type = 'SCHEDULED'",
    )
    create_partial_index(
        "ix_flow_runs_scheduled_by_work_queue",
        "flow_runs",
        ["work_queue_id", "next_scheduled_start_time"],
        "state_type = 'SCHEDULED'",
    )
    op.create_index("ix_flow_runs_start_time", "flow_runs", [sa.text("coalesce(start_time, expected_start_time)")])
    op.create_index("ix_flow_runs_state_name", "flow_runs", ["state_name", "expected_start_time"])
    op.create_index("ix_flow_runs_state_type", "flow_runs", ["state_type", "expected_start_time"])
    create_partial_index(
        "ix_flow_runs_work_queue", "flow_runs", ["work_queue_id", "state_type"], "work_queue_id IS NOT NULL"
    )
    create_partial_index(
        "uq_flow_runs_idempotency_key",
        "flow_runs",
        ["workspace_id", "idempotency_key", "flow_id"],
        "idempotency_key IS NOT NULL",
        unique=True,
    )
    if dialect() == "postgresql":
        op.create_index("ix_flow_runs_end_time_desc", "flow_runs", [sa.text("end_time DESC NULLS LAST")])
        op.create_index("ix_flow_runs_tags", "flow_runs", ["tags"], postgresql_using="gin")
    if dialect() == "sqlite":
        op.create_index("ix_flow_runs_end_time", "flow_runs", ["end_time"])


def create_flow_run_states() -> None:
    op.create_table(
        "flow_run_states",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("flow_run_id", Id(), nullable=False),
        sa.Column("timestamp", Timestamp(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("message", sa.Text()),
        sa.Column("state_details", Json(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("data", Json(verbatim=True)),
        sa.Column("result_artifact_id", Id()),
        sa.ForeignKeyConstraint(
            ["flow_run_id"], ["flow_runs.id"], name="fk_flow_run_states_flow_run_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", "timestamp", name="pk_flow_run_states"),
        sa.UniqueConstraint("flow_run_id", "timestamp", name="uq_flow_run_states_flow_run_id_timestamp"),
    )


def create_flow_run_inputs() -> None:
    op.create_table(
        "flow_run_inputs",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("flow_run_id", Id(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text()),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["flow_run_id"], ["flow_runs.id"], name="fk_flow_run_inputs_flow_run_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_flow_run_inputs"),
        sa.UniqueConstraint("flow_run_id", "key", name="uq_flow_run_inputs_flow_run_id_key"),
    )


def create_task_runs() -> None:
    op.create_table(
        "task_runs",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("flow_run_id", Id()),
        sa.Column("task_key", sa.Text(), nullable=False),
        sa.Column("dynamic_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("task_version", sa.Text()),
        sa.Column("cache_key", sa.Text()),
        sa.Column("cache_expiration", Timestamp()),
        sa.Column("task_inputs", Json(verbatim=True), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("empirical_policy", Json(verbatim=True), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("tags", Json(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("labels", Json(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("state_id", Id()),
        sa.Column("state_type", sa.Text()),
        sa.Column("state_name", sa.Text()),
        sa.Column("state_timestamp", Timestamp()),
        sa.Column("run_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("flow_run_run_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("expected_start_time", Timestamp()),
        sa.Column("next_scheduled_start_time", Timestamp()),
        sa.Column("start_time", Timestamp()),
        sa.Column("end_time", Timestamp()),
        sa.Column("total_run_time", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(["flow_run_id"], ["flow_runs.id"], name="fk_task_runs_flow_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_task_runs"),
        sa.UniqueConstraint(
            "flow_run_id", "task_key", "dynamic_key", name="uq_task_runs_flow_run_id_task_key_dynamic_key"
        ),
    )
    _index_task_runs()


def _index_task_runs() -> None:
    op.create_index("ix_task_runs_expected_start_time", "task_runs", ["expected_start_time"])
    op.create_index("ix_task_runs_name", "task_runs", ["name"])
    op.create_index("ix_task_runs_next_scheduled_start_time", "task_runs", ["next_scheduled_start_time"])
    create_partial_index(
        "ix_task_runs_scheduled", "task_runs", ["task_key", "next_scheduled_start_time"], "state_type = 'SCHEDULED'"
    )
    op.create_index("ix_task_runs_state_type", "task_runs", ["state_type", "expected_start_time"])
    create_partial_index(
        "uq_task_runs_without_flow_run",
        "task_runs",
        ["workspace_id", "task_key", "dynamic_key"],
        "flow_run_id IS NULL",
        unique=True,
    )
    if dialect() == "postgresql":
        op.create_index("ix_task_runs_end_time_desc", "task_runs", [sa.text("end_time DESC NULLS LAST")])
        op.create_index("ix_task_runs_tags", "task_runs", ["tags"], postgresql_using="gin")
    if dialect() == "sqlite":
        op.create_index("ix_task_runs_end_time", "task_runs", ["end_time"])


def create_task_run_states() -> None:
    op.create_table(
        "task_run_states",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("task_run_id", Id(), nullable=False),
        sa.Column("timestamp", Timestamp(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("message", sa.Text()),
        sa.Column("state_details", Json(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("data", Json(verbatim=True)),
        sa.Column("result_artifact_id", Id()),
        sa.ForeignKeyConstraint(
            ["task_run_id"], ["task_runs.id"], name="fk_task_run_states_task_run_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", "timestamp", name="pk_task_run_states"),
    )
    op.create_index("ix_task_run_states_task_run", "task_run_states", ["task_run_id", "timestamp"])


def create_task_run_state_cache() -> None:
    op.create_table(
        "task_run_state_cache",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("cache_key", sa.Text(), nullable=False),
        sa.Column("cache_expiration", Timestamp()),
        sa.Column("task_run_state_id", Id(), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_task_run_state_cache"),
    )
    op.create_index("ix_task_run_state_cache_key", "task_run_state_cache", ["workspace_id", "cache_key", "created"])


def create_task_run_deliveries() -> None:
    op.create_table(
        "task_run_deliveries",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("task_run_id", Id(), nullable=False),
        sa.Column("task_key", sa.Text(), nullable=False),
        sa.Column("urgent", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("task_worker_id", Id()),
        sa.Column("offered_until", Timestamp()),
        sa.ForeignKeyConstraint(
            ["task_run_id"], ["task_runs.id"], name="fk_task_run_deliveries_task_run_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("position", name="pk_task_run_deliveries"),
        sa.UniqueConstraint("task_run_id", name="uq_task_run_deliveries_task_run_id"),
    )
    op.create_index("ix_task_run_deliveries_task_key", "task_run_deliveries", ["task_key", "position"])


def create_task_workers() -> None:
    op.create_table(
        "task_workers",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("task_keys", Json(), nullable=False),
        sa.Column("timestamp", Timestamp(), nullable=False),
        sa.Column("alive_until", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_task_workers"),
    )
    op.create_index("ix_task_workers_alive_until", "task_workers", ["alive_until"])


def create_artifacts() -> None:
    op.create_table(
        "artifacts",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("key", sa.Text()),
        sa.Column("type", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("data", Json(verbatim=True)),
        sa.Column("metadata_", Json(verbatim=True)),
        sa.Column("flow_run_id", Id()),
        sa.Column("task_run_id", Id()),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_artifacts"),
    )
    op.create_index("ix_artifacts_created", "artifacts", ["created"])
    create_partial_index("ix_artifacts_flow_run", "artifacts", ["flow_run_id"], "flow_run_id IS NOT NULL")
    op.create_index("ix_artifacts_key", "artifacts", ["key", "created"])
    create_partial_index("ix_artifacts_task_run", "artifacts", ["task_run_id"], "task_run_id IS NOT NULL")
    op.create_index("ix_artifacts_updated", "artifacts", ["updated"])


def create_artifact_collections() -> None:
    op.create_table(
        "artifact_collections",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("latest_id", Id(), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_artifact_collections_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_artifact_collections"),
        sa.UniqueConstraint("workspace_id", "key", name="uq_artifact_collections_workspace_id_key"),
    )
    op.create_index("ix_artifact_collections_latest", "artifact_collections", ["latest_id"])


def create_logs() -> None:
    op.create_table(
        "logs",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("timestamp", Timestamp(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("flow_run_id", Id()),
        sa.Column("task_run_id", Id()),
        sa.Column("created", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("timestamp", "id", name="pk_logs"),
    )
    create_partial_index("ix_logs_flow_run", "logs", ["flow_run_id", "timestamp"], "flow_run_id IS NOT NULL")
    create_partial_index("ix_logs_task_run", "logs", ["task_run_id", "timestamp"], "task_run_id IS NOT NULL")
