"""Filters of every entity select the rows that the contract says, on both databases."""

import types
import typing
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from podium.db.tables.task_runs import task_runs
from podium.db.unit import Tx
from podium.server.queries import filter_targets as targets
from podium.server.queries.filtering import Place, Target, conditions, own_conditions
from podium.server.queries.generic import new_row
from podium.wire import (
    artifacts,
    automations,
    block_documents,
    block_schemas,
    block_types,
    deployments,
    logs,
    variables,
    workers,
)
from podium.wire import filters as wire
from podium.wire.decoding import decode
from podium.wire.endpoint import Filter
from podium.wire.flow_runs import FlowRunHistoryQuery, FlowRunQuery
from podium.wire.flows import FlowQuery
from podium.wire.task_runs import TaskRunQuery
from tests.server.rows import Rows, at

FILTERS = [
    (targets.FLOWS, wire.FlowFilter),
    (targets.FLOW_RUNS, wire.FlowRunFilter),
    (targets.TASK_RUNS, wire.TaskRunFilter),
    (targets.DEPLOYMENTS, wire.DeploymentFilter),
    (targets.WORK_POOLS, wire.WorkPoolFilter),
    (targets.WORK_QUEUES, wire.WorkQueueFilter),
    (targets.WORKERS, workers.WorkerFilter),
    (targets.LOGS, logs.LogFilter),
    (targets.ARTIFACTS, artifacts.ArtifactFilter),
    (targets.LATEST_ARTIFACTS, artifacts.ArtifactCollectionFilter),
    (targets.VARIABLES, variables.VariableFilter),
    (targets.AUTOMATIONS, automations.AutomationFilter),
    (targets.BLOCK_TYPES, block_types.BlockTypeFilter),
    (targets.BLOCK_SCHEMAS, block_schemas.BlockSchemaFilter),
    (targets.BLOCK_DOCUMENTS, block_documents.BlockDocumentFilter),
]


def _struct_of(annotation: Any) -> type[Filter] | None:
    """The filter a field holds, None for a plain value."""
    options = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    return next((each for each in options if isinstance(each, type) and issubclass(each, Filter)), None)


def _unplaced(place: Any, kind: type[Filter], path: str) -> list[str]:
    missing = []
    for field in msgspec.structs.fields(kind):
        here = f"{path}.{field.name}"
        if field.name == "operator":
            continue
        inner = _struct_of(field.type)
        if isinstance(place, Place):
            missing += [] if field.name in place.operators else [here]
        elif field.name not in place:
            missing.append(here)
        elif inner is not None:
            missing += _unplaced(place[field.name], inner, here)
    return missing


@pytest.mark.parametrize(("target", "kind"), FILTERS, ids=[kind.__name__ for _, kind in FILTERS])
def test_every_key_of_the_wire_has_a_place(target: Target, kind: type[Filter]) -> None:
    """No filter that the wire lets in is unknown to the compiler: it would be an error 500."""
    assert _unplaced(target.fields, kind, kind.__name__) == []


@pytest.mark.parametrize(("target", "kind"), FILTERS, ids=[kind.__name__ for _, kind in FILTERS])
def test_the_compiler_knows_no_other_fields(target: Target, kind: type[Filter]) -> None:
    """What cannot be asked for is not kept."""
    assert set(target.fields) == set(kind.__struct_fields__) - {"operator"}


