"""Task runs, their states and the cache of states by cache key."""

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from podium.db.tables.metadata import (
    EMPTY_OBJECT,
    ZERO,
    created,
    key,
    labels,
    latest_first,
    metadata,
    part_of,
    partial,
    tag_search,
    tags,
    unchecked_workspace,
    updated,
)
from podium.db.tables.states import current_state_columns, state_columns
from podium.db.types import Id, Json, Timestamp

task_runs = Table(
    "task_runs",
    metadata,
    key(),
    unchecked_workspace(),
    # Null for a task that runs outside of any flow.
    Column("flow_run_id", Id(), ForeignKey("flow_runs.id", ondelete="CASCADE")),
    Column("task_key", Text, nullable=False),
    Column("dynamic_key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("task_version", Text),
    Column("cache_key", Text),
    Column("cache_expiration", Timestamp()),
    Column("task_inputs", Json(verbatim=True), nullable=False, server_default=EMPTY_OBJECT),
    Column("empirical_policy", Json(verbatim=True), nullable=False, server_default=EMPTY_OBJECT),
    tags(),
    labels(),
    *current_state_columns(),
    Column("run_count", Integer, nullable=False, server_default=ZERO),
    Column("flow_run_run_count", Integer, nullable=False, server_default=ZERO),
    Column("expected_start_time", Timestamp()),
    Column("next_scheduled_start_time", Timestamp()),
    Column("start_time", Timestamp()),
    Column("end_time", Timestamp()),
    # Seconds in RUNNING states that are over.
    Column("total_run_time", Float, nullable=False, server_default=ZERO),
    created(),
    updated(),
    UniqueConstraint("flow_run_id", "task_key", "dynamic_key"),
    partial(
        "uq_task_runs_without_flow_run",
        "workspace_id",
        "task_key",
        "dynamic_key",
        where="flow_run_id IS NULL",
        unique=True,
    ),
    Index("ix_task_runs_name", "name", "id", "workspace_id"),
    Index("ix_task_runs_expected_start_time", "expected_start_time"),
    Index("ix_task_runs_next_scheduled_start_time", "next_scheduled_start_time", "id"),
    Index("ix_task_runs_start_time", "start_time"),
    *latest_first("ix_task_runs_end_time", "end_time"),
    Index("ix_task_runs_state_type", "state_type", "expected_start_time"),
    partial("ix_task_runs_scheduled", "task_key", "next_scheduled_start_time", where="state_type = 'SCHEDULED'"),
    *tag_search("task_runs"),
)

task_run_states = Table(
    "task_run_states",
    metadata,
    Column("id", Id(), nullable=False),
    unchecked_workspace(),
    part_of("task_run_id", "task_runs.id"),
    Column("timestamp", Timestamp(), nullable=False),
    *state_columns(),
    PrimaryKeyConstraint("id", "timestamp"),
    Index("ix_task_run_states_task_run", "task_run_id", "timestamp"),
)

task_run_state_cache = Table(
    "task_run_state_cache",
    metadata,
    key(),
    unchecked_workspace(),
    Column("cache_key", Text, nullable=False),
    # Null: never expires.
    Column("cache_expiration", Timestamp()),
    # No foreign key: states may be partitioned; an entry whose state is gone is no hit.
    Column("task_run_state_id", Id(), nullable=False),
    created(),
    Index("ix_task_run_state_cache_key", "workspace_id", "cache_key", "created"),
)
