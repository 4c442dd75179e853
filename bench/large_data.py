"""A large database as months of use leave it: the rows, and the quick ways into PostgreSQL (COPY) and SQLite.

The same ``scale`` makes the same rows but for the clock: ids are counted, choices come from a seeded generator. Runs
are spread over 90 days up to now, most of them over; ids sort by creation, as those of the server do.
"""

import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice, pairwise
from typing import Any

import psycopg

WORKSPACE = "00000000-0000-0000-0000-000000000001"
DAYS = 90
SECOND = 1_000_000
DAY = 86_400 * SECOND
TERMINAL = (
    ("COMPLETED", "Completed", 85),
    ("FAILED", "Failed", 8),
    ("CRASHED", "Crashed", 3),
    ("CANCELLED", "Cancelled", 4),
)
ENDINGS = [(kind, name) for kind, name, weight in TERMINAL for _ in range(weight)]
ADJECTIVES = (
    "amber",
    "brisk",
    "calm",
    "daring",
    "eager",
    "fuzzy",
    "gentle",
    "hasty",
    "ivory",
    "jolly",
    "keen",
    "lucky",
)
NOUNS = ("otter", "falcon", "badger", "lynx", "heron", "tapir", "gecko", "marmot", "ibis", "walrus", "yak", "zebra")
EVENTS = ("Scheduled", "Pending", "Running", "Completed", "Failed", "Late", "Crashed", "Cancelled")

Table = tuple[str, tuple[str, ...], Iterable[tuple[Any, ...]]]


