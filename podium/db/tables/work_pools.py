"""Work pools, their queues and workers, and the clean-up work offered to workers."""

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, UniqueConstraint, false

from podium.db.tables.metadata import (
    EMPTY_OBJECT,
    ZERO,
    created,
    key,
    metadata,
    part_of,
    partial,
    updated,
    workspace,
)
from podium.db.types import Id, Json, Timestamp

work_pools = Table(
    "work_pools",
    metadata,
    key(),
    workspace(),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("type", Text, nullable=False),
    Column("base_job_template", Json(verbatim=True), nullable=False, server_default=EMPTY_OBJECT),
    Column("storage_configuration", Json(verbatim=True), nullable=False, server_default=EMPTY_OBJECT),
    Column("concurrency_limit", Integer),
    Column("is_paused", Boolean, nullable=False, server_default=false()),
    # No foreign key: the queue is inserted after its pool, goes with it and cannot be deleted alone.
    Column("default_queue_id", Id()),
    # Null for the type prefect-agent, which has no status.
    Column("status", Text),
    Column("last_status_event_id", Id()),
    Column("last_transitioned_status_at", Timestamp()),
    created(),
    updated(),
    UniqueConstraint("workspace_id", "name"),
)

work_queues = Table(
    "work_queues",
    metadata,
    key(),
    workspace(),
    part_of("work_pool_id", "work_pools.id"),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("filter", Json(verbatim=True)),
    Column("is_paused", Boolean, nullable=False, server_default=false()),
    Column("concurrency_limit", Integer),
    # 1 is served first.
    Column("priority", Integer, nullable=False, server_default="1"),
    Column("status", Text, nullable=False, server_default="NOT_READY"),
    Column("last_polled", Timestamp()),
    created(),
    updated(),
    UniqueConstraint("workspace_id", "work_pool_id", "name"),
    Index("ix_work_queues_work_pool", "work_pool_id", "priority"),
)

workers = Table(
    "workers",
    metadata,
    key(),
    workspace(),
    part_of("work_pool_id", "work_pools.id"),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="OFFLINE"),
    Column("last_heartbeat_time", Timestamp()),
    Column("heartbeat_interval_seconds", Integer),
    created(),
    updated(),
    UniqueConstraint("workspace_id", "work_pool_id", "name"),
    Index("ix_workers_work_pool", "work_pool_id", "last_heartbeat_time"),
    Index("ix_workers_status", "status", "last_heartbeat_time"),
)

worker_cleanup_messages = Table(
    "worker_cleanup_messages",
    metadata,
    key(),
    workspace(),
    part_of("work_pool_id", "work_pools.id"),
    Column("work_queue_id", Id()),
    Column("kind", Text, nullable=False),
    Column("target", Json(verbatim=True), nullable=False, server_default=EMPTY_OBJECT),
    Column("data", Json(verbatim=True), nullable=False, server_default=EMPTY_OBJECT),
    Column("idempotency_key", Text, nullable=False),
    Column("delivery_count", Integer, nullable=False, server_default=ZERO),
    # The one active reservation, if any: its token, who holds it and until when.
    Column("reservation_token", Id()),
    Column("consumer_id", Id()),
    Column("lease_expires_at", Timestamp()),
    # Finished rows stay for a while, so that their idempotency key is remembered.
    Column("finished", Timestamp()),
    # Why it was given up; null when it was done.
    Column("dead_letter_reason", Text),
    created(),
    updated(),
    UniqueConstraint("workspace_id", "idempotency_key"),
    partial("ix_worker_cleanup_messages_open", "work_pool_id", "created", where="finished IS NULL"),
    partial("ix_worker_cleanup_messages_finished", "finished", where="finished IS NOT NULL"),
    Index("ix_worker_cleanup_messages_work_pool", "work_pool_id"),
)
