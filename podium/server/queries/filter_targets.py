"""What can be filtered: each entity's fields, and how one gets from one entity to another.

Subqueries inside a field use aliases, so that they never meet the same table of an enclosing query.
"""

from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select, true

from podium.db.dialect import json_text, resembles
from podium.db.tables import artifacts as artifact_tables
from podium.db.tables import blocks, work_pools
from podium.db.tables.automations import automations
from podium.db.tables.deployments import deployments
from podium.db.tables.flow_runs import START_TIME_OR_EXPECTED, flow_runs
from podium.db.tables.flows import flows
from podium.db.tables.logs import logs
from podium.db.tables.notifications import notifications, webhooks
from podium.db.tables.task_runs import task_runs
from podium.db.tables.variables import variables
from podium.server.queries.filtering import LIST, VALUE, Place, Relation, Target
from podium.server.queries.text_search import matches

_child_runs = flow_runs.alias("child_runs")
_parent_tasks = task_runs.alias("parent_tasks")
_flow_deployments = deployments.alias("flow_deployments")
_deployed_flows = flows.alias("deployed_flows")


def value(column: Any) -> Place:
    """A column with one value."""
    return Place(column, VALUE)


def listing(column: Any) -> Place:
    """A column with a JSON list of strings."""
    return Place(column, LIST)


def _within_flow_runs(column: Any, flow_run_ids: list[Any]) -> ColumnElement[bool]:
    tasks = select(_parent_tasks.c.id).where(_parent_tasks.c.flow_run_id.in_(flow_run_ids))
    return flow_runs.c.parent_task_run_id.in_(tasks)


def _has_deployment(column: Any, there: bool) -> ColumnElement[bool]:
    found = exists().where(_flow_deployments.c.flow_id == flows.c.id).correlate_except(_flow_deployments)
    return found if there else ~found


def _has_child_run(column: Any, there: bool) -> ColumnElement[bool]:
    found = exists().where(_child_runs.c.parent_task_run_id == task_runs.c.id).correlate_except(_child_runs)
    return found if there else ~found


def _flow_or_deployment_like(column: Any, text: str) -> ColumnElement[bool]:
    flow = exists().where(_deployed_flows.c.id == deployments.c.flow_id, resembles(_deployed_flows.c.name, text))
    return or_(resembles(deployments.c.name, text), flow.correlate_except(_deployed_flows))


def _accepted(column: Any, bound: Any) -> ColumnElement[bool]:
    """For operators that are taken and select nothing."""
    return true()


FLOWS = Target(
    "flows",
    flows,
    {
        "id": value(flows.c.id),
        "name": value(flows.c.name),
        "tags": listing(flows.c.tags),
        "deployment": Place(None, {"is_null_": lambda column, null: _has_deployment(column, not null)}),
    },
    few=True,
)

FLOW_RUNS = Target(
    "flow_runs",
    flow_runs,
    {
        "id": value(flow_runs.c.id),
        "name": value(flow_runs.c.name),
        "tags": listing(flow_runs.c.tags),
        "deployment_id": value(flow_runs.c.deployment_id),
        "work_queue_name": value(flow_runs.c.work_queue_name),
        "state": {"type": value(flow_runs.c.state_type), "name": value(flow_runs.c.state_name)},
        "flow_version": value(flow_runs.c.flow_version),
        "start_time": Place(
            START_TIME_OR_EXPECTED,
            {**VALUE, "is_null_": lambda column, null: VALUE["is_null_"](flow_runs.c.start_time, null)},
        ),
        "end_time": value(flow_runs.c.end_time),
        "expected_start_time": value(flow_runs.c.expected_start_time),
        "next_scheduled_start_time": value(flow_runs.c.next_scheduled_start_time),
        "parent_flow_run_id": Place(None, {"any_": _within_flow_runs}),
        "parent_task_run_id": value(flow_runs.c.parent_task_run_id),
        "idempotency_key": value(flow_runs.c.idempotency_key),
        "created_by": Place(
            flow_runs.c.created_by,
            {
                "id_": lambda column, ids: json_text(column, "id").in_([str(each) for each in ids]),
                "type_": lambda column, types: json_text(column, "type").in_(types),
                "is_null_": VALUE["is_null_"],
            },
        ),
    },
)

TASK_RUNS = Target(
    "task_runs",
    task_runs,
    {
        "id": value(task_runs.c.id),
        "name": value(task_runs.c.name),
        "tags": listing(task_runs.c.tags),
        "state": {"type": value(task_runs.c.state_type), "name": value(task_runs.c.state_name)},
        "start_time": value(task_runs.c.start_time),
        "expected_start_time": value(task_runs.c.expected_start_time),
        "end_time": value(task_runs.c.end_time),
        "subflow_runs": Place(None, {"exists_": _has_child_run}),
        "flow_run_id": value(task_runs.c.flow_run_id),
    },
)

DEPLOYMENTS = Target(
    "deployments",
    deployments,
    {
        "id": value(deployments.c.id),
        "name": value(deployments.c.name),
        "flow_or_deployment_name": Place(None, {"like_": _flow_or_deployment_like}),
        "paused": value(deployments.c.paused),
        "tags": listing(deployments.c.tags),
        "work_queue_name": value(deployments.c.work_queue_name),
        "concurrency_limit": Place(None, dict.fromkeys(("ge_", "le_", "is_null_"), _accepted)),
    },
    few=True,
)

WORK_POOLS = Target(
    "work_pools",
    work_pools.work_pools,
    {
        "id": value(work_pools.work_pools.c.id),
        "name": value(work_pools.work_pools.c.name),
        "type": value(work_pools.work_pools.c.type),
    },
    few=True,
)

