"""The sandbox that templates run in: Jinja's, with bounds on what a template does (``template_limits``)."""

from collections.abc import Callable, Iterable, KeysView
from datetime import date, datetime, time, timedelta
from types import BuiltinMethodType, MethodType
from typing import Any

from jinja2 import ChainableUndefined, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context
from jinja2.visitor import NodeTransformer

from podium.server.operations import template_limits as limits
from podium.server.operations.template_filters import FILTERS, TESTS, each, guarded, joined
from podium.server.operations.template_limits import spend, weigh

LONGEST_TEMPLATE = 100_000
MOST_TAGS = 2000
LONGEST_RANGE = 100
MOST_LOOPS = 10
DEEPEST_LOOPS = 2

_OF_TEXT = (
    "capitalize casefold center count endswith expandtabs find format format_map index isalnum isalpha isascii "
    "isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower lstrip "
    "partition removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip split splitlines "
    "startswith strip swapcase title upper zfill"
)
_OF_MOMENT = (
    "astimezone ctime date isocalendar isoformat isoweekday replace strftime time timestamp timetz toordinal tzname "
    "utcoffset weekday"
)
METHODS: tuple[tuple[type, frozenset[str]], ...] = (
    (str, frozenset(_OF_TEXT.split())),
    (int, frozenset(("bit_length", "is_integer"))),
    (float, frozenset(("is_integer", "hex"))),
    (dict, frozenset(("get", "items", "keys", "values", "copy"))),
    (list, frozenset(("count", "index", "copy"))),
    (tuple, frozenset(("count", "index"))),
    (datetime, frozenset(_OF_MOMENT.split())),
    (date, frozenset(_OF_MOMENT.split())),
    (time, frozenset(("isoformat", "strftime", "replace", "tzname", "utcoffset"))),
    (timedelta, frozenset(("total_seconds",))),
)
"""The methods of plain values that a template may call."""

_VIEWS: tuple[type, ...] = (KeysView, type({}.values()), type({}.items()))


def _short_range(*bounds: int) -> range:
    found = range(*bounds)
    if len(found) > LONGEST_RANGE:
        raise limits.TooCostly(f"a range has at most {LONGEST_RANGE} numbers")
    return found


@pass_context
def _put_out(context: Context, value: Any) -> Any:
    """What is written in place of an expression."""
    limits.put_out(1 + weigh(value))
    return value


class Sandbox(ImmutableSandboxedEnvironment):
    """Compiles templates so that all they do is weighed first; what is undefined is empty, whatever is asked of it."""

    intercepted_binops = frozenset(ImmutableSandboxedEnvironment.default_binop_table)

    def __init__(self) -> None:
        super().__init__(undefined=ChainableUndefined, finalize=_put_out, optimized=False, cache_size=0)
        self.globals = {name: value for name, value in self.globals.items() if name != "lipsum"}
        self.globals["range"] = _short_range
        self.filters = {**FILTERS, **_INNER}
        self.tests = dict(TESTS)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        if len(source) > LONGEST_TEMPLATE:
            raise TemplateSyntaxError(f"A template has at most {LONGEST_TEMPLATE} characters.", 0)
        if source.count("{{") + source.count("{%") > MOST_TAGS:
            raise TemplateSyntaxError(f"A template has at most {MOST_TAGS} expressions and statements.", 0)
        tree = super()._parse(source, name, filename)
        _check_loops(tree)
        return tree

    def bounded(self, tree: nodes.Template) -> nodes.Template:
        """The tree with the bounds put in."""
        tree = _Bounds(self).visit(tree)
        tree.set_environment(self)
        return tree

    def getattr(self, obj: Any, attribute: str) -> Any:
        spend()
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        weigh(argument)
        return super().getitem(obj, argument)

    def unsafe_undefined(self, obj: Any, attribute: str) -> Undefined:
        raise SecurityError(f"{attribute!r} of {type(obj).__name__!r} is not for templates")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        weigh((left, right))
        if operator == "*":
            limits.check_times(left, right)
        elif operator == "**":
            limits.check_power(left, right)
        elif operator == "%" and isinstance(left, str):
            limits.check_format(left, right, "%")
        return limits.weighed(super().call_binop(context, operator, left, right))

    def call(__self, __context: Context, __obj: Any, *arguments: Any, **named: Any) -> Any:  # noqa: N805
        weigh((arguments, named))
        if isinstance(__obj, LoopContext) and arguments:
            arguments = (each(arguments[0]), *arguments[1:])
        _check_call(__obj, arguments, named)
        result = super().call(__context, __obj, *arguments, **named)
        if isinstance(result, _VIEWS):
            result = list(result)  # type: ignore[call-overload]
        return limits.weighed(result)


