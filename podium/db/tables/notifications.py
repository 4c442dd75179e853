"""Notifications, what is still to be delivered for them and for actions, and webhooks that make events."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, UniqueConstraint, true

from podium.db.tables.metadata import (
    EMPTY_LIST,
    ZERO,
    created,
    key,
    metadata,
    part_of,
    partial,
    unchecked_workspace,
    updated,
    workspace,
)
from podium.db.types import Id, Json, Timestamp

notifications = Table(
    "notifications",
    metadata,
    # What a person asked for. The automation made from it does it, goes with it, and knows whether it is enabled.
    key(),
    workspace(),
    part_of("automation_id", "automations.id"),
    Column("name", Text, nullable=False),
    # Names of states; empty: every state. Likewise tags (one of them), flows, deployments and pools.
    Column("state_names", Json(verbatim=True), nullable=False, server_default=EMPTY_LIST),
    Column("tags", Json(verbatim=True), nullable=False, server_default=EMPTY_LIST),
    Column("flow_ids", Json(verbatim=True), nullable=False, server_default=EMPTY_LIST),
    Column("deployment_ids", Json(verbatim=True), nullable=False, server_default=EMPTY_LIST),
    Column("work_pool_ids", Json(verbatim=True), nullable=False, server_default=EMPTY_LIST),
    # The channel. Null: an email to the addresses over the server's own SMTP settings.
    Column("block_document_id", Id()),
    Column("emails", Json(verbatim=True), nullable=False, server_default=EMPTY_LIST),
    # Templates; null: the server's own texts.
    Column("subject", Text),
    Column("message", Text),
    created(),
    updated(),
    UniqueConstraint("workspace_id", "name", name="uq_notifications_name"),
    Index("ix_notifications_automation", "automation_id"),
)

notification_deliveries = Table(
    "notification_deliveries",
    metadata,
    # A row is something to send: waiting until it is delivered or, after its last attempt, dead. Those of a channel are
    # sent in their order.
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", Id(), nullable=False, unique=True),
    unchecked_workspace(),
    # What keeps an order of its own: the block's id, or "email".
    Column("channel", Text, nullable=False),
    Column("block_document_id", Id()),
    # notification, webhook, email
    Column("kind", Text, nullable=False),
    Column("request", Json(verbatim=True), nullable=False),
    Column("idempotency_key", Text, nullable=False),
    # waiting, delivered, dead
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=ZERO),
    Column("not_before", Timestamp()),
    # Who sends it at present, and until when nobody else does.
    Column("claimed_by", Text),
    Column("claimed_until", Timestamp()),
    Column("error", Text),
    Column("result", Json(verbatim=True)),
    # The invocation it is sent for (automation_actions.id), which is told how it ended.
    Column("action_id", Id()),
    created(),
    Column("ended", Timestamp()),
    UniqueConstraint("workspace_id", "idempotency_key", name="uq_notification_deliveries_idempotency_key"),
    partial("ix_notification_deliveries_waiting", "channel", "position", where="state = 'waiting'"),
    Index("ix_notification_deliveries_state", "state", "position"),
    Index("ix_notification_deliveries_ended", "ended"),
)

webhooks = Table(
    "webhooks",
    metadata,
    # A secret URL whose calls become events through a template.
    key(),
    workspace(),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("enabled", Boolean, nullable=False, server_default=true()),
    Column("template", Text, nullable=False),
    # SHA-256 of the secret in hexadecimal: the URL is shown once.
    Column("secret_digest", Text, nullable=False, unique=True),
    created(),
    updated(),
    UniqueConstraint("workspace_id", "name", name="uq_webhooks_name"),
)
