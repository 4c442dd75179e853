"""Jinja templates, rendered in a sandbox: checked when they are stored, and never longer or larger than they may be."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from jinja2 import Template, TemplateSyntaxError, nodes

from podium.server.operations.hydration import MARKS
from podium.server.operations.template_limits import LONGEST_RENDERED, TooCostly, limited
from podium.server.operations.template_sandbox import Sandbox

_sandbox = Sandbox()

COMMENT = "{#"


class Unrenderable(ValueError):
    """A text that is no template, or one that fails; the message says why."""


def is_template(text: str) -> bool:
    """Whether a text has anything to be rendered."""
    return any(mark in text for mark in MARKS)


def render(source: str, /, **context: Any) -> str:
    """The template's text. Raises ``Unrenderable``, also when it takes too long or grows past a million characters."""
    if not is_template(source) and COMMENT not in source:
        return source
    return _rendered(source, False, context)


def render_value(source: str, /, **context: Any) -> Any:
    """``render``, but the value itself where the template is one expression and nothing else; undefined is None."""
    if not is_template(source):
        return source
    if not is_expression(source):
        return render(source, **context)
    try:
        return msgspec.json.decode(_rendered(source, True, context))
    except msgspec.DecodeError:
        raise Unrenderable("its value is no JSON") from None


def _rendered(source: str, native: bool, context: Mapping[str, Any]) -> str:
    pieces, length = [], 0
    try:
        template = _compiled(source, native)
        with limited():
            for piece in template.generate(context):
                pieces.append(piece)
                length += len(piece)
                if length > LONGEST_RENDERED:
                    raise TooCostly("the result is too long")
    except RecursionError:
        raise Unrenderable("it is nested too deeply") from None
    except Exception as error:  # a template may raise anything
        raise Unrenderable(str(error) or type(error).__name__) from None
    return "".join(pieces)


@lru_cache(maxsize=256)
def _compiled(source: str, native: bool = False) -> Template:
    tree = _sandbox.parse(source)
    if native:
        [output] = tree.body
        assert isinstance(output, nodes.Output)
        [expression] = _expressions(output)
        output.nodes = [nodes.Filter(expression, "tojson", [], [], None, None, lineno=expression.lineno)]
    code = _sandbox.compile(_sandbox.bounded(tree))
    return Template.from_code(_sandbox, code, dict(_sandbox.globals))


@lru_cache(maxsize=256)
def is_expression(source: str) -> bool:
    """Whether a template is one ``{{ … }}`` and nothing else but blanks around it."""
    try:
        body = _sandbox.parse(source).body
    except Exception:  # what is no template is told of where it is rendered
        return False
    return len(body) == 1 and isinstance(body[0], nodes.Output) and len(_expressions(body[0])) == 1


def _expressions(output: nodes.Output) -> list[nodes.Expr]:
    return [node for node in output.nodes if not isinstance(node, nodes.TemplateData) or node.data.strip()]


def names_in(*sources: str) -> set[str]:
    """The names that templates read; those of a text that is none are none."""
    found: set[str] = set()
    for source in sources:
        if is_template(source):
            found |= _names(source)
    return found


@lru_cache(maxsize=256)
def _names(source: str) -> frozenset[str]:
    try:
        return frozenset(node.name for node in _sandbox.parse(source).find_all(nodes.Name) if node.ctx == "load")
    except Exception:  # likewise
        return frozenset()


def syntax_problem(source: str, compiled: Callable[[str], object] | None = None) -> tuple[int, str] | None:
    """The line and what is wrong, for a text that is no template; line 0 for one that is so as a whole.

    ``compiled`` makes a template of it for a sandbox of one's own.
    """
    try:
        (compiled or _compiled)(source)
    except TemplateSyntaxError as error:
        return error.lineno, error.message or "not a template"
    except RecursionError:
        return 0, "It is nested too deeply."
    except Exception as error:  # what Python makes of it: numbers too long, blocks too deep
        return 0, str(error) or type(error).__name__
    return None
