"""Log lines and artifacts of runs that are not there (any more).

The runs that a table names are walked in the order of their ids, each in one look at an index however many rows it has.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, FromClause, Select, Table, exists, select

from podium.db.partitions import partitions_of
from podium.db.retention.ages import GRACE, Ages
from podium.db.retention.artifacts import delete_artifacts_of
from podium.db.retention.steps import Step, as_table, count, delete_some
from podium.db.tables.artifacts import artifacts
from podium.db.tables.flow_runs import flow_runs
from podium.db.tables.logs import logs
from podium.db.tables.task_runs import task_runs
from podium.db.unit import Tx

FIRST = "00000000-0000-0000-0000-000000000000"


class Orphans:
    """Rows of a table whose run, named by a column, does not exist; those of the last day are left alone."""

    def __init__(self, table: Table, column: str, runs: Table) -> None:
        self._table = table
        self._column = column
        self._runs = runs

    def step(self, tx: Tx, ages: Ages, begin: str | None, most: int) -> Step:
        found = tx.all(self._walk(begin or FIRST, most))
        named = [row["id"] for row in found if row["id"] is not None]
        lost = [row["id"] for row in found if row["id"] is not None and not row["known"]]
        deleted = self._delete(tx, lost, most) if lost else 0
        if deleted >= most:
            return Step({self._table.name: deleted}, begin or FIRST)
        return Step({self._table.name: deleted}, named[-1] if len(found) == most and named else None)

    def count(self, tx: Tx, ages: Ages) -> dict[str, int]:
        total, begin = 0, FIRST
        while found := [row for row in tx.all(self._walk(begin, 500)) if row["id"] is not None]:
            begin = found[-1]["id"]
            lost = [row["id"] for row in found if not row["known"]]
            total += count(tx, self._table, *self._condition(self._table, tx, lost)) if lost else 0
        return {self._table.name: total}

    def _condition(self, rows: FromClause, tx: Tx, lost: Sequence[str]) -> list[ColumnElement[bool]]:
        found = [rows.c[self._column].in_(lost), rows.c.created < tx.now - GRACE]
        # A row of a flow run and of one of its task runs belongs to the flow run.
        return [*found, rows.c.flow_run_id.is_(None)] if self._column == "task_run_id" else found

    def _delete(self, tx: Tx, lost: Sequence[str], most: int) -> int:
        if self._table is artifacts:
            some = select(artifacts.c.id).where(*self._condition(artifacts, tx, lost)).order_by(artifacts.c.id)
            return delete_artifacts_of(tx, artifacts.c.id.in_(tx.column(some.limit(most))))
        deleted = 0
        for name in [each.name for each in partitions_of(tx, logs)] or [logs.name]:
            chosen = delete_some(
                tx,
                as_table(logs, name),
                lambda rows: self._condition(rows, tx, lost),
                lambda rows: [rows.c[self._column]],
                most - deleted,
            )
            deleted += tx.run(chosen)
            if deleted >= most:
                break
        return deleted

    def _walk(self, after: str, most: int) -> Select[tuple[str, bool]]:
        """The next runs that rows name, and whether each exists: a look at the index for each."""
        first, further = self._table.alias("first"), self._table.alias("further")
        begin = select(first.c[self._column]).where(first.c[self._column] > after).order_by(first.c[self._column])
        ids = select(begin.limit(1).scalar_subquery().label("id")).cte("ids", recursive=True)
        step = select(further.c[self._column]).where(further.c[self._column] > ids.c.id)
        step = step.order_by(further.c[self._column]).limit(1)
        ids = ids.union_all(select(step.scalar_subquery()).where(ids.c.id.is_not(None)))
        return select(ids.c.id, exists().where(self._runs.c.id == ids.c.id).label("known")).limit(most)


LOGS_OF_FLOW_RUNS = Orphans(logs, "flow_run_id", flow_runs)
LOGS_OF_TASK_RUNS = Orphans(logs, "task_run_id", task_runs)
ARTIFACTS_OF_FLOW_RUNS = Orphans(artifacts, "flow_run_id", flow_runs)
ARTIFACTS_OF_TASK_RUNS = Orphans(artifacts, "task_run_id", task_runs)