@pytest.fixture(scope="module")
def names(units: Any) -> Any:
    """Runs of several flows, and a function that tells the names of those a filter selects."""
    rows = Rows(units.write)
    etl = rows.flow("etl", tags=["prod", "daily"])
    ml = rows.flow("ML_train", tags=["prod"])
    rows.flow("idle")
    pool = rows.pool("kubernetes", type="kubernetes")
    queue = rows.queue(pool, "high")
    other = rows.queue(rows.pool("local"), "low")
    nightly = rows.deployment(etl, "nightly", tags=["cron"], work_queue_id=queue, work_queue_name="high", paused=True)
    weekly = rows.deployment(ml, "weekly", work_queue_id=other, work_queue_name="low")
    one = rows.flow_run(
        etl,
        "one",
        "COMPLETED",
        deployment_id=nightly,
        work_queue_id=queue,
        work_queue_name="high",
        tags=["a", "b"],
        start_time=at(10),
        end_time=at(20),
        expected_start_time=at(0),
        flow_version="1",
        idempotency_key="key-1",
        created_by={"id": "0f9d8c7b-0000-4000-8000-000000000001", "type": "SCHEDULE"},
    )
    task = rows.task_run(one, "load", "COMPLETED", start_time=at(11), end_time=at(12), tags=["t"])
    rows.task_run(one, "extract", "FAILED", expected_start_time=at(30))
    rows.flow_run(etl, "two", "SCHEDULED", state_name="Late", tags=["a"], expected_start_time=at(100))
    rows.flow_run(
        ml,
        "THREE",
        "RUNNING",
        deployment_id=weekly,
        work_queue_id=other,
        work_queue_name="low",
        parent_task_run_id=task,
        start_time=at(50),
        expected_start_time=at(40),
    )
    rows.flow_run(ml, "four", "FAILED", expected_start_time=at(5), flow_version="2")
    rows.task_run(None, "background", "SCHEDULED")
    bodies = {"flow_runs": FlowRunQuery, "flows": FlowQuery, "task_runs": TaskRunQuery}
    bodies["deployments"] = deployments.DeploymentQuery
    by_name = {"one": one, "task": task, "nightly": nightly, "etl": etl, "pool": pool}

    def select_names(target: Target, filters: dict[str, Any]) -> list[str]:
        text = msgspec.json.encode(filters).decode()
        for name, row_id in by_name.items():
            text = text.replace(f"<{name}>", row_id)
        where = conditions(target, decode(bodies[target.name], text))
        found: list[str] = units.read(lambda tx: tx.column(select(target.rows.c.name).where(*where)))
        return sorted(found)

    return select_names


ALL = ["THREE", "four", "one", "two"]

