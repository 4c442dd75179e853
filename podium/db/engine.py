"""The database of a process: runs units of work on SQLite or PostgreSQL (docs/architecture.md, "The database")."""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from time import monotonic, sleep
from typing import Any, Concatenate, Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from podium.db.connections import open_engine
from podium.db.errors import DatabaseUnavailable
from podium.db.failures import failure_of
from podium.db.ids import DEFAULT_WORKSPACE_ID
from podium.db.liveness import Liveness
from podium.db.options import Options
from podium.db.unit import DEFAULTS, Clock, Tx, utc_now
from podium.profiles import Settings

logger = logging.getLogger("podium.db")

SHARED_COMMIT = 64
RETRIES = 5
SERIALIZATION_FAILURES = {"40001", "40P01"}

WAIT = 4.0
"""Seconds a unit waits at most for a thread, a connection or a lock; then its caller is told to come back."""

PATIENCE = 1.0
"""Seconds after which PostgreSQL is asked whether it still answers, for a unit that is not done by then."""

IMPATIENCE = 0.75
"""Seconds between that question and the next."""

LOAD = ("units_in_progress", "reads_total", "writes_total", "unavailable_total")
"""What is counted of a process' units of work, by its place in ``Database.load``."""

_IN_PROGRESS, _READS, _WRITES, _UNAVAILABLE = range(len(LOAD))

Unit = Callable[Concatenate[Tx, ...], Any]


class Outbox(Protocol):
    """Stores the events of a unit in its transaction, and announces them when they are durable."""

    def store(self, tx: Tx) -> None: ...

    def announce(self, events: Sequence[Any]) -> None: ...


@dataclass(slots=True)
class _Job:
    """A unit on its way; of starting it and giving it up, whichever comes first excludes the other."""

    unit: Unit
    args: tuple[Any, ...]
    workspace_id: str
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    since: float = field(default_factory=monotonic)
    lock: Any = field(default_factory=threading.Lock)
    started: bool = False
    given_up: bool = False
    raw: Any = None
    tx: Tx | None = None
    result: Any = None
    error: BaseException | None = None

    def start(self) -> bool:
        """Whether the unit may run: somebody still waits for it."""
        with self.lock:
            self.started = not self.given_up
            return self.started

    def give_up(self) -> bool:
        """Whether the unit will not run: it had not started."""
        with self.lock:
            self.given_up = not self.started
            return self.given_up

    def let_go(self) -> None:
        """Its connection is another's from now on."""
        with self.lock:
            self.raw = None

    def fail(self, reason: str) -> None:
        """Answers the caller, who waited long enough."""
        self.future.set_exception(DatabaseUnavailable(reason))