class Moment(int):
    """Microseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How many rows of each kind."""

    flow_runs: int
    now: int

    @classmethod
    def of(cls, flow_runs: int) -> "Scale":
        """For so many flow runs, up to this moment."""
        return cls(flow_runs, round(datetime.now(UTC).timestamp() * SECOND))

    @property
    def flows(self) -> int:
        return max(20, min(1000, self.flow_runs // 100))

    @property
    def pools(self) -> int:
        return max(5, min(50, self.flow_runs // 1000))

    @property
    def scheduled(self) -> int:
        """The last runs are to come."""
        return max(50, self.flow_runs // 200)

    @property
    def active(self) -> int:
        """Those before are pending, running, paused or late."""
        return max(20, self.flow_runs // 1000)

    @property
    def artifact_keys(self) -> int:
        return max(20, self.flow_runs // 500)

    def created(self, number: int) -> int:
        """When flow run ``number`` was created."""
        return self.now - DAYS * DAY + number * (DAYS * DAY // self.flow_runs)


def row_id(kind: int, number: int, moment: int) -> str:
    """An id of version 7: of this moment, kind and number."""
    stamp = f"{moment // 1000:012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7{kind:03x}-8000-{number:012x}"


def flow_id(scale: Scale, number: int) -> str:
    return row_id(1, number, scale.now - DAYS * DAY)


def deployment_id(scale: Scale, number: int) -> str:
    return row_id(2, number, scale.now - DAYS * DAY)


def pool_id(scale: Scale, number: int) -> str:
    return row_id(3, number, scale.now - DAYS * DAY)


def queue_id(scale: Scale, number: int) -> str:
    return row_id(4, number, scale.now - DAYS * DAY)


def flow_run_id(scale: Scale, number: int) -> str:
    return row_id(5, number, scale.created(number))


def task_run_id(scale: Scale, number: int) -> str:
    """Ten task runs for each tenth flow run; the newest finished one has the rest, a hundredth of all."""
    return row_id(6, number, scale.created(task_flow_run(scale, number)))


def task_flow_run(scale: Scale, number: int) -> int:
    """The flow run of a task run."""
    large = large_run(scale)
    return large if number >= scale.flow_runs - tasks_of_large_run(scale) else number // 10 * 10 % large


def large_run(scale: Scale) -> int:
    """The flow run with many task runs and logs."""
    return scale.flow_runs - scale.scheduled - scale.active - 1


def tasks_of_large_run(scale: Scale) -> int:
    return min(1000, scale.flow_runs // 10)


def tables(scale: Scale) -> Iterator[Table]:
    """Every table with its columns and rows, in an order that foreign keys allow."""
    yield from _definitions(scale)
    common = ("id", "workspace_id", "created", "updated")
    state = ("state_id", "state_type", "state_name", "state_timestamp")
    times = (
        "run_count",
        "expected_start_time",
        "next_scheduled_start_time",
        "start_time",
        "end_time",
        "total_run_time",
    )
    yield (
        "flow_runs",
        (*common, "flow_id", "deployment_id", "work_queue_id", "work_queue_name", "name", "parameters", "tags",
         "auto_scheduled", *state, *times),
        _flow_runs(scale),
    )  # fmt: skip
    told = ("type", "name", "message", "state_details", "data")
    yield "flow_run_states", ("id", "workspace_id", "flow_run_id", "timestamp", *told), _flow_run_states(scale)
    yield (
        "task_runs",
        (*common, "flow_run_id", "task_key", "dynamic_key", "name", "task_inputs", "tags", *state, *times),
        _task_runs(scale),
    )
    yield "task_run_states", ("id", "workspace_id", "task_run_id", "timestamp", *told), _task_run_states(scale)
    yield "logs", ("id", "workspace_id", "timestamp", "level", "name", "message", "flow_run_id", "task_run_id",
                   "created"), _logs(scale)  # fmt: skip
    yield "events", ("id", "workspace_id", "occurred", "event", "resource_id", "resource", "related", "payload",
                     "received", "recorded"), _events(scale)  # fmt: skip
    yield "event_resources", ("event_id", "position", "occurred", "workspace_id", "resource_id", "resource_role",
                              "resource"), _event_resources(scale)  # fmt: skip
    yield from _artifacts(scale)


def _definitions(scale: Scale) -> Iterator[Table]:
    made = Moment(scale.now - DAYS * DAY)
    base = (WORKSPACE, made, made)
    columns = ("id", "workspace_id", "created", "updated")
    yield "flows", (*columns, "name", "tags"), (
        (flow_id(scale, n), *base, f"flow-{n:04}-{NOUNS[n % 12]}", f'["team-{n % 20}"]') for n in range(scale.flows)
    )  # fmt: skip
    yield "work_pools", (*columns, "name", "type", "default_queue_id", "status"), (
        (pool_id(scale, n), *base, f"pool-{n:02}", "process", queue_id(scale, n * 4), "READY")
        for n in range(scale.pools)
    )  # fmt: skip
    yield "work_queues", (*columns, "work_pool_id", "name", "priority", "status"), (
        (queue_id(scale, n), *base, pool_id(scale, n // 4), _queue_name(n), n % 4 + 1, "READY")
        for n in range(scale.pools * 4)
    )  # fmt: skip
    yield "deployments", (*columns, "flow_id", "name", "work_queue_id", "work_queue_name", "tags"), (
        (deployment_id(scale, n), *base, flow_id(scale, n // 2), f"deployment-{n:04}",
         queue_id(scale, n % (scale.pools * 4)), _queue_name(n), f'["team-{n % 20}"]')
        for n in range(scale.flows * 2)
    )  # fmt: skip
    schedule = '{"interval": 3600.0, "anchor_date": "2024-01-01T00:00:00Z", "timezone": "UTC"}'
    yield "deployment_schedules", (*columns, "deployment_id", "schedule", "active"), (
        (row_id(7, n, made), *base, deployment_id(scale, n), schedule, True) for n in range(scale.flows * 2)
    )  # fmt: skip
    yield "variables", (*columns, "name", "value", "tags"), (
        (row_id(8, n, made), *base, f"variable_{n:03}", f'"{n}"', f'["team-{n % 20}"]') for n in range(500)
    )  # fmt: skip
    yield "concurrency_limits", (*columns, "tag", "concurrency_limit"), (
        (row_id(9, n, made), *base, f"limit-{n:03}", 10) for n in range(200)
    )  # fmt: skip
    yield "concurrency_limits_v2", (*columns, "name", "limit", "slots_updated"), (
        (row_id(10, n, made), *base, f"limit-{n:03}", 10, made) for n in range(200)
    )  # fmt: skip


def _queue_name(number: int) -> str:
    return ("default", "high", "low", "batch")[number % 4]


def _choose_deployment(scale: Scale, choose: random.Random) -> int:
    """A few deployments have most of the runs."""
    return int(scale.flows * 2 * choose.random() ** 2)


def _tags(number: int, choose: random.Random) -> str:
    return f'["team-{int(40 * choose.random() ** 2)}", "batch-{number // 50}"]' if number % 3 else "[]"


def _flow_run_state(scale: Scale, number: int, choose: random.Random) -> tuple[str, str]:
    """The state flow run ``number`` is in."""
    if number >= scale.flow_runs - scale.scheduled:
        return "SCHEDULED", "Scheduled"
    if number >= scale.flow_runs - scale.scheduled - scale.active:
        return (("RUNNING", "Running"), ("PENDING", "Pending"), ("SCHEDULED", "Late"), ("PAUSED", "Paused"))[number % 4]
    return ENDINGS[int(100 * choose.random())]


def _flow_runs(scale: Scale) -> Iterator[tuple[Any, ...]]:
    choose = random.Random(1)
    for number in range(scale.flow_runs):
        created = scale.created(number)
        kind, name = _flow_run_state(scale, number, choose)
        deployment = _choose_deployment(scale, choose)
        deployed = number % 5 > 0
        expected = created + 2 * SECOND
        if name == "Scheduled":
            expected = scale.now + (number - scale.flow_runs + scale.scheduled + 1) * 10 * SECOND
        delay, took = int(20 * SECOND * choose.random() ** 4), int(600 * SECOND * choose.random() ** 3)
        started = expected + delay if kind not in ("SCHEDULED", "PENDING") else None
        ended = started + took if started and kind not in ("RUNNING", "PAUSED") else None
        yield (
            flow_run_id(scale, number), WORKSPACE, Moment(created), Moment(ended or created),
            flow_id(scale, deployment // 2),
            deployment_id(scale, deployment) if deployed else None,
            queue_id(scale, deployment % (scale.pools * 4)) if deployed else None,
            _queue_name(deployment) if deployed else None,
            f"{ADJECTIVES[number % 12]}-{NOUNS[number // 12 % 12]}-{number:x}",
            '{"day": "2026-01-01", "rows": 1000, "dry_run": false}',
            _tags(number, choose), deployed,
            row_id(11, number * 3 + 2, created), kind, name, Moment(ended or started or created + 2),
            1 if started else 0, Moment(expected), Moment(expected) if kind == "SCHEDULED" else None,
            Moment(started) if started else None, Moment(ended) if ended else None,
            took / SECOND if ended else 0.0,
        )  # fmt: skip


def _flow_run_states(scale: Scale) -> Iterator[tuple[Any, ...]]:
    choose = random.Random(1)
    details = '{"transition_id": "0198f5a0-0000-7000-8000-000000000000", "untrackable_result": false}'
    data = '{"type": "reference", "storage_key": "/results/0198f5a000007000800000000000000", "serializer": {}}'
    for number, run in enumerate(_flow_runs(scale)):
        for place, (kind, name) in enumerate((("PENDING", "Pending"), ("RUNNING", "Running"), (run[13], run[14]))):
            moment = run[2] + place if place < 2 else run[15]
            yield (
                row_id(11, number * 3 + place, run[2]), WORKSPACE, run[0], Moment(moment),
                kind, name, None if choose.random() < 0.9 else "Some message of a state", details,
                data if kind == "COMPLETED" else None,
            )  # fmt: skip


def _task_runs(scale: Scale) -> Iterator[tuple[Any, ...]]:
    choose = random.Random(2)
    for number in range(scale.flow_runs):
        parent = task_flow_run(scale, number)
        created = scale.created(parent) + number % 10 * SECOND
        kind, name = ENDINGS[int(100 * choose.random())]
        started, took = created + SECOND, int(60 * SECOND * choose.random() ** 3)
        inputs = (
            f'{{"x": [{{"input_type": "task_run", "id": "{task_run_id(scale, number - 1)}"}}]}}'
            if number % 10
            else "{}"
        )
        yield (
            task_run_id(scale, number), WORKSPACE, Moment(created), Moment(started + took), flow_run_id(scale, parent),
            f"task_{number % 50}-1a2b3c4d", f"{number}", f"task_{number % 50}-{number:x}", inputs,
            f'["kind-{number % 10}"]' if number % 3 == 0 else "[]",
            row_id(12, number * 2 + 1, created), kind, name, Moment(started + took),
            1, Moment(created), None, Moment(started), Moment(started + took), took / SECOND,
        )  # fmt: skip


def _task_run_states(scale: Scale) -> Iterator[tuple[Any, ...]]:
    for number, run in enumerate(_task_runs(scale)):
        yield row_id(12, number * 2, run[2]), WORKSPACE, run[0], run[17], "RUNNING", "Running", None, "{}", None
        yield row_id(12, number * 2 + 1, run[2]), WORKSPACE, run[0], run[13], run[11], run[12], None, "{}", None


def _logs(scale: Scale) -> Iterator[tuple[Any, ...]]:
    """Twenty lines for each tenth flow run, and ten thousand for the large one."""
    large, lines = large_run(scale), min(10_000, scale.flow_runs)
    for number in range(2 * scale.flow_runs):
        run = large if number < lines else number // 20 * 10 % large
        moment = scale.created(run) + number * 1000 % (20 * SECOND)
        task = task_run_id(scale, run + number % 10) if number % 2 and run != large else None
        level = (20, 20, 20, 20, 20, 20, 10, 10, 30, 40)[number % 10]
        yield (
            row_id(13, number, moment), WORKSPACE, Moment(moment), level,
            "prefect.task_runs" if task else "prefect.flow_runs",
            f"Line {number}: read {number % 977} rows of the table in {number % 13} s", flow_run_id(scale, run), task,
            Moment(moment),
        )  # fmt: skip


def _event(scale: Scale, number: int) -> tuple[str, int, str, str, str, str]:
    """Id, time, name, and the ids of run, flow and deployment of event ``number``."""
    run = number % max(1, scale.flow_runs - scale.scheduled)
    moment = scale.created(run) + 3 * SECOND
    about = number * 7919 % (scale.flows * 2)
    return (
        row_id(14, number, moment), moment, f"prefect.flow-run.{EVENTS[number % 97 % 8 if number % 5 == 0 else 3]}",
        f"prefect.flow-run.{flow_run_id(scale, run)}", f"prefect.flow.{flow_id(scale, about // 2)}",
        f"prefect.deployment.{deployment_id(scale, about)}",
    )  # fmt: skip


def _events(scale: Scale) -> Iterator[tuple[Any, ...]]:
    for number in range(scale.flow_runs):
        event_id, moment, name, run, flow, deployment = _event(scale, number)
        related = (
            f'[{{"prefect.resource.id": "{flow}", "prefect.resource.role": "flow"}}, '
            f'{{"prefect.resource.id": "{deployment}", "prefect.resource.role": "deployment"}}]'
        )
        labels = f'"prefect.resource.name": "run-{number}", "prefect.state-type": "COMPLETED"'
        yield (
            event_id, WORKSPACE, Moment(moment), name, run,
            f'{{"prefect.resource.id": "{run}", {labels}}}', related,
            '{"intended": {"from": "RUNNING", "to": "COMPLETED"}}', Moment(moment), Moment(moment),
        )  # fmt: skip


def _event_resources(scale: Scale) -> Iterator[tuple[Any, ...]]:
    for number in range(scale.flow_runs):
        event_id, moment, _, run, flow, deployment = _event(scale, number)
        labels = f'{{"prefect.resource.name": "run-{number}", "prefect.state-type": "COMPLETED"}}'
        for place, (resource, role) in enumerate(((run, ""), (flow, "flow"), (deployment, "deployment"))):
            yield event_id, place, Moment(moment), WORKSPACE, resource, role, "{}" if place else labels


def _artifacts(scale: Scale) -> Iterator[Table]:
    number_of = scale.flow_runs // 10
    keys = scale.artifact_keys

    def rows() -> Iterator[tuple[Any, ...]]:
        for number in range(number_of):
            moment = Moment(scale.created(number * 10))
            key = f"report-{number // 2 % keys:05}" if number % 2 == 0 else None
            kind = ("markdown", "table")[number // 2 % 2] if key else "result"
            yield (row_id(15, number, moment), WORKSPACE, moment, moment, key, kind, '"# A report\\n\\nof some rows"',
                   flow_run_id(scale, number * 10))  # fmt: skip

    newest = {row[4]: row for row in rows() if row[4] is not None}
    columns = ("id", "workspace_id", "created", "updated", "key")
    yield "artifacts", (*columns, "type", "data", "flow_run_id"), rows()
    yield (
        "artifact_collections",
        (*columns, "latest_id"),
        (
            (row_id(16, place, row[2]), WORKSPACE, row[2], row[2], key, row[0])
            for place, (key, row) in enumerate(newest.items())
        ),
    )


def fill(url: str, scale: Scale, say: Callable[[str], None]) -> None:
    """Fills a migrated, empty database and gathers what its planner wants to know."""
    if url.startswith("sqlite"):
        _fill_sqlite(url.partition(":///")[2], scale, say)
    else:
        _fill_postgresql(url, scale, say)


def _fill_sqlite(path: str, scale: Scale, say: Callable[[str], None]) -> None:
    with sqlite3.connect(path, isolation_level=None) as connection:
        for pragma in ("synchronous = OFF", "foreign_keys = OFF", "cache_size = -400000"):
            connection.execute(f"PRAGMA {pragma}")
        for table, columns, rows in tables(scale):
            say(f"  {table}")
            marks = ", ".join("?" * len(columns))
            names = ", ".join(f'"{name}"' for name in columns)
            connection.execute("BEGIN")
            connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _fill_postgresql(url: str, scale: Scale, say: Callable[[str], None]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off; SET maintenance_work_mem = '512MB'; SET timezone = 'UTC'")
        connection.execute("SET session_replication_role = replica")
        _partition(connection, scale)
        definitions = _indexes(connection)
        for name in definitions:
            connection.execute(f'DROP INDEX "{name}"'.encode())
        for table, columns, rows in tables(scale):
            say(f"  {table}")
            names = ", ".join(f'"{name}"' for name in columns)
            with connection.cursor().copy(f"COPY {table} ({names}) FROM STDIN".encode()) as copy:
                lines = map(_line, rows)
                while block := "".join(islice(lines, 2000)):
                    copy.write(block)
        say("  indexes")
        for definition in definitions.values():
            connection.execute(definition.encode())
        say("  VACUUM ANALYZE")
        connection.execute("VACUUM ANALYZE")


def _partition(connection: psycopg.Connection[Any], scale: Scale) -> None:
    """The partitions that a server would have made: of four weeks each, as where nothing is deleted."""
    starts = [scale.now + place * 28 * DAY for place in range(-4, 2)]
    for number, (start, end) in enumerate(pairwise(starts)):
        for table in ("events", "event_resources", "logs"):
            within = f"FROM ('{_text(Moment(start))}') TO ('{_text(Moment(end))}')"
            connection.execute(f"CREATE TABLE {table}_{number} PARTITION OF {table} FOR VALUES {within}".encode())


def _indexes(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """The indexes that stand for no constraint, by name."""
    found = connection.execute(
        "SELECT indexname, replace(indexdef, ' ON ONLY ', ' ON ') FROM pg_indexes WHERE schemaname = current_schema()"
        " AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        " AND indexname NOT IN (SELECT relname FROM pg_class WHERE relispartition)"
    )
    return dict(found.fetchall())


def _line(row: tuple[Any, ...]) -> str:
    """A row as COPY reads it."""
    return "\t".join(map(_text, row)) + "\n"


def _text(value: Any) -> str:
    if value is None:
        return "\\N"
    if type(value) is Moment:
        return datetime.fromtimestamp(value / SECOND, UTC).isoformat()
    return str(value).replace("\\", "\\\\")
