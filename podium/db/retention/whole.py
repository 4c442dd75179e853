"""Partitions that are past as a whole: dropped, unless something in them must be kept."""

import logging
from datetime import datetime, timedelta

from sqlalchemy import exists, func, insert, literal, select, text

from podium.db.partitions import FAMILIES, Partition, drop, lock, past, siblings
from podium.db.retention.ages import Ages
from podium.db.retention.logs import has_lines_of_live_runs
from podium.db.retention.steps import Step, as_table
from podium.db.tables.events import event_deliveries
from podium.db.tables.logs import logs
from podium.db.tables.tallies import event_tallies, tally_notes
from podium.db.tables.tally_triggers import SLICE
from podium.db.unit import Tx

logger = logging.getLogger("podium.db")

_ROWS = text("SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = to_regclass(:part)")


class PastPartitions:
    """Drops the partitions of a family of tables in which everything is too old."""

    def __init__(self, family: str) -> None:
        self._family = family

    def step(self, tx: Tx, ages: Ages, begin: int | None, most: int) -> Step:
        """Drops the first that can be, after the first ``begin``; rows are told as PostgreSQL last counted them."""
        place = begin or 0
        until = self._until(tx, ages)
        found = past(tx, self._family, until)
        if place >= len(found):
            return Step({}, None)
        partition = found[place]
        if self._is_wanted(tx, partition, ages):
            return Step({}, place + 1)
        names = siblings(tx, self._family, partition)
        lock(tx, names)
        if self._is_wanted(tx, partition, ages):
            return Step({}, place + 1)
        tables = [table.name for table, _ in FAMILIES[self._family]]
        rows = {table: int(tx.value(_ROWS, part=name)) for table, name in zip(tables, names, strict=True)}
        drop(tx, names)
        if self._family == "events":
            _note(tx, partition)
        tx.after_commit(lambda: logger.info("Dropped %s", ", ".join(names)))
        return Step(rows, place)

    def _until(self, tx: Tx, ages: Ages) -> datetime:
        age = ages.events if self._family == "events" else ages.logs
        # Lines that go with their runs leave empty partitions behind; a new one may be empty still.
        return tx.now - (timedelta(days=1) if age is None else age)

    def _is_wanted(self, tx: Tx, partition: Partition, ages: Ages) -> bool:
        if self._family == "logs":
            if ages.logs is not None:
                return has_lines_of_live_runs(tx, partition)
            return tx.value(select(as_table(logs, partition.name).c.id).limit(1)) is not None
        moment = event_deliveries.c.occurred
        waiting = select(exists().where(moment < partition.end))
        if partition.start is not None:
            waiting = select(exists().where(moment < partition.end, moment >= partition.start))
        return bool(tx.value(waiting))

    def count(self, tx: Tx, ages: Ages) -> dict[str, int]:
        """Nothing: its rows are counted with those that go one by one."""
        return {}


def _note(tx: Tx, partition: Partition) -> None:
    """Notes that tallies of a partition's time do not hold any more: no trigger tells of rows dropped as a whole."""
    moment = event_tallies.c.slice
    slices = select(literal("events"), moment, func.txid_current(), func.clock_timestamp()).group_by(moment)
    if partition.start is not None:
        slices = slices.where(moment > partition.start - SLICE)
    if partition.end is not None:
        slices = slices.where(moment < partition.end)
    tx.run(insert(tally_notes).from_select(["runs", "slice", "change", "changed"], slices))
