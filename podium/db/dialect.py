"""The few SQL sentences that differ between SQLite and PostgreSQL, each one expression with two spellings."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Double, Integer, TableValuedAlias, Text, bindparam, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from podium.db.types import Json, Timestamp


class _HoldsAll(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True


class _HoldsAny(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True


class _IsEmptyArray(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True


class _JsonText(FunctionElement[str]):
    type = Text()
    inherit_cache = True


class _LabelText(FunctionElement[str]):
    type = Text()
    inherit_cache = True


class _ReadableJson(FunctionElement[Any]):
    type = Json()
    inherit_cache = True


class _FitsPattern(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True


class _Resembles(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True


class _SecondsBetween(FunctionElement[float]):
    type = Double()
    inherit_cache = True


class _IntervalNumber(FunctionElement[int]):
    type = Integer()
    inherit_cache = True


class _Later(FunctionElement[datetime]):
    type = Timestamp()
    inherit_cache = True


class _Elements(FunctionElement[Any]):
    inherit_cache = True


class _Unindexed(FunctionElement[Any]):
    inherit_cache = True


class _OfMost(FunctionElement[bool]):
    inherit_cache = True


def holds_all(column: ColumnElement[Any], values: list[str]) -> ColumnElement[bool]:
    """Whether a JSON array of strings holds every one of the values."""
    return _HoldsAll(column, bindparam(None, values, type_=Json(), unique=True), *_each(values))


def holds_any(column: ColumnElement[Any], values: list[str]) -> ColumnElement[bool]:
    """Whether a JSON array of strings holds at least one of the values."""
    return _HoldsAny(column, bindparam(None, values, type_=Json(), unique=True), *_each(values))


MOST_NAMED = 50
"""Values of a list that a statement names one by one."""


def _each(values: list[str]) -> list[ColumnElement[Any]]:
    """Each value as a JSON array of its own; none where there are so many that the statement would be slow to plan."""
    few = values if len(values) <= MOST_NAMED else []
    return [bindparam(None, [value], type_=Json(), unique=True) for value in few]


def is_empty_array(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a JSON column is ``[]``."""
    return _IsEmptyArray(column)


def json_text(column: ColumnElement[Any], key: str) -> ColumnElement[str]:
    """The string under a key of a JSON object; NULL when there is none."""
    return _JsonText(column, bindparam(None, key, type_=Text(), unique=True))


def label_text(column: ColumnElement[Any], label: str) -> ColumnElement[str]:
    """``json_text`` for a key of a user's making, which may hold any character."""
    return _LabelText(column, bindparam(None, label, type_=Text(), unique=True))


