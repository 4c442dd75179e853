"""Checking what was filled into a form against its JSON Schema, before it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from podium.db.unit import Tx
from podium.server.errors import Invalid
from podium.server.operations.hydration import KIND, Unhydratable, check, hydrated, is_template
from podium.server.operations.parameters import BadSchema, Path, failures
from podium.wire.ui import SchemaError

LEFT_OUT = object()

# The key of what is still to be filled in: without it the field counts as left out.
EMPTY_WITHOUT = {"json": "value", "workspace_variable": "variable_name"}

Errors = list[str | SchemaError]


def check_values(tx: Tx, values: Mapping[str, Any], schema: Mapping[str, Any]) -> Errors:
    """What is wrong with the values, as a tree that follows them; empty when they conform to the schema.

    Values may stand for others (``podium.server.operations.hydration``); of a template only the syntax is checked, as
    its text is known when a run is made. Raises ``Invalid`` for a schema that cannot be used.
    """
    filled = _Filled(tx)
    known = filled.value(values, ())
    try:
        found = failures(known, schema)
    except BadSchema as error:
        raise Invalid(f"Invalid schema: {error}") from None
    found = [(path, reason) for path, reason in found if not filled.speaks_for(path)]
    return _tree([*filled.problems, *found])


@dataclass
class _Filled:
    """Puts what values stand for in their place, and collects where that fails."""

    tx: Tx
    problems: list[tuple[Path, str]] = field(default_factory=list)
    settled: set[Path] = field(default_factory=set)

    def value(self, given: Any, path: Path) -> Any:
        if isinstance(given, list):
            return [self._item(item, (*path, index)) for index, item in enumerate(given)]
        if not isinstance(given, dict):
            return given
        kind = given.get(KIND)
        if kind is None:
            pairs = ((key, self.value(item, (*path, key))) for key, item in given.items())
            return {key: item for key, item in pairs if item is not LEFT_OUT}
        if kind in EMPTY_WITHOUT and EMPTY_WITHOUT[kind] not in given:
            return LEFT_OUT if path else {}
        try:
            if not is_template(given):
                return hydrated(self.tx, given)
            check(given)
        except Unhydratable as error:
            self.problems.append((path, error.detail))
        self.settled.add(path)
        return None

    def _item(self, given: Any, path: Path) -> Any:
        value = self.value(given, path)
        if value is LEFT_OUT:
            self.settled.add(path)
            return None
        return value

    def speaks_for(self, path: Path) -> bool:
        """Whether the place, or one around it, needs no word of the schema."""
        return any(path[:length] in self.settled for length in range(len(path) + 1))


def _tree(problems: Sequence[tuple[Path, str]]) -> Errors:
    """Texts about the value itself, and an error for each property or item with those below it."""
    errors: Errors = []
    below: dict[str | int, list[tuple[Path, str]]] = {}
    for path, reason in problems:
        if path:
            below.setdefault(path[0], []).append((path[1:], reason))
        else:
            errors.append(reason)
    for step, inner in below.items():
        if isinstance(step, int):
            errors.append(SchemaError(index=step, errors=_tree(inner)))
        else:
            errors.append(SchemaError(property=step, errors=_tree(inner)))
    return errors
