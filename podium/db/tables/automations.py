"""Automations, what their triggers remember between events, why they fired or did not, and the actions still to do."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, UniqueConstraint, false, true

from podium.db.tables.metadata import (
    EMPTY_LIST,
    EMPTY_OBJECT,
    ZERO,
    created,
    key,
    metadata,
    part_of,
    partial,
    searchable,
    tags,
    unchecked_workspace,
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

automation_refusals = Table(
    "automation_refusals",
    metadata,
    # Why an automation did not fire, though events concerned it: one row for each reason and bucket, counted.
    key(),
    workspace(),
    part_of("automation_id", "automations.id"),
    Column("trigger_id", Id(), nullable=False),
    Column("reason", Text, nullable=False),
    Column("bucketing_key", Json(verbatim=True), nullable=False),
    Column("bucketing_digest", Text, nullable=False),
    Column("detail", Json(verbatim=True), nullable=False, server_default=EMPTY_OBJECT),
    Column("count", Integer, nullable=False, server_default=ZERO),
    Column("first", Timestamp(), nullable=False),
    Column("last", Timestamp(), nullable=False),
    Column("last_event_id", Id()),
    UniqueConstraint(
        "workspace_id",
        "automation_id",
        "trigger_id",
        "bucketing_digest",
        "reason",
        name="uq_automation_refusals_reason",
    ),
    Index("ix_automation_refusals_automation", "automation_id", "last"),
    Index("ix_automation_refusals_last", "last"),
)

automation_actions = Table(
    "automation_actions",
    metadata,
    # A row is an invocation of an action: to be done while it is pending, to be read once it ended. It outlives its
    # automation, as that may be deleted before its actions are done.
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    # The invocation: the idempotency key of what the action does.
    Column("id", Id(), nullable=False, unique=True),
    unchecked_workspace(),
    Column("automation_id", Id(), nullable=False),
    Column("firing_id", Id(), nullable=False),
    Column("action_index", Integer, nullable=False),
    Column("action", Json(verbatim=True), nullable=False),
    # The automation, its firing and the triggering event, as they were then.
    Column("context", Json(verbatim=True), nullable=False),
    Column("triggered", Timestamp(), nullable=False),
    # pending, sending (waits for its delivery), executed, failed
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=ZERO),
    Column("not_before", Timestamp()),
    Column("reason", Text),
    Column("result", Json(verbatim=True)),
    created(),
    Column("ended", Timestamp()),
    partial("ix_automation_actions_pending", "position", where="state = 'pending'"),
    Index("ix_automation_actions_firing", "firing_id", "action_index"),
    Index("ix_automation_actions_automation", "automation_id", "position"),
    Index("ix_automation_actions_ended", "ended"),
)

automation_generations = Table(
    "automation_generations",
    metadata,
    # One row, counted up with every change of an automation: whoever remembers the automations sees that they changed.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False, server_default=ZERO),
)
