"""Flow runs, their states and their inputs."""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    func,
    literal_column,
)

from podium.db.tables.metadata import (
    EMPTY_OBJECT,
    ZERO,
    created,
    key,
    labels,
    latest_first,
    link,
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

flow_runs = Table(
    "flow_runs",
    metadata,
    key(),
    unchecked_workspace(),
    part_of("flow_id", "flows.id"),
    # No foreign key: a run keeps the id of its deployment after that is deleted.
    Column("deployment_id", Id()),
    link("parent_task_run_id", "task_runs.id", circular=True),
    link("work_queue_id", "work_queues.id"),
    link("infrastructure_document_id", "block_documents.id"),
    Column("name", Text, nullable=False),
    Column("flow_version", Text),
    Column("deployment_version", Text),
    Column("work_queue_name", Text),
    Column("infrastructure_pid", Text),
    Column("idempotency_key", Text),
    Column("parameters", Json(verbatim=True), nullable=False, server_default=EMPTY_OBJECT),
    Column("context", Json(verbatim=True), nullable=False, server_default=EMPTY_OBJECT),
    Column("job_variables", Json(verbatim=True), nullable=False, server_default=EMPTY_OBJECT),
    Column("empirical_policy", Json(verbatim=True), nullable=False, server_default=EMPTY_OBJECT),
    tags(),
    labels(),
    Column("created_by", Json()),
    Column("auto_scheduled", Boolean, nullable=False, server_default=false()),
    *current_state_columns(),
    Column("run_count", Integer, nullable=False, server_default=ZERO),
    Column("expected_start_time", Timestamp()),
    Column("next_scheduled_start_time", Timestamp()),
    Column("start_time", Timestamp()),
    Column("end_time", Timestamp()),
    # Seconds in RUNNING states that are over.
    Column("total_run_time", Float, nullable=False, server_default=ZERO),
    created(),
    updated(),
    Index("ix_flow_runs_flow", "flow_id", "expected_start_time", "workspace_id", "state_type"),
    Index("ix_flow_runs_name", "name", "id", "workspace_id"),
    Index("ix_flow_runs_expected_start_time", "expected_start_time"),
    Index("ix_flow_runs_next_scheduled_start_time", "next_scheduled_start_time", "id"),
    *latest_first("ix_flow_runs_end_time", "end_time"),
    Index("ix_flow_runs_state_type", "state_type", "expected_start_time"),
    Index("ix_flow_runs_state_name", "state_name", "expected_start_time"),
    *tag_search("flow_runs"),
    partial(
        "uq_flow_runs_idempotency_key",
        "workspace_id",
        "idempotency_key",
        "flow_id",
        where="idempotency_key IS NOT NULL",
        unique=True,
    ),
    partial(
        "ix_flow_runs_deployment",
        "deployment_id",
        "expected_start_time",
        "workspace_id",
        "state_type",
        where="deployment_id IS NOT NULL",
    ),
    partial("ix_flow_runs_parent_task_run", "parent_task_run_id", where="parent_task_run_id IS NOT NULL"),
    partial(
        "ix_flow_runs_work_queue",
        "work_queue_id",
        "state_type",
        "workspace_id",
        "expected_start_time",
        "start_time",
        where="work_queue_id IS NOT NULL",
    ),
    partial(
        "ix_flow_runs_infrastructure_document",
        "infrastructure_document_id",
        where="infrastructure_document_id IS NOT NULL",
    ),
    partial(
        "ix_flow_runs_scheduled_by_work_queue",
        "work_queue_id",
        "next_scheduled_start_time",
        where="state_type = 'SCHEDULED'",
    ),
    partial(
        "ix_flow_runs_scheduled_by_deployment",
        "deployment_id",
        "next_scheduled_start_time",
        where="state_type = 'SCHEDULED'",
    ),
)

START_TIME_OR_EXPECTED = func.coalesce(flow_runs.c.start_time, flow_runs.c.expected_start_time)
"""What lists call the start time: sort and filter by exactly this expression, which has an index."""

IS_SCHEDULED = flow_runs.c.state_type == literal_column("'SCHEDULED'")
"""The condition of the partial indexes of scheduled runs, word for word."""

Index("ix_flow_runs_start_time", START_TIME_OR_EXPECTED)

flow_run_states = Table(
    "flow_run_states",
    metadata,
    Column("id", Id(), nullable=False),
    unchecked_workspace(),
    part_of("flow_run_id", "flow_runs.id"),
    Column("timestamp", Timestamp(), nullable=False),
    *state_columns(),
    PrimaryKeyConstraint("id", "timestamp"),
    UniqueConstraint("flow_run_id", "timestamp"),
)

flow_run_inputs = Table(
    "flow_run_inputs",
    metadata,
    key(),
    unchecked_workspace(),
    part_of("flow_run_id", "flow_runs.id"),
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("sender", Text),
    created(),
    updated(),
    UniqueConstraint("flow_run_id", "key"),
)