class Database:
    """One process's way to the database; ``read`` and ``write`` each run one unit of work.

    A caller gets an answer or ``DatabaseUnavailable`` within 5 seconds also where the database stopped answering. On
    PostgreSQL a unit may take longer than that as long as the server answers others; on SQLite once it has its turn.
    """

    def __init__(
        self, url: str, options: Options | None = None, clock: Clock = utc_now, settings: Settings = DEFAULTS
    ) -> None:
        self.options = replace(options or Options(), lock_timeout=WAIT)
        self.engine: Engine = open_engine(url, self.options)
        self.dialect = self.engine.dialect.name
        self.clock = clock
        self.settings = settings
        self.outbox: Outbox | None = None
        self.load: list[float] | memoryview[float] = [0.0] * len(LOAD)
        on_sqlite = self.dialect == "sqlite"
        self._writer = _SqliteWriter(self) if on_sqlite else None
        self._liveness = None if on_sqlite else Liveness(self.engine, self.options.tls)
        self._wait = WAIT if on_sqlite else min(WAIT, self.options.pool_timeout)
        readers = self.options.readers if on_sqlite else self.options.pool_size
        self._threads = ThreadPoolExecutor(readers, thread_name_prefix="podium-db")
        self._local = threading.local()
        self._connections: list[Connection] = []
        self._watching: set[asyncio.Task[None]] = set()

    async def write(self, unit: Unit, *args: Any, workspace_id: str = DEFAULT_WORKSPACE_ID) -> Any:
        """Runs ``unit(tx, *args)`` in a transaction and returns its result once that is committed.

        Raises what the unit raises (nothing is stored then), or ``DatabaseUnavailable``: nothing is stored then either,
        but where the connection was lost in the moment of the commit.
        """
        self.load[_WRITES] += 1
        return await self._perform_job(None if self._writer else self._run_pooled, unit, args, workspace_id)

    async def read(self, unit: Unit, *args: Any, workspace_id: str = DEFAULT_WORKSPACE_ID) -> Any:
        """Runs ``unit(tx, *args)`` on one snapshot; whatever it writes is rolled back."""
        self.load[_READS] += 1
        if self._writer is None:
            run: Callable[[_Job], None] | None = self._read_pooled
        else:
            run = None if self.options.in_memory else self._read_sqlite
        return await self._perform_job(run, unit, args, workspace_id)

    @property
    def most_connections(self) -> int:
        """How many connections this process works with at most."""
        return self.options.pool_size if self._writer is None else self.options.readers + 1

    async def close(self) -> None:
        """Finishes the units that wait and closes every connection."""
        if self._writer:
            await asyncio.to_thread(self._writer.stop)
        await asyncio.to_thread(self._threads.shutdown)
        if self._liveness:
            self._liveness.close()
        for connection in self._connections:
            connection.close()
        self.engine.dispose()

    async def _perform_job(
        self, run: Callable[[_Job], None] | None, unit: Unit, args: tuple[Any, ...], workspace_id: str
    ) -> Any:
        """Has a thread run the unit (``run`` None: that of the writer) and waits for it, as long as there is hope."""
        loop = asyncio.get_running_loop()
        job = _Job(unit, args, workspace_id, loop, loop.create_future())
        timer = loop.call_later(PATIENCE if self._liveness else self._wait, self._look_after, job)
        if run is not None:
            self._threads.submit(self._work, run, job)
        elif self._writer:
            self._writer.put(job)
        self.load[_IN_PROGRESS] += 1
        try:
            return await job.future
        except DatabaseUnavailable:
            self.load[_UNAVAILABLE] += 1
            raise
        finally:
            self.load[_IN_PROGRESS] -= 1
            timer.cancel()

    def _look_after(self, job: _Job) -> None:
        """What to do with a unit that is not done yet."""
        if job.future.done():
            return
        if self._liveness is None:
            if job.give_up():
                job.fail("another process holds the lock of the database")
            return
        task = job.loop.create_task(self._ask_for(job, self._liveness))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _ask_for(self, job: _Job, liveness: Liveness) -> None:
        answers = await liveness.ask()
        if job.future.done():
            return
        if not answers:
            if not job.give_up():
                with job.lock:
                    liveness.cut(job.raw)
            job.fail("the database does not answer")
            return
        left = job.since + self._wait - monotonic()
        if left <= 0 and job.give_up():
            job.fail("no database connection came free in time")
            return
        job.loop.call_later(min(IMPATIENCE, left) if left > 0 else IMPATIENCE, self._look_after, job)

    def _work(self, run: Callable[[_Job], None], job: _Job) -> None:
        """The work of a thread of the pool."""
        if job.future.cancelled() or not job.start():
            return
        try:
            run(job)
        except BaseException as error:
            job.error = _explained(error)
        try:
            job.loop.call_soon_threadsafe(self._answer, (job,))
        except RuntimeError:
            logger.debug("A unit finished after its loop was closed")

    def _answer(self, jobs: Sequence[_Job]) -> None:
        for job in jobs:
            if job.error is None and job.tx is not None:
                self._committed(job.tx)
            if job.future.done():
                continue
            if job.error is None:
                job.future.set_result(job.result)
            elif isinstance(job.error, StopIteration):
                job.future.set_exception(RuntimeError("a unit raised StopIteration"))
            else:
                job.future.set_exception(job.error)

    def _connect(self, busy_seconds: float | None = None) -> Connection:
        """A connection to SQLite whose transactions are ours: SQLAlchemy takes it to be in one, and ends none."""
        connection = self.engine.connect()
        connection.begin()
        if busy_seconds is not None:
            _set_patience(connection.connection.driver_connection, busy_seconds)
        return connection

    def _committed(self, tx: Tx) -> None:
        for callback in tx.callbacks:
            try:
                callback()
            except Exception:
                logger.exception("A step after a commit failed")
        if tx.events and self.outbox:
            self.outbox.announce(tx.events)

    def _perform(self, tx: Tx, job: _Job) -> Any:
        result = job.unit(tx, *job.args)
        if tx.events and self.outbox:
            self.outbox.store(tx)
        return result

    def _run_pooled(self, job: _Job) -> None:
        for attempt in range(RETRIES):
            try:
                with self.engine.begin() as connection:
                    job.raw = connection.connection.driver_connection
                    tx = Tx(connection, job.workspace_id, self.clock, self.settings)
                    job.result = self._perform(tx, job)
                job.tx = tx
                return
            except Exception as error:
                if not _may_retry(error) or attempt == RETRIES - 1:
                    raise
                sleep(0.01 * 2**attempt)
            finally:
                job.let_go()

    def _read_pooled(self, job: _Job) -> None:
        try:
            with self.engine.connect() as connection:
                raw: Any = connection.connection.driver_connection
                job.raw = raw
                job.result = job.unit(Tx(connection, job.workspace_id, self.clock, self.settings), *job.args)
                # Past the driver, which would make the server forget every statement that it has prepared.
                raw.pgconn.exec_(b"ROLLBACK")
        finally:
            job.let_go()

    def _read_sqlite(self, job: _Job) -> None:
        usual = min(self.options.timeout or WAIT, WAIT)
        left = job.since + WAIT - monotonic()
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect(usual)
            self._connections.append(connection)
        raw = connection.connection.driver_connection
        assert raw is not None
        if hurried := left < min(usual, WAIT / 2):
            _set_patience(raw, left)
        raw.execute("BEGIN")
        try:
            job.result = job.unit(Tx(connection, job.workspace_id, self.clock, self.settings), *job.args)
        finally:
            raw.execute("ROLLBACK")
            if hurried:
                _set_patience(raw, usual)


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
            waiting = [job for job in batch if not job.given_up]
            if waiting:
                self._run_batch(waiting)
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
                    if job.start():
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
                loop.call_soon_threadsafe(self._database._answer, answered)
            except RuntimeError:
                logger.debug("%d units finished after their loop was closed", len(answered))

    def _run_in_savepoint(self, raw: Any, connection: Connection, job: _Job) -> None:
        database = self._database
        raw.execute("SAVEPOINT unit")
        try:
            job.tx = Tx(connection, job.workspace_id, database.clock, database.settings)
            job.result = database._perform(job.tx, job)
            raw.execute("RELEASE unit")
        except Exception as error:
            job.error = failure_of(error)
            if not raw.in_transaction:
                raise
            raw.execute("ROLLBACK TO unit")
            raw.execute("RELEASE unit")


def _may_retry(error: Exception) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None) in SERIALIZATION_FAILURES


def _explained(error: BaseException) -> BaseException:
    """The error for the caller of a unit."""
    if isinstance(error, PoolTimeout):
        failure: BaseException = DatabaseUnavailable("no database connection came free in time")
    elif isinstance(error, Exception):
        failure = failure_of(error)
    else:
        return error
    if failure is not error:
        failure.__cause__ = error
    return failure


def _set_patience(raw: Any, seconds: float) -> None:
    """How long SQLite waits for a lock that another process holds."""
    raw.execute(f"PRAGMA busy_timeout = {max(0, round(seconds * 1000))}")
