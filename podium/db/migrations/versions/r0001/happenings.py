"""Events and automations."""

import sqlalchemy as sa
from alembic import op

from podium.db.migrations.operations import dialect
from podium.db.types import Id, Json, Timestamp


def create_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("occurred", Timestamp(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("resource", Json(verbatim=True), nullable=False),
        sa.Column("related", Json(verbatim=True), nullable=False),
        sa.Column("payload", Json(verbatim=True), nullable=False),
        sa.Column("follows", Id()),
        sa.Column("received", Timestamp(), nullable=False),
        sa.Column("recorded", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", "occurred", name="pk_events"),
    )
    op.create_index("ix_events_event", "events", ["event", "occurred"])
    op.create_index("ix_events_occurred", "events", ["occurred", "id"])
    op.create_index("ix_events_resource", "events", ["resource_id", "occurred"])


def create_event_resources() -> None:
    op.create_table(
        "event_resources",
        sa.Column("event_id", Id(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("occurred", Timestamp(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("resource_role", sa.Text(), nullable=False),
        sa.Column("resource", Json(), server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "position", "occurred", name="pk_event_resources"),
    )
    op.create_index("ix_event_resources_occurred", "event_resources", ["occurred"])
    op.create_index("ix_event_resources_resource", "event_resources", ["resource_id", "occurred"])


def create_event_deliveries() -> None:
    op.create_table(
        "event_deliveries",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("event_id", Id(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("not_before", Timestamp()),
        sa.PrimaryKeyConstraint("position", name="pk_event_deliveries"),
    )
    op.create_index("ix_event_deliveries_consumer", "event_deliveries", ["consumer", "position"])


def create_automations() -> None:
    op.create_table(
        "automations",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("tags", Json(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("trigger", Json(verbatim=True), nullable=False),
        sa.Column("actions", Json(verbatim=True), nullable=False),
        sa.Column("actions_on_trigger", Json(verbatim=True), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("actions_on_resolve", Json(verbatim=True), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_automations_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_automations"),
    )
    op.create_index("ix_automations_name", "automations", ["name"])
    op.create_index("ix_automations_updated", "automations", ["updated"])
    if dialect() == "postgresql":
        op.create_index("ix_automations_tags", "automations", ["tags"], postgresql_using="gin")


def create_automation_related_resources() -> None:
    op.create_table(
        "automation_related_resources",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("automation_id", Id(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("automation_owned_by_resource", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["automation_id"],
            ["automations.id"],
            name="fk_automation_related_resources_automation_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_automation_related_resources_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_automation_related_resources"),
        sa.UniqueConstraint(
            "workspace_id", "resource_id", "automation_id", name="uq_automation_related_resources_resource"
        ),
    )
    op.create_index("ix_automation_related_resources_automation", "automation_related_resources", ["automation_id"])


def create_automation_buckets() -> None:
    op.create_table(
        "automation_buckets",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("automation_id", Id(), nullable=False),
        sa.Column("trigger_id", Id(), nullable=False),
        sa.Column("bucketing_key", Json(verbatim=True), nullable=False),
        sa.Column("bucketing_digest", sa.Text(), nullable=False),
        sa.Column("window_start", Timestamp(), nullable=False),
        sa.Column("window_end", Timestamp(), nullable=False),
        sa.Column("count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_event", Json(verbatim=True)),
        sa.Column("triggered_at", Timestamp()),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["automation_id"], ["automations.id"], name="fk_automation_buckets_automation_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_automation_buckets_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_automation_buckets"),
        sa.UniqueConstraint(
            "workspace_id",
            "automation_id",
            "trigger_id",
            "bucketing_digest",
            name="uq_automation_buckets_bucketing_key",
        ),
    )
    op.create_index(
        "ix_automation_buckets_automation", "automation_buckets", ["automation_id", "trigger_id", "window_end"]
    )
    op.create_index("ix_automation_buckets_window_end", "automation_buckets", ["window_end"])


def create_automation_child_firings() -> None:
    op.create_table(
        "automation_child_firings",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("automation_id", Id(), nullable=False),
        sa.Column("parent_trigger_id", Id(), nullable=False),
        sa.Column("child_trigger_id", Id(), nullable=False),
        sa.Column("child_firing_id", Id(), nullable=False),
        sa.Column("child_fired_at", Timestamp(), nullable=False),
        sa.Column("child_firing", Json(verbatim=True), nullable=False),
        sa.Column("created", Timestamp(), nullable=False),
        sa.Column("updated", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["automation_id"], ["automations.id"], name="fk_automation_child_firings_automation_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_automation_child_firings_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_automation_child_firings"),
        sa.UniqueConstraint(
            "workspace_id",
            "automation_id",
            "parent_trigger_id",
            "child_trigger_id",
            name="uq_automation_child_firings_child",
        ),
    )
    op.create_index("ix_automation_child_firings_automation", "automation_child_firings", ["automation_id"])
    op.create_index("ix_automation_child_firings_fired_at", "automation_child_firings", ["child_fired_at"])


def create_automation_firings() -> None:
    op.create_table(
        "automation_firings",
        sa.Column("id", Id(), nullable=False),
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("automation_id", Id(), nullable=False),
        sa.Column("trigger_id", Id(), nullable=False),
        sa.Column("triggered", Timestamp(), nullable=False),
        sa.Column("triggering_event_id", Id()),
        sa.Column("triggering_labels", Json(verbatim=True), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("firing", Json(verbatim=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["automation_id"], ["automations.id"], name="fk_automation_firings_automation_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_automation_firings_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_automation_firings"),
    )
    op.create_index("ix_automation_firings_automation", "automation_firings", ["automation_id", "triggered"])
    op.create_index("ix_automation_firings_triggered", "automation_firings", ["triggered"])
