"""A graph of runs as lines of text: each after all it waited for, below the last of those.

What follows one thing alone stands right below it, so that long chains do not wander to the right.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

DOWN: Final = "↓ "
BRANCH: Final = "├─"
CORNER: Final = "└─"
PASSING: Final = "│ "
EMPTY: Final = "  "


class Placed(NamedTuple):
    """A node on its line: what is drawn before it, and what it waited for besides the node it stands below."""

    node: Any
    branches: str
    others: tuple[str, ...]


def layered(nodes: Sequence[Any]) -> list[Placed]:
    """The lines of a graph. Nodes have an ``id``, and ``parents`` and ``encapsulating``, which have ids."""
    by_id = {node.id: node for node in nodes}
    above = _placed(nodes, {node.id: _parents(node, by_id) for node in nodes})
    below: dict[str | None, list[str]] = {}
    for node_id, over in above.items():
        below.setdefault(over, []).append(node_id)
    lines: list[Placed] = []
    waiting = [(node_id, "", "") for node_id in reversed(below.get(None, []))]
    while waiting:
        node_id, before, sign = waiting.pop()
        node = by_id[node_id]
        told = {above[node_id], node_id}
        others = dict.fromkeys(edge.id for edge in node.parents if edge.id in by_id and edge.id not in told)
        lines.append(Placed(node, before + sign, tuple(others)))
        inner = before + {BRANCH: PASSING, CORNER: EMPTY}.get(sign, "")
        children = below.get(node_id, [])
        if len(children) == 1:
            waiting.append((children[0], inner, DOWN))
        else:
            signs = [*[BRANCH] * (len(children) - 1), CORNER]
            waiting += reversed([(child, inner, each) for child, each in zip(children, signs, strict=False)])
    return lines


def _parents(node: Any, by_id: Mapping[str, Any]) -> set[str]:
    edges = (*node.parents, *node.encapsulating)
    return {edge.id for edge in edges if edge.id in by_id and edge.id != node.id}


def _placed(nodes: Sequence[Any], parents: Mapping[str, set[str]]) -> dict[str, str | None]:
    """What each node stands below, None at the left; in the order in which they are drawn.

    A node is placed once all it waited for is, below the last of them. Nodes that wait for each other in a circle, as
    only a broken client reports them, begin at the left.
    """
    children: dict[str, list[str]] = {}
    for node in nodes:
        for parent in parents[node.id]:
            children.setdefault(parent, []).append(node.id)
    missing = {node.id: len(parents[node.id]) for node in nodes}
    above: dict[str, str | None] = {}
    firsts = [node.id for node in nodes if not missing[node.id]]
    for first in (*firsts, *missing):
        if first in above:
            continue
        above[first] = None
        waiting = [first]
        while waiting:
            node_id = waiting.pop()
            ready = []
            for child in children.get(node_id, ()):
                missing[child] -= 1
                if missing[child] <= 0 and child not in above:
                    above[child] = node_id
                    ready.append(child)
            waiting += reversed(ready)
    return above
