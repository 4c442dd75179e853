"""What an operator deletes by hand, or looks at before: the same rules as in the background, now."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

from podium.db import commands
from podium.db.connections import open_engine
from podium.db.engine import Database
from podium.db.options import Options
from podium.db.retention.ages import Ages
from podium.db.retention.rules import OLD_LINES, Rule, rules_for
from podium.db.retention.sweeping import carry_out
from podium.db.unit import Tx
from podium.profiles import Settings


class Wanted(NamedTuple):
    """What to delete: by the words of ``server.services.db_vacuum.enabled``, and the ages."""

    words: frozenset[str]
    ages: Ages


class Deletion(NamedTuple):
    """Rows of a table that a rule deletes."""

    rule: str
    table: str
    rows: int


def wanted(settings: Settings, older_than: timedelta | None, states: Collection[str], only: Collection[str]) -> Wanted:
    """What the settings delete, or what is older than an age: runs, events and log lines, but never for longer.

    ``states``: only runs that ended so, and nothing else. ``only``: some of the words.
    """
    ages = replace(Ages.of(settings), exact=True)
    words = settings.server.services.db_vacuum.enabled
    if older_than is not None:
        logs = older_than if ages.logs is None else min(ages.logs, older_than)
        ages = replace(ages, flow_runs=older_than, events=min(ages.events, older_than), logs=logs)
        words = frozenset({"events", "flow_runs", "orphans"})
    if states:
        return Wanted(frozenset({"flow_runs"}), replace(ages, states=frozenset(states)))
    return Wanted(frozenset(only) or words | {"leftovers"}, ages)


def look(url: str, options: Options, settings: Settings, what: Wanted) -> list[Deletion]:
    """What ``prune`` would delete now. Changes nothing."""

    async def work(database: Database) -> list[Deletion]:
        found: list[Deletion] = []
        for rule in _rules(what):
            counted: Mapping[str, int] = await database.read(_count, rule, what.ages)
            if rule.sweep is OLD_LINES:
                counted = {"logs": max(0, counted["logs"] - _lines_of_runs(found, what.ages))}
            found.extend(Deletion(rule.name, table, rows) for table, rows in counted.items())
        return found

    found: list[Deletion] = _run(url, options, settings, work)
    return found


def prune(
    url: str, options: Options, settings: Settings, what: Wanted, told: Callable[[Rule], None] | None = None
) -> list[Deletion]:
    """Deletes in small steps, also while servers run; what was deleted. It may be stopped anywhere, and run again."""
    done: list[Deletion] = []

    def note(rule: Rule, deleted: Mapping[str, int]) -> None:
        done.extend(Deletion(rule.name, table, rows) for table, rows in deleted.items())
        if told:
            told(rule)

    async def work(database: Database) -> None:
        most = settings.server.services.db_vacuum.batch_size
        await carry_out(database, _rules(what), what.ages, most, note)

    _run(url, options, settings, work)
    return done


def rewrite(url: str, options: Options) -> None:
    """Gives the space of what was deleted back to the disk (SQLite), or to other rows (PostgreSQL)."""
    engine = open_engine(url, options)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA auto_vacuum = INCREMENTAL")
            connection.exec_driver_sql("VACUUM" if connection.dialect.name == "sqlite" else "VACUUM (ANALYZE)")
    finally:
        engine.dispose()


def _rules(what: Wanted) -> list[Rule]:
    return [rule for rule in rules_for(frozenset({"events", "flow_runs", "orphans"})) if rule.word in what.words]


def _count(tx: Tx, rule: Rule, ages: Ages) -> dict[str, int]:
    return rule.sweep.count(tx, ages)


def _lines_of_runs(found: list[Deletion], ages: Ages) -> int:
    """How many lines that are too old were counted with their runs: those are not younger than the end of these."""
    counted = sum(each.rows for each in found if each.table == "logs")
    return counted if ages.logs is not None and ages.logs <= ages.flow_runs else 0


def _run(url: str, options: Options, settings: Settings, work: Callable[[Database], Coroutine[Any, Any, Any]]) -> Any:
    commands.ensure_current(url, migrate=False, options=options)

    async def main() -> Any:
        # Counting a large table takes longer than a server's statement may.
        database = Database(url, replace(options, timeout=0.0), settings=settings)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(main())