def _check_call(called: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Raises ``SecurityError`` for a method that is not for templates, ``TooCostly`` for a result too large."""
    method = getattr(called, "__wrapped__", called)
    if isinstance(called, Undefined) or not isinstance(method, (BuiltinMethodType, MethodType)):
        return
    owner, name = method.__self__, method.__name__
    for kind, allowed in METHODS:
        if isinstance(owner, kind) and (isinstance(method, BuiltinMethodType) or kind is str):
            if name not in allowed:
                break
            if isinstance(owner, str) and name in _GROWING:
                _GROWING[name](owner, *arguments, **named)
            return
    else:
        if isinstance(method, MethodType):
            return
    raise SecurityError(f"{name!r} of {type(owner).__name__!r} is not for templates")


def _check_width(text: str, width: int, fill: str = " ") -> None:
    limits.check_product(width)


def _check_tabs(text: str, tabsize: int = 8) -> None:
    limits.check_product(text.count("\t"), tabsize)


def _check_replaced(text: str, old: str, new: str, count: int = -1) -> None:
    limits.check_product(text.count(old), len(new))


def _check_joined(text: str, parts: Iterable[Any]) -> None:
    limits.check_product(len(text), len(limits.items(parts)))


def _check_formatted(text: str, *arguments: Any, **named: Any) -> None:
    limits.check_format(text, (arguments, named), "{")


_GROWING: dict[str, Callable[..., None]] = {
    **dict.fromkeys(("center", "ljust", "rjust", "zfill"), _check_width),
    "expandtabs": _check_tabs,
    "replace": _check_replaced,
    "join": _check_joined,
    **dict.fromkeys(("format", "format_map"), _check_formatted),
}

_EACH, _JOINED, _WEIGHED = "podium_each", "podium_joined", "podium_weighed"
_INNER = {_EACH: each, _JOINED: guarded(_JOINED, joined), _WEIGHED: limits.weighed}


REPEATED = (nodes.For, nodes.Macro, nodes.CallBlock, nodes.FilterBlock, nodes.AssignBlock, nodes.Block)
"""What is in these may be put out many times."""


class _Bounds(NodeTransformer):
    """Puts the bounds into a tree, at what Jinja's sandbox does not hand over: loops, text, comparisons."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._repeated = 0

    def visit(self, node: nodes.Node, *arguments: Any, **named: Any) -> Any:
        self._repeated += isinstance(node, REPEATED)
        self.generic_visit(node)
        self._repeated -= isinstance(node, REPEATED)
        if isinstance(node, nodes.For):
            node.iter = self._filtered(node.iter, _EACH)
        elif isinstance(node, nodes.Concat):
            return self._filtered(nodes.List(node.nodes, lineno=node.lineno), _JOINED)
        elif isinstance(node, (nodes.Compare, nodes.Operand)):
            node.expr = self._weighed(node.expr)
        elif isinstance(node, nodes.Pair):
            node.key = self._weighed(node.key)
        elif isinstance(node, nodes.TemplateData) and self._repeated:
            text = nodes.Const(node.data, lineno=node.lineno)
            return nodes.MarkSafeIfAutoescape(text, lineno=node.lineno)
        return node

    def _filtered(self, node: Any, name: str) -> nodes.Filter:
        return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno, environment=self._sandbox)

    def _weighed(self, node: nodes.Expr) -> nodes.Expr:
        return node if isinstance(node, nodes.Const) else self._filtered(node, _WEIGHED)


def _check_loops(tree: nodes.Template) -> None:
    loops = sum(1 for _ in tree.find_all(nodes.For))
    if loops > MOST_LOOPS:
        raise TemplateSyntaxError(f"It has {loops} for loops; a template may have {MOST_LOOPS}.", 0)
    depth = _loop_depth(tree)
    if depth > DEEPEST_LOOPS:
        raise TemplateSyntaxError(f"Its for loops are nested {depth} deep; a template may nest {DEEPEST_LOOPS}.", 0)


def _loop_depth(node: nodes.Node) -> int:
    inside = max((_loop_depth(child) for child in node.iter_child_nodes()), default=0)
    return inside + isinstance(node, nodes.For)
