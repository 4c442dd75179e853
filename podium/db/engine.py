"""The database of a process: runs units of work on SQLite or PostgreSQL (docs/architecture.md, "The database")."""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import sleep
from typing import Any, Concatenate, NoReturn, Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from podium.db.connections import open_engine
from podium.db.errors import DatabaseUnavailable
from podium.db.failures import failure_of
from podium.db.ids import DEFAULT_WORKSPACE_ID
from podium.db.options import Options
from podium.db.unit import DEFAULTS, Clock, Tx, utc_now
from podium.profiles import Settings

logger = logging.getLogger("podium.db")

SHARED_COMMIT = 64
RETRIES = 5
SERIALIZATION_FAILURES = {"40001", "40P01"}

Unit = Callable[Concatenate[Tx, ...], Any]


class Outbox(Protocol):
    """Stores the events of a unit in its transaction, and announces them when they are durable."""

    def store(self, tx: Tx) -> None: ...

    def announce(self, events: Sequence[Any]) -> None: ...


@dataclass(slots=True)
class _Job:
    unit: Unit
    args: tuple[Any, ...]
    workspace_id: str
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    tx: Tx | None = None
    result: Any = None
    error: BaseException | None = None


class Database:
    """One process's way to the database; ``read`` and ``write`` each run one unit of work."""

    def __init__(
        self, url: str, options: Options | None = None, clock: Clock = utc_now, settings: Settings = DEFAULTS
    ) -> None:
        self.options = options or Options()
        self.engine: Engine = open_engine(url, self.options)
        self.dialect = self.engine.dialect.name
        self.clock = clock
        self.settings = settings
        self.outbox: Outbox | None = None
        self._writer = _SqliteWriter(self) if self.dialect == "sqlite" else None
        readers = self.options.readers if self.dialect == "sqlite" else self.options.pool_size
        self._threads = ThreadPoolExecutor(readers, thread_name_prefix="podium-db")
        self._local = threading.local()
        self._connections: list[Connection] = []

    async def write(self, unit: Unit, *args: Any, workspace_id: str = DEFAULT_WORKSPACE_ID) -> Any:
        """Runs ``unit(tx, *args)`` in a transaction and returns its result once that is committed.

        Raises what the unit raises (nothing is stored then), or ``DatabaseUnavailable``.
        """
        loop = asyncio.get_running_loop()
        if self._writer:
            job = _Job(unit, args, workspace_id, loop, loop.create_future())
            self._writer.put(job)
            return await job.future
        tx, result = await loop.run_in_executor(self._threads, self._run_pooled, unit, args, workspace_id)
        self._committed(tx)
        return result

    async def read(self, unit: Unit, *args: Any, workspace_id: str = DEFAULT_WORKSPACE_ID) -> Any:
        """Runs ``unit(tx, *args)`` on one snapshot; whatever it writes is rolled back."""
        loop = asyncio.get_running_loop()
        if self._writer is None:
            run = self._read_pooled
        elif self.options.in_memory:
            return await self.write(unit, *args, workspace_id=workspace_id)
        else:
            run = self._read_sqlite
        return await loop.run_in_executor(self._threads, run, unit, args, workspace_id)

    async def close(self) -> None:
        """Finishes the units that wait and closes every connection."""
        if self._writer:
            await asyncio.to_thread(self._writer.stop)
        await asyncio.to_thread(self._threads.shutdown)
        for connection in self._connections:
            connection.close()
        self.engine.dispose()

    def _connect(self) -> Connection:
        """A connection to SQLite whose transactions are ours: SQLAlchemy takes it to be in one, and ends none."""
        connection = self.engine.connect()
        connection.begin()
        return connection

    def _committed(self, tx: Tx) -> None:
        for callback in tx.callbacks:
            try:
                callback()
            except Exception:
                logger.exception("A step after a commit failed")
        if tx.events and self.outbox:
            self.outbox.announce(tx.events)

    def _perform(self, tx: Tx, unit: Unit, args: tuple[Any, ...]) -> Any:
        result = unit(tx, *args)
        if tx.events and self.outbox:
            self.outbox.store(tx)
        return result

    def _run_pooled(self, unit: Unit, args: tuple[Any, ...], workspace_id: str) -> tuple[Tx, Any]:
        for attempt in range(RETRIES):
            try:
                with self.engine.begin() as connection:
                    tx = Tx(connection, workspace_id, self.clock, self.settings)
                    return tx, self._perform(tx, unit, args)
            except PoolTimeout as error:
                raise DatabaseUnavailable("no database connection came free in time") from error
            except Exception as error:
                if not _may_retry(error) or attempt == RETRIES - 1:
                    _fail(error)
                sleep(0.01 * 2**attempt)
        raise AssertionError("unreachable")

    def _read_pooled(self, unit: Unit, args: tuple[Any, ...], workspace_id: str) -> Any:
        try:
            with self.engine.connect() as connection:
                return unit(Tx(connection, workspace_id, self.clock, self.settings), *args)
        except PoolTimeout as error:
            raise DatabaseUnavailable("no database connection came free in time") from error
        except Exception as error:
            _fail(error)

    def _read_sqlite(self, unit: Unit, args: tuple[Any, ...], workspace_id: str) -> Any:
        try:
            connection = getattr(self._local, "connection", None)
            if connection is None:
                connection = self._local.connection = self._connect()
                self._connections.append(connection)
            raw = connection.connection.driver_connection
            assert raw is not None
            raw.execute("BEGIN")
            try:
                return unit(Tx(connection, workspace_id, self.clock, self.settings), *args)
            finally:
                raw.execute("ROLLBACK")
        except Exception as error:
            _fail(error)


