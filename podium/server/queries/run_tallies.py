"""What a tally of runs holds: its lines, and the statement that makes them (docs/architecture.md, "Tallies")."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, bindparam, case, func, insert, literal_column, select

from podium.db.dialect import is_empty_array
from podium.db.prepared import Prepared
from podium.db.tables.flow_runs import START_TIME_OR_EXPECTED, flow_runs
from podium.db.tables.tallies import flow_run_tallies, task_run_tallies
from podium.db.tables.task_runs import task_runs
from podium.db.types import Json, Timestamp
from podium.db.unit import WORKSPACE, Tx
from podium.server.queries.flow_runs import delay_sql, run_time_sql
from podium.server.queries.tallies import END, MOMENT, Tally
from podium.wire.states import TERMINAL

MOST_TAGS = 20
"""How many tags a line counts. A tag for each run, such as an order number, would make it as long as they are."""

# The lists of tags of the runs of a line, to an object with the number of runs that have each tag.
_TAGS = literal_column(
    f"""(SELECT CASE WHEN count(*) <= {MOST_TAGS} THEN coalesce(jsonb_object_agg(counted.tag, counted.runs), '{{}}') END
    FROM (
        SELECT each.tag #>> '{{}}' AS tag, count(DISTINCT lists.run) AS runs
        FROM jsonb_array_elements(grouped.lists) WITH ORDINALITY AS lists(tags, run),
            jsonb_array_elements(lists.tags) AS each(tag)
        WHERE jsonb_typeof(each.tag) = 'string' GROUP BY 1 LIMIT {MOST_TAGS + 1}
    ) AS counted)""",  # noqa: S608 constants
    Json(),
)

CLOSED_AFTER = timedelta(hours=2)
"""How old the end of a slice is when its runs are rolled up: above the age below which no change of a run is noted."""


@dataclass(frozen=True, slots=True, eq=False)
class RunTally(Tally):
    """The tally of a table of runs; ``start`` is what filters of the runs call their start time."""

    start: ColumnElement[datetime]
    kinds: tuple[tuple[Column[bool], ColumnElement[bool]], ...] = ()

    def anew(self, dialect: str) -> Any:
        runs = self.rows.c
        alike: list[tuple[str, ColumnElement[Any]]] = [
            ("workspace_id", runs.workspace_id),
            ("state_type", runs.state_type),
            ("state_name", runs.state_name),
            *((column.name, condition) for column, condition in self.kinds),
            ("started", runs.start_time.is_not(None)),
            ("ended", runs.end_time.is_not(None)),
        ]
        expected, start, end = runs.expected_start_time, self.start, runs.end_time
        summed: list[tuple[str, ColumnElement[Any]]] = [
            ("runs", func.count()),
            *(
                (f"{which}_{name}", function(moment))
                for name, moment in (("expected", expected), ("start", start), ("end", end))
                for which, function in (("first", func.min), ("last", func.max))
            ),
            ("run_time", func.coalesce(func.sum(run_time_sql(self.rows, END)), 0.0)),
            ("running", _number(runs.state_type == "RUNNING", runs.state_timestamp.is_not(None))),
            ("lateness", func.coalesce(func.sum(delay_sql(self.rows, END)), 0.0)),
            ("overdue", _number(runs.start_time.is_(None), runs.state_type.not_in(TERMINAL))),
        ]
        named = [("slice", MOMENT), ("number", func.row_number().over()), *alike, *summed]
        chosen = (
            select(*(part.label(name) for name, part in named))
            .where(expected >= MOMENT, expected < END)
            .group_by(*(part for _, part in alike))
        )
        if dialect == "sqlite":
            return insert(self.lines).from_select([name for name, _ in named], chosen)
        is_list = func.jsonb_typeof(runs.tags) == "array"
        lists = func.jsonb_agg(runs.tags).filter(and_(is_list, ~is_empty_array(runs.tags)))
        lines = chosen.add_columns(lists.label("lists")).subquery("grouped")
        told = select(*(lines.c[name] for name, _ in named), _TAGS.label("tags"))
        return insert(self.lines).from_select([*(name for name, _ in named), "tags"], told)


def _number(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((and_(*conditions), 1), else_=0))


FLOW_RUN_TALLY = RunTally(
    flow_runs,
    flow_runs.c.expected_start_time,
    flow_run_tallies,
    CLOSED_AFTER,
    START_TIME_OR_EXPECTED,
    ((flow_run_tallies.c.has_parent, flow_runs.c.parent_task_run_id.is_not(None)),),
)
TASK_RUN_TALLY = RunTally(
    task_runs, task_runs.c.expected_start_time, task_run_tallies, CLOSED_AFTER, task_runs.c.start_time
)

_UNTOLD = {
    tally: Prepared(
        select(tally.lines.c.number)
        .where(
            tally.lines.c.workspace_id == WORKSPACE,
            tally.lines.c.slice < bindparam("horizon", type_=Timestamp()),
            tally.lines.c.tags.is_(None),
        )
        .limit(1)
    )
    for tally in (FLOW_RUN_TALLY, TASK_RUN_TALLY)
}


def tells_tags(tx: Tx, tally: RunTally, horizon: datetime) -> bool:
    """Whether every line before the horizon counts the tags of its runs."""
    return tx.dialect == "postgresql" and tx.value(_UNTOLD[tally], horizon=horizon) is None
