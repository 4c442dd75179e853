"""Events, the resources they are about, and the work they make for consumers."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from podium.db.tables.metadata import EMPTY_OBJECT, ZERO, metadata, partial, unchecked_workspace
from podium.db.types import Id, Json, Timestamp

events = Table(
    "events",
    metadata,
    # Made by whoever emits the event; inserting the same event again is ignored.
    Column("id", Id(), nullable=False),
    unchecked_workspace(),
    Column("occurred", Timestamp(), nullable=False),
    Column("event", Text, nullable=False),
    # prefect.resource.id of the primary resource.
    Column("resource_id", Text, nullable=False),
    Column("resource", Json(verbatim=True), nullable=False),
    Column("related", Json(verbatim=True), nullable=False),
    Column("payload", Json(verbatim=True), nullable=False),
    Column("follows", Id()),
    Column("received", Timestamp(), nullable=False),
    Column("recorded", Timestamp(), nullable=False),
    PrimaryKeyConstraint("id", "occurred"),
    Index("ix_events_occurred", "occurred", "id", "workspace_id"),
    Index("ix_events_event", "event", "occurred", "workspace_id"),
    Index("ix_events_resource", "resource_id", "occurred"),
    postgresql_partition_by="RANGE (occurred)",
)

event_resources = Table(
    "event_resources",
    metadata,
    Column("event_id", Id(), nullable=False),
    # 0 is the primary resource, 1 and up are the related ones in their order.
    Column("position", Integer, nullable=False),
    Column("occurred", Timestamp(), nullable=False),
    unchecked_workspace(),
    Column("resource_id", Text, nullable=False),
    # Empty for the primary resource.
    Column("resource_role", Text, nullable=False),
    # All labels but the id and the role.
    Column("resource", Json(), nullable=False, server_default=EMPTY_OBJECT),
    PrimaryKeyConstraint("event_id", "position", "occurred"),
    Index("ix_event_resources_resource", "resource_id", "occurred", "event_id"),
    Index("ix_event_resources_occurred", "occurred"),
    postgresql_partition_by="RANGE (occurred)",
)

event_deliveries = Table(
    "event_deliveries",
    metadata,
    # A row is work that a consumer has still to do; it is deleted in the transaction that does it.
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    unchecked_workspace(),
    Column("consumer", Text, nullable=False),
    Column("event_id", Id(), nullable=False),
    Column("attempts", Integer, nullable=False, server_default=ZERO),
    # After a failure: not to be tried again before this.
    Column("not_before", Timestamp()),
    # When the event occurred: with its id the key of its row, which so is found in one partition.
    Column("occurred", Timestamp()),
    # An event that must be handled before this one and has not come yet.
    Column("leader", Id()),
    Index("ix_event_deliveries_consumer", "consumer", "position"),
    partial("ix_event_deliveries_leader", "leader", where="leader IS NOT NULL"),
)
