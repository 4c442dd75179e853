"""Work pools, concurrency limits and deployments."""

import sqlalchemy as sa
from alembic import op

from podium.db.migrations.operations import create_partial_index, dialect
from podium.db.types import Id, Json, Timestamp


def create_work_pools() -> None:
    op.create_table(
        "work_pools",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("base_job_template", Json(verbatim=True), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("storage_configuration", Json(verbatim=True), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("concurrency_limit", sa.Integer()),
        sa.Column("is_paused", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("default_queue_id", Id()),
        sa.Column("status", sa.Text()),
        sa.Column("last_status_event_id", Id()),
        sa.Column("last_transitioned_status_at", Timestamp()),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_work_pools_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_work_pools"),
        sa.UniqueConstraint("workspace_id", "name", name="uq_work_pools_workspace_id_name"),
    )


def create_work_queues() -> None:
    op.create_table(
        "work_queues",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("work_pool_id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("filter", Json(verbatim=True)),
        sa.Column("is_paused", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("concurrency_limit", sa.Integer()),
        sa.Column("priority", sa.Integer(), server_default="1", nullable=False),
        sa.Column("status", sa.Text(), server_default="NOT_READY", nullable=False),
        sa.Column("last_polled", Timestamp()),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["work_pool_id"], ["work_pools.id"], name="fk_work_queues_work_pool_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_work_queues_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_work_queues"),
        sa.UniqueConstraint(
            "workspace_id", "work_pool_id", "name", name="uq_work_queues_workspace_id_work_pool_id_name"
        ),
    )
    op.create_index("ix_work_queues_work_pool", "work_queues", ["work_pool_id", "priority"])


def create_workers() -> None:
    op.create_table(
        "workers",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("work_pool_id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="OFFLINE", nullable=False),
        sa.Column("last_heartbeat_time", Timestamp()),
        sa.Column("heartbeat_interval_seconds", sa.Integer()),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["work_pool_id"], ["work_pools.id"], name="fk_workers_work_pool_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_workers_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
        sa.UniqueConstraint("workspace_id", "work_pool_id", "name", name="uq_workers_workspace_id_work_pool_id_name"),
    )
    op.create_index("ix_workers_status", "workers", ["status", "last_heartbeat_time"])
    op.create_index("ix_workers_work_pool", "workers", ["work_pool_id", "last_heartbeat_time"])


def create_worker_cleanup_messages() -> None:
    op.create_table(
        "worker_cleanup_messages",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("work_pool_id", Id(), nullable=False),
        sa.Column("work_queue_id", Id()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target", Json(verbatim=True), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("data", Json(verbatim=True), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("delivery_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reservation_token", Id()),
        sa.Column("consumer_id", Id()),
        sa.Column("lease_expires_at", Timestamp()),
        sa.Column("finished", Timestamp()),
        sa.Column("dead_letter_reason", sa.Text()),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["work_pool_id"], ["work_pools.id"], name="fk_worker_cleanup_messages_work_pool_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_worker_cleanup_messages_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_worker_cleanup_messages"),
        sa.UniqueConstraint(
            "workspace_id", "idempotency_key", name="uq_worker_cleanup_messages_workspace_id_idempotency_key"
        ),
    )
    create_partial_index(
        "ix_worker_cleanup_messages_finished", "worker_cleanup_messages", ["finished"], "finished IS NOT NULL"
    )
    create_partial_index(
        "ix_worker_cleanup_messages_open", "worker_cleanup_messages", ["work_pool_id", "created"], "finished IS NULL"
    )
    op.create_index("ix_worker_cleanup_messages_work_pool", "worker_cleanup_messages", ["work_pool_id"])


def create_concurrency_limits() -> None:
    op.create_table(
        "concurrency_limits",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("concurrency_limit", sa.Integer(), nullable=False),
        sa.Column("active_slots", Json(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_concurrency_limits_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_concurrency_limits"),
        sa.UniqueConstraint("workspace_id", "tag", name="uq_concurrency_limits_workspace_id_tag"),
    )


def create_concurrency_limits_v2() -> None:
    op.create_table(
        "concurrency_limits_v2",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("limit", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("slot_decay_per_second", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("avg_slot_occupancy_seconds", sa.Float(), server_default=sa.text("(2.0)"), nullable=False),
        sa.Column("anonymous_slots", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("denied_slots", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("slots_updated", Timestamp(), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_concurrency_limits_v2_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_concurrency_limits_v2"),
        sa.UniqueConstraint("workspace_id", "name", name="uq_concurrency_limits_v2_workspace_id_name"),
    )


def create_concurrency_leases() -> None:
    op.create_table(
        "concurrency_leases",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("expiration", Timestamp(), nullable=False),
        sa.Column("holder_type", sa.Text()),
        sa.Column("holder_id", Id()),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_concurrency_leases"),
    )
    op.create_index("ix_concurrency_leases_expiration", "concurrency_leases", ["expiration"])
    create_partial_index(
        "ix_concurrency_leases_holder", "concurrency_leases", ["holder_id", "holder_type"], "holder_id IS NOT NULL"
    )


def create_concurrency_lease_slots() -> None:
    op.create_table(
        "concurrency_lease_slots",
        sa.Column("lease_id", Id(), nullable=False),
        sa.Column("concurrency_limit_id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["concurrency_limit_id"],
            ["concurrency_limits_v2.id"],
            name="fk_concurrency_lease_slots_concurrency_limit_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["lease_id"], ["concurrency_leases.id"], name="fk_concurrency_lease_slots_lease_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lease_id", "concurrency_limit_id", name="pk_concurrency_lease_slots"),
    )
    op.create_index("ix_concurrency_lease_slots_limit", "concurrency_lease_slots", ["concurrency_limit_id"])


def create_deployments() -> None:
    op.create_table(
        "deployments",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("flow_id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("entrypoint", sa.Text()),
        sa.Column("path", sa.Text()),
        sa.Column("pull_steps", Json(verbatim=True)),
        sa.Column("work_queue_id", Id()),
        sa.Column("work_queue_name", sa.Text()),
        sa.Column("storage_document_id", Id()),
        sa.Column("infrastructure_document_id", Id()),
        sa.Column("concurrency_limit_id", Id()),
        sa.Column("concurrency_options", Json(verbatim=True)),
        sa.Column("parameters", Json(verbatim=True), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("parameter_openapi_schema", Json(verbatim=True)),
        sa.Column("enforce_parameter_schema", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("job_variables", Json(verbatim=True), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("tags", Json(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("labels", Json(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("paused", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("status", sa.Text(), server_default="NOT_READY", nullable=False),
        sa.Column("last_polled", Timestamp()),
        sa.Column("created_by", Json()),
        sa.Column("updated_by", Json()),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["concurrency_limit_id"],
            ["concurrency_limits_v2.id"],
            name="fk_deployments_concurrency_limit_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["flow_id"], ["flows.id"], name="fk_deployments_flow_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["infrastructure_document_id"],
            ["block_documents.id"],
            name="fk_deployments_infrastructure_document_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["storage_document_id"],
            ["block_documents.id"],
            name="fk_deployments_storage_document_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["work_queue_id"], ["work_queues.id"], name="fk_deployments_work_queue_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_deployments_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_deployments"),
        sa.UniqueConstraint("workspace_id", "flow_id", "name", name="uq_deployments_workspace_id_flow_id_name"),
    )
    _index_deployments()


def _index_deployments() -> None:
    op.create_index("ix_deployments_concurrency_limit", "deployments", ["concurrency_limit_id"])
    op.create_index("ix_deployments_flow", "deployments", ["flow_id"])
    op.create_index("ix_deployments_infrastructure_document", "deployments", ["infrastructure_document_id"])
    op.create_index("ix_deployments_storage_document", "deployments", ["storage_document_id"])
    op.create_index("ix_deployments_updated", "deployments", ["updated"])
    op.create_index("ix_deployments_work_queue", "deployments", ["work_queue_id"])
    if dialect() == "postgresql":
        op.create_index("ix_deployments_tags", "deployments", ["tags"], postgresql_using="gin")


def create_deployment_schedules() -> None:
    op.create_table(
        "deployment_schedules",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("deployment_id", Id(), nullable=False),
        sa.Column("schedule", Json(verbatim=True), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("max_scheduled_runs", sa.Integer()),
        sa.Column("parameters", Json(verbatim=True), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("slug", sa.Text()),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployments.id"], name="fk_deployment_schedules_deployment_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_deployment_schedules_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_deployment_schedules"),
    )
    op.create_index("ix_deployment_schedules_deployment", "deployment_schedules", ["deployment_id"])
    create_partial_index(
        "uq_deployment_schedules_slug",
        "deployment_schedules",
        ["workspace_id", "deployment_id", "slug"],
        "slug IS NOT NULL",
        unique=True,
    )
