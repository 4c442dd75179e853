"""What a transition of a task run reads and writes: one row with all it needs, one new state, one update."""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, desc, insert, or_, select, update

from podium.db.ids import new_id
from podium.db.tables.artifacts import artifacts
from podium.db.tables.flow_runs import flow_run_states, flow_runs
from podium.db.tables.task_runs import task_run_state_cache, task_run_states, task_runs
from podium.db.unit import WORKSPACE, Row, Tx

CHANGED_COLUMNS = (
    "state_id",
    "state_type",
    "state_name",
    "state_timestamp",
    "run_count",
    "flow_run_run_count",
    "expected_start_time",
    "next_scheduled_start_time",
    "start_time",
    "end_time",
    "total_run_time",
)
"""The columns that a transition may change."""

RUN_COLUMNS = (
    "id",
    "flow_run_id",
    "task_key",
    "empirical_policy",
    "tags",
    *CHANGED_COLUMNS,
)
"""What a transition reads of its run."""

_LOAD = (
    select(
        *(task_runs.c[name] for name in RUN_COLUMNS),
        task_run_states.c.id.label("current_id"),
        task_run_states.c.message.label("current_message"),
        task_run_states.c.state_details.label("current_details"),
        task_run_states.c.data.label("current_data"),
        flow_runs.c.state_type.label("parent_state_type"),
        flow_runs.c.run_count.label("parent_run_count"),
    )
    .select_from(task_runs)
    .outerjoin(
        task_run_states,
        and_(task_run_states.c.id == task_runs.c.state_id, task_run_states.c.timestamp == task_runs.c.state_timestamp),
    )
    .outerjoin(flow_runs, flow_runs.c.id == task_runs.c.flow_run_id)
    .where(task_runs.c.id == bindparam("run_id"), task_runs.c.workspace_id == WORKSPACE)
)
_LOCK = _LOAD.with_for_update(of=task_runs, key_share=True)

_PARENT_STATE_DETAILS = (
    select(flow_run_states.c.state_details)
    .join(
        flow_runs,
        and_(flow_runs.c.state_id == flow_run_states.c.id, flow_runs.c.state_timestamp == flow_run_states.c.timestamp),
    )
    .where(flow_runs.c.id == bindparam("flow_run_id"))
)
_FAILED_OF_FLOW_RUN = select(task_runs.c.id).where(
    task_runs.c.flow_run_id == bindparam("flow_run_id"), task_runs.c.state_type == "FAILED"
)
_FORGET_RUN_COUNT = update(task_runs).where(task_runs.c.id == bindparam("run_id")).values(run_count=0)

_CACHED = (
    select(task_run_states)
    .join(task_run_state_cache, task_run_state_cache.c.task_run_state_id == task_run_states.c.id)
    .where(
        task_run_state_cache.c.cache_key == bindparam("cache_key"),
        task_run_state_cache.c.workspace_id == WORKSPACE,
        or_(
            task_run_state_cache.c.cache_expiration.is_(None),
            task_run_state_cache.c.cache_expiration > bindparam("now"),
        ),
    )
    .order_by(desc(task_run_state_cache.c.created), desc(task_run_state_cache.c.id))
    .limit(1)
)
_CACHE = insert(task_run_state_cache)

_INSERT_STATE = insert(task_run_states)
_INSERT_RESULT = insert(artifacts)
_UPDATE = (
    update(task_runs)
    .where(task_runs.c.id == bindparam("run_id"))
    .values({name: bindparam(name) for name in (*CHANGED_COLUMNS, "updated")})
)


def load(tx: Tx, task_run_id: str) -> Row | None:
    """The run, its current state (``current_…``) and its flow run (``parent_…``); locked until the transaction ends."""
    if tx.dialect == "sqlite":
        return tx.one(_LOAD, run_id=task_run_id)
    row = tx.one(_LOCK, run_id=task_run_id)
    if row is not None and row["state_id"] != row["current_id"]:
        # See flow_run_transitions.load.
        row = tx.one(_LOCK, run_id=task_run_id)
    return row


def insert_state(tx: Tx, task_run_id: str, state: Row, result: Any, artifact: Row | None) -> None:
    """Inserts a state, and the artifact that its result is."""
    if artifact is not None:
        tx.run(_INSERT_RESULT, artifact)
    tx.run(
        _INSERT_STATE,
        {
            **state,
            "workspace_id": tx.workspace_id,
            "task_run_id": task_run_id,
            "data": result,
            "result_artifact_id": artifact and artifact["id"],
        },
    )


def update_run(tx: Tx, run: Row) -> None:
    """Stores the columns of a run that a transition may change."""
    changes = {name: run[name] for name in CHANGED_COLUMNS}
    tx.run(_UPDATE, {**changes, "updated": tx.now, "run_id": run["id"]})


def parent_state_details(tx: Tx, flow_run_id: str) -> Any:
    """The details of the state a flow run is in, None when it is in none."""
    return tx.value(_PARENT_STATE_DETAILS, flow_run_id=flow_run_id)


def failed_task_runs(tx: Tx, flow_run_id: str) -> list[str]:
    """The task runs of a flow run that are FAILED."""
    return tx.column(_FAILED_OF_FLOW_RUN, flow_run_id=flow_run_id)


def forget_run_count(tx: Tx, task_run_id: str) -> None:
    """Starts counting the runs of a task run from 0."""
    tx.run(_FORGET_RUN_COUNT, run_id=task_run_id)


def cached_state(tx: Tx, cache_key: str) -> Row | None:
    """The newest state that is cached under a key and has not expired."""
    return tx.one(_CACHED, cache_key=cache_key, now=tx.now)


def cache_state(tx: Tx, cache_key: str, expiration: datetime | None, state_id: str) -> None:
    """Remembers a state under a key until it expires."""
    tx.run(
        _CACHE,
        {
            "id": new_id(),
            "workspace_id": tx.workspace_id,
            "cache_key": cache_key,
            "cache_expiration": expiration,
            "task_run_state_id": state_id,
            "created": tx.now,
        },
    )
