"""Making and deleting flow runs."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from podium.db.ids import new_id
from podium.db.prepared import Prepared
from podium.db.tables.artifacts import artifacts
from podium.db.tables.flow_runs import flow_runs
from podium.db.tables.logs import logs
from podium.db.tables.task_runs import task_runs
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import Conflict
from podium.server.operations.artifacts import delete_artifacts
from podium.server.operations.flow_run_states import enter, store_state, tell_task_runs
from podium.server.operations.names import run_name
from podium.server.operations.states import current_state
from podium.server.orchestration import engine
from podium.server.orchestration.policies import MINIMAL_FLOW_POLICY
from podium.server.orchestration.rules.deployment_concurrency import holds_slot, release_slot
from podium.server.orchestration.states import proposed_state
from podium.server.orchestration.transition import FlowRunTransition
from podium.server.queries import flow_run_transitions as queries
from podium.server.queries.flow_runs import FLOW_RUNS, as_answer, read_flow_run
from podium.server.queries.generic import get_by
from podium.server.queries.work_pools import WORK_POOLS
from podium.server.queries.work_queues import get_queue_in_pool
from podium.wire.flow_runs import FlowRunPolicy
from podium.wire.states import StateCreate

_INSERT = Prepared(insert(flow_runs))
_INSERT_UNLESS_KEY_IS_TAKEN = {
    "sqlite": sqlite.insert(flow_runs).on_conflict_do_nothing().returning(flow_runs.c.id),
    "postgresql": postgresql.insert(flow_runs).on_conflict_do_nothing().returning(flow_runs.c.id),
}
_BY_KEY = select(flow_runs.c.id).where(
    flow_runs.c.workspace_id == WORKSPACE,
    flow_runs.c.idempotency_key == bindparam("given_key"),
    flow_runs.c.flow_id == bindparam("of_flow"),
)
_DELETE = delete(flow_runs).where(flow_runs.c.id == bindparam("run_id"))
_DELETE_LOGS = delete(logs).where(logs.c.workspace_id == WORKSPACE, logs.c.flow_run_id == bindparam("run_id"))

_NULLABLE = (
    "deployment_id",
    "parent_task_run_id",
    "work_queue_id",
    "infrastructure_document_id",
    "flow_version",
    "deployment_version",
    "work_queue_name",
    "infrastructure_pid",
    "idempotency_key",
    "created_by",
    "state_id",
    "state_type",
    "state_name",
    "state_timestamp",
    "expected_start_time",
    "next_scheduled_start_time",
    "start_time",
    "end_time",
)
_NEW = dict.fromkeys(_NULLABLE) | {"auto_scheduled": False, "run_count": 0, "total_run_time": 0.0}
_COLUMNS = tuple(column.name for column in flow_runs.c)
_SHOWN = tuple(column.name for column in FLOW_RUNS.columns)


def create_flow_run(tx: Tx, values: Mapping[str, Any], state: StateCreate | None = None) -> tuple[Row, bool]:
    """Makes a flow run in the proposed state (PENDING without one).

    Returns the run as the wire shows it, and whether it is new. ``values`` are columns of ``flow_runs``, ids as text,
    at least ``flow_id``; its ``labels`` are added to those the run has anyway. A run of the flow with the same
    ``idempotency_key`` is answered as it is. Raises ``Conflict`` for an unknown flow.
    """
    key = values.get("idempotency_key")
    if key is not None:
        existing = tx.value(_BY_KEY, given_key=key, of_flow=values["flow_id"])
        if existing is not None:
            return read_flow_run(tx, existing), False
    context = queries.load_context(
        tx,
        values["flow_id"],
        values.get("deployment_id"),
        values.get("work_queue_id"),
        values.get("parent_task_run_id"),
    )
    if context is None:
        raise Conflict(f"Flow {values['flow_id']} does not exist.")
    run = _new_run(tx, values, context)
    proposed = proposed_state(state or StateCreate(type="PENDING"), tx.now)
    queue_name = context["work_queue_name"] or run["work_queue_name"]
    transition = FlowRunTransition(tx, {**run, **context, "work_queue_name": queue_name}, None, proposed)
    entered = enter(transition, MINIMAL_FLOW_POLICY)
    assert transition.proposed is not None
    row = {name: transition.run[name] for name in _COLUMNS}
    if key is None:
        tx.run(_INSERT, row)
    elif tx.value(_INSERT_UNLESS_KEY_IS_TAKEN[tx.dialect], row) is None:
        return read_flow_run(tx, tx.value(_BY_KEY, given_key=key, of_flow=values["flow_id"])), False
    store_state(transition, transition.proposed)
    engine.leave(transition, entered)
    tell_task_runs(transition, transition.proposed)
    return _answer(transition), True


def _new_run(tx: Tx, values: Mapping[str, Any], context: Row) -> Row:
    run: Row = {
        "id": new_id(),
        "workspace_id": tx.workspace_id,
        "created": tx.now,
        "updated": tx.now,
        **_NEW,
        **{name: value for name, value in values.items() if name in flow_runs.c},
    }
    run["name"] = run.get("name") or run_name()
    run["tags"] = run.get("tags") or []
    for name in ("parameters", "context", "job_variables"):
        run[name] = run.get(name) or {}
    run["empirical_policy"] = msgspec.convert(run.get("empirical_policy") or {}, FlowRunPolicy)
    run["labels"] = _labels(run, values.get("labels"), context)
    return run


def _labels(run: Row, given: Mapping[str, Any] | None, context: Row) -> Row:
    """The labels of the deployment, or else of the flow, then those that name both, then the given ones."""
    inherited = context["deployment_labels"] if context["found_deployment_id"] else context["flow_labels"]
    labels: Row = msgspec.json.decode(inherited) if inherited else {}
    labels["prefect.flow.id"] = run["flow_id"]
    if run["deployment_id"] is not None:
        labels["prefect.deployment.id"] = run["deployment_id"]
    labels.update(given or {})
    return labels


def _answer(transition: FlowRunTransition) -> Row:
    run, state = transition.run, transition.proposed
    assert state is not None
    answer = {name: run[name] for name in _SHOWN}
    answer["work_pool_id"], answer["work_pool_name"] = run["work_pool_id"], run["work_pool_name"]
    answer |= {
        "state_timestamp": state.timestamp,
        "state_message": state.message,
        "state_details": state.details,
        "state_data": state.stored_data,
    }
    return as_answer(answer, transition.now)


def queue_for(tx: Tx, pool_name: str | None, queue_name: str | None) -> Row:
    """The queue columns of a run for a work pool: those of the named queue, else of the pool's default queue.

    Empty without a pool's name. Raises ``NotFound`` for an unknown pool or queue.
    """
    if pool_name is None:
        return {"work_queue_name": queue_name}
    if queue_name is not None:
        queue = get_queue_in_pool(tx, pool_name, queue_name)
        return {"work_queue_id": queue["id"], "work_queue_name": queue["name"]}
    pool = get_by(tx, WORK_POOLS, name=pool_name)
    return {"work_queue_id": pool["default_queue_id"], "work_queue_name": None}


def delete_flow_run(tx: Tx, flow_run_id: str) -> bool:
    """Deletes a flow run with its states, task runs and artifacts and gives back its slot; whether there was one."""
    run = queries.load(tx, flow_run_id)
    if run is None:
        return False
    state = current_state(run)
    if state is not None:
        leaving = FlowRunTransition(tx, run, state, state)
        if holds_slot(leaving):
            release_slot(leaving, state)
    tasks = select(task_runs.c.id).where(task_runs.c.flow_run_id == flow_run_id)
    delete_artifacts(tx, or_(artifacts.c.flow_run_id == flow_run_id, artifacts.c.task_run_id.in_(tasks)))
    tx.run(_DELETE, run_id=flow_run_id)
    return True


def delete_flow_run_logs(tx: Tx, flow_run_id: str) -> int:
    """Deletes the log lines of a flow run and its task runs; how many there were."""
    return tx.run(_DELETE_LOGS, run_id=flow_run_id)
