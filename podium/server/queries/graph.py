"""The graph of a flow run: its task runs and what they waited for."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import and_, bindparam, case, func, or_, select

from podium.db.tables.artifacts import artifact_collections, artifacts
from podium.db.tables.flow_runs import flow_run_states, flow_runs
from podium.db.tables.flows import flows
from podium.db.tables.task_runs import task_runs
from podium.db.types import decoded
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import BadRequest, MissingObject
from podium.server.queries.task_runs import list_task_runs

ENCAPSULATING = "__parents__"
"""The task input that names the tasks a task runs inside of."""


class Limits(NamedTuple):
    """How large a graph may be."""

    nodes: int
    artifacts: int


class Input(msgspec.Struct):
    """A task input as far as the graph wants it; a parameter or constant has no id."""

    input_type: str
    id: str | None = None


TaskInputs = dict[str, list[Input]]

_child = flow_runs.alias("child")
_start = func.coalesce(
    _child.c.start_time, _child.c.expected_start_time, task_runs.c.start_time, task_runs.c.expected_start_time
)
_end = case((_child.c.id.is_not(None), _child.c.end_time), else_=task_runs.c.end_time)

_RUN = select(flow_runs.c.start_time, flow_runs.c.end_time).where(
    flow_runs.c.workspace_id == WORKSPACE, flow_runs.c.id == bindparam("run_id")
)
_NODES = (
    select(
        task_runs.c.id.label("task_run_id"),
        task_runs.c.task_inputs,
        task_runs.c.name,
        func.coalesce(_child.c.state_type, task_runs.c.state_type).label("state_type"),
        _start.label("start_time"),
        _end.label("end_time"),
        _child.c.id.label("child_id"),
        _child.c.name.label("child_name"),
        flows.c.name.label("child_flow_name"),
    )
    .outerjoin(_child, _child.c.parent_task_run_id == task_runs.c.id)
    .outerjoin(flows, flows.c.id == _child.c.flow_id)
    .where(task_runs.c.workspace_id == WORKSPACE, task_runs.c.flow_run_id == bindparam("run_id"), _start.is_not(None))
    .order_by(_start, _end.nulls_last(), task_runs.c.id)
)
_STATES = (
    select(flow_run_states.c.id, flow_run_states.c.timestamp, flow_run_states.c.type, flow_run_states.c.name)
    .where(flow_run_states.c.flow_run_id == bindparam("run_id"))
    .order_by(flow_run_states.c.timestamp)
)
_ARTIFACTS = (
    select(
        artifacts.c.id,
        artifacts.c.created,
        artifacts.c.key,
        artifacts.c.type,
        artifacts.c.task_run_id,
        or_(artifacts.c.key.is_(None), artifact_collections.c.latest_id == artifacts.c.id).label("is_latest"),
        case((artifacts.c.type == "progress", artifacts.c.data)).label("data"),
    )
    .outerjoin(
        artifact_collections,
        and_(
            artifact_collections.c.workspace_id == artifacts.c.workspace_id,
            artifact_collections.c.key == artifacts.c.key,
        ),
    )
    .where(
        artifacts.c.workspace_id == WORKSPACE,
        artifacts.c.flow_run_id == bindparam("run_id"),
        or_(artifacts.c.type.is_(None), artifacts.c.type != "result"),
    )
    .order_by(artifacts.c.created, artifacts.c.id)
    .limit(bindparam("most"))
)


def read_graph(tx: Tx, flow_run_id: str, since: datetime, limits: Limits) -> dict[str, Any]:
    """The graph of a flow run without the nodes that ended before ``since``.

    Raises ``MissingObject`` for an unknown run and ``BadRequest`` for a graph of more nodes than allowed.
    """
    run = tx.one(_RUN, run_id=flow_run_id)
    if run is None:
        raise MissingObject(f"Flow run {flow_run_id} not found")
    rows = {row["task_run_id"]: row for row in tx.all(_NODES, run_id=flow_run_id)}
    found = _artifacts(tx, flow_run_id, limits.artifacts)
    nodes = _nodes(rows, found)
    since = since if since.tzinfo else since.replace(tzinfo=UTC)
    shown = [node for node in nodes if node["end_time"] is None or node["end_time"] >= since]
    if len(shown) > limits.nodes:
        raise BadRequest(f"The graph of flow run {flow_run_id} has more than {limits.nodes} nodes.")
    return {
        "start_time": run["start_time"],
        "end_time": run["end_time"],
        "root_node_ids": [node["id"] for node in shown if not node["parents"]],
        "nodes": [(node["id"], node) for node in shown],
        "artifacts": found[None],
        "states": tx.all(_STATES, run_id=flow_run_id),
    }


def _artifacts(tx: Tx, flow_run_id: str, most: int) -> dict[str | None, list[Row]]:
    """The artifacts of a flow run by task run; under None those of the flow run itself."""
    found: dict[str | None, list[Row]] = defaultdict(list)
    for row in tx.all(_ARTIFACTS, run_id=flow_run_id, most=most):
        found[row.pop("task_run_id")].append(row)
    return found


def _nodes(rows: dict[str, Row], found: dict[str | None, list[Row]]) -> list[Row]:
    """A node for each task run, or for the flow run it stands for, in the order of ``rows``."""
    node_ids = {task_run_id: row["child_id"] or task_run_id for task_run_id, row in rows.items()}
    children: dict[str, list[str]] = defaultdict(list)
    nodes = []
    for task_run_id, row in rows.items():
        node_id = node_ids[task_run_id]
        inputs = decoded(row["task_inputs"], TaskInputs, {})
        encapsulating = _edges(inputs.pop(ENCAPSULATING, ()), node_ids)
        parents = _edges((each for listed in inputs.values() for each in listed), node_ids)
        for parent in parents:
            children[parent].append(node_id)
        child = row["child_id"] is not None
        nodes.append(
            {
                "kind": "flow-run" if child else "task-run",
                "id": node_id,
                "label": f"{row['child_flow_name']} / {row['child_name']}" if child else row["name"],
                "state_type": row["state_type"],
                "start_time": row["start_time"],
                "end_time": row["end_time"],
                "parents": [{"id": parent} for parent in parents],
                "encapsulating": [{"id": outer} for outer in encapsulating],
                "artifacts": found[task_run_id],
            }
        )
    for node in nodes:
        node["children"] = [{"id": child} for child in children[node["id"]]]
    return nodes


def _edges(inputs: Iterable[Input], node_ids: dict[str, str]) -> list[str]:
    """The nodes of this graph that the inputs come from, each once."""
    return list(dict.fromkeys(node_ids[run_id] for run_id in _task_runs(inputs) if run_id in node_ids))


def _task_runs(inputs: Iterable[Input]) -> Iterator[str]:
    return (each.id for each in inputs if each.input_type == "task_run" and each.id is not None)


def read_dependencies(tx: Tx, flow_run_id: str) -> list[Row]:
    """The task runs of a flow run, each with the task runs whose results it took in (the older graph).

    Raises ``MissingObject`` for an unknown run.
    """
    if tx.one(_RUN, run_id=flow_run_id) is None:
        raise MissingObject(f"Flow run {flow_run_id} not found")
    order = (task_runs.c.expected_start_time, task_runs.c.id)
    return [_dependency(row) for row in list_task_runs(tx, [task_runs.c.flow_run_id == flow_run_id], order)]


class _Details(msgspec.Struct):
    untrackable_result: bool = False


def _dependency(row: Row) -> Row:
    inputs = decoded(row["task_inputs"], TaskInputs, {})
    upstream = dict.fromkeys(_task_runs(each for listed in inputs.values() for each in listed))
    details = decoded(row["state"] and row["state"]["state_details"], _Details, _Details())
    shown = ("id", "name", "state", "expected_start_time", "start_time", "end_time", "total_run_time")
    return {
        **{name: row[name] for name in shown},
        "estimated_run_time": row["estimated_run_time"],
        "untrackable_result": details.untrackable_result,
        "upstream_dependencies": [{"input_type": "task_run", "id": run_id} for run_id in upstream],
    }
