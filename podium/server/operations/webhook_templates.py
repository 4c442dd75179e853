"""Templates of webhooks: Jinja that writes the JSON of an event.

A caller fills in values and can add nothing else to what the template says: what is put out stands for its value until
the template is done, and then becomes JSON that fits its place, between quotes or not.
"""

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec
from jinja2 import Template, Undefined, nodes
from jinja2.runtime import Context
from jinja2.utils import pass_context
from markupsafe import Markup

from podium.server.errors import InvalidRequest
from podium.server.operations.template_filters import guarded
from podium.server.operations.template_limits import limited, put_out, weigh
from podium.server.operations.template_sandbox import Sandbox
from podium.server.operations.templating import Unrenderable, syntax_problem

DEFAULT = """\
{
  "event": "webhook.called",
  "resource": {
    "prefect.resource.id": "prefect.webhook.{{ webhook.id }}",
    "prefect.resource.name": "{{ webhook.name }}"
  },
  "payload": {
    "method": {{ method }},
    "query": {{ query }},
    "body": {{ body }}
  }
}
"""

VALUES = "podium_values"
"""Name in a template's context of the values that it put out."""

RAW = ("e", "escape", "forceescape", "safe", "urlize", "xmlattr")
"""Filters whose results would stay as they are."""

_PLACES = re.compile('"|\\\\.|\x00(\\d+)\x00', re.DOTALL)


class _Json(str):
    """The JSON of a value, to be put out as that."""

    __slots__ = ()


def _tojson(value: Any, indent: int | None = None) -> _Json:
    """The value as JSON; what is undefined is null."""
    return _Json(_encoded(value))


def _fromjson(text: Any) -> Any:
    """The value of a text that is JSON, such as a field of a form."""
    return msgspec.json.decode(str(text))


def _encoded(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=_replaced).decode()


def _replaced(value: Any) -> Any:
    if isinstance(value, Undefined):
        return None
    raise TypeError(f"{type(value).__name__!r} is not for JSON")


@pass_context
def _put_out(context: Context, value: Any) -> Markup:
    """What stands for a value; what the template itself says stays (all of it is marked so)."""
    if isinstance(value, Markup):
        return value
    put_out(1 + weigh(value))
    values: list[Any] = context[VALUES]
    values.append(value)
    return Markup(f"\x00{len(values) - 1}\x00")  # noqa: S704 - there is no HTML


class _Sandbox(Sandbox):
    """Escaping is on, as it tells texts of the template from values; nothing is escaped for HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.autoescape, self.finalize = True, _put_out
        self.filters = {name: each for name, each in self.filters.items() if name not in RAW}
        self.filters["tojson"] = guarded("tojson", _tojson)
        self.filters["fromjson"] = guarded("fromjson", _fromjson)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for output in tree.find_all(nodes.Output):
            output.nodes = [_own_text(node) for node in output.nodes]
        return tree


def _own_text(node: nodes.Expr) -> nodes.Expr:
    """An expression with what the template itself says marked: ``{{ "," if not loop.last }}``."""
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        return nodes.MarkSafe(node, lineno=node.lineno)
    if isinstance(node, nodes.CondExpr):
        node.expr1 = _own_text(node.expr1)
        node.expr2 = None if node.expr2 is None else _own_text(node.expr2)
    return node


_sandbox = _Sandbox()


def write_event(source: str, context: dict[str, Any]) -> str:
    """What a template says of a call. Raises ``Unrenderable``."""
    values: list[Any] = []
    text = _render(source, {**context, VALUES: values})
    try:
        return _filled(text, lambda place, quoted: _shown(values[place], quoted))
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise Unrenderable(str(error)) from None


@lru_cache(maxsize=256)
def _compiled(source: str) -> Template:
    code = _sandbox.compile(_sandbox.bounded(_sandbox.parse(source)))
    return Template.from_code(_sandbox, code, dict(_sandbox.globals))


def _render(source: str, context: dict[str, Any]) -> str:
    try:
        template = _compiled(source)
        with limited():
            return "".join(template.generate(context))
    except RecursionError:
        raise Unrenderable("it is nested too deeply") from None
    except Exception as error:  # a template may raise anything
        raise Unrenderable(str(error) or type(error).__name__) from None


def _filled(text: str, shown: Callable[[int, bool], str]) -> str:
    """The text with everything that stands for a value replaced; ``shown`` gets its number and whether it is quoted."""
    quoted = False

    def fill(found: re.Match[str]) -> str:
        nonlocal quoted
        if found[1] is not None:
            return shown(int(found[1]), quoted)
        quoted ^= found[0] == '"'
        return found[0]

    return _PLACES.sub(fill, text)


def _shown(value: Any, quoted: bool) -> str:
    """A value as JSON that fits its place; an ``if`` without an ``else`` is nothing."""
    if isinstance(value, Undefined):
        return "" if quoted or value._undefined_name is None else "null"
    if isinstance(value, _Json):
        text = str(value)
    elif isinstance(value, str):
        return _encoded(value)[1:-1] if quoted else _encoded(value)
    else:
        text = "" if quoted and value is None else _encoded(value)
    return _encoded(text)[1:-1] if quoted else text


def check_template(source: str) -> None:
    """Raises ``InvalidRequest`` for a template that is none, or that never says an event, with its line."""
    problem = syntax_problem(source, _compiled) or _shape_problem(source)
    if problem is not None:
        line, reason = problem
        message = f"Line {line}: {reason}" if line else reason
        place = {"loc": ["body", "template"], "input": source, "ctx": {"line": line}}
        raise InvalidRequest([{"type": "template_error", "msg": message, **place}])


def _shape_problem(source: str) -> tuple[int, str] | None:
    """What is wrong with the JSON around the expressions; a template with statements may say anything."""
    if "{%" in source:
        return None
    try:
        text = _render(source, {VALUES: []})
        said = json.loads(_filled(text, lambda place, quoted: "0"))
    except Unrenderable:  # it needs a call
        return None
    except json.JSONDecodeError as error:
        return error.lineno, f"It writes no JSON: {error.msg}"
    except RecursionError:
        return 0, "It is nested too deeply."
    if not isinstance(said, dict):
        return 1, "Expected it to write a JSON object"
    missing = [name for name in ("event", "resource") if name not in said]
    return (0, f"Expected it to write {missing[0]!r}") if missing else None
