"""The filter compiler: a filter off the wire becomes conditions on rows.

A filter is walked beside the target's ``fields``: a field is either fields of its own or a ``Place``, a column with the
operators that its kind of value has. A filter on another entity means that a related row exists: ``relations`` says how
one gets there. All of it is data (``filter_targets.py``); this file only walks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, FromClause, and_, exists, literal_column, or_, select

from podium.db.dialect import holds_all, holds_any, is_empty_array, resembles, unindexed

Condition = ColumnElement[bool]
Operator = Callable[[Any, Any], Condition | None]


def _is_null(column: ColumnElement[Any], null: bool) -> Condition:
    return column.is_(None) if null else column.is_not(None)


def _starts_with(column: ColumnElement[Any], prefixes: Sequence[str]) -> Condition | None:
    return or_(*(column.istartswith(prefix, autoescape=True) for prefix in prefixes)) if prefixes else None


def _is_empty(column: ColumnElement[Any], empty: bool) -> Condition:
    return is_empty_array(column) if empty else ~is_empty_array(column)


VALUE: Mapping[str, Operator] = {
    "any_": lambda column, values: column.in_(values),
    "not_any_": lambda column, values: column.not_in(values) if values else None,
    "is_null_": _is_null,
    "exists_": lambda column, there: _is_null(column, not there),
    "like_": resembles,
    "startswith_": _starts_with,
    "before_": lambda column, moment: column <= moment,
    "after_": lambda column, moment: column >= moment,
    "eq_": lambda column, value: column == value,
    "ge_": lambda column, value: column >= value,
    "le_": lambda column, value: column <= value,
}
"""The operators of a column with one value: text, id, number, flag or time."""

LIST: Mapping[str, Operator] = {
    "any_": holds_any,
    "all_": lambda column, values: holds_all(column, values) if values else None,
    "is_null_": _is_empty,
}
"""The operators of a column with a JSON list of strings."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A column, or an expression of the target's columns, and the operators it may be asked with."""

    column: Any
    operators: Mapping[str, Operator]


Fields = Mapping[str, "Place | Fields"]


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """The way from a row to related ones: their column ``there`` equals the row's column ``here``.

    ``names`` are the keys that the related entity's filter has on the wire; ``beyond`` are the relations that go on
    from the related row, so that filters on both mean the same row.
    """

    names: tuple[str, ...]
    to: "Target"
    here: ColumnElement[Any]
    there: ColumnElement[Any]
    beyond: tuple["Relation", ...] = ()


@dataclass(slots=True, eq=False)
class Target:
    """An entity that can be filtered: its own filter's key on the wire, its rows, fields and relations.

    ``few``: people define its rows, so there are thousands at most.
    """

    name: str
    rows: FromClause
    fields: Fields
    relations: tuple[Relation, ...] = field(default=())
    few: bool = False


def conditions(target: Target, body: Any) -> list[Condition]:
    """What rows of the target meet every filter in a body of sibling filters (``flows``, ``flow_runs``, …)."""
    return [*own_conditions(target, getattr(body, target.name, None)), *related_conditions(target, body)]


def own_conditions(target: Target, selection: msgspec.Struct | None) -> list[Condition]:
    """What rows of the target meet one filter of its own; none for no filter or an empty one.

    Raises ``KeyError`` where the filter asks for what the target has no field for.
    """
    condition = _walk(target.fields, selection) if selection is not None else None
    return [] if condition is None else [condition]


def related_conditions(target: Target, body: Any) -> list[Condition]:
    """What rows of the target have related rows that meet the filters on other entities in a body."""
    return _related(target.relations, body)


def _walk(place: "Place | Fields", selection: Any) -> Condition | None:
    parts = []
    for name in selection.__struct_fields__:
        value = getattr(selection, name)
        if value is None or name == "operator":
            continue
        if isinstance(place, Place):
            part = place.operators[name](place.column, value)
        else:
            part = _walk(place[name], value)
        if part is not None:
            parts.append(part)
    if len(parts) < 2:
        return parts[0] if parts else None
    return or_(*parts) if getattr(selection, "operator", "and_") == "or_" else and_(*parts)


def _related(relations: Sequence[Relation], body: Any) -> list[Condition]:
    found: list[Condition] = []
    for relation in relations:
        selections = [each for name in relation.names if (each := getattr(body, name, None)) is not None]
        wanted = _related(relation.beyond, body)
        if selections or wanted:
            for selection in selections:
                wanted += own_conditions(relation.to, selection)
            few = relation.to.few or _is_narrow(relation, body)
            found += _linked(relation, wanted, named_ids(selections), few)
    return found


def _is_narrow(relation: Relation, body: Any) -> bool:
    """Whether the related row belongs to rows that are named by their ids."""
    return any(
        named_ids([each for name in further.names if (each := getattr(body, name, None)) is not None])
        for further in relation.beyond
    )


def _linked(relation: Relation, wanted: Sequence[Condition], ids: Sequence[Any] | None, few: bool) -> list[Condition]:
    """That a related row meets the conditions, said so that both databases find the quick way.

    ``ids`` are those the related row is one of, None if they are not known; ``few`` related rows are looked up first.
    """
    rows = relation.to.rows
    if relation.there is rows.c.id and ids is None and few:
        return [relation.here.in_(select(relation.there).select_from(rows).where(*wanted).correlate(None))]
    if relation.there is rows.c.id:
        row = exists(literal_column("1")).select_from(rows).where(relation.there == relation.here, *wanted)
        linked: list[Condition] = [row.correlate_except(rows)]
        return linked if ids is None else [relation.here.in_(ids), *linked]
    if ids is not None:
        return [relation.here.in_(select(relation.there).select_from(rows).where(*wanted).correlate(None))]
    checked = [unindexed(condition) for condition in wanted]
    row = exists(literal_column("1")).select_from(rows).where(relation.there == relation.here, *checked)
    return [row.correlate_except(rows)]


def named_ids(selections: Sequence[Any]) -> Sequence[Any] | None:
    """The ids that one of the filters narrows its rows down to."""
    for selection in selections:
        named = getattr(selection, "id", None)
        if named is not None and named.any_ is not None and selection.operator == "and_":
            ids: Sequence[Any] = named.any_
            return ids
    return None
