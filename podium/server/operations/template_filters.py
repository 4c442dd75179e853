"""The filters and tests of templates: those of Jinja with bounds, and Podium's own."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any

import msgspec
from jinja2.filters import FILTERS as DEFAULT_FILTERS
from jinja2.runtime import Context, Undefined
from jinja2.tests import TESTS as DEFAULT_TESTS
from jinja2.utils import htmlsafe_json_dumps, pass_context
from markupsafe import Markup

from podium.server.operations import humanizing
from podium.server.operations.template_limits import (
    LONGEST,
    TooCostly,
    check_depth_of_indented,
    check_format,
    check_product,
    items,
    spend,
    weigh,
)

MOST_PIECES = 10_000
MOST_DIGITS = 100
UI_ROOT = "podium_ui_root"
"""Name in a template's context of the URL of the pages in the browser."""

LARGEST_INPUT = {"pprint": 50_000, "striptags": 20_000, "urlize": 100_000, "wordwrap": 100_000, "title": 500_000}
"""Characters for the filters that take longer than others."""

_WIDE = re.compile(r"\d{3,}|\*")
_FLOW_RUN_LINK = re.compile(r"flow-run/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")

PAGES = {
    "flow": "flows/flow/{id}",
    "flow-run": "runs/flow-run/{id}",
    "task-run": "runs/task-run/{id}",
    "block-document": "blocks/block/{id}",
    "work-pool": "work-pools/work-pool/{name}",
    "work-queue": "work-queues/work-queue/{id}",
    "concurrency-limit": "concurrency-limits/concurrency-limit/{id}",
    "deployment": "deployments/deployment/{id}",
    "automation": "automations/automation/{id}",
}
"""The page in the browser of each kind of object."""

Check = Callable[..., None]


def _at_most(most: int, what: Any) -> None:
    if isinstance(what, (int, float)) and abs(what) > most:
        raise TooCostly(f"{what} is more than {most}")


def _check_center(value: Any, width: int = 80) -> None:
    _at_most(LONGEST, width)


def _check_indent(value: Any, width: Any = 4, first: bool = False, blank: bool = False) -> None:
    check_product(str(value).count("\n") + 1, len(width) if isinstance(width, str) else width)


def _check_pieces(value: Any, number: int, fill_with: Any = None) -> None:
    _at_most(MOST_PIECES, number)


def _check_round(value: Any, precision: int = 0, method: str = "common") -> None:
    _at_most(MOST_DIGITS, precision)


def _check_replace(value: Any, old: str, new: str, count: int | None = None) -> None:
    text = str(value)
    check_product(text.count(str(old)), len(str(new)))


def _check_join(value: Any, d: Any = "", attribute: Any = None) -> None:
    if d:
        check_product(len(value) if hasattr(value, "__len__") else LONGEST, len(str(d)))


def _check_sum(value: Any, attribute: Any = None, start: Any = 0) -> None:
    if not isinstance(start, (int, float)):
        raise TooCostly("only numbers can be summed up")


def _check_wordwrap(
    value: str, width: int = 79, break_long_words: bool = True, wrapstring: str | None = None, **other: Any
) -> None:
    check_product(len(value) + 1, len(wrapstring or "\n"))


def _check_printf(value: Any, *arguments: Any, **named: Any) -> None:
    check_format(str(value), (arguments, named), "%")


def _check_formats(value: Any, *arguments: Any, **named: Any) -> None:
    for each in (*arguments, *named.values()):
        if isinstance(each, str) and _WIDE.search(each):
            raise TooCostly(f"the format {each[:20]!r} is too wide")


def _check_digits(value: Any, ndigits: int | None = None, precision: int | None = None) -> None:
    _at_most(MOST_DIGITS, ndigits)
    _at_most(MOST_DIGITS, precision)


def _check_metric(value: Any, unit: str = "", precision: int = 3) -> None:
    _at_most(MOST_DIGITS, precision)


