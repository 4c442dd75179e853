"""What automations need to fire and to act: refusals, invocations, deliveries, notifications and webhooks."""

import sqlalchemy as sa
from alembic import op

from podium.db.migrations.operations import create_partial_index
from podium.db.types import Id, Json, Timestamp

revision = "0007"
down_revision = "0006"

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
EMPTY_OBJECT = sa.text("'{}'")
EMPTY_LIST = sa.text("'[]'")
ZERO = sa.text("0")

TABLES = (
    "webhooks",
    "notification_deliveries",
    "notifications",
    "automation_generations",
    "automation_actions",
    "automation_refusals",
)


def upgrade() -> None:
    _create_refusals()
    _create_actions()
    op.create_table(
        "automation_generations",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("number", sa.BigInteger(), nullable=False, server_default=ZERO),
        sa.PrimaryKeyConstraint("id", name="pk_automation_generations"),
    )
    op.execute("INSERT INTO automation_generations (id, number) VALUES (1, 0)")
    _create_notifications()
    _create_deliveries()
    _create_webhooks()
    op.add_column("event_deliveries", sa.Column("leader", Id()))
    create_partial_index("ix_event_deliveries_leader", "event_deliveries", ["leader"], "leader IS NOT NULL")


def downgrade() -> None:
    op.drop_index("ix_event_deliveries_leader", "event_deliveries")
    op.drop_column("event_deliveries", "leader")
    for table in TABLES:
        op.drop_table(table)


def _create_refusals() -> None:
    table = "automation_refusals"
    op.create_table(
        table,
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("automation_id", Id(), nullable=False),
        sa.Column("trigger_id", Id(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("bucketing_key", Json(verbatim=True), nullable=False),
        sa.Column("bucketing_digest", sa.Text(), nullable=False),
        sa.Column("detail", Json(verbatim=True), nullable=False, server_default=EMPTY_OBJECT),
        sa.Column("count", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("first", Timestamp(), nullable=False),
        sa.Column("last", Timestamp(), nullable=False),
        sa.Column("last_event_id", Id()),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=f"fk_{table}_workspace_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["automation_id"], ["automations.id"], name=f"fk_{table}_automation_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint(
            "workspace_id", "automation_id", "trigger_id", "bucketing_digest", "reason", name=f"uq_{table}_reason"
        ),
    )
    op.create_index(f"ix_{table}_automation", table, ["automation_id", "last"])
    op.create_index(f"ix_{table}_last", table, ["last"])


def _create_actions() -> None:
    table = "automation_actions"
    op.create_table(
        table,
        sa.Column("position", POSITION, nullable=False, autoincrement=True),
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("automation_id", Id(), nullable=False),
        sa.Column("firing_id", Id(), nullable=False),
        sa.Column("action_index", sa.Integer(), nullable=False),
        sa.Column("action", Json(verbatim=True), nullable=False),
        sa.Column("context", Json(verbatim=True), nullable=False),
        sa.Column("triggered", Timestamp(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("not_before", Timestamp()),
        sa.Column("reason", sa.Text()),
        sa.Column("result", Json(verbatim=True)),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("ended", Timestamp()),
        sa.PrimaryKeyConstraint("position", name=f"pk_{table}"),
        sa.UniqueConstraint("id", name=f"uq_{table}_id"),
    )
    create_partial_index(f"ix_{table}_pending", table, ["position"], "state = 'pending'")
    op.create_index(f"ix_{table}_firing", table, ["firing_id", "action_index"])
    op.create_index(f"ix_{table}_automation", table, ["automation_id", "position"])
    op.create_index(f"ix_{table}_ended", table, ["ended"])


def _create_notifications() -> None:
    table = "notifications"
    op.create_table(
        table,
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("automation_id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state_names", Json(verbatim=True), nullable=False, server_default=EMPTY_LIST),
        sa.Column("tags", Json(verbatim=True), nullable=False, server_default=EMPTY_LIST),
        sa.Column("flow_ids", Json(verbatim=True), nullable=False, server_default=EMPTY_LIST),
        sa.Column("deployment_ids", Json(verbatim=True), nullable=False, server_default=EMPTY_LIST),
        sa.Column("work_pool_ids", Json(verbatim=True), nullable=False, server_default=EMPTY_LIST),
        sa.Column("block_document_id", Id()),
        sa.Column("emails", Json(verbatim=True), nullable=False, server_default=EMPTY_LIST),
        sa.Column("subject", sa.Text()),
        sa.Column("message", sa.Text()),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=f"fk_{table}_workspace_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["automation_id"], ["automations.id"], name=f"fk_{table}_automation_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("workspace_id", "name", name=f"uq_{table}_name"),
    )
    op.create_index(f"ix_{table}_automation", table, ["automation_id"])


def _create_deliveries() -> None:
    table = "notification_deliveries"
    op.create_table(
        table,
        sa.Column("position", POSITION, nullable=False, autoincrement=True),
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("block_document_id", Id()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("request", Json(verbatim=True), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=ZERO),
        sa.Column("not_before", Timestamp()),
        sa.Column("claimed_by", sa.Text()),
        sa.Column("claimed_until", Timestamp()),
        sa.Column("error", sa.Text()),
        sa.Column("result", Json(verbatim=True)),
        sa.Column("action_id", Id()),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("ended", Timestamp()),
        sa.PrimaryKeyConstraint("position", name=f"pk_{table}"),
        sa.UniqueConstraint("id", name=f"uq_{table}_id"),
        sa.UniqueConstraint("workspace_id", "idempotency_key", name=f"uq_{table}_idempotency_key"),
    )
    create_partial_index(f"ix_{table}_waiting", table, ["channel", "position"], "state = 'waiting'")
    op.create_index(f"ix_{table}_state", table, ["state", "position"])
    op.create_index(f"ix_{table}_ended", table, ["ended"])


def _create_webhooks() -> None:
    table = "webhooks"
    op.create_table(
        table,
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False, server_default=""),
        sa.Column("enabled", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("secret_digest", sa.Text(), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=f"fk_{table}_workspace_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("workspace_id", "name", name=f"uq_{table}_name"),
        sa.UniqueConstraint("secret_digest", name=f"uq_{table}_secret_digest"),
    )
