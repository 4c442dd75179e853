"""What a transition of a flow run reads and writes: one row with all it needs, one new state, one update."""

from typing import Any

from sqlalchemy import and_, bindparam, insert, select, update

from podium.db.prepared import Prepared
from podium.db.tables.artifacts import artifacts
from podium.db.tables.deployments import deployments
from podium.db.tables.flow_runs import flow_run_states, flow_runs
from podium.db.tables.flows import flows
from podium.db.tables.task_runs import task_runs
from podium.db.tables.work_pools import work_pools, work_queues
from podium.db.unit import WORKSPACE, Row, Tx

CHANGED_COLUMNS = (
    "empirical_policy",
    "state_id",
    "state_type",
    "state_name",
    "state_timestamp",
    "run_count",
    "expected_start_time",
    "next_scheduled_start_time",
    "start_time",
    "end_time",
    "total_run_time",
)
"""The columns that a transition may change."""

RUN_COLUMNS = (
    "id",
    "flow_id",
    "deployment_id",
    "parent_task_run_id",
    "work_queue_id",
    "name",
    "infrastructure_pid",
    "tags",
    "created_by",
    *CHANGED_COLUMNS,
)
"""What a transition reads of its run."""

_CONTEXT = (
    flows.c.name.label("flow_name"),
    flows.c.tags.label("flow_tags"),
    deployments.c.name.label("deployment_name"),
    deployments.c.tags.label("deployment_tags"),
    deployments.c.concurrency_limit_id,
    deployments.c.concurrency_options,
    work_queues.c.name.label("work_queue_name"),
    work_queues.c.concurrency_limit.label("work_queue_limit"),
    work_pools.c.concurrency_limit.label("work_pool_limit"),
    work_pools.c.id.label("work_pool_id"),
    work_pools.c.name.label("work_pool_name"),
    work_pools.c.type.label("work_pool_type"),
    task_runs.c.name.label("task_run_name"),
    task_runs.c.tags.label("task_run_tags"),
)

_STATE = (
    flow_run_states.c.id.label("current_id"),
    flow_run_states.c.message.label("current_message"),
    flow_run_states.c.state_details.label("current_details"),
    flow_run_states.c.data.label("current_data"),
)

_SELECT = (
    select(*(flow_runs.c[name] for name in RUN_COLUMNS), *_STATE, *_CONTEXT)
    .select_from(flow_runs)
    .outerjoin(
        flow_run_states,
        and_(flow_run_states.c.id == flow_runs.c.state_id, flow_run_states.c.timestamp == flow_runs.c.state_timestamp),
    )
    .join(flows, flows.c.id == flow_runs.c.flow_id)
    .outerjoin(deployments, deployments.c.id == flow_runs.c.deployment_id)
    .outerjoin(work_queues, work_queues.c.id == flow_runs.c.work_queue_id)
    .outerjoin(work_pools, work_pools.c.id == work_queues.c.work_pool_id)
    .outerjoin(task_runs, task_runs.c.id == flow_runs.c.parent_task_run_id)
    .where(flow_runs.c.id == bindparam("run_id"), flow_runs.c.workspace_id == WORKSPACE)
)
_LOAD = Prepared(_SELECT)
_LOCK = Prepared(_SELECT.with_for_update(of=flow_runs, key_share=True))

_NEW_RUN_CONTEXT = Prepared(
    select(
        *_CONTEXT,
        flows.c.labels.label("flow_labels"),
        deployments.c.labels.label("deployment_labels"),
        deployments.c.id.label("found_deployment_id"),
    )
    .select_from(flows)
    .outerjoin(deployments, deployments.c.id == bindparam("deployment_id", type_=flow_runs.c.deployment_id.type))
    .outerjoin(work_queues, work_queues.c.id == bindparam("work_queue_id", type_=flow_runs.c.work_queue_id.type))
    .outerjoin(work_pools, work_pools.c.id == work_queues.c.work_pool_id)
    .outerjoin(task_runs, task_runs.c.id == bindparam("task_run_id", type_=flow_runs.c.parent_task_run_id.type))
    .where(flows.c.id == bindparam("flow_id"), flows.c.workspace_id == WORKSPACE)
)

_INSERT_STATE = Prepared(insert(flow_run_states))
_INSERT_RESULT = insert(artifacts)
_UPDATE = Prepared(
    update(flow_runs)
    .where(flow_runs.c.id == bindparam("run_id"))
    .values({name: bindparam(name) for name in (*CHANGED_COLUMNS, "updated")})
)


def load(tx: Tx, flow_run_id: str) -> Row | None:
    """The run, its current state (``current_…``) and the names around it; locked until the transaction ends."""
    if tx.dialect == "sqlite":
        return tx.one(_LOAD, run_id=flow_run_id)
    row = tx.one(_LOCK, run_id=flow_run_id)
    if row is not None and row["state_id"] != row["current_id"]:
        # Another transaction changed the state while this one waited for the lock: PostgreSQL answers with the run as
        # it is now joined with what there was before, so look again, under the lock.
        row = tx.one(_LOCK, run_id=flow_run_id)
    return row


def load_context(
    tx: Tx, flow_id: str, deployment_id: str | None, work_queue_id: str | None, task_run_id: str | None
) -> Row | None:
    """The names and labels around a run that is still to be made; None when there is no such flow."""
    return tx.one(
        _NEW_RUN_CONTEXT,
        flow_id=flow_id,
        deployment_id=deployment_id,
        work_queue_id=work_queue_id,
        task_run_id=task_run_id,
    )


def insert_state(tx: Tx, flow_run_id: str, state: Row, result: Any, artifact: Row | None) -> None:
    """Inserts a state, and the artifact that its result is."""
    if artifact is not None:
        tx.run(_INSERT_RESULT, artifact)
    tx.run(
        _INSERT_STATE,
        {
            **state,
            "workspace_id": tx.workspace_id,
            "flow_run_id": flow_run_id,
            "data": result,
            "result_artifact_id": artifact and artifact["id"],
        },
    )


def update_run(tx: Tx, run: Row) -> None:
    """Stores the columns of a run that a transition may change."""
    changes = {name: run[name] for name in CHANGED_COLUMNS}
    tx.run(_UPDATE, {**changes, "updated": tx.now, "run_id": run["id"]})
