"""Deletes what nobody wants any longer (`podium/db/retention/rules.py`), and makes partitions ahead of their time."""

from datetime import timedelta

from podium.db.retention.ages import Ages
from podium.db.retention.rules import RULES, Word
from podium.db.retention.sweeping import carry_out, make_partitions
from podium.server.runtime import Runtime


async def delete_old_events(runtime: Runtime) -> None:
    """One round: events, and work on them that nobody did."""
    await _vacuum(runtime, "events")


async def delete_old_runs(runtime: Runtime) -> None:
    """One round: runs that ended long ago."""
    await _vacuum(runtime, "flow_runs")


async def delete_orphans(runtime: Runtime) -> None:
    """One round: log lines and artifacts of runs that do not exist."""
    await _vacuum(runtime, "orphans")


async def delete_leftovers(runtime: Runtime) -> None:
    """One round: what is expired, finished or of somebody who is gone, and log lines that have an age of their own."""
    await _vacuum(runtime, "leftovers")


async def prepare_partitions(runtime: Runtime) -> None:
    """One round: partitions for what comes until the round after the next."""
    soon = timedelta(seconds=3 * runtime.settings.server.services.db_vacuum.loop_seconds)
    await make_partitions(runtime.database, Ages.of(runtime.settings), soon)


async def _vacuum(runtime: Runtime, word: Word) -> None:
    rules = [rule for rule in RULES if rule.word == word]
    most = runtime.settings.server.services.db_vacuum.batch_size
    await carry_out(runtime.database, rules, Ages.of(runtime.settings), most)
