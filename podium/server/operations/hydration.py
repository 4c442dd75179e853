"""Parameters that stand for something else: objects with ``__prefect_kind`` become the values they describe.

``none`` is its value, ``json`` its value parsed where it is text, ``jinja`` its template rendered,
``workspace_variable`` the variable of the workspace with that name. They may be nested, also in each other.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from podium.db.unit import Tx
from podium.server.errors import BadRequest
from podium.server.queries.generic import find_by
from podium.server.queries.variables import VARIABLES

KIND = "__prefect_kind"
MARKS = ("{{", "{%")
"""What tells a template from a plain text."""


class Unhydratable(BadRequest):
    """A value that describes nothing; ``line`` is where a template is wrong, if that is known."""

    line: int | None = None


class Template(str):
    """A text among parameters that is a template in itself; one that is a single expression stands for its value."""


NOTHING: Mapping[str, Any] = {}


def hydrated(tx: Tx, value: Any, context: Mapping[str, Any] = NOTHING) -> Any:
    """The value with everything it stands for put in place; ``context`` is what templates know.

    Raises ``Unhydratable``, a ``BadRequest``.
    """
    if isinstance(value, Template):
        return _rendered(value, context, as_value=True)
    if isinstance(value, list):
        return [hydrated(tx, item, context) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(KIND)
    if kind is None:
        return {key: hydrated(tx, item, context) for key, item in value.items()}
    if kind == "json":
        return _parsed(hydrated(tx, _part(value, "value"), context))
    if kind == "jinja":
        return _rendered(hydrated(tx, _part(value, "template"), context), context)
    if kind == "workspace_variable":
        return _variable(tx, hydrated(tx, _part(value, "variable_name"), context))
    if kind == "none":
        return hydrated(tx, _part(value, "value"), context)
    return hydrated(tx, value.get("value"), context)


def with_templates(value: Any) -> tuple[Any, list[str]]:
    """Parameters in which texts that are templates are marked as such, and the sources of all templates in them."""
    found: list[str] = []

    def marked(part: Any, inside: bool = False) -> Any:
        if isinstance(part, str) and (inside or any(mark in part for mark in MARKS)):
            found.append(part)
            return part if inside else Template(part)
        if isinstance(part, list):
            return [marked(item, inside) for item in part]
        if isinstance(part, dict):
            return {key: marked(item, inside or KIND in part) for key, item in part.items()}
        return part

    return marked(value), found


def is_template(value: Any) -> bool:
    """Whether a value stands for the text of a template, directly or through what it is made of."""
    while isinstance(value, dict) and KIND in value:
        if value[KIND] == "jinja":
            return True
        value = value.get("value")
    return False


def check(value: Any) -> None:
    """Raises ``Unhydratable`` for a value that stands for nothing, as far as that is known before a run is made."""
    if not isinstance(value, dict) or KIND not in value:
        return
    kind = value[KIND]
    if kind == "jinja":
        _check_template(_part(value, "template"))
    elif kind == "none":
        check(_part(value, "value"))
    elif kind == "json" and "value" in value:
        inner = value["value"]
        check(inner)
        _parsed(inner)


def _check_template(source: Any) -> None:
    # Loaded on use: a server that renders nothing starts sooner and smaller without Jinja.
    from podium.server.operations.templating import syntax_problem

    problem = syntax_problem(source) if isinstance(source, str) else None
    if problem is not None:
        line, reason = problem
        error = Unhydratable(f"Invalid jinja{f' in line {line}' if line else ''}: {reason}")
        error.line = line or None
        raise error


def _part(value: dict[str, Any], name: str) -> Any:
    if name not in value:
        raise Unhydratable(f"An object with {KIND} {value[KIND]!r} needs the key {name!r}.")
    return value[name]


def _parsed(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unhydratable(f"Invalid JSON: {error}.") from None


def _rendered(source: Any, context: Mapping[str, Any], as_value: bool = False) -> Any:
    # Loaded on use: a server that renders nothing starts sooner and smaller without Jinja.
    from podium.server.operations.templating import Unrenderable, render, render_value

    if not isinstance(source, str):
        raise Unhydratable(f"Invalid jinja: expected text, got {type(source).__name__}.")
    try:
        return render_value(source, **context) if as_value else render(source, **context)
    except Unrenderable as error:
        raise Unhydratable(f"Invalid jinja: {error}") from None


def _variable(tx: Tx, name: Any) -> Any:
    variable = find_by(tx, VARIABLES, name=name) if isinstance(name, str) else None
    if variable is None:
        raise Unhydratable(f"Variable {name!r} not found in workspace.")
    stored = variable["value"]
    return None if stored is None else msgspec.json.decode(stored)
