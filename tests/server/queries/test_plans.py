"""How the databases find what lists, counts and histories ask for, told by their own plans on a filled database."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Engine, create_engine

from bench.large import roll_up_all
from bench.large_calls import Call, calls
from bench.large_data import Scale, fill
from bench.large_sql import Watched
from podium.db.urls import sync_url
from podium.wire.catalogue import ENDPOINTS
from tests.db.catalogue import seen_whole

FLOW_RUNS = 1_000
GROWING = (
    "flow_runs",
    "flow_run_states",
    "task_runs",
    "task_run_states",
    "logs",
    "events",
    "event_resources",
    "artifacts",
    "flow_run_tallies",
    "task_run_tallies",
    "event_tallies",
)
LISTS = re.compile(r"/(filter|paginate|count|history|lateness|counts|count-task-runs|next-runs|graph-v2)$|_states/$")
OF_ONE = ("/flow_runs/{id}/input/filter",)
"""Lists of what one row has: read by its id."""


class Filled(NamedTuple):
    """A database with months of runs."""

    url: str
    scale: Scale


@pytest.fixture(scope="module")
def filled(module_database_url: str) -> Iterator[Filled]:
    scale = Scale.of(FLOW_RUNS)
    fill(module_database_url, scale, lambda words: None)
    asyncio.run(roll_up_all(module_database_url))
    yield Filled(module_database_url, scale)


def test_no_list_count_or_history_reads_a_growing_table_from_end_to_end(filled: Filled) -> None:
    """A list walks an index no further than its page, a count or history reads an index alone, whatever the filter."""
    statements = asyncio.run(_statements(filled))
    engine = create_engine(sync_url(filled.url))
    found = {
        f"{name}\n{statement}": bad
        for name, sent in statements.items()
        for statement, parameters in sent
        if any(table in statement for table in GROWING) and (bad := _full_reads(engine, statement, parameters))
    }
    engine.dispose()
    assert found == {}


async def _statements(filled: Filled) -> dict[str, list[tuple[str, Any]]]:
    async with Watched(filled.url) as podium:
        return {call.name: (await podium.request(call, 3)).statements for call in calls(filled.scale)}


def _full_reads(engine: Engine, statement: str, parameters: Any) -> list[str]:
    """The steps of the statement's plan that read all rows of a growing table."""
    with engine.connect() as connection:
        cursor: Any = connection.connection.cursor()
        if engine.dialect.name == "sqlite":
            plan = [row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            return [step for step in plan if _is_full_on_sqlite(step, statement)]
        # Of a table this small the planner would rather read everything; here it does only where nothing else serves.
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(f"EXPLAIN {statement}", parameters)
        plan = seen_whole(connection, "\n".join(row[0] for row in cursor.fetchall())).splitlines()
        return [step for step in plan if re.search(rf"Seq Scan on ({'|'.join(GROWING)})\b", step)]


def _is_full_on_sqlite(step: str, statement: str) -> bool:
    scan = re.match(r"SCAN (\w+)(?: USING (COVERING )?INDEX)?", step)
    if scan is None:
        return False
    names = {alias: table for table, alias in re.findall(r"(\w+) AS (\w+)", statement)}
    if names.get(scan[1], scan[1]) not in GROWING:
        return False
    stops_early = " LIMIT " in statement and ("USING INDEX" in step or "ORDER BY" not in statement)
    return scan[2] is None and not stops_early


def test_every_list_is_measured(filled: Filled) -> None:
    """What the catalogue lists, counts or draws has a line in the measurement of large databases."""
    measured = [call.path(0).partition("?")[0] for call in calls(filled.scale)]
    wanted = {row.path for row in ENDPOINTS if LISTS.search(row.path) and row.path not in OF_ONE}
    assert {path for path in wanted if not any(_fits(path, each) for each in measured)} == set()


def _fits(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\\{\w+\\}|\{\w+\}", "[^/]+", template), path) is not None


def test_a_plan_that_reads_everything_is_noticed(filled: Filled) -> None:
    """The watch sees a statement that has no index to go by."""
    engine = create_engine(sync_url(filled.url))
    for unindexed in ("flow_runs WHERE flow_version = 'x'", "events WHERE follows IS NOT NULL", "logs WHERE level = 3"):
        assert _full_reads(engine, f"SELECT count(*) FROM {unindexed}", ()) != []
    engine.dispose()


def test_a_call_is_made_as_a_client_makes_it(filled: Filled) -> None:
    """Names of lines tell calls apart."""
    names = [call.name for call in calls(filled.scale)]
    assert len(names) == len(set(names))
    assert isinstance(calls(filled.scale)[0], Call)
