"""The graph of a flow run."""

from typing import Any

import msgspec
import pytest

from podium.db.tables.artifacts import artifact_collections, artifacts
from podium.server.errors import BadRequest, NotFound
from podium.server.queries.graph import Limits, read_dependencies, read_graph
from podium.wire.decoding import encode
from podium.wire.graph import Dependency, Graph
from tests.server.rows import Rows, at

LARGE = Limits(10_000, 10_000)


def _of(*ids: str) -> list[dict[str, str]]:
    return [{"input_type": "task_run", "id": each} for each in ids]


class Drawn:
    """A flow run with tasks and a subflow, and its graph by names."""

    def __init__(self, units: Any) -> None:
        self.units = units
        rows = Rows(units.write)
        self.run = rows.flow_run(rows.flow("parent"), "run", "RUNNING", start_time=at(0))
        self.a = rows.task_run(self.run, "a", "COMPLETED", start_time=at(1), end_time=at(2))
        inputs = {"x": [*_of(self.a), {"input_type": "parameter", "name": "p"}], "y": _of(self.a)}
        inputs["z"] = [{"input_type": "constant", "type": "int"}]
        self.b = rows.task_run(self.run, "b", "RUNNING", start_time=at(3), task_inputs=inputs)
        self.s = rows.task_run(self.run, "s", "PENDING", expected_start_time=at(1), task_inputs={"x": _of(self.a)})
        self.child = rows.flow_run(
            rows.flow("child"), "sub", "FAILED", parent_task_run_id=self.s, start_time=at(4), end_time=at(6)
        )
        inside = {"__parents__": _of(self.b), "x": _of(self.s, "0f9d8c7b-0000-4000-8000-000000000001")}
        self.c = rows.task_run(self.run, "c", "PENDING", expected_start_time=at(5), task_inputs=inside)
        of_b = {"task_run_id": self.b, "flow_run_id": self.run}
        rows.add(artifacts, key="report", type="markdown", data="old", created=at(1), **of_b)
        latest = rows.add(artifacts, key="report", type="markdown", data="new", created=at(2), **of_b)
        rows.add(artifact_collections, key="report", latest_id=latest)
        rows.add(artifacts, type="progress", data=50, created=at(3), **of_b)
        rows.add(artifacts, type="result", data={"x": 1}, created=at(4), **of_b)
        rows.add(artifacts, type=None, data="x", created=at(5), flow_run_id=self.run)
        self.names = {self.a: "a", self.b: "b", self.child: "sub", self.c: "c"}

    def graph(self, since: float = -1000, limits: Limits = LARGE) -> Graph:
        return msgspec.json.decode(encode(self.units.read(read_graph, self.run, at(since), limits)), type=Graph)


@pytest.fixture(scope="module")
def drawn(units: Any) -> Drawn:
    return Drawn(units)


def test_nodes_are_task_runs_by_start_with_a_subflow_in_place_of_its_task(drawn: Drawn) -> None:
    """A subflow's node is the child run: its id, times and state, labelled with its flow's name."""
    graph = drawn.graph()
    assert [drawn.names[node_id] for node_id, _ in graph.nodes] == ["a", "b", "sub", "c"]
    subflow = dict(graph.nodes)[drawn.child]
    assert (subflow.kind, subflow.label, subflow.state_type) == ("flow-run", "child / sub", "FAILED")
    assert (subflow.start_time, subflow.end_time) == (at(4), at(6))
    assert graph.start_time == at(0)
    assert graph.end_time is None
    assert [state.type for state in graph.states] == ["RUNNING"]


def test_edges_come_from_task_inputs_each_once(drawn: Drawn) -> None:
    """Parameters and constants make none; ``__parents__`` says what a task runs inside of."""
    nodes = dict(drawn.graph().nodes)

    def edges(node_id: str, of: str) -> list[str]:
        return [drawn.names[edge.id] for edge in getattr(nodes[node_id], of)]

    assert edges(drawn.b, "parents") == ["a"]
    assert edges(drawn.a, "children") == ["b", "sub"]
    assert edges(drawn.c, "parents") == ["sub"]
    assert edges(drawn.child, "children") == ["c"]
    assert edges(drawn.c, "encapsulating") == ["b"]
    assert edges(drawn.b, "children") == []
    assert [drawn.names[root] for root in drawn.graph().root_node_ids] == ["a"]


def test_artifacts_are_shown_without_data_but_for_progress(drawn: Drawn) -> None:
    """Results are left out; only the newest of a key is the latest."""
    graph = drawn.graph()
    shown = [(each.key, each.type, each.is_latest, each.data) for each in dict(graph.nodes)[drawn.b].artifacts]
    assert shown == [
        ("report", "markdown", False, None),
        ("report", "markdown", True, None),
        (None, "progress", True, 50),
    ]
    assert [(each.type, each.is_latest, each.data) for each in graph.artifacts] == [(None, True, None)]


def test_nodes_that_ended_before_a_moment_can_be_left_out(drawn: Drawn) -> None:
    """Those that run are always shown."""
    assert [drawn.names[node_id] for node_id, _ in drawn.graph(since=3).nodes] == ["b", "sub", "c"]
    assert [drawn.names[node_id] for node_id, _ in drawn.graph(since=7).nodes] == ["b", "c"]


def test_a_graph_has_a_largest_size(drawn: Drawn) -> None:
    """More nodes are refused, more artifacts left out."""
    with pytest.raises(BadRequest, match="more than 3 nodes"):
        drawn.graph(limits=Limits(3, 10))
    assert len(dict(drawn.graph(limits=Limits(4, 1)).nodes)[drawn.b].artifacts) == 1


def test_the_older_graph_lists_task_runs_with_what_they_waited_for(drawn: Drawn) -> None:
    """Inputs that are no task runs are left out."""
    listed = msgspec.json.decode(encode(drawn.units.read(read_dependencies, drawn.run)), type=list[Dependency])
    upstream = {each.name: [run.id for run in each.upstream_dependencies] for each in listed}
    assert upstream["a"] == []
    assert upstream["b"] == [drawn.a]
    assert drawn.b in upstream["c"]


def test_an_unknown_run_has_no_graph(units: Any) -> None:
    """Both graphs say not found."""
    unknown = "0f9d8c7b-0000-4000-8000-000000000001"
    for read, args in ((read_graph, (at(0), LARGE)), (read_dependencies, ())):
        with pytest.raises(NotFound):
            units.read(read, unknown, *args)
