"""Jinja templates, rendered in a sandbox."""

from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError
from jinja2.nodes import For, Node
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST_RENDERED = 1_000_000
MOST_LOOPS = 10
DEEPEST_LOOPS = 2

_environment = ImmutableSandboxedEnvironment()


class Unrenderable(ValueError):
    """A text that is no template, or one that fails; the message says why."""


def render(source: str, **context: Any) -> str:
    """The template's text. Raises ``Unrenderable``, also when it grows past a million characters."""
    try:
        rendered = []
        length = 0
        for piece in _environment.from_string(source).generate(**context):
            rendered.append(piece)
            length += len(piece)
            if length > LONGEST_RENDERED:
                raise Unrenderable("the result is too long.")
        return "".join(rendered)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise Unrenderable(str(error)) from None


def syntax_problem(source: str) -> tuple[int, str] | None:
    """The line and what is wrong, for a text that is no template; line 0 for one that loops too much."""
    try:
        tree = _environment.parse(source)
        return _loop_problem(tree)
    except TemplateSyntaxError as error:
        return error.lineno, error.message or "not a template"
    except RecursionError:
        return 0, "It is nested too deeply."


def _loop_problem(tree: Node) -> tuple[int, str] | None:
    loops = sum(1 for _ in tree.find_all(For))
    if loops > MOST_LOOPS:
        return 0, f"It has {loops} for loops; a template may have {MOST_LOOPS}."
    depth = _loop_depth(tree)
    if depth > DEEPEST_LOOPS:
        return 0, f"Its for loops are nested {depth} deep; a template may nest {DEEPEST_LOOPS}."
    return None


def _loop_depth(node: Node) -> int:
    inside = max((_loop_depth(child) for child in node.iter_child_nodes()), default=0)
    return inside + isinstance(node, For)
