"""What holds for every table, and that the indexes serve the queries they are for."""

from collections.abc import Iterator
from typing import TypeGuard

import pytest
from sqlalchemy import Connection, Constraint, Engine, Index, Table, UniqueConstraint

from podium.db import commands
from podium.db.connections import open_engine
from podium.db.options import Options
from podium.db.tables import metadata
from tests.db.catalogue import seen_whole
from tests.migrated import migrate

SERVER_WIDE = {
    "workspaces",
    "csrf_tokens",
    "service_heartbeats",
    "api_presence",
    "tally_horizons",
    "tally_notes",
    "automation_generations",
}

# Unique within a row that is of one workspace already, or made by the server so that no two are the same.
UNIQUE_ANYWAY = {
    "uq_flow_run_states_flow_run_id_timestamp",
    "uq_flow_run_inputs_flow_run_id_key",
    "uq_task_runs_flow_run_id_task_key_dynamic_key",
    "uq_task_run_deliveries_task_run_id",
    "uq_automation_actions_id",
    "uq_notification_deliveries_id",
    "uq_webhooks_secret_digest",
}

GROWING = {
    "events": "occurred",
    "event_resources": "occurred",
    "logs": "timestamp",
    "flow_run_states": "timestamp",
    "task_run_states": "timestamp",
}

TABLES = pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)


@TABLES
def test_a_table_belongs_to_a_workspace_or_to_the_server(table: Table) -> None:
    """Every row has its workspace, except those that concern the server as a whole."""
    if table.name in SERVER_WIDE:
        assert "workspace_id" not in table.c
    else:
        assert not table.c.workspace_id.nullable
        assert table.c.workspace_id.server_default is None, "a writer that forgets the workspace must fail"


@TABLES
def test_what_is_unique_is_unique_in_its_workspace(table: Table) -> None:
    """Two workspaces may use the same names."""
    if table.name in SERVER_WIDE:
        return
    unique = [part for part in (*table.constraints, *table.indexes) if _is_unique(part)]
    leading = {str(part.name): next(iter(part.columns)).name for part in unique}
    assert {name for name, column in leading.items() if column != "workspace_id"} <= UNIQUE_ANYWAY


@TABLES
def test_deleting_a_row_finds_those_that_refer_to_it(table: Table) -> None:
    """Each foreign key has an index that starts with its column, so that a delete reads no whole table."""
    keys = [*table.indexes, table.primary_key, *(part for part in table.constraints if _is_unique(part))]
    leading = {next(iter(key.columns)).name for key in keys if key.columns}
    referring = {key.parent.name for key in table.foreign_keys} - {"workspace_id"}
    assert referring - leading == set()


@pytest.mark.parametrize(("name", "time"), GROWING.items())
def test_a_growing_table_can_be_partitioned_by_time(name: str, time: str) -> None:
    """Its time is a part of every unique key, and no other table refers to it."""
    table = metadata.tables[name]
    keys = [table.primary_key, *(part for part in table.constraints if isinstance(part, UniqueConstraint))]
    assert all(time in key.columns for key in keys)
    assert [key for other in metadata.sorted_tables for key in other.foreign_keys if key.column.table is table] == []


@TABLES
def test_names_fit_both_databases(table: Table) -> None:
    """PostgreSQL cuts names at 63 bytes."""
    names = [str(part.name) for part in (*table.constraints, *table.indexes) if part.name]
    assert [name for name in names if len(name) > 63] == []


def _is_unique(part: Constraint | Index) -> TypeGuard[UniqueConstraint | Index]:
    return isinstance(part, UniqueConstraint) or (isinstance(part, Index) and part.unique)


ID = "'00000000-0000-0000-0000-00000000000a'"
RUNS = "SELECT id FROM flow_runs"
TASKS = "SELECT id FROM task_runs"

