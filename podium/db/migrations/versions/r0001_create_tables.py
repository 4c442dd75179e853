"""Create the tables, and the default workspace."""

from alembic import op

from podium.db.migrations.operations import dialect, now
from podium.db.migrations.versions.r0001 import definitions, happenings, runs, work

revision = "0001"
down_revision = None

PARENT_TASK_RUN = "fk_flow_runs_parent_task_run_id"

TABLES = {
    "workspaces": definitions.create_workspaces,
    "flows": definitions.create_flows,
    "block_types": definitions.create_block_types,
    "block_schemas": definitions.create_block_schemas,
    "block_schema_references": definitions.create_block_schema_references,
    "block_documents": definitions.create_block_documents,
    "block_document_references": definitions.create_block_document_references,
    "work_pools": work.create_work_pools,
    "work_queues": work.create_work_queues,
    "workers": work.create_workers,
    "worker_cleanup_messages": work.create_worker_cleanup_messages,
    "concurrency_limits": work.create_concurrency_limits,
    "concurrency_limits_v2": work.create_concurrency_limits_v2,
    "concurrency_leases": work.create_concurrency_leases,
    "concurrency_lease_slots": work.create_concurrency_lease_slots,
    "deployments": work.create_deployments,
    "deployment_schedules": work.create_deployment_schedules,
    "flow_runs": runs.create_flow_runs,
    "flow_run_states": runs.create_flow_run_states,
    "flow_run_inputs": runs.create_flow_run_inputs,
    "task_runs": runs.create_task_runs,
    "task_run_states": runs.create_task_run_states,
    "task_run_state_cache": runs.create_task_run_state_cache,
    "task_run_deliveries": runs.create_task_run_deliveries,
    "task_workers": runs.create_task_workers,
    "artifacts": runs.create_artifacts,
    "artifact_collections": runs.create_artifact_collections,
    "events": happenings.create_events,
    "event_resources": happenings.create_event_resources,
    "event_deliveries": happenings.create_event_deliveries,
    "automations": happenings.create_automations,
    "automation_related_resources": happenings.create_automation_related_resources,
    "automation_buckets": happenings.create_automation_buckets,
    "automation_child_firings": happenings.create_automation_child_firings,
    "automation_firings": happenings.create_automation_firings,
    "logs": runs.create_logs,
    "variables": definitions.create_variables,
    "saved_searches": definitions.create_saved_searches,
    "csrf_tokens": definitions.create_csrf_tokens,
    "configuration": definitions.create_configuration,
    "service_heartbeats": definitions.create_service_heartbeats,
}


def upgrade() -> None:
    for create in TABLES.values():
        create()
    if dialect() == "postgresql":
        op.create_foreign_key(
            PARENT_TASK_RUN, "flow_runs", "task_runs", ["parent_task_run_id"], ["id"], ondelete="SET NULL"
        )
    op.execute(
        "INSERT INTO workspaces (id, handle, name, description, created, updated) VALUES "  # noqa: S608 constants
        f"('00000000-0000-0000-0000-000000000001', 'default', 'Default', '', {now()}, {now()})"
    )


def downgrade() -> None:
    if dialect() == "postgresql":
        op.drop_constraint(PARENT_TASK_RUN, "flow_runs", if_exists=True)
    for table in reversed(TABLES):
        op.drop_table(table, if_exists=True)
