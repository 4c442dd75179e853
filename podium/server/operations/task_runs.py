"""Making and deleting task runs by request: those that stand for subflows, and background runs."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from podium.db.ids import new_id
from podium.db.tables.artifacts import artifacts
from podium.db.tables.flow_runs import flow_runs
from podium.db.tables.task_runs import task_runs
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import Conflict
from podium.server.operations.artifacts import delete_artifacts
from podium.server.operations.concurrency import release_all_of
from podium.server.operations.names import run_name
from podium.server.operations.task_run_states import choose_policy, enter, store_state
from podium.server.orchestration import engine
from podium.server.orchestration.states import proposed_state
from podium.server.orchestration.transition import TaskRunTransition
from podium.server.queries.flow_runs import as_answer
from podium.server.queries.task_runs import TASK_RUNS, read_task_run
from podium.wire.states import StateCreate
from podium.wire.task_runs import TaskRunPolicy

_INSERT = {
    "sqlite": sqlite.insert(task_runs).on_conflict_do_nothing().returning(task_runs.c.id),
    "postgresql": postgresql.insert(task_runs).on_conflict_do_nothing().returning(task_runs.c.id),
}
_NATURAL_KEY = (
    task_runs.c.workspace_id == WORKSPACE,
    task_runs.c.task_key == bindparam("by_task_key"),
    task_runs.c.dynamic_key == bindparam("by_dynamic_key"),
)
_BY_KEY = select(task_runs.c.id).where(*_NATURAL_KEY, task_runs.c.flow_run_id == bindparam("by_flow_run_id"))
_BY_KEY_ALONE = select(task_runs.c.id).where(*_NATURAL_KEY, task_runs.c.flow_run_id.is_(None))
_PARENT = select(flow_runs.c.labels, flow_runs.c.run_count).where(
    flow_runs.c.id == bindparam("flow_run_id"), flow_runs.c.workspace_id == WORKSPACE
)
_DELETE = delete(task_runs).where(task_runs.c.id == bindparam("run_id"), task_runs.c.workspace_id == WORKSPACE)

_NULLABLE = (
    "flow_run_id",
    "task_version",
    "cache_key",
    "cache_expiration",
    "state_id",
    "state_type",
    "state_name",
    "state_timestamp",
    "expected_start_time",
    "next_scheduled_start_time",
    "start_time",
    "end_time",
)
_NEW = dict.fromkeys(_NULLABLE) | {"run_count": 0, "flow_run_run_count": 0, "total_run_time": 0.0}
_COLUMNS = tuple(column.name for column in task_runs.c)
_SHOWN = tuple(column.name for column in TASK_RUNS.columns)


def create_task_run(tx: Tx, values: Mapping[str, Any], state: StateCreate | None = None) -> tuple[Row, bool]:
    """Makes a task run in the proposed state (PENDING without one).

    Returns the run as the wire shows it, and whether it is new. ``values`` are columns of ``task_runs``, ids as text. A
    run with the same natural key (flow_run_id, task_key, dynamic_key) is answered as it is. Raises ``Conflict`` for an
    id that another run has.
    """
    parent = tx.one(_PARENT, flow_run_id=values["flow_run_id"]) if values.get("flow_run_id") else None
    run = _new_run(tx, values, parent)
    proposal = state or StateCreate(type="PENDING")
    around = {"parent_state_type": None, "parent_run_count": parent and parent["run_count"]}
    transition = TaskRunTransition(tx, {**run, **around}, None, proposed_state(proposal, tx.now))
    entered = enter(transition, choose_policy(proposal, force=True))
    proposed = transition.proposed
    if proposed is None:
        row = {name: run[name] for name in _COLUMNS}
    else:
        row = {name: transition.run[name] for name in _COLUMNS}
    if tx.value(_INSERT[tx.dialect], row) is None:
        return read_task_run(tx, _existing(tx, row)), False
    if proposed is not None:
        store_state(transition, proposed)
    engine.leave(transition, entered)
    return _answer(transition), True


def _existing(tx: Tx, row: Row) -> str:
    keys = {"by_task_key": row["task_key"], "by_dynamic_key": row["dynamic_key"]}
    if row["flow_run_id"] is None:
        found: str | None = tx.value(_BY_KEY_ALONE, keys)
    else:
        found = tx.value(_BY_KEY, keys, by_flow_run_id=row["flow_run_id"])
    if found is None:
        raise Conflict(f"The id {row['id']} is that of another task run.")
    return found


def _new_run(tx: Tx, values: Mapping[str, Any], parent: Row | None) -> Row:
    run: Row = {
        "workspace_id": tx.workspace_id,
        "created": tx.now,
        "updated": tx.now,
        **_NEW,
        **{name: value for name, value in values.items() if name in task_runs.c},
    }
    run["id"] = run.get("id") or new_id()
    run["name"] = run.get("name") or run_name()
    run["tags"] = run.get("tags") or []
    run["task_inputs"] = run.get("task_inputs") or {}
    run["empirical_policy"] = msgspec.convert(run.get("empirical_policy") or {}, TaskRunPolicy)
    labels: Row = msgspec.json.decode(parent["labels"]) if parent else {}
    if run["flow_run_id"] is not None:
        labels["prefect.flow-run.id"] = run["flow_run_id"]
    run["labels"] = {**labels, **(values.get("labels") or {})}
    return run


def _answer(transition: TaskRunTransition) -> Row:
    run, state = transition.run, transition.proposed
    answer = {name: run[name] for name in _SHOWN}
    answer |= {
        "state_timestamp": state and state.timestamp,
        "state_message": state and state.message,
        "state_details": state and state.details,
        "state_data": state and state.stored_data,
    }
    return as_answer(answer, transition.now)


def delete_task_run(tx: Tx, task_run_id: str) -> bool:
    """Deletes a task run with its states and artifacts and ends its leases; whether there was one."""
    if tx.run(_DELETE, run_id=task_run_id) == 0:
        return False
    release_all_of(tx, ("task_run", task_run_id))
    delete_artifacts(tx, artifacts.c.task_run_id == task_run_id)
    return True