WORK_QUEUES = Target(
    "work_queues",
    work_pools.work_queues,
    {"id": value(work_pools.work_queues.c.id), "name": value(work_pools.work_queues.c.name)},
    few=True,
)

WORKERS = Target(
    "workers",
    work_pools.workers,
    {
        "last_heartbeat_time": value(work_pools.workers.c.last_heartbeat_time),
        "status": value(work_pools.workers.c.status),
    },
)

LOGS = Target(
    "logs",
    logs,
    {
        "flow_run_id": value(logs.c.flow_run_id),
        "task_run_id": value(logs.c.task_run_id),
        "level": value(logs.c.level),
        "timestamp": value(logs.c.timestamp),
        "text": Place(logs.c.message + " " + logs.c.name, {"query": matches}),
    },
)

ARTIFACTS = Target(
    "artifacts",
    artifact_tables.artifacts,
    {name: value(artifact_tables.artifacts.c[name]) for name in ("id", "key", "flow_run_id", "task_run_id", "type")},
)

LATEST_ARTIFACTS = Target(
    "artifacts",
    artifact_tables.latest_artifacts,
    {
        name: value(artifact_tables.latest_artifacts.c[name])
        for name in ("latest_id", "key", "flow_run_id", "task_run_id", "type")
    },
)

VARIABLES = Target(
    "variables",
    variables,
    {"id": value(variables.c.id), "name": value(variables.c.name), "tags": listing(variables.c.tags)},
)

AUTOMATIONS = Target(
    "automations",
    automations,
    {
        "id": value(automations.c.id),
        "name": value(automations.c.name),
        "created": value(automations.c.created),
        "tags": listing(automations.c.tags),
    },
)

NOTIFICATIONS = Target(
    "notifications",
    notifications,
    {
        "id": value(notifications.c.id),
        "name": value(notifications.c.name),
        "enabled": value(automations.c.enabled),
        "automation_id": value(notifications.c.automation_id),
    },
)
"""The query joins the automations, which know what is enabled."""

WEBHOOKS = Target(
    "webhooks",
    webhooks,
    {name: value(webhooks.c[name]) for name in ("id", "name", "enabled")},
)

BLOCK_TYPES = Target(
    "block_types",
    blocks.block_types,
    {"name": value(blocks.block_types.c.name), "slug": value(blocks.block_types.c.slug)},
)

BLOCK_SCHEMAS = Target(
    "block_schemas",
    blocks.block_schemas,
    {
        "id": value(blocks.block_schemas.c.id),
        "block_type_id": value(blocks.block_schemas.c.block_type_id),
        "block_capabilities": listing(blocks.block_schemas.c.capabilities),
        "version": value(blocks.block_schemas.c.version),
    },
)

BLOCK_DOCUMENTS = Target(
    "block_documents",
    blocks.block_documents,
    {
        "id": value(blocks.block_documents.c.id),
        "name": value(blocks.block_documents.c.name),
        "block_type_id": value(blocks.block_documents.c.block_type_id),
        "is_anonymous": value(blocks.block_documents.c.is_anonymous),
    },
)

_pools, _queues = work_pools.work_pools.c, work_pools.work_queues.c

_QUEUE_NAMES = ("work_pool_queues", "work_queues")
_POOL_OF_QUEUE = Relation(("work_pools",), WORK_POOLS, _queues.work_pool_id, _pools.id)
_FLOW_OF_RUN = Relation(("flows",), FLOWS, flow_runs.c.flow_id, flows.c.id)
_DEPLOYMENT_OF_RUN = Relation(("deployments",), DEPLOYMENTS, flow_runs.c.deployment_id, deployments.c.id)
_TASKS_OF_RUN = Relation(("task_runs",), TASK_RUNS, flow_runs.c.id, task_runs.c.flow_run_id)


def _queue_of(column: Any) -> Relation:
    """The work queue of a run or deployment, and its pool."""
    return Relation(_QUEUE_NAMES, WORK_QUEUES, column, _queues.id, (_POOL_OF_QUEUE,))


def _run_of(column: Any) -> Relation:
    """The flow run of a task run or an artifact, and what one gets to from there."""
    beyond = (_FLOW_OF_RUN, _DEPLOYMENT_OF_RUN, _queue_of(flow_runs.c.work_queue_id))
    return Relation(("flow_runs",), FLOW_RUNS, column, flow_runs.c.id, beyond)


FLOWS.relations = (
    Relation(("flow_runs",), FLOW_RUNS, flows.c.id, flow_runs.c.flow_id, (_TASKS_OF_RUN,)),
    Relation(
        ("deployments",), DEPLOYMENTS, flows.c.id, deployments.c.flow_id, (_queue_of(deployments.c.work_queue_id),)
    ),
)
FLOW_RUNS.relations = (_FLOW_OF_RUN, _TASKS_OF_RUN, _DEPLOYMENT_OF_RUN, _queue_of(flow_runs.c.work_queue_id))
TASK_RUNS.relations = (_run_of(task_runs.c.flow_run_id),)
DEPLOYMENTS.relations = (
    Relation(("flows",), FLOWS, deployments.c.flow_id, flows.c.id),
    Relation(("flow_runs",), FLOW_RUNS, deployments.c.id, flow_runs.c.deployment_id, (_TASKS_OF_RUN,)),
    _queue_of(deployments.c.work_queue_id),
)
WORK_QUEUES.relations = (_POOL_OF_QUEUE,)
for _artifacts in (ARTIFACTS, LATEST_ARTIFACTS):
    _artifacts.relations = (
        _run_of(_artifacts.rows.c.flow_run_id),
        Relation(("task_runs",), TASK_RUNS, _artifacts.rows.c.task_run_id, task_runs.c.id),
    )