FLOW_RUNS = [
    ({}, ALL),
    ({"name": {"any_": ["one", "two"]}}, ["one", "two"]),
    ({"name": {"any_": []}}, []),
    ({"name": {"like_": "o"}}, ["four", "one", "two"]),
    ({"name": {"like_": "thr_e"}}, ["THREE"]),
    ({"name": {"like_": "t%o"}}, ["two"]),
    ({"id": {"any_": ["<one>"]}}, ["one"]),
    ({"id": {"not_any_": ["<one>"]}}, ["THREE", "four", "two"]),
    ({"id": {"not_any_": []}}, ALL),
    ({"id": None}, ALL),
    ({"tags": {"all_": ["a", "b"]}}, ["one"]),
    ({"tags": {"all_": ["a"]}}, ["one", "two"]),
    ({"tags": {"all_": []}}, ALL),
    ({"tags": {"any_": ["b", "z"]}}, ["one"]),
    ({"tags": {"any_": []}}, []),
    ({"tags": {"is_null_": True}}, ["THREE", "four"]),
    ({"tags": {"is_null_": False}}, ["one", "two"]),
    ({"tags": {"all_": ["b"], "is_null_": True, "operator": "or_"}}, ["THREE", "four", "one"]),
    ({"deployment_id": {"any_": ["<nightly>"]}}, ["one"]),
    ({"deployment_id": {"is_null_": True}}, ["four", "two"]),
    ({"deployment_id": {"any_": ["<nightly>"], "is_null_": True, "operator": "or_"}}, ["four", "one", "two"]),
    ({"work_queue_name": {"any_": ["high"]}}, ["one"]),
    ({"work_queue_name": {"is_null_": False}}, ["THREE", "one"]),
    ({"state": {"type": {"any_": ["RUNNING", "FAILED"]}}}, ["THREE", "four"]),
    ({"state": {"type": {"not_any_": ["RUNNING"]}}}, ["four", "one", "two"]),
    ({"state": {"type": {"any_": ["RUNNING", "FAILED"], "not_any_": ["RUNNING"]}}}, ["four"]),
    ({"state": {"name": {"any_": ["Late"]}}}, ["two"]),
    ({"state": {"name": {"any_": ["Late"]}, "type": {"any_": ["FAILED"]}}}, []),
    ({"state": {"name": {"any_": ["Late"]}, "type": {"any_": ["FAILED"]}, "operator": "or_"}}, ["four", "two"]),
    ({"flow_version": {"any_": ["1", "2"]}}, ["four", "one"]),
    ({"start_time": {"before_": at(9).isoformat()}}, ["four"]),
    ({"start_time": {"after_": at(50).isoformat()}}, ["THREE", "two"]),
    ({"start_time": {"is_null_": True}}, ["four", "two"]),
    ({"start_time": {"after_": at(10).isoformat(), "before_": at(50).isoformat()}}, ["THREE", "one"]),
    ({"end_time": {"is_null_": False}}, ["one"]),
    ({"end_time": {"before_": at(20).isoformat()}}, ["one"]),
    ({"expected_start_time": {"after_": at(100).isoformat()}}, ["two"]),
    ({"next_scheduled_start_time": {"before_": at(100).isoformat()}}, []),
    ({"parent_flow_run_id": {"any_": ["<one>"]}}, ["THREE"]),
    ({"parent_task_run_id": {"any_": ["<task>"]}}, ["THREE"]),
    ({"parent_task_run_id": {"is_null_": True}}, ["four", "one", "two"]),
    ({"idempotency_key": {"any_": ["key-1"]}}, ["one"]),
    ({"idempotency_key": {"not_any_": ["key-2"]}}, ["one"]),
    ({"created_by": {"type_": ["SCHEDULE"]}}, ["one"]),
    ({"created_by": {"id_": ["0f9d8c7b-0000-4000-8000-000000000001"]}}, ["one"]),
    ({"created_by": {"is_null_": True}}, ["THREE", "four", "two"]),
    ({"operator": "or_", "name": {"any_": ["one"]}, "flow_version": {"any_": ["2"]}}, ["four", "one"]),
    ({"operator": "or_"}, ALL),
]


@pytest.mark.parametrize(("selection", "expected"), FLOW_RUNS, ids=[str(case[0]) for case in FLOW_RUNS])
def test_flow_runs_are_selected_by_their_own_filter(names: Any, selection: dict[str, Any], expected: list[str]) -> None:
    """Each operator means what the contract says, combined as ``operator`` says."""
    assert names(targets.FLOW_RUNS, {"flow_runs": selection}) == expected


