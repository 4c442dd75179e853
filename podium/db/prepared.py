"""Constant statements of hot paths: compiled once by SQLAlchemy, then run on the driver's own connection.

SQLAlchemy's way to a driver costs several times what SQLite takes for a point query. ``Prepared`` keeps what it found
out (the text, how values go in and come out) and skips the rest. A ``Tx`` takes one wherever it takes a statement.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement

Values = Mapping[str, Any]
Convert = Callable[[Any], Any]


class Form:
    """A statement as one driver takes it, for one set of parameter names."""

    __slots__ = ("_binds", "_dialect", "_named", "_results", "columns", "converted", "sql")

    def __init__(self, statement: ClauseElement, dialect: Dialect, keys: Iterable[str]) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=sorted(keys))
        if compiled.post_compile_params or compiled.literal_execute_params:
            raise TypeError(f"not a constant statement: {compiled}")
        self.sql: str = compiled.string
        self._named = not compiled.positional
        names = list(compiled.binds) if self._named else compiled.positiontup
        self._binds = [
            (name, compiled.binds[name].callable, compiled.binds[name].value, compiled._bind_processors.get(name))
            for name in names
        ]
        self._results = list(compiled._result_columns or ())
        self._dialect = dialect
        self.columns: list[str] = [column.keyname for column in self._results]
        self.converted: list[tuple[int, Convert]] | None = None

    def learn(self, description: Sequence[Any]) -> None:
        """Finds out how the driver's values become ours; some types want to know the driver's own code for theirs."""
        self.converted = []
        for place, (column, told) in enumerate(zip(self._results, description, strict=True)):
            convert = column.type.dialect_impl(self._dialect).result_processor(self._dialect, told[1])
            if convert is not None:
                self.converted.append((place, convert))

    def arguments(self, values: Values) -> Any:
        """What the driver is given: a list for SQLite, a dict for PostgreSQL."""
        found = []
        for name, current, constant, convert in self._binds:
            value = values[name] if name in values else current() if current is not None else constant
            found.append(value if convert is None else convert(value))
        if self._named:
            return dict(zip([bind[0] for bind in self._binds], found, strict=True))
        return found

    def row(self, record: Sequence[Any]) -> dict[str, Any]:
        """A row of the driver as the row a unit of work sees."""
        if self.converted:
            values = list(record)
            for place, convert in self.converted:
                values[place] = convert(values[place])
            record = values
        return dict(zip(self.columns, record, strict=True))


class Prepared:
    """A constant statement. It may not have parameters that expand (``in_``) or defaults made in Python."""

    __slots__ = ("_forms", "statement")

    def __init__(self, statement: Any) -> None:
        self.statement = statement
        self._forms: dict[tuple[str, frozenset[str]], Form] = {}

    def form(self, dialect: Dialect, values: Values) -> Form:
        """The statement for this driver and these parameters."""
        key = (dialect.name, frozenset(values))
        form = self._forms.get(key)
        if form is None:
            form = self._forms[key] = Form(self.statement, dialect, values)
        return form

    def execute(self, connection: Connection, values: Values) -> tuple[Form, Any]:
        """The form that was used and the driver's cursor; raises what SQLAlchemy would."""
        form = self.form(connection.dialect, values)
        raw: Any = connection.connection.driver_connection
        try:
            cursor = raw.execute(form.sql, form.arguments(values))
        except connection.dialect.loaded_dbapi.Error as error:
            raise _told(connection, form.sql, error) from error
        if form.converted is None and cursor.description:
            form.learn(cursor.description)
        return form, cursor

    def execute_many(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Runs the statement once for each row; all rows have the same keys."""
        form = self.form(connection.dialect, rows[0])
        raw: Any = connection.connection.driver_connection
        try:
            raw.cursor().executemany(form.sql, [form.arguments(row) for row in rows])
        except connection.dialect.loaded_dbapi.Error as error:
            raise _told(connection, form.sql, error) from error


def _told(connection: Connection, sql: str, error: BaseException) -> BaseException:
    """SQLAlchemy's error for one of the driver; a connection that was lost takes its pool along."""
    if getattr(connection.connection.driver_connection, "closed", False):
        connection.invalidate()
        connection.engine.dispose()
    return DBAPIError.instance(sql, None, error, connection.dialect.loaded_dbapi.Error)
