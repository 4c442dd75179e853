"""A unit of work: what a plain function sees of the database while it runs."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam
from sqlalchemy.sql import Executable

from podium.db.ids import DEFAULT_WORKSPACE_ID
from podium.db.prepared import Prepared
from podium.db.types import Id
from podium.profiles import Settings

Row = dict[str, Any]
Statement = Executable | Prepared
Clock = Callable[[], datetime]

DEFAULTS = Settings()

_current = threading.local()


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


def _current_workspace() -> str:
    workspace_id: str = _current.workspace_id
    return workspace_id


WORKSPACE: BindParameter[str] = bindparam("workspace", callable_=_current_workspace, type_=Id())
"""Stands for the workspace of the running unit in constant statements."""


class Tx:
    """The connection, clock, workspace and settings of one unit of work; valid only inside it."""

    def __init__(
        self,
        connection: Connection,
        workspace_id: str = DEFAULT_WORKSPACE_ID,
        clock: Clock = utc_now,
        settings: Settings = DEFAULTS,
    ) -> None:
        self.connection = connection
        self.dialect = connection.dialect.name
        self.workspace_id = workspace_id
        self.settings = settings
        self.now = clock()
        self.events: list[Any] = []
        self.callbacks: list[Callable[[], None]] = []
        _current.workspace_id = workspace_id

    def all(self, statement: Statement, params: Mapping[str, Any] | None = None, **named: Any) -> list[Row]:
        """Every row of a query."""
        values = {**params, **named} if params else named
        if isinstance(statement, Prepared):
            form, cursor = statement.execute(self.connection, values)
            return [form.row(record) for record in cursor.fetchall()]
        result: Any = self.connection.execute(statement, values)
        keys = result.keys()._keys
        # Where no value is converted SQLAlchemy's rows say what the driver's do, and cost more than these dicts.
        plain = statement.is_select and result._metadata._effective_processors is None
        return [dict(zip(keys, row, strict=True)) for row in (result.cursor if plain else result).fetchall()]

    def one(self, statement: Statement, params: Mapping[str, Any] | None = None, **named: Any) -> Row | None:
        """The first row of a query (or of a RETURNING clause), or None."""
        values = {**params, **named} if params else named
        if isinstance(statement, Prepared):
            form, cursor = statement.execute(self.connection, values)
            record = cursor.fetchone()
            cursor.close()
            return None if record is None else form.row(record)
        result = self.connection.execute(statement, values)
        row = result.fetchone()
        found = None if row is None else dict(zip(result.keys()._keys, row, strict=True))
        result.close()
        return found

    def value(self, statement: Statement, params: Mapping[str, Any] | None = None, **named: Any) -> Any:
        """The first column of the first row, or None."""
        row = self.one(statement, params, **named)
        return None if row is None else next(iter(row.values()))

    def column(self, statement: Statement, params: Mapping[str, Any] | None = None, **named: Any) -> list[Any]:
        """The first column of every row."""
        return [next(iter(row.values())) for row in self.all(statement, params, **named)]

    def run(self, statement: Statement, params: Mapping[str, Any] | None = None, **named: Any) -> int:
        """Executes a statement without rows; how many rows it touched (of an UPDATE or DELETE)."""
        values = {**params, **named} if params else named
        if isinstance(statement, Prepared):
            _, cursor = statement.execute(self.connection, values)
            touched: int = cursor.rowcount
            return touched
        count: int = self.connection.execute(statement, values).rowcount
        return count

    def many(self, statement: Statement, rows: Sequence[Mapping[str, Any]] | Iterable[Mapping[str, Any]]) -> None:
        """Executes a statement once for each row; all rows have the same keys."""
        batch = list(rows)
        if not batch:
            return
        if isinstance(statement, Prepared):
            statement.execute_many(self.connection, batch)
        else:
            self.connection.execute(statement, batch)

    def emit(self, event: Any) -> None:
        """Puts an event into the outbox: stored with this unit, announced after its commit."""
        self.events.append(event)

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of the unit that may fail alone: when it raises, what it did and emitted is undone, and that alone."""
        raw: Any = self.connection.connection.driver_connection
        events, callbacks = len(self.events), len(self.callbacks)
        raw.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            del self.events[events:], self.callbacks[callbacks:]
            raw.execute("ROLLBACK TO SAVEPOINT part")
            raw.execute("RELEASE SAVEPOINT part")
            raise
        raw.execute("RELEASE SAVEPOINT part")

    def enter(self, workspace_id: str) -> None:
        """From here on the unit works in this workspace: for a service whose work says where it belongs."""
        self.workspace_id = _current.workspace_id = workspace_id

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Calls the function on the event loop once the unit is committed; never when it is rolled back."""
        self.callbacks.append(callback)