RELATED = [
    (targets.FLOW_RUNS, {"flows": {"name": {"like_": "ml"}}}, ["THREE", "four"]),
    (targets.FLOW_RUNS, {"flows": {"id": {"any_": ["<etl>"]}}}, ["one", "two"]),
    (targets.FLOW_RUNS, {"flows": {"tags": {"all_": ["daily"]}}}, ["one", "two"]),
    (targets.FLOW_RUNS, {"flows": {}}, ALL),
    (targets.FLOW_RUNS, {"deployments": {}}, ["THREE", "one"]),
    (targets.FLOW_RUNS, {"deployments": {"id": {"any_": ["<nightly>"]}}}, ["one"]),
    (targets.FLOW_RUNS, {"deployments": {"tags": {"any_": ["cron"]}}}, ["one"]),
    (targets.FLOW_RUNS, {"deployments": {"paused": {"eq_": False}}}, ["THREE"]),
    (targets.FLOW_RUNS, {"task_runs": {}}, ["one"]),
    (targets.FLOW_RUNS, {"task_runs": {"name": {"any_": ["load"]}}}, ["one"]),
    (targets.FLOW_RUNS, {"task_runs": {"id": {"any_": ["<task>"]}}}, ["one"]),
    (targets.FLOW_RUNS, {"task_runs": {"name": {"any_": ["load"]}, "state": {"type": {"any_": ["FAILED"]}}}}, []),
    (targets.FLOW_RUNS, {"task_runs": {"subflow_runs": {"exists_": True}}}, ["one"]),
    (targets.FLOW_RUNS, {"work_pools": {"type": {"any_": ["kubernetes"]}}}, ["one"]),
    (targets.FLOW_RUNS, {"work_pools": {"id": {"any_": ["<pool>"]}}}, ["one"]),
    (targets.FLOW_RUNS, {"work_pool_queues": {"name": {"startswith_": ["HI", "none"]}}}, ["one"]),
    (
        targets.FLOW_RUNS,
        {"work_pool_queues": {"name": {"any_": ["high"]}}, "work_pools": {"name": {"any_": ["local"]}}},
        [],
    ),
    (targets.FLOW_RUNS, {"flows": {"name": {"any_": ["etl"]}}, "flow_runs": {"tags": {"any_": ["b"]}}}, ["one"]),
    (targets.FLOWS, {}, ["ML_train", "etl", "idle"]),
    (targets.FLOWS, {"flows": {"deployment": {"is_null_": True}}}, ["idle"]),
    (targets.FLOWS, {"flows": {"deployment": {"is_null_": False}}}, ["ML_train", "etl"]),
    (targets.FLOWS, {"flows": {"tags": {"all_": ["prod"]}}}, ["ML_train", "etl"]),
    (targets.FLOWS, {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}, ["ML_train"]),
    (targets.FLOWS, {"flow_runs": {"id": {"any_": ["<one>"]}}}, ["etl"]),
    (targets.FLOWS, {"flow_runs": {"id": {"any_": ["<one>"]}, "name": {"any_": ["two"]}}}, []),
    (targets.FLOWS, {"task_runs": {"state": {"type": {"any_": ["FAILED"]}}}}, ["etl"]),
    (targets.FLOWS, {"flow_runs": {"name": {"any_": ["two"]}}, "task_runs": {"name": {"any_": ["load"]}}}, []),
    (targets.FLOWS, {"deployments": {"name": {"any_": ["weekly"]}}}, ["ML_train"]),
    (targets.FLOWS, {"work_pools": {"name": {"any_": ["kubernetes"]}}}, ["etl"]),
    (targets.TASK_RUNS, {}, ["background", "extract", "load"]),
    (targets.TASK_RUNS, {"task_runs": {"flow_run_id": {}}}, ["extract", "load"]),
    (targets.TASK_RUNS, {"task_runs": {"flow_run_id": {"is_null_": True}}}, ["background"]),
    (targets.TASK_RUNS, {"task_runs": {"flow_run_id": {"any_": ["<one>"], "is_null_": None}}}, ["extract", "load"]),
    (targets.TASK_RUNS, {"task_runs": {"flow_run_id": {"any_": ["<one>"]}}}, ["extract", "load"]),
    (targets.TASK_RUNS, {"task_runs": {"subflow_runs": {"exists_": True}}}, ["load"]),
    (targets.TASK_RUNS, {"task_runs": {"subflow_runs": {"exists_": False}}}, ["background", "extract"]),
    (targets.TASK_RUNS, {"task_runs": {"start_time": {"after_": at(0).isoformat()}}}, ["load"]),
    (targets.TASK_RUNS, {"task_runs": {"start_time": {"is_null_": True}}}, ["background", "extract"]),
    (targets.TASK_RUNS, {"flow_runs": {"name": {"any_": ["one"]}}}, ["extract", "load"]),
    (targets.TASK_RUNS, {"flows": {"name": {"any_": ["etl"]}}}, ["extract", "load"]),
    (targets.TASK_RUNS, {"deployments": {"name": {"any_": ["weekly"]}}}, []),
    (targets.TASK_RUNS, {"flow_runs": {"parent_flow_run_id": {"any_": ["<one>"]}}}, []),
    (targets.DEPLOYMENTS, {}, ["nightly", "weekly"]),
    (targets.DEPLOYMENTS, {"deployments": {"flow_or_deployment_name": {"like_": "TRAIN"}}}, ["weekly"]),
    (targets.DEPLOYMENTS, {"deployments": {"flow_or_deployment_name": {"like_": "night"}}}, ["nightly"]),
    (targets.DEPLOYMENTS, {"deployments": {"concurrency_limit": {"ge_": 5}}}, ["nightly", "weekly"]),
    (targets.DEPLOYMENTS, {"deployments": {"work_queue_name": {"any_": ["low"]}}}, ["weekly"]),
    (targets.DEPLOYMENTS, {"flow_runs": {"name": {"any_": ["one"]}}}, ["nightly"]),
    (targets.DEPLOYMENTS, {"task_runs": {"name": {"any_": ["load"]}}}, ["nightly"]),
    (targets.DEPLOYMENTS, {"flows": {"deployment": {"is_null_": False}, "name": {"any_": ["etl"]}}}, ["nightly"]),
    (targets.DEPLOYMENTS, {"work_pools": {"name": {"any_": ["local"]}}}, ["weekly"]),
]


