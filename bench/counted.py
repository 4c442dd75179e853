"""`python -m bench.counted FILE server start …`: Podium, with the SQL statements that its drivers are given counted.

Each process writes its counts to FILE.<pid> every second: `{"statements": …, "control": …}`, where control is BEGIN,
COMMIT, ROLLBACK and savepoints; and when it ends, `"texts": {…}` besides, how often each was said. A statement that is
executed for many rows counts once for each.
"""

import atexit
import json
import os
import sqlite3
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA", "SET ", "DEALLOCATE")
WRITE_EVERY = 1.0


class Counts:
    """What the drivers of this process were given so far."""

    def __init__(self, path: Path, left_out: tuple[str, ...] = ()) -> None:
        """``left_out``: beginnings of statements that do not count."""
        self._path = path
        self._left_out = left_out
        self.texts: Counter[str] = Counter()
        self._statements = self._control = 0
        self._lock = threading.Lock()

    def note(self, statement: Any, times: int = 1) -> None:
        """One more execution of a statement."""
        text = statement.decode() if isinstance(statement, bytes) else str(statement)
        short = " ".join(text.split())[:400]
        start = short[:20].upper()
        if self._left_out and start.startswith(self._left_out):
            return
        with self._lock:
            self.texts[short] += times
            if start.startswith(CONTROL):
                self._control += times
            else:
                self._statements += times

    def write(self, texts: bool = False) -> None:
        """Puts the counts into the file of this process; ``texts`` too, which takes a while."""
        with self._lock:
            found: dict[str, Any] = {"statements": self._statements, "control": self._control}
            if texts:
                found["texts"] = self.texts
            content = json.dumps(found)
        target = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        new = target.with_suffix(".new")
        new.write_text(content, "utf-8")
        new.replace(target)

    def start(self) -> None:
        """Begins to write, in this process and in those it forks."""
        threading.Thread(target=self._write_on, daemon=True).start()

    def _write_on(self) -> None:
        while True:
            time.sleep(WRITE_EVERY)
            self.write()


def count_sqlite(counts: Counts) -> None:
    """Has every connection of sqlite3 tell what it runs."""
    connect = sqlite3.connect

    def counted(*args: Any, **options: Any) -> Any:
        connection = connect(*args, **options)
        connection.set_trace_callback(_without_parameters(counts))
        return connection

    driver: Any = sqlite3
    driver.connect = counted


def _without_parameters(counts: Counts) -> Any:
    # The callback gets the statement with its values in it.
    return lambda text: counts.note(text[:120])


def count_postgresql(counts: Counts) -> None:
    """Has every cursor of psycopg tell what it sends."""
    import psycopg

    execute, executemany = psycopg.Cursor.execute, psycopg.Cursor.executemany
    command = psycopg.Connection._exec_command

    def counted(self: Any, query: Any, *args: Any, **options: Any) -> Any:
        counts.note(query)
        return execute(self, query, *args, **options)

    def counted_many(self: Any, query: Any, rows: Any, **options: Any) -> Any:
        listed = list(rows)
        counts.note(query, len(listed))
        return executemany(self, query, listed, **options)

    def counted_command(self: Any, statement: Any, *args: Any, **options: Any) -> Any:
        counts.note(statement)
        return command(self, statement, *args, **options)

    cursor: Any = psycopg.Cursor
    cursor.execute, cursor.executemany = counted, counted_many
    connection: Any = psycopg.Connection
    connection._exec_command = counted_command


def main() -> None:
    """The command line of `podium`, behind the file."""
    counts = Counts(Path(sys.argv.pop(1)))
    count_sqlite(counts)
    count_postgresql(counts)
    counts.start()
    atexit.register(counts.write, texts=True)
    os.register_at_fork(after_in_child=counts.start)
    from podium.cli.app import main as podium

    sys.argv[0] = "podium"
    podium()


if __name__ == "__main__":
    main()
