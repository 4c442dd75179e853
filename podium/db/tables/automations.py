"""Automations, and what their triggers remember between events."""

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, UniqueConstraint, false, true

from podium.db.tables.metadata import (
    EMPTY_LIST,
    EMPTY_OBJECT,
    ZERO,
    created,
    key,
    metadata,
    part_of,
    searchable,
    tags,
    updated,
    workspace,
)
from podium.db.types import Id, Json, Timestamp

automations = Table(
    "automations",
    metadata,
    key(),
    workspace(),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("enabled", Boolean, nullable=False, server_default=true()),
    tags(),
    Column("trigger", Json(verbatim=True), nullable=False),
    Column("actions", Json(verbatim=True), nullable=False),
    Column("actions_on_trigger", Json(verbatim=True), nullable=False, server_default=EMPTY_LIST),
    Column("actions_on_resolve", Json(verbatim=True), nullable=False, server_default=EMPTY_LIST),
    created(),
    updated(),
    Index("ix_automations_name", "name"),
    Index("ix_automations_updated", "updated"),
    searchable("ix_automations_tags", "tags"),
)

automation_related_resources = Table(
    "automation_related_resources",
    metadata,
    key(),
    workspace(),
    part_of("automation_id", "automations.id"),
    Column("resource_id", Text, nullable=False),
    # Whether the resource owns the automation (a deployment its triggers) or is only acted on by it.
    Column("automation_owned_by_resource", Boolean, nullable=False, server_default=false()),
    created(),
    updated(),
    UniqueConstraint("workspace_id", "resource_id", "automation_id", name="uq_automation_related_resources_resource"),
    Index("ix_automation_related_resources_automation", "automation_id"),
)

automation_buckets = Table(
    "automation_buckets",
    metadata,
    key(),
    workspace(),
    part_of("automation_id", "automations.id"),
    Column("trigger_id", Id(), nullable=False),
    # The for_each label values of the bucket, and their SHA-256 in hexadecimal, since values may be long.
    Column("bucketing_key", Json(verbatim=True), nullable=False),
    Column("bucketing_digest", Text, nullable=False),
    Column("window_start", Timestamp(), nullable=False),
    Column("window_end", Timestamp(), nullable=False),
    # -1 while only the opening event was seen, which is expected as well.
    Column("count", Integer, nullable=False, server_default=ZERO),
    Column("last_event", Json(verbatim=True)),
    Column("triggered_at", Timestamp()),
    created(),
    updated(),
    UniqueConstraint(
        "workspace_id", "automation_id", "trigger_id", "bucketing_digest", name="uq_automation_buckets_bucketing_key"
    ),
    Index("ix_automation_buckets_automation", "automation_id", "trigger_id", "window_end"),
    Index("ix_automation_buckets_window_end", "window_end"),
)

automation_child_firings = Table(
    "automation_child_firings",
    metadata,
    key(),
    workspace(),
    part_of("automation_id", "automations.id"),
    Column("parent_trigger_id", Id(), nullable=False),
    Column("child_trigger_id", Id(), nullable=False),
    Column("child_firing_id", Id(), nullable=False),
    Column("child_fired_at", Timestamp(), nullable=False),
    Column("child_firing", Json(verbatim=True), nullable=False),
    created(),
    updated(),
    UniqueConstraint(
        "workspace_id",
        "automation_id",
        "parent_trigger_id",
        "child_trigger_id",
        name="uq_automation_child_firings_child",
    ),
    Index("ix_automation_child_firings_automation", "automation_id"),
    Index("ix_automation_child_firings_fired_at", "child_fired_at"),
)

automation_firings = Table(
    "automation_firings",
    metadata,
    # Why an automation fired: kept for people to read, swept with time.
    key(),
    workspace(),
    part_of("automation_id", "automations.id"),
    Column("trigger_id", Id(), nullable=False),
    Column("triggered", Timestamp(), nullable=False),
    Column("triggering_event_id", Id()),
    Column("triggering_labels", Json(verbatim=True), nullable=False, server_default=EMPTY_OBJECT),
    Column("firing", Json(verbatim=True), nullable=False),
    Index("ix_automation_firings_automation", "automation_id", "triggered"),
    Index("ix_automation_firings_triggered", "triggered"),
)