def readable_json(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A JSON column, NULL where it is no JSON: SQLite keeps any text, and gives up a statement that reads into it."""
    return _ReadableJson(column)


def resembles(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Whether a text has another in it, whatever the case; ``_`` in that is any character, ``%`` any run of some."""
    return _Resembles(column, bindparam(None, f"%{text}%", type_=Text(), unique=True))


def fits_pattern(column: ColumnElement[str], pattern: str) -> ColumnElement[bool]:
    """Whether a text fits a pattern, case and all: ``*`` is any run of characters, ``?`` any one."""
    glob = pattern.replace("[", "[[]")
    like = "".join(_LIKE.get(character, character) for character in pattern)
    return _FitsPattern(column, *(bindparam(None, each, type_=Text(), unique=True) for each in (glob, like)))


_LIKE = {"*": "%", "?": "_", "%": r"\%", "_": r"\_", "\\": r"\\"}


def seconds_between(earlier: ColumnElement[Any], later: ColumnElement[Any]) -> ColumnElement[float]:
    """The time from one moment to another in seconds, with fractions."""
    return _SecondsBetween(earlier, later)


def interval_number(
    start: ColumnElement[Any], moment: ColumnElement[Any], seconds: ColumnElement[Any]
) -> ColumnElement[int]:
    """Into which interval of so many seconds since ``start`` a later moment falls, counted from 0."""
    return _IntervalNumber(start, moment, seconds)


def later(moment: ColumnElement[Any], by: timedelta) -> ColumnElement[datetime]:
    """The moment so many whole seconds after another."""
    return _Later(moment, literal_column(str(int(by.total_seconds())), Integer()))


def elements(name: str) -> TableValuedAlias:
    """What to select from for each element, as a text ``value``, of the parameter of this name, a list."""
    return _Elements(bindparam(name, type_=Json(verbatim=True))).table_valued("value", name=f"each_of_{name}")


def unindexed(expression: ColumnElement[Any]) -> ColumnElement[Any]:
    """A condition that SQLite tests on rows it finds by another, or what it groups rows by without walking an index
    that has them so: without statistics it may take the worse index."""
    plain = _Unindexed(expression)
    plain.type = expression.type
    return plain


def of_most(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """A condition that SQLite takes to hold for most rows: without statistics it would find them by any index that
    begins with the column, and not by the partial one of the rows for which it holds."""
    return _OfMost(condition)


def _parts(element: FunctionElement[Any], compiler: SQLCompiler, **options: Any) -> list[str]:
    return [compiler.process(clause, **options) for clause in element.clauses]


@compiles(_HoldsAll, "sqlite")
def _holds_all_sqlite(element: _HoldsAll, compiler: SQLCompiler, **options: Any) -> str:
    column, values, *each = _parts(element, compiler, **options)
    held = f"SELECT held.value FROM json_each({column}) AS held"  # noqa: S608 - parts of a compiled statement
    lacks = f"EXISTS (SELECT 1 FROM json_each({values}) AS wanted WHERE wanted.value NOT IN ({held}))"  # noqa: S608
    return _sifted(" AND ".join(_mentions(column, value) for value in each), f"NOT {lacks}")


@compiles(_HoldsAll, "postgresql")
def _holds_all_postgresql(element: _HoldsAll, compiler: SQLCompiler, **options: Any) -> str:
    column, values = list(element.clauses)[:2]
    return f"({compiler.process(column, **options)} @> {compiler.process(values, **options)})"


@compiles(_HoldsAny, "sqlite")
def _holds_any_sqlite(element: _HoldsAny, compiler: SQLCompiler, **options: Any) -> str:
    column, values, *each = _parts(element, compiler, **options)
    wanted = f"SELECT wanted.value FROM json_each({values}) AS wanted"  # noqa: S608 - parts of a compiled statement
    holds = f"EXISTS (SELECT 1 FROM json_each({column}) AS held WHERE held.value IN ({wanted}))"  # noqa: S608
    return _sifted(" OR ".join(_mentions(column, value) for value in each), holds)


def _sifted(cheap: str, exact: str) -> str:
    """The exact condition, asked only where the cheap one holds: SQLite would ask both of a conjunction."""
    return f"CASE WHEN {cheap} THEN {exact} ELSE 0 END" if cheap else exact


def _mentions(column: str, value: str) -> str:
    """That the text of a JSON array has a string in it."""
    return f"instr({column}, trim({value}, '[]')) > 0"


@compiles(_HoldsAny, "postgresql")
def _holds_any_postgresql(element: _HoldsAny, compiler: SQLCompiler, **options: Any) -> str:
    # Of ``?|`` the planner only guesses how many rows it selects.
    column, values, *each = element.clauses
    rows = compiler.process(column, **options)
    if not each:
        return f"({rows} ?| ARRAY(SELECT jsonb_array_elements_text({compiler.process(values, **options)})))"
    return f"({' OR '.join(f'{rows} @> {compiler.process(value, **options)}' for value in each)})"


@compiles(_IsEmptyArray, "sqlite")
def _is_empty_array_sqlite(element: _IsEmptyArray, compiler: SQLCompiler, **options: Any) -> str:
    return f"({_parts(element, compiler, **options)[0]} = '[]')"


@compiles(_IsEmptyArray, "postgresql")
def _is_empty_array_postgresql(element: _IsEmptyArray, compiler: SQLCompiler, **options: Any) -> str:
    return f"({_parts(element, compiler, **options)[0]} = CAST('[]' AS jsonb))"


@compiles(_JsonText, "sqlite")
def _json_text_sqlite(element: _JsonText, compiler: SQLCompiler, **options: Any) -> str:
    column, key = _parts(element, compiler, **options)
    return f"json_extract({column}, '$.\"' || {key} || '\"')"


@compiles(_JsonText, "postgresql")
def _json_text_postgresql(element: _JsonText, compiler: SQLCompiler, **options: Any) -> str:
    column, key = _parts(element, compiler, **options)
    return f"({column} ->> {key})"


@compiles(_LabelText, "sqlite")
def _label_text_sqlite(element: _LabelText, compiler: SQLCompiler, **options: Any) -> str:
    column, label = _parts(element, compiler, **options)
    return f"(SELECT label.value FROM json_each({column}) AS label WHERE label.key = {label})"  # noqa: S608 no values


@compiles(_LabelText, "postgresql")
def _label_text_postgresql(element: _LabelText, compiler: SQLCompiler, **options: Any) -> str:
    column, label = _parts(element, compiler, **options)
    return f"({column} ->> {label})"


@compiles(_ReadableJson, "sqlite")
def _readable_json_sqlite(element: _ReadableJson, compiler: SQLCompiler, **options: Any) -> str:
    (column,) = _parts(element, compiler, **options)
    return f"CASE WHEN json_valid({column}) THEN {column} END"


@compiles(_ReadableJson, "postgresql")
def _readable_json_postgresql(element: _ReadableJson, compiler: SQLCompiler, **options: Any) -> str:
    return _parts(element, compiler, **options)[0]


@compiles(_FitsPattern, "sqlite")
def _fits_pattern_sqlite(element: _FitsPattern, compiler: SQLCompiler, **options: Any) -> str:
    column, glob, _ = element.clauses
    return f"({compiler.process(column, **options)} GLOB {compiler.process(glob, **options)})"


@compiles(_FitsPattern, "postgresql")
def _fits_pattern_postgresql(element: _FitsPattern, compiler: SQLCompiler, **options: Any) -> str:
    column, _, like = element.clauses
    return f"({compiler.process(column, **options)} LIKE {compiler.process(like, **options)})"


@compiles(_Resembles, "sqlite")
def _resembles_sqlite(element: _Resembles, compiler: SQLCompiler, **options: Any) -> str:
    column, pattern = _parts(element, compiler, **options)
    return f"({column} LIKE {pattern})"


@compiles(_Resembles, "postgresql")
def _resembles_postgresql(element: _Resembles, compiler: SQLCompiler, **options: Any) -> str:
    # What has it as it is written is found without making both lower case, which takes most of the time.
    column, pattern = _parts(element, compiler, **options)
    return f"({column} LIKE {pattern} OR {column} ILIKE {pattern})"


@compiles(_SecondsBetween, "sqlite")
def _seconds_between_sqlite(element: _SecondsBetween, compiler: SQLCompiler, **options: Any) -> str:
    earlier, later = _parts(element, compiler, **options)
    return f"(({later} - {earlier}) / 1000000.0)"


@compiles(_SecondsBetween, "postgresql")
def _seconds_between_postgresql(element: _SecondsBetween, compiler: SQLCompiler, **options: Any) -> str:
    earlier, later = _parts(element, compiler, **options)
    return f"date_part('epoch', {later} - {earlier})"


@compiles(_IntervalNumber, "sqlite")
def _interval_number_sqlite(element: _IntervalNumber, compiler: SQLCompiler, **options: Any) -> str:
    start, moment, seconds = _parts(element, compiler, **options)
    return f"(({moment} - {start}) / CAST(round({seconds} * 1000000) AS INTEGER))"


@compiles(_IntervalNumber, "postgresql")
def _interval_number_postgresql(element: _IntervalNumber, compiler: SQLCompiler, **options: Any) -> str:
    start, moment, seconds = _parts(element, compiler, **options)
    return f"CAST(floor(date_part('epoch', {moment} - {start}) / {seconds}) AS integer)"


@compiles(_Later, "sqlite")
def _later_sqlite(element: _Later, compiler: SQLCompiler, **options: Any) -> str:
    moment, seconds = _parts(element, compiler, **options)
    return f"({moment} + {seconds} * 1000000)"


@compiles(_Later, "postgresql")
def _later_postgresql(element: _Later, compiler: SQLCompiler, **options: Any) -> str:
    moment, seconds = _parts(element, compiler, **options)
    return f"({moment} + make_interval(secs => {seconds}))"


@compiles(_Elements, "sqlite")
def _elements_sqlite(element: _Elements, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({_parts(element, compiler, **options)[0]})"


@compiles(_Elements, "postgresql")
def _elements_postgresql(element: _Elements, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array_elements_text({_parts(element, compiler, **options)[0]})"


@compiles(_OfMost, "sqlite")
def _of_most_sqlite(element: _OfMost, compiler: SQLCompiler, **options: Any) -> str:
    return f"likelihood({_parts(element, compiler, **options)[0]}, 0.99)"


@compiles(_OfMost, "postgresql")
def _of_most_postgresql(element: _OfMost, compiler: SQLCompiler, **options: Any) -> str:
    return f"({_parts(element, compiler, **options)[0]})"


@compiles(_Unindexed, "sqlite")
def _unindexed_sqlite(element: _Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return f"+({_parts(element, compiler, **options)[0]})"


@compiles(_Unindexed, "postgresql")
def _unindexed_postgresql(element: _Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return f"({_parts(element, compiler, **options)[0]})"