@pytest.mark.parametrize(
    ("target", "filters", "expected"), RELATED, ids=[f"{case[0].name}-{case[1]}" for case in RELATED]
)
def test_a_filter_on_another_entity_means_that_a_related_row_exists(
    names: Any, target: Target, filters: dict[str, Any], expected: list[str]
) -> None:
    """Filters of all entities hold together; two on one way (run, its task run) mean the same run."""
    assert names(target, filters) == expected


def test_a_history_names_queues_differently() -> None:
    """``work_queues`` of a history is the ``work_pool_queues`` of a list."""
    body = decode(
        FlowRunHistoryQuery,
        b'{"history_start": "2026-01-01T00:00:00Z", "history_end": "2026-01-02T00:00:00Z",'
        b' "history_interval_seconds": 60, "work_queues": {"name": {"any_": ["x"]}}}',
    )
    assert len(conditions(targets.FLOW_RUNS, body)) == 1


def test_no_filter_and_an_empty_one_select_everything() -> None:
    """There is no condition to test, so that a list costs no more than its rows."""
    assert own_conditions(targets.FLOW_RUNS, None) == []
    assert own_conditions(targets.FLOW_RUNS, wire.FlowRunFilter()) == []


def test_ids_of_a_related_row_narrow_the_rows_directly(units: Any) -> None:
    """The runs of a flow are found by the index on their flow, not by looking at every run."""
    body = decode(FlowRunQuery, b'{"flows": {"id": {"any_": ["0f9d8c7b-0000-4000-8000-000000000001"]}}}')
    statement = select(targets.FLOW_RUNS.rows.c.id).where(*conditions(targets.FLOW_RUNS, body))
    assert "flow_runs.flow_id IN" in str(statement)


def test_values_with_quotes_and_wildcards_stay_values(units: Any) -> None:
    """Tags are compared, not spliced into SQL or JSON."""
    odd = ['it\'s "odd"', "100%", "a_b", "ünï", "\\"]

    def unit(tx: Tx) -> list[str]:
        row = new_row(tx, task_runs, {"name": "odd", "task_key": "odd", "dynamic_key": "1", "tags": odd})
        tx.run(task_runs.insert().values(row))
        found = []
        for tag in [*odd, "it's", "%"]:
            selection = wire.TaskRunFilter(tags=wire.AllTags(all_=[tag]))
            if tx.column(select(task_runs.c.id).where(*own_conditions(targets.TASK_RUNS, selection))) == [row["id"]]:
                found.append(tag)
        return found

    assert units.read(unit) == odd
