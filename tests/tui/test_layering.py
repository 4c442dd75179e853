"""Graphs as lines: each run after all it waited for."""

import random
from typing import NamedTuple

from podium.tui.layering import layered


class Edge(NamedTuple):
    id: str


class Node(NamedTuple):
    id: str
    parents: list[Edge]
    encapsulating: list[Edge]


def graph(**parents: str) -> list[Node]:
    """Nodes by what they waited for: ``graph(a="", b="a")``."""
    return [Node(name, [Edge(each) for each in after.split()], []) for name, after in parents.items()]


def drawn(nodes: list[Node]) -> list[str]:
    """The lines, with what a run also waited for."""
    return [line.branches + line.node.id + "".join(f" +{each}" for each in line.others) for line in layered(nodes)]


def test_a_chain_goes_straight_down() -> None:
    assert drawn(graph(a="", b="a", c="b")) == ["a", "↓ b", "↓ c"]


def test_what_fans_out_and_comes_together_again() -> None:
    assert drawn(graph(a="", b="a", c="a", d="b c", e="d")) == ["a", "├─b", "└─c", "  ↓ d +b", "  ↓ e"]


def test_branches_are_kept_apart() -> None:
    assert drawn(graph(a="", b="a", c="a", d="b", e="b")) == ["a", "├─b", "│ ├─d", "│ └─e", "└─c"]


def test_what_hangs_together_with_nothing_begins_at_the_left() -> None:
    assert drawn(graph(a="", b="", c="b")) == ["a", "b", "↓ c"]


def test_a_task_inside_another_stands_below_it() -> None:
    nodes = [Node("outer", [], []), Node("inner", [], [Edge("outer")])]
    assert drawn(nodes) == ["outer", "↓ inner"]


def test_runs_that_wait_for_each_other_are_shown_nonetheless() -> None:
    assert sorted(drawn(graph(a="b", b="a", c="c"))) == ["a +b", "c", "↓ b"]


def test_parents_that_are_not_there_do_not_count() -> None:
    assert drawn(graph(a="gone", b="a gone")) == ["a", "↓ b"]


def test_any_graph_shows_each_run_once_and_after_all_it_waited_for() -> None:
    chance = random.Random(7)
    for size in (1, 2, 10, 200, 1000):
        names = [str(number) for number in range(size)]
        nodes = [
            Node(name, [Edge(each) for each in chance.sample(names[:number], min(number, chance.randrange(4)))], [])
            for number, name in enumerate(names)
        ]
        chance.shuffle(nodes)
        lines = layered(nodes)
        places = {line.node.id: at for at, line in enumerate(lines)}
        assert len(places) == len(lines) == size
        assert all(places[edge.id] < at for at, line in enumerate(lines) for edge in line.node.parents)


def test_a_chain_of_thousands_is_no_deeper_than_one_of_three() -> None:
    nodes = [Node(str(number), [Edge(str(number - 1))] if number else [], []) for number in range(5000)]
    assert {line.branches for line in layered(nodes)} == {"", "↓ "}
