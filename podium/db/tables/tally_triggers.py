"""What notes that a run or event of the past was changed: triggers, so that no writer can forget it, cascades included.

A young row is in no tally, so hot paths pay for one comparison. PostgreSQL compares with the clock, as what is
committed while a roll-up looks could not be compared with its horizon; SQLite, with one writer, with that. A revision
that rebuilds a table on SQLite has to make its triggers again.
"""

from dataclasses import dataclass
from datetime import timedelta

SLICE = timedelta(minutes=30)

COUNTED = (
    "workspace_id",
    "expected_start_time",
    "state_type",
    "state_name",
    "state_timestamp",
    "start_time",
    "end_time",
    "total_run_time",
)


@dataclass(frozen=True, slots=True)
class Noted:
    """A table that is tallied: by which time, and the columns that its lines depend on, more of them on PostgreSQL.

    ``young``: of whatever age rows are rolled up, PostgreSQL notes changes of those older than this.
    """

    table: str
    moment: str
    columns: tuple[str, ...]
    on_postgresql: tuple[str, ...]
    function: str
    young: timedelta


FLOW_RUNS = Noted(
    "flow_runs",
    "expected_start_time",
    (*COUNTED, "parent_task_run_id"),
    ("tags",),
    "note_change_of_tally",
    timedelta(hours=1),
)
TASK_RUNS = Noted("task_runs", "expected_start_time", COUNTED, ("tags",), "note_change_of_tally", timedelta(hours=1))
# Unlike a run, an event stays as it came, most often at once.
EVENTS = Noted(
    "events", "occurred", ("workspace_id", "occurred", "event"), (), "note_change_of_events", timedelta(minutes=10)
)
NOTED = (FLOW_RUNS, TASK_RUNS, EVENTS)

_SECONDS = int(SLICE.total_seconds())


def _since(noted: Noted) -> str:
    return f"clock_timestamp() - interval '{int(noted.young.total_seconds())} seconds'"


def _function(noted: Noted, table: str) -> str:
    """What notes the old and the new slice of a row; ``table`` is SQL for the name it is noted under."""

    def note(row: str) -> str:
        return f"""{row}.{noted.moment} < {_since(noted)} THEN
        INSERT INTO tally_notes (runs, slice, change, changed) VALUES (
            {table}, date_bin('{_SECONDS} seconds', {row}.{noted.moment}, '0001-01-01 00:00:00+00'),
            txid_current(), clock_timestamp()
        ) ON CONFLICT DO NOTHING;
    END IF;"""  # noqa: S608 constants

    return f"""
CREATE FUNCTION {noted.function}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND {note("OLD")}
    IF TG_OP <> 'DELETE' AND {note("NEW")}
    RETURN NULL;
END
$$
"""


def _postgresql(noted: Noted) -> list[str]:
    """A trigger for each kind of change."""
    old, new = (f"{row}.{noted.moment} < {_since(noted)}" for row in ("OLD", "NEW"))
    changes = (
        ("insert", "INSERT", new),
        ("update", f"UPDATE OF {', '.join((*noted.columns, *noted.on_postgresql))}", f"{old} OR {new}"),
        ("delete", "DELETE", old),
    )
    return [
        f"CREATE TRIGGER note_{kind}_of_tally AFTER {change} ON {noted.table} FOR EACH ROW WHEN ({condition})"
        f" EXECUTE FUNCTION {noted.function}()"
        for kind, change, condition in changes
    ]


def _sqlite(noted: Noted) -> list[str]:
    """Likewise; of an update both the old and the new slice."""
    table, micros = noted.table, _SECONDS * 1_000_000
    horizon = f"(SELECT horizon FROM tally_horizons WHERE runs = '{table}')"  # noqa: S608 constants

    def note(moment: str) -> str:
        slice_ = f"{moment} - (({moment} % {micros}) + {micros}) % {micros}"
        now = "CAST(strftime('%s', 'now') AS INTEGER) * 1000000"
        return (
            f"INSERT INTO tally_notes (runs, slice, change, changed) SELECT '{table}', {slice_}, 0, {now}"
            f" WHERE {moment} IS NOT NULL ON CONFLICT DO NOTHING"
        )

    old, new = f"OLD.{noted.moment}", f"NEW.{noted.moment}"
    earlier = f"min(ifnull({old}, {new}), ifnull({new}, {old}))"
    changes = (
        ("insert", "INSERT", new, note(new)),
        ("update", f"UPDATE OF {', '.join(noted.columns)}", earlier, f"{note(old)}; {note(new)}"),
        ("delete", "DELETE", old, note(old)),
    )
    return [
        f"CREATE TRIGGER note_{kind}_of_{table}_tally AFTER {change} ON {table}"
        f" WHEN {moment} < {horizon} BEGIN {notes}; END"
        for kind, change, moment, notes in changes
    ]


CREATE_SQLITE = tuple(statement for noted in NOTED for statement in _sqlite(noted))
CREATE_POSTGRESQL = (
    _function(FLOW_RUNS, "TG_TABLE_NAME"),
    # Of an event that would be the name of its partition.
    _function(EVENTS, f"'{EVENTS.table}'"),
    *(statement for noted in NOTED for statement in _postgresql(noted)),
)