class _SqliteWriter:
    """The only thread that writes to SQLite: units that wait together share one commit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._thread: threading.Thread | None = None
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def put(self, job: _Job) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="podium-writer", daemon=True)
                    self._thread.start()
        self._jobs.put(job)

    def stop(self) -> None:
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()

    def _run(self) -> None:
        running = True
        while running:
            batch: list[_Job] = []
            job = self._jobs.get()
            while job is not None:
                batch.append(job)
                if len(batch) >= SHARED_COMMIT:
                    break
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
            running = job is not None
            if batch:
                self._run_batch(batch)
        if self._connection is not None:
            self._connection.close()

    def _run_batch(self, batch: list[_Job]) -> None:
        try:
            if self._connection is None:
                self._connection = self._database._connect()
            raw = self._connection.connection.driver_connection
            assert raw is not None
            raw.execute("BEGIN IMMEDIATE")
            try:
                for job in batch:
                    self._run_in_savepoint(raw, self._connection, job)
                raw.execute("COMMIT")
            except BaseException:
                if raw.in_transaction:
                    raw.execute("ROLLBACK")
                raise
        except Exception as error:
            failure = failure_of(error)
            for job in batch:
                job.error = failure
        loops = {job.loop for job in batch}
        for loop in loops:
            answered = [job for job in batch if job.loop is loop]
            try:
                loop.call_soon_threadsafe(self._answer, answered)
            except RuntimeError:
                logger.debug("%d units finished after their loop was closed", len(answered))

    def _run_in_savepoint(self, raw: Any, connection: Connection, job: _Job) -> None:
        database = self._database
        raw.execute("SAVEPOINT unit")
        try:
            job.tx = Tx(connection, job.workspace_id, database.clock, database.settings)
            job.result = database._perform(job.tx, job.unit, job.args)
            raw.execute("RELEASE unit")
        except Exception as error:
            job.error = failure_of(error)
            if not raw.in_transaction:
                raise
            raw.execute("ROLLBACK TO unit")
            raw.execute("RELEASE unit")

    def _answer(self, jobs: list[_Job]) -> None:
        for job in jobs:
            if job.error is None and job.tx is not None:
                self._database._committed(job.tx)
            if job.future.cancelled():
                continue
            if job.error is None:
                job.future.set_result(job.result)
            else:
                job.future.set_exception(job.error)


def _may_retry(error: Exception) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None) in SERIALIZATION_FAILURES


def _fail(error: Exception) -> NoReturn:
    failure = failure_of(error)
    if failure is error:
        raise error
    raise failure from error
