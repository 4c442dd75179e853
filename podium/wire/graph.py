"""What a flow run's tasks take in, and the graphs drawn of them."""

from datetime import UTC, datetime
from typing import Any, Literal

from podium.wire.endpoint import Answer, Body
from podium.wire.scalars import Id, Time, Uuid
from podium.wire.states import State, StateType


class TaskRunResult(Body, tag_field="input_type", tag="task_run"):
    """The input is the result of a task run."""

    id: Uuid


class FlowRunResult(Body, tag_field="input_type", tag="flow_run"):
    """The input is the result of a flow run."""

    id: Uuid


class Parameter(Body, tag_field="input_type", tag="parameter"):
    """The input is a parameter of the flow run."""

    name: str


class Constant(Body, tag_field="input_type", tag="constant"):
    """The input is a plain value of this Python type."""

    type: str


TaskInputs = dict[str, list[TaskRunResult | FlowRunResult | Parameter | Constant]]


class Dependency(Answer):
    """A task run of the older graph and the task runs it waited for."""

    id: Id
    name: str
    upstream_dependencies: list[TaskRunResult]
    state: State | None
    expected_start_time: Time | None
    start_time: Time | None
    end_time: Time | None
    total_run_time: float | None
    estimated_run_time: float | None
    untrackable_result: bool


class GraphSince(Body):
    """From when on nodes are wanted."""

    since: Time = datetime.min.replace(tzinfo=UTC)


class Edge(Answer):
    """The other end of an edge."""

    id: Id


class GraphArtifact(Answer):
    """An artifact of a node; ``data`` only for progress."""

    id: Id
    created: Time
    key: str | None
    type: str | None
    is_latest: bool
    data: Any


class GraphState(Answer):
    """A state the flow run was in."""

    id: Id
    timestamp: Time
    type: StateType
    name: str


class Node(Answer):
    """A task run, or the flow run it stands for."""

    kind: Literal["flow-run", "task-run"]
    id: Id
    label: str
    state_type: StateType
    start_time: Time
    end_time: Time | None
    parents: list[Edge]
    children: list[Edge]
    encapsulating: list[Edge]
    artifacts: list[GraphArtifact]


class Graph(Answer):
    """The graph of a flow run: its nodes by id, ordered by start and end."""

    start_time: Time | None
    end_time: Time | None
    root_node_ids: list[Id]
    nodes: list[tuple[Id, Node]]
    artifacts: list[GraphArtifact]
    states: list[GraphState]