QUERIES = {
    "pk_flow_runs": f"{RUNS} ORDER BY id DESC LIMIT 200",
    "ix_flow_runs_start_time": f"{RUNS} ORDER BY coalesce(start_time, expected_start_time) DESC LIMIT 200",
    "ix_flow_runs_expected_start_time": f"{RUNS} ORDER BY expected_start_time LIMIT 200",
    "ix_flow_runs_name": f"{RUNS} ORDER BY name LIMIT 200",
    "ix_flow_runs_end_time": f"{RUNS} ORDER BY end_time DESC NULLS LAST LIMIT 200",
    "ix_flow_runs_next_scheduled_start_time": f"{RUNS} ORDER BY next_scheduled_start_time LIMIT 200",
    "ix_flow_runs_flow": f"{RUNS} WHERE flow_id = {ID} ORDER BY expected_start_time DESC",
    "ix_flow_runs_deployment": f"{RUNS} WHERE deployment_id = {ID} ORDER BY expected_start_time DESC",
    "ix_flow_runs_parent_task_run": f"{RUNS} WHERE parent_task_run_id IN ({ID})",
    "ix_flow_runs_work_queue": f"{RUNS} WHERE work_queue_id = {ID} AND state_type IN ('PENDING', 'RUNNING')",
    "ix_flow_runs_state_name": f"{RUNS} WHERE state_name = 'Late' ORDER BY expected_start_time",
    "ix_flow_runs_state_type": f"{RUNS} WHERE state_type = 'CANCELLING' ORDER BY expected_start_time",
    "uq_flow_runs_idempotency_key": f"{RUNS} WHERE workspace_id = {ID} AND idempotency_key = 'k'",
    "ix_flow_runs_scheduled_by_work_queue": (
        f"{RUNS} WHERE state_type = 'SCHEDULED' AND work_queue_id = {ID} ORDER BY next_scheduled_start_time"
    ),
    "ix_flow_runs_scheduled_by_deployment": (
        f"{RUNS} WHERE state_type = 'SCHEDULED' AND deployment_id = {ID} ORDER BY next_scheduled_start_time"
    ),
    "uq_flow_run_states_flow_run_id_timestamp": (
        f"SELECT type FROM flow_run_states WHERE flow_run_id = {ID} ORDER BY timestamp"
    ),
    "pk_flow_run_states": f"SELECT type FROM flow_run_states WHERE id = {ID}",
    "uq_task_runs_flow_run_id_task_key_dynamic_key": f"{TASKS} WHERE flow_run_id = {ID}",
    "uq_task_runs_without_flow_run": (
        f"{TASKS} WHERE workspace_id = {ID} AND flow_run_id IS NULL AND task_key = 't' AND dynamic_key = 'd'"
    ),
    "ix_task_runs_expected_start_time": f"{TASKS} ORDER BY expected_start_time DESC LIMIT 200",
    "ix_task_runs_end_time": f"{TASKS} ORDER BY end_time DESC NULLS LAST LIMIT 200",
    "ix_task_runs_name": f"{TASKS} ORDER BY name LIMIT 200",
    "ix_task_run_states_task_run": f"SELECT type FROM task_run_states WHERE task_run_id = {ID} ORDER BY timestamp",
    "ix_task_run_state_cache_key": (
        f"SELECT id FROM task_run_state_cache WHERE workspace_id = {ID} AND cache_key = 'c' ORDER BY created DESC"
    ),
    "ix_logs_flow_run": f"SELECT message FROM logs WHERE flow_run_id = {ID} ORDER BY timestamp LIMIT 200",
    "ix_logs_task_run": f"SELECT message FROM logs WHERE task_run_id = {ID} ORDER BY timestamp LIMIT 200",
    "pk_logs": "SELECT message FROM logs ORDER BY timestamp DESC, id DESC LIMIT 200",
    "pk_events": f"SELECT event FROM events WHERE id = {ID}",
    "ix_events_occurred": "SELECT event FROM events ORDER BY occurred DESC, id DESC LIMIT 50",
    "ix_events_event": "SELECT id FROM events WHERE event = 'e' ORDER BY occurred DESC LIMIT 50",
    "ix_events_resource": "SELECT event FROM events WHERE resource_id = 'r' ORDER BY occurred DESC LIMIT 50",
    "pk_event_resources": f"SELECT resource_id FROM event_resources WHERE event_id = {ID} ORDER BY position",
    "ix_event_resources_resource": (
        "SELECT event_id FROM event_resources WHERE resource_id = 'r' ORDER BY occurred DESC LIMIT 50"
    ),
    "ix_event_deliveries_consumer": "SELECT event_id FROM event_deliveries WHERE consumer = 'c' ORDER BY position",
    "ix_concurrency_leases_holder": f"SELECT id FROM concurrency_leases WHERE holder_id = {ID}",
    "ix_artifacts_flow_run": f"SELECT id FROM artifacts WHERE flow_run_id = {ID}",
    "ix_artifacts_key": "SELECT id FROM artifacts WHERE key = 'k' ORDER BY created DESC LIMIT 1",
}


@pytest.fixture(scope="module")
def sqlite_engine() -> Iterator[Engine]:
    engine = open_engine("sqlite://", Options())
    with engine.connect() as connection:
        commands.upgrade_connection(connection)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("index", QUERIES)
def test_sqlite_answers_by_index(sqlite_engine: Engine, index: str) -> None:
    """Each index serves the query it is for, without statistics and without sorting."""
    with sqlite_engine.connect() as connection:
        plan = _plan(connection, "EXPLAIN QUERY PLAN", QUERIES[index])
    names = (f"INDEX {index}", "INDEX sqlite_autoindex_") if index[:2] in ("pk", "uq") else (f"INDEX {index}",)
    assert any(name in plan for name in names), plan
    assert "TEMP B-TREE" not in plan


def test_postgresql_answers_by_index(postgres_url: str) -> None:
    """Each index serves the query it is for, without sorting, when reading the whole table is out of the question."""
    migrate(postgres_url)
    engine = open_engine(postgres_url, Options())
    with engine.connect() as connection:
        for way in ("seqscan", "bitmapscan", "sort"):
            connection.exec_driver_sql(f"SET enable_{way} = off")
        plans = {index: seen_whole(connection, _plan(connection, "EXPLAIN", query)) for index, query in QUERIES.items()}
    engine.dispose()
    assert {index: plan for index, plan in plans.items() if index not in plan} == {}


def _plan(connection: Connection, explain: str, query: str) -> str:
    return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {query}"))