CHECKS: dict[str, Check] = {
    **dict.fromkeys(humanizing.FILTERS, _check_formats),
    "humanize_intcomma": _check_digits,
    "humanize_scientific": _check_digits,
    "humanize_metric": _check_metric,
    "center": _check_center,
    "indent": _check_indent,
    "batch": _check_pieces,
    "slice": _check_pieces,
    "round": _check_round,
    "replace": _check_replace,
    "join": _check_join,
    "sum": _check_sum,
    "wordwrap": _check_wordwrap,
    "format": _check_printf,
}
"""What is looked at before a filter, given its arguments, so that its result is not too large."""


def guarded(name: str, function: Any) -> Callable[..., Any]:
    """A filter or test whose arguments and result are weighed; one that yields items gives a list."""
    takes_context = int(hasattr(function, "jinja_pass_arg"))
    most, check = LARGEST_INPUT.get(name, LONGEST), CHECKS.get(name)

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        given = arguments[takes_context:]
        weigh((given, named), most)
        if check is not None:
            check(*given, **named)
        result = function(*arguments, **named)
        if isinstance(result, Iterator):
            result = items(result)
        weigh(result)
        return result

    return call


def as_json(value: Any) -> Any:
    """What goes into JSON for a value: nothing for what is undefined, texts for moments and the like."""
    return None if isinstance(value, Undefined) else msgspec.to_builtins(value)


def tojson(value: Any, indent: int | None = None) -> Markup:
    """The value as JSON that is safe in HTML too; what is undefined is null."""
    if indent is not None:
        check_depth_of_indented(value, indent)
    found: Markup = htmlsafe_json_dumps(value, dumps=json.dumps, default=as_json, sort_keys=True, indent=indent)
    return found


def joined(parts: list[Any]) -> str:
    """The texts of the values, one after the other."""
    weigh(parts)
    if any(hasattr(part, "__html__") for part in parts):
        return Markup("").join(parts)
    return "".join(map(str, parts))


@pass_context
def ui_url(context: Context, value: Any) -> str | None:
    """The page in the browser about an object or a resource; None for what has none."""
    root = str(context.get(UI_ROOT) or "")
    kind, key, name = _identity(value)
    if kind == "event":
        return f"{root}/events/event/{str(value['occurred'])[:10]}/{key}"
    page = PAGES.get(kind or "")
    return None if page is None else f"{root}/{page.format(id=key, name=name or key)}"


@pass_context
def ui_resource_events_url(context: Context, value: Any) -> str | None:
    """The page in the browser with the events of an object or a resource; None for what has none."""
    kind, key, _ = _identity(value)
    return None if kind in (None, "event") else f"{context.get(UI_ROOT) or ''}/events?resource=prefect.{kind}.{key}"


def _identity(value: Any) -> tuple[str | None, str, str | None]:
    """Kind, id and name of an object or a resource in a template."""
    kind = getattr(value, "kind", None)
    if isinstance(kind, str):
        return kind, value["id"], value.get("name")
    if isinstance(value, Mapping):
        prefix, _, key = str(value.get("prefect.resource.id", "")).rpartition(".")
        if prefix.startswith("prefect."):
            return prefix.removeprefix("prefect."), key, value.get("prefect.resource.name")
    return None, "", None


def flow_run_id(text: Any) -> str | None:
    """The id of the flow run that a text has a link to."""
    found = _FLOW_RUN_LINK.search(str(text)) if text else None
    return found and found.group(1)


def each(values: Any) -> list[Any]:
    """What a loop goes through."""
    spend()
    return [] if isinstance(values, Undefined) else items(values)


OWN = {
    "tojson": tojson,
    "ui_url": ui_url,
    "ui_resource_events_url": ui_resource_events_url,
    "flow_run_id": flow_run_id,
    **humanizing.FILTERS,
}

_ALL: dict[str, Any] = {**DEFAULT_FILTERS, **OWN}
FILTERS = {name: guarded(name, function) for name, function in _ALL.items()}
TESTS = {name: guarded(name, function) for name, function in DEFAULT_TESTS.items()}
