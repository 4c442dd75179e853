"""Log lines by their age: those whose run is not over stay."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, exists, literal, not_, or_, select, tuple_

from podium.db.partitions import Partition, partitions_of
from podium.db.retention.ages import GRACE, UNFINISHED, Ages
from podium.db.retention.events import ragged, with_rows_after
from podium.db.retention.steps import Step, as_table, count, delete_some, last
from podium.db.tables.flow_runs import flow_runs
from podium.db.tables.logs import logs
from podium.db.tables.task_runs import task_runs
from podium.db.unit import Tx


def is_unfinished(rows: FromClause) -> ColumnElement[bool]:
    """That a run is not over; one without a state has not begun."""
    return or_(rows.c.state_type.in_(UNFINISHED), rows.c.state_type.is_(None))


def of_live_run(rows: FromClause) -> ColumnElement[bool]:
    """That the run a line is of is not over."""
    flow = exists().where(flow_runs.c.id == rows.c.flow_run_id, is_unfinished(flow_runs))
    task = exists().where(task_runs.c.id == rows.c.task_run_id, is_unfinished(task_runs))
    return or_(flow, and_(rows.c.flow_run_id.is_(None), task))


def has_lines_of_live_runs(tx: Tx, partition: Partition) -> bool:
    """Whether a partition has lines of a run that is not over."""
    lines = as_table(logs, partition.name)
    flow = select(flow_runs.c.id).where(is_unfinished(flow_runs), exists().where(lines.c.flow_run_id == flow_runs.c.id))
    task = select(task_runs.c.id).where(
        task_runs.c.flow_run_id.is_(None),
        is_unfinished(task_runs),
        exists().where(lines.c.task_run_id == task_runs.c.id),
    )
    return any(tx.value(each.limit(1)) is not None for each in (flow, task))


class _Lines:
    """Walks the lines of a range of time: those of live runs stay, and are passed by."""

    def range(self, rows: FromClause, tx: Tx, ages: Ages) -> Sequence[ColumnElement[bool]]:
        """Which lines are too old if their run is over."""
        raise NotImplementedError

    def tables(self, tx: Tx, ages: Ages) -> list[str]:
        """The names of the tables to look in."""
        raise NotImplementedError

    def step(self, tx: Tx, ages: Ages, begin: tuple[int, Any] | None, most: int) -> Step:
        place, after = begin or (0, None)
        names = [] if ages.logs is None else self.tables(tx, ages)
        if place >= len(names):
            return Step({}, None)
        rows = as_table(logs, names[place])
        key = (rows.c.timestamp, rows.c.id)
        page = select(*key).where(*self.range(rows, tx, ages)).order_by(*key).limit(most)
        if after is not None:
            page = page.where(tuple_(*key) > tuple_(*_literals(rows, after)))
        found = tx.all(page)
        if not found:
            return Step({}, (place + 1, None))
        first, final = (found[0]["timestamp"], found[0]["id"]), last(found, "timestamp", "id")

        def where(lines: FromClause) -> Sequence[ColumnElement[bool]]:
            keys = tuple_(lines.c.timestamp, lines.c.id)
            within = (keys >= tuple_(*_literals(lines, first)), keys <= tuple_(*_literals(lines, final)))
            return [*within, not_(of_live_run(lines))]

        deleted = tx.run(delete_some(tx, rows, where, lambda lines: [lines.c.timestamp], most))
        return Step({"logs": deleted}, (place, final) if len(found) == most else (place + 1, None))

    def count(self, tx: Tx, ages: Ages) -> dict[str, int]:
        if ages.logs is None:
            return {"logs": 0}
        return {"logs": count(tx, logs, *self.range(logs, tx, ages), not_(of_live_run(logs)))}


class OldLines(_Lines):
    """Lines older than the age: on PostgreSQL those that are in no partition that goes as a whole."""

    def range(self, rows: FromClause, tx: Tx, ages: Ages) -> Sequence[ColumnElement[bool]]:
        assert ages.logs is not None
        return [rows.c.timestamp < tx.now - ages.logs]

    def tables(self, tx: Tx, ages: Ages) -> list[str]:
        assert ages.logs is not None
        return list(ragged(tx, partitions_of(tx, logs), tx.now - ages.logs, ages, "logs"))


class LinesFromTheFuture(_Lines):
    """Lines that claim a time to come, by the time they were stored: else nothing would ever delete them."""

    def range(self, rows: FromClause, tx: Tx, ages: Ages) -> Sequence[ColumnElement[bool]]:
        assert ages.logs is not None
        return [rows.c.timestamp > tx.now + GRACE, rows.c.created < tx.now - ages.logs]

    def tables(self, tx: Tx, ages: Ages) -> list[str]:
        return list(with_rows_after(partitions_of(tx, logs), tx.now + GRACE, "logs"))


def _literals(rows: FromClause, values: tuple[Any, ...]) -> list[ColumnElement[Any]]:
    return [literal(value, rows.c[name].type) for value, name in zip(values, ("timestamp", "id"), strict=True)]
