"""What notes that a run of the past was changed: triggers, so that no writer can forget it, cascades included.

A run younger than ``YOUNG`` is in no tally, so hot paths pay for one comparison. PostgreSQL compares with the clock, as
what is committed while a roll-up looks could not be compared with its horizon; SQLite, with one writer, with that. A
revision that rebuilds a table of runs on SQLite has to make its triggers again.
"""

from datetime import timedelta

SLICE = timedelta(minutes=30)
YOUNG = timedelta(hours=1)
"""Of whatever a run's age is that is rolled up, PostgreSQL notes changes of those older than this."""

RUNS = {"flow_runs": ("parent_task_run_id",), "task_runs": ()}
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

_SECONDS = int(SLICE.total_seconds())
_YOUNG = f"clock_timestamp() - interval '{int(YOUNG.total_seconds())} seconds'"

NOTE = f"""
CREATE FUNCTION note_change_of_tally() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.expected_start_time < {_YOUNG} THEN
        INSERT INTO tally_notes (runs, slice, change, changed) VALUES (
            TG_TABLE_NAME, date_bin('{_SECONDS} seconds', OLD.expected_start_time, '0001-01-01 00:00:00+00'),
            txid_current(), clock_timestamp()
        ) ON CONFLICT DO NOTHING;
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.expected_start_time < {_YOUNG} THEN
        INSERT INTO tally_notes (runs, slice, change, changed) VALUES (
            TG_TABLE_NAME, date_bin('{_SECONDS} seconds', NEW.expected_start_time, '0001-01-01 00:00:00+00'),
            txid_current(), clock_timestamp()
        ) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$
"""  # noqa: S608 constants


def _postgresql(table: str, columns: tuple[str, ...]) -> list[str]:
    """A trigger for each kind of change; lines tell of tags on this database alone."""
    old, new = f"OLD.expected_start_time < {_YOUNG}", f"NEW.expected_start_time < {_YOUNG}"
    changes = (
        ("insert", "INSERT", new),
        ("update", f"UPDATE OF {', '.join((*COUNTED, *columns, 'tags'))}", f"{old} OR {new}"),
        ("delete", "DELETE", old),
    )
    return [
        f"CREATE TRIGGER note_{kind}_of_tally AFTER {change} ON {table} FOR EACH ROW WHEN ({condition})"
        " EXECUTE FUNCTION note_change_of_tally()"
        for kind, change, condition in changes
    ]


def _sqlite(table: str, columns: tuple[str, ...]) -> list[str]:
    """Likewise; of an update both the old and the new slice."""
    micros = _SECONDS * 1_000_000
    horizon = f"(SELECT horizon FROM tally_horizons WHERE runs = '{table}')"  # noqa: S608 constants

    def note(moment: str) -> str:
        slice_ = f"{moment} - (({moment} % {micros}) + {micros}) % {micros}"
        now = "CAST(strftime('%s', 'now') AS INTEGER) * 1000000"
        return (
            f"INSERT INTO tally_notes (runs, slice, change, changed) SELECT '{table}', {slice_}, 0, {now}"
            f" WHERE {moment} IS NOT NULL ON CONFLICT DO NOTHING"
        )

    old, new = "OLD.expected_start_time", "NEW.expected_start_time"
    earlier = f"min(ifnull({old}, {new}), ifnull({new}, {old}))"
    changes = (
        ("insert", "INSERT", new, note(new)),
        ("update", f"UPDATE OF {', '.join((*COUNTED, *columns))}", earlier, f"{note(old)}; {note(new)}"),
        ("delete", "DELETE", old, note(old)),
    )
    return [
        f"CREATE TRIGGER note_{kind}_of_{table}_tally AFTER {change} ON {table}"
        f" WHEN {moment} < {horizon} BEGIN {notes}; END"
        for kind, change, moment, notes in changes
    ]


CREATE_SQLITE = tuple(statement for table, columns in RUNS.items() for statement in _sqlite(table, columns))
CREATE_POSTGRESQL = (
    NOTE,
    *(statement for table, columns in RUNS.items() for statement in _postgresql(table, columns)),
)
